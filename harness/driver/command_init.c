/* midflight init: a target file and a scenario for a server of the user's own, from what the options say, or asked for.
 */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "driver/cli.h"
#include "driver/folder.h"
#include "scenario/scenario.h"
#include "wire/codec.h"

#define ANSWER_BYTES 1024
#define WORDS_MAX    64
#define DUMP_FLAGS   (JSON_INDENT(2) | JSON_ENSURE_ASCII)

enum { START, ADDRESS, PROTOCOL, WITNESS, TRIGGER, NAME, ANSWERS };

static const struct mf_option options[] = {
    [START] = {"start", "WORDS",
               "the program and its arguments; {port}, {dir} and {n} stand for a free port, the run's "
               "folder, the version"},
    [ADDRESS] = {"address", "ENDPOINT", "where it listens; default tcp:127.0.0.1:{port}"},
    [PROTOCOL] = {"protocol", "CODEC", "what it speaks: `midflight list codecs`; default http1"},
    [WITNESS] = {"witness", "HEADER", "http1: the response header with the version's number; default X-Version"},
    [TRIGGER] = {"trigger", "SIGNAL|WORDS",
                 "what makes it take the new version: a signal to it, or a program that is run; "
                 "default HUP"},
    [NAME] = {"name", "NAME", "what to call it; default server"},
    [ANSWERS] = {0},
};
static const char *const questions[ANSWERS] = {
    [START] = "How is it started? (program and arguments, one line)",
    [ADDRESS] = "Where does it listen?",
    [PROTOCOL] = "What does it speak?",
    [WITNESS] = "Which response header has the number of the version?",
    [TRIGGER] = "What makes it take the new version? (a signal's name, or a program)",
    [NAME] = "What is it called?",
};
static const char *const defaults[ANSWERS] = {
    [ADDRESS] = "tcp:127.0.0.1:{port}",
    [PROTOCOL] = "http1",
    [WITNESS] = "X-Version",
    [TRIGGER] = "HUP",
    [NAME] = "server",
};

struct init {
    char folder[PATH_MAX];
    char answer[ANSWERS][ANSWER_BYTES]; /* "": not given */
};

/* --- answers ------------------------------------------------------------------------------------------------------ */

/* From the terminal; an empty line is the default. */
static int answer_ask(struct init *in, int i, struct mf_error *err)
{
    fprintf(stderr, "%s%s%s%s ", questions[i], defaults[i] ? " [" : "", defaults[i] ? defaults[i] : "",
            defaults[i] ? "]" : "");
    if (!fgets(in->answer[i], ANSWER_BYTES, stdin))
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "init: no answer to: %s", questions[i]);
    in->answer[i][strcspn(in->answer[i], "\n")] = 0;
    return 0;
}

static int answers_complete(struct init *in, struct mf_error *err)
{
    bool asks = isatty(STDIN_FILENO) && !in->answer[START][0];
    for (int i = 0; i < ANSWERS; i++) {
        bool of_http = i != WITNESS || strcmp(in->answer[PROTOCOL], "http1") == 0;
        if (!in->answer[i][0] && asks && of_http && answer_ask(in, i, err) != 0)
            return -1;
        if (!in->answer[i][0] && defaults[i])
            snprintf(in->answer[i], ANSWER_BYTES, "%s", defaults[i]);
    }
    if (!in->answer[START][0])
        return mf_error_set(
            err, MF_STATUS_USAGE, NULL,
            "init: --start is missing: how is the server started? midflight help init lists the options");
    if (!mf_codec_find(in->answer[PROTOCOL]))
        return mf_error_set(err, MF_STATUS_USAGE, NULL,
                            "init --protocol %s: no such codec; midflight list codecs prints them",
                            in->answer[PROTOCOL]);
    return 0;
}

/* --- words -------------------------------------------------------------------------------------------------------- */

/* The next word of *rest, cut at blanks; quotes keep blanks together. Nothing else is special: no shell is meant. NULL:
 * no more. */
static char *word_next(char **rest)
{
    char *at = *rest + strspn(*rest, " \t"), *word = at, *out = at, quote = 0;
    if (!*at)
        return NULL;
    for (; *at && (quote || !isblank((unsigned char)*at)); at++) {
        if (quote ? *at == quote : *at == '"' || *at == '\'')
            quote = quote ? 0 : *at;
        else
            *out++ = *at;
    }
    *rest = *at ? at + 1 : at;
    *out = 0;
    return word;
}

/* A file of the current folder is written with its whole path, since the server runs in another one. */
static json_t *word_json(const char *word)
{
    char path[PATH_MAX];
    bool plain = word[0] != '/' && word[0] != '-' && !strchr(word, '{') && access(word, F_OK) == 0;
    return json_string(plain && realpath(word, path) ? path : word);
}

static json_t *words_json(const char *text)
{
    char copy[ANSWER_BYTES], *rest = copy;
    json_t *words = json_array();
    snprintf(copy, sizeof copy, "%s", text);
    for (char *word; (word = word_next(&rest)) && json_array_size(words) < WORDS_MAX;) {
        bool is_program = json_array_size(words) == 0 && !strchr(word, '/');
        json_array_append_new(words, is_program ? json_string(word) : word_json(word));
    }
    return words;
}

static bool is_signal(const char *text)
{
    const char *name = strncmp(text, "SIG", 3) == 0 ? text + 3 : text;
    for (int i = 1; i < 32; i++)
        if (sigabbrev_np(i) && strcmp(sigabbrev_np(i), name) == 0)
            return true;
    return false;
}

/* --- the two files ------------------------------------------------------------------------------------------------ */

static json_t *load_json(const struct init *in)
{
    if (strcmp(in->answer[PROTOCOL], "http1") != 0)
        return json_pack("{s:s}", "codec", in->answer[PROTOCOL]);
    return json_pack("{s:s, s:{s:{s:s}}}", "codec", "http1", "http", "version", "header", in->answer[WITNESS]);
}

static json_t *target_json(const struct init *in)
{
    json_t *start = words_json(in->answer[START]);
    const char *program = json_string_value(json_array_get(start, 0));
    json_t *needs = program && !strchr(program, '{') ? json_pack("[{s:s}]", "program", program) : json_array();
    json_t *trigger = is_signal(in->answer[TRIGGER]) ? json_pack("{s:s}", "signal", in->answer[TRIGGER])
                                                     : json_pack("{s:o}", "run", words_json(in->answer[TRIGGER]));
    json_t *command = json_pack(
        "{s:o, s:{s:[s]}, s:o, s:s, s:{s:b}, s:[{s:s, s:[s]}, o], s:{s:b, s:i}, s:[{s:s}]}", "needs", needs, "files",
        "version", "{n}", "start", start, "endpoint", in->answer[ADDRESS], "ready", "connect", 1, "upgrade", "write",
        "version", "text", "{n}", trigger, "complete", "witness", 1, "old_silent_ms", 50, "stop", "signal", "TERM");
    return json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", in->answer[NAME], "description",
                     "written by midflight init; README.md beside it says what to change", "comment",
                     "the server reads its version's number from the file `version` in its folder, and answers with it",
                     "load", load_json(in), "command", command);
}

static json_t *scenario_json(const struct init *in)
{
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:{s:i, s:i, s:i}, s:[{s:i, s:i}], s:{s:i, s:s}, s:i}", "schema", "midflight.scenario/1",
        "name", in->answer[NAME], "comment",
        "8 upgrades under 1000 pings/s on 8 connections; nothing may be lost, and the new code must answer", "target",
        "target.json", "load", "connections", 8, "rate_per_s", 1000, "duration_ms", 4500, "upgrades", "every_ms", 500,
        "count", 8, "expect", "lost", 0, "questions.code", "yes", "seed", 1);
}

static const char readme[] =
    "# A server under midflight\n"
    "\n"
    "    midflight check scenario.json    # is it right?\n"
    "    midflight run scenario.json      # what do its upgrades do to the messages in flight?\n"
    "\n"
    "`target.json` says how the server is driven; `scenario.json` says what is asked of it. All keys are in "
    "midflight's\n"
    "scenarios/README.md, \"Command targets\". What to look at first in target.json:\n"
    "\n"
    "- `start`: runs in a folder of the run's own, `{dir}`, with its output in the result folder's target.log. Files "
    "of yours are\n"
    "  named by their whole path, or copied: `\"files\": { \"my.conf\": { \"copy\": \"my.conf\" } }`.\n"
    "- `endpoint`: `{port}` is a free port, chosen anew for each run. The server must be told it: in `start`, or in a "
    "file.\n"
    "- `files`, and `write` in `upgrade`: put version `{n}` in place (1, 2, 3 ...). Here that is a number in the file "
    "`version`. Where\n"
    "  the code itself is what changes: `{\"copy\": \"app.py\", \"from\": \"{here}/app-{n}.py\"}`, `{\"link\": ...}`, "
    "`{\"run\": [...]}`.\n"
    "- `upgrade`: its last step is the trigger.\n"
    "- `complete`: `witness`: an answer of version `{n}` has come; `old_silent_ms`: none of another version for so "
    "long.\n"
    "- `failed`: add one where the server says that it refuses a version: `{\"log\": \"output\", \"text\": "
    "\"error\"}`.\n"
    "- `load`: what it speaks. The answers must carry the version's number: `PONG <stream> <seq> <process> <version> - "
    "-` with\n"
    "  codec `line`; with `http1` a response header or a place in the body.\n"
    "\n"
    "When something does not go as planned, steps.log and target.log in the result folder (cells/all/run-1/) have what "
    "was done and\n"
    "what was printed.\n";

static int text_write(const struct init *in, const char *name, const char *text, struct mf_error *err)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/%s", in->folder, name);
    FILE *file = fopen(path, "we");
    bool bad = !file || fputs(text, file) < 0;
    bad |= file && fclose(file) != 0;
    return bad ? mf_error_errno(err, MF_STATUS_INTERNAL, path, "cannot be written") : 0;
}

static int json_write(const struct init *in, const char *name, json_t *json, struct mf_error *err)
{
    char *dumped = json ? json_dumps(json, DUMP_FLAGS) : NULL, *text = NULL;
    json_decref(json);
    if (!dumped || asprintf(&text, "%s\n", dumped) < 0) {
        free(dumped);
        return mf_error_set(err, MF_STATUS_INTERNAL, name, "no memory for it");
    }
    int bad = text_write(in, name, text, err);
    free(text);
    free(dumped);
    return bad;
}

/* What was written must be right: else it was an answer that was not. */
static int result_check(const struct init *in, struct mf_error *err)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/scenario.json", in->folder);
    struct mf_scenario *s = mf_scenario_load(path, NULL, err);
    mf_scenario_free(s);
    return s ? 0 : -1;
}

static int init_run(const struct mf_command *command, int argc, char **argv, enum mf_status *status,
                    struct mf_error *err)
{
    static struct init in;
    struct mf_words words = {.command = command, .argc = argc, .at = 1, .argv = argv};
    struct mf_word word;
    const char *folder = NULL;
    int more;
    while ((more = mf_words_next(&words, &word, err)) > 0) {
        if (word.option && strlen(word.value) >= ANSWER_BYTES)
            return mf_error_set(err, MF_STATUS_USAGE, NULL, "init --%s: is too long", word.option->name);
        if (word.option)
            snprintf(in.answer[word.option - options], ANSWER_BYTES, "%s", word.value);
        else if (folder)
            return mf_error_set(err, MF_STATUS_USAGE, NULL, "init %s: one folder only", word.value);
        else
            folder = word.value;
    }
    if (more < 0)
        return -1;
    if (!folder)
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "init: a folder is missing: midflight init DIR");
    if (answers_complete(&in, err) != 0 || mf_folder_open(folder, in.folder, err) != 0 ||
        json_write(&in, "target.json", target_json(&in), err) != 0 ||
        json_write(&in, "scenario.json", scenario_json(&in), err) != 0 ||
        text_write(&in, "README.md", readme, err) != 0 || result_check(&in, err) != 0)
        return -1;
    printf("%s: target.json, scenario.json, README.md\nnext: midflight run %s/scenario.json\n", in.folder, folder);
    *status = MF_STATUS_PASS;
    return 0;
}

const struct mf_command mf_command_init = {.name = "init",
                                           .arguments = "DIR [OPTION]...",
                                           .summary = "a target file and a scenario for a server of your own",
                                           .options = options,
                                           .run = init_run};
