/* The steps and conditions of a command target: one table of keys per verb. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/command_parts.h"
#include "scenario/template.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define MS_MAX       600000
#define SHOWN_BYTES  80

const char *const mf_step_keys[MF_STEP_COUNT] = {
#define MF_STEP(id, key, text) key,
#include "scenario/steps.def"
#undef MF_STEP
};
const char *const mf_step_texts[MF_STEP_COUNT] = {
#define MF_STEP(id, key, text) text,
#include "scenario/steps.def"
#undef MF_STEP
};
static const char *const placeholder_names[] = {
#define MF_PLACEHOLDER(id, name, text) name,
#include "scenario/placeholders.def"
#undef MF_PLACEHOLDER
};

#define ROW_WITHIN                                                                                                     \
    {                                                                                                                  \
        "within_ms", MF_FIELD_NUMBER, false, MF_MEMBER(mf_step, within_ms), 1, MS_MAX,                                 \
            .text = "the step's own deadline; default: that of all the steps it stands among"                          \
    }

static const struct mf_field run_rows[] = {
    {"run", MF_FIELD_PART, true, .text = "an array: the program and its arguments"},
    {"status", MF_FIELD_INTEGER, false, MF_MEMBER(mf_step, status), 0, 255, "0",
     .text = "the exit status that is wanted"},
    ROW_WITHIN,
};
static const struct mf_field spawn_rows[] = {
    {"spawn", MF_FIELD_PART, true, .text = "an array: the program and its arguments"},
};
static const struct mf_field write_rows[] = {
    {"write", MF_FIELD_TEXT, true, MF_MEMBER(mf_step, what), .text = "the file's name in {dir}"},
    {"text", MF_FIELD_PART, true, .text = "a text, or an array of lines"},
};
static const struct mf_field copy_rows[] = {
    {"copy", MF_FIELD_TEXT, true, MF_MEMBER(mf_step, what), .text = "the new file's name in {dir}"},
    {"from", MF_FIELD_TEXT, true, MF_MEMBER(mf_step, from), .text = "the file that is copied"},
};
static const struct mf_field link_rows[] = {
    {"link", MF_FIELD_TEXT, true, MF_MEMBER(mf_step, what), .text = "the link's name in {dir}"},
    {"to", MF_FIELD_TEXT, true, MF_MEMBER(mf_step, from), .text = "what it leads to"},
};
static const struct mf_field signal_rows[] = {
    {"signal", MF_FIELD_TEXT, true, MF_MEMBER(mf_step, what), .text = "HUP, USR2 ..."},
    {"pid_file", MF_FIELD_TEXT, false, MF_MEMBER(mf_step, pid_file), .text = "a file with the number of the process"},
};
static const struct mf_field send_rows[] = {
    {"send", MF_FIELD_TEXT, true, MF_MEMBER(mf_step, what), .text = "where to: tcp:127.0.0.1:PORT or unix:PATH"},
    {"text", MF_FIELD_TEXT, true, MF_MEMBER(mf_step, text), .text = "what is sent"},
    {"expect", MF_FIELD_TEXT, false, MF_MEMBER(mf_step, expect), .text = "what must stand in the answer"},
    {"trigger", MF_FIELD_FLAG, false, MF_MEMBER(mf_step, trigger), .fallback = "false",
     .text = "the answer names the ping that set the upgrade off, in a line: trigger STREAM SEQ PROCESS"},
    ROW_WITHIN,
};
static const struct mf_field wait_rows[] = {
    {"wait", MF_FIELD_PART, true, .text = "a condition"},
    ROW_WITHIN,
};
static const struct mf_field ping_rows[] = {
    {"ping", MF_FIELD_TEXT, true, MF_MEMBER(mf_step, what), .text = "what the load sends, as it is"},
    {"expect", MF_FIELD_TEXT, false, MF_MEMBER(mf_step, expect), .text = "how its answer begins"},
};
const struct mf_field_table mf_step_fields[MF_STEP_COUNT] = {
    [MF_STEP_RUN] = {run_rows, COUNT(run_rows)},       [MF_STEP_SPAWN] = {spawn_rows, COUNT(spawn_rows)},
    [MF_STEP_WRITE] = {write_rows, COUNT(write_rows)}, [MF_STEP_COPY] = {copy_rows, COUNT(copy_rows)},
    [MF_STEP_LINK] = {link_rows, COUNT(link_rows)},    [MF_STEP_SIGNAL] = {signal_rows, COUNT(signal_rows)},
    [MF_STEP_SEND] = {send_rows, COUNT(send_rows)},    [MF_STEP_WAIT] = {wait_rows, COUNT(wait_rows)},
    [MF_STEP_PING] = {ping_rows, COUNT(ping_rows)},
};

static const struct mf_field condition_rows[] = {
    {"connect", MF_FIELD_PART, .text = "true: the endpoint takes connections; a text: another one does"},
    {"witness", MF_FIELD_FLAG, false, MF_MEMBER(mf_condition, witness),
     .text = "the load has seen an answer of the version that was put in place"},
    {"old_silent_ms", MF_FIELD_NUMBER, false, MF_MEMBER(mf_condition, old_silent_ms), 1, MS_MAX,
     .text = "for so long no answer of another version than that has come"},
    {"gone", MF_FIELD_TEXT, false, MF_MEMBER(mf_condition, gone),
     .text = "old: the OS processes that the target had at the request, but for the started one; all: with it; else a "
             "pid file, whose process at the request it is"},
    {"file", MF_FIELD_TEXT, false, MF_MEMBER(mf_condition, file), .text = "a file: text stands in it"},
    {"log", MF_FIELD_TEXT, false, MF_MEMBER(mf_condition, log),
     .text = "a file: text stands in what was written to it since; output: what the target itself prints"},
    {"run", MF_FIELD_PART, .text = "an array: a program that is run again and again, until its exit status is 0"},
    {"text", MF_FIELD_TEXT, false, MF_MEMBER(mf_condition, text), .text = "of file, log or run: what must stand there"},
};
const struct mf_field_table mf_condition_fields = {condition_rows, COUNT(condition_rows)};

/* --- texts -------------------------------------------------------------------------------------------------------- */

int mf_template_check(const struct mf_reader *r, const char *path, const char *text)
{
    char name[64], joined[256];
    for (const char *rest = text;;) {
        struct mf_template_part part = mf_template_next(&rest);
        if (part.kind == MF_TEMPLATE_END)
            return 0;
        if (part.kind != MF_TEMPLATE_UNKNOWN)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)part.bytes, part.text);
        const char *near = mf_nearest(name, placeholder_names, COUNT(placeholder_names));
        return mf_reader_fail(r, path, "has {%s}; %s%s%sallowed: %s in braces; a brace itself is {{", name,
                              near ? "did you mean {" : "", near ? near : "", near ? "}? " : "",
                              mf_names_join(joined, sizeof joined, placeholder_names, COUNT(placeholder_names)));
    }
}

int mf_argv_read(const struct mf_reader *r, const char *path, const json_t *words, struct mf_argv *out)
{
    char shown[SHOWN_BYTES], place[MF_KEY_PATH_BYTES];
    size_t n = json_array_size(words);
    if (!json_is_array(words) || n < 1 || n > MF_ARGV_MAX)
        return mf_reader_fail(r, path, "is %s; allowed: an array of 1 to %d words, the program first",
                              mf_json_show(shown, sizeof shown, words), MF_ARGV_MAX);
    out->word = mf_arena_alloc(r->arena, n + 1, sizeof *out->word);
    if (!out->word)
        return mf_reader_no_memory(r);
    for (size_t i = 0; i < n; i++) {
        const json_t *word = json_array_get(words, i);
        snprintf(place, sizeof place, "%.300s[%zu]", path, i);
        if (!json_is_string(word) || (i == 0 && !json_string_value(word)[0]))
            return mf_reader_fail(r, place, "is %s; allowed: a text", mf_json_show(shown, sizeof shown, word));
        if (mf_template_check(r, place, json_string_value(word)) != 0)
            return -1;
        if (!(out->word[i] = mf_arena_text(r->arena, json_string_value(word))))
            return mf_reader_no_memory(r);
    }
    out->count = (uint32_t)n;
    return 0;
}

int mf_lines_read(const struct mf_reader *r, const char *path, const json_t *lines, const char **out)
{
    char shown[SHOWN_BYTES];
    size_t bytes = 1, used = 0;
    if (json_is_string(lines)) {
        *out = mf_arena_text(r->arena, json_string_value(lines));
        return *out ? mf_template_check(r, path, *out) : mf_reader_no_memory(r);
    }
    bool good = json_is_array(lines);
    for (size_t i = 0; good && i < json_array_size(lines); i++) {
        good = json_is_string(json_array_get(lines, i));
        bytes += json_string_length(json_array_get(lines, i)) + 1;
    }
    if (!good)
        return mf_reader_fail(r, path, "is %s; allowed: a text, or an array of lines",
                              mf_json_show(shown, sizeof shown, lines));
    char *text = mf_arena_alloc(r->arena, bytes, 1);
    if (!text)
        return mf_reader_no_memory(r);
    for (size_t i = 0; i < json_array_size(lines); i++)
        used += (size_t)sprintf(text + used, "%s\n", json_string_value(json_array_get(lines, i)));
    *out = text;
    return mf_template_check(r, path, text);
}

int mf_inside_check(const struct mf_reader *r, const char *path, const char *name)
{
    const char *inside = strncmp(name, "{dir}/", 6) == 0 ? name + 6 : name;
    bool good = inside[0] && inside[0] != '/' && inside[strlen(inside) - 1] != '/';
    for (const char *at = inside; good && *at; at += strcspn(at, "/"), at += *at == '/')
        good = strncmp(at, "..", 2) != 0 || (at[2] && at[2] != '/');
    if (!good)
        return mf_reader_fail(r, path, "is \"%s\"; allowed: the name of a file in {dir}", name);
    return mf_template_check(r, path, name);
}

int mf_address_check(const struct mf_reader *r, const char *path, const char *address)
{
    static const char *const loopback[] = {"tcp:127.", "tcp:[::1]:", "udp:127.", "udp:[::1]:", "unix:{dir}/"};
    for (size_t i = 0; i < COUNT(loopback); i++)
        if (strncmp(address, loopback[i], strlen(loopback[i])) == 0)
            return mf_template_check(r, path, address);
    return mf_reader_fail(r, path,
                          "is \"%s\"; allowed: tcp:127.0.0.1:{port}, udp:127.0.0.1:{port}, or unix:{dir}/NAME: nothing "
                          "beyond this machine",
                          address);
}

/* --- conditions --------------------------------------------------------------------------------------------------- */

static int connect_read(const struct mf_reader *r, const char *path, const json_t *value, struct mf_condition *out)
{
    char shown[SHOWN_BYTES];
    if (!value)
        return 0;
    if (!json_is_true(value) && !json_is_string(value))
        return mf_reader_fail(r, path, "is %s; allowed: true, or an endpoint",
                              mf_json_show(shown, sizeof shown, value));
    out->connect = true;
    if (json_is_true(value))
        return 0;
    out->connect_to = mf_arena_text(r->arena, json_string_value(value));
    return out->connect_to ? mf_address_check(r, path, out->connect_to) : mf_reader_no_memory(r);
}

static int condition_check(const struct mf_reader *r, const char *path, const struct mf_condition *c, unsigned may)
{
    char key[MF_KEY_PATH_BYTES];
    const char *const texts[] = {c->gone, c->file, c->log, c->text};
    static const char *const keys[] = {"gone", "file", "log", "text"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        mf_key_path(key, path, keys[i]);
        if (texts[i] && mf_template_check(r, key, texts[i]) != 0)
            return -1;
    }
    if (c->file && c->log)
        return mf_reader_fail(r, path, "has both file and log; allowed: one of them");
    if ((c->file || c->log) && !c->text)
        return mf_reader_fail(r, path, "has a %s, but no text that would have to stand in it",
                              c->file ? "file" : "log");
    if (c->text && !c->file && !c->log && !c->run.count)
        return mf_reader_fail(r, path, "has a text, but no file, log or run that it would have to stand in");
    if (!(may & MF_MAY_WITNESS) && (c->witness || c->old_silent_ms > 0))
        return mf_reader_fail(r, path, "asks for %s, but nobody pings yet; allowed: connect, file, log, run",
                              c->witness ? "witness" : "old_silent_ms");
    if (!(may & MF_MAY_WITNESS) && c->gone)
        return mf_reader_fail(r, path, "asks for gone, but nothing is replaced here; allowed: connect, file, log, run");
    return 0;
}

int mf_condition_read(const struct mf_reader *r, const char *path, json_t *json, unsigned may, struct mf_condition *out)
{
    char key[MF_KEY_PATH_BYTES];
    if (mf_fields_read(r, path, json, condition_rows, COUNT(condition_rows), out) != 0)
        return -1;
    if (json_object_size(json) == 0)
        return mf_reader_fail(r, path,
                              "asks for nothing; allowed: connect, witness, old_silent_ms, gone, file, log, run");
    out->is_set = true;
    mf_key_path(key, path, "connect");
    if (connect_read(r, key, json_object_get(json, "connect"), out) != 0)
        return -1;
    mf_key_path(key, path, "run");
    if (json_object_get(json, "run") && mf_argv_read(r, key, json_object_get(json, "run"), &out->run) != 0)
        return -1;
    return condition_check(r, path, out, may);
}

/* --- steps -------------------------------------------------------------------------------------------------------- */

/* Which verb a step has: it has exactly one. (`copy` and `from`, `send` and `text` go together; no verb is another's
 * key.) */
static int verb_find(const struct mf_reader *r, const char *path, json_t *json, enum mf_step_verb *verb)
{
    char joined[160];
    bool found = false;
    for (uint32_t i = 0; i < MF_STEP_COUNT; i++) {
        if (!json_object_get(json, mf_step_keys[i]))
            continue;
        if (found)
            return mf_reader_fail(r, path, "has both %s and %s; allowed: one verb, further ones as steps of their own",
                                  mf_step_keys[*verb], mf_step_keys[i]);
        *verb = (enum mf_step_verb)i;
        found = true;
    }
    if (found)
        return 0;
    const char *key = json_object_iter_key(json_object_iter(json)),
               *near = key ? mf_nearest(key, mf_step_keys, MF_STEP_COUNT) : NULL;
    return mf_reader_fail(r, path, "says nothing to do; %s%s%sallowed: one of %s", near ? "did you mean \"" : "",
                          near ? near : "", near ? "\"? " : "",
                          mf_names_join(joined, sizeof joined, mf_step_keys, MF_STEP_COUNT));
}

static int signal_read(const struct mf_reader *r, const char *path, struct mf_step *step)
{
    const char *name = strncmp(step->what, "SIG", 3) == 0 ? step->what + 3 : step->what;
    char key[MF_KEY_PATH_BYTES];
    for (int i = 1; i < 32; i++)
        if (sigabbrev_np(i) && strcmp(sigabbrev_np(i), name) == 0)
            step->signal = i;
    mf_key_path(key, path, "signal");
    if (step->signal == 0)
        return mf_reader_fail(r, key, "is \"%s\"; allowed: a signal's name, as HUP, USR1, USR2, TERM, QUIT, WINCH",
                              step->what);
    return 0;
}

/* What the table has read: placeholders, names within the folder, addresses. */
static int step_check(const struct mf_reader *r, const char *path, struct mf_step *step, unsigned may)
{
    char key[MF_KEY_PATH_BYTES];
    const char *const texts[] = {step->from, step->expect, step->pid_file,
                                 step->verb == MF_STEP_PING ? step->what : NULL,
                                 step->verb == MF_STEP_SEND ? step->text : NULL};
    const char *const keys[] = {step->verb == MF_STEP_LINK ? "to" : "from", "expect", "pid_file", "ping", "text"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        mf_key_path(key, path, keys[i]);
        if (texts[i] && mf_template_check(r, key, texts[i]) != 0)
            return -1;
    }
    mf_key_path(key, path, mf_step_keys[step->verb]);
    if (step->verb == MF_STEP_SIGNAL)
        return signal_read(r, path, step);
    if (step->verb == MF_STEP_SEND && step->trigger && (!step->expect || !(may & MF_MAY_WITNESS))) {
        mf_key_path(key, path, "trigger");
        return mf_reader_fail(r, key, "%s",
                              step->expect ? "is for upgrades: nothing is set off here"
                                           : "needs an `expect`, with which the answer ends");
    }
    if (step->verb == MF_STEP_SEND)
        return mf_address_check(r, key, step->what);
    if (step->verb == MF_STEP_PING && (!(may & MF_MAY_WITNESS) || !step->what[0]))
        return mf_reader_fail(r, key, "%s",
                              step->what[0] ? "needs the load, which does not ping here; allowed: in upgrade"
                                            : "is empty; allowed: a text");
    if (step->verb == MF_STEP_WRITE || step->verb == MF_STEP_COPY || step->verb == MF_STEP_LINK)
        return mf_inside_check(r, key, step->what);
    return 0;
}

static int step_read(const struct mf_reader *r, const char *path, json_t *json, unsigned may, struct mf_step *step)
{
    char key[MF_KEY_PATH_BYTES];
    if (mf_object_check(r, path, json) != 0 || verb_find(r, path, json, &step->verb) != 0 ||
        mf_fields_read(r, path, json, mf_step_fields[step->verb].fields, mf_step_fields[step->verb].n, step) != 0)
        return -1;
    if (!(step->place = mf_arena_text(r->arena, path)))
        return mf_reader_no_memory(r);
    json_t *value = json_object_get(json, mf_step_keys[step->verb]);
    mf_key_path(key, path, mf_step_keys[step->verb]);
    if ((step->verb == MF_STEP_RUN || step->verb == MF_STEP_SPAWN) && mf_argv_read(r, key, value, &step->argv) != 0)
        return -1;
    if (step->verb == MF_STEP_WAIT && mf_condition_read(r, key, value, may, &step->wait) != 0)
        return -1;
    mf_key_path(key, path, "text");
    if (step->verb == MF_STEP_WRITE && mf_lines_read(r, key, json_object_get(json, "text"), &step->text) != 0)
        return -1;
    return step_check(r, path, step, may);
}

int mf_steps_read(const struct mf_reader *r, const char *path, json_t *json, unsigned may, struct mf_steps *out)
{
    char shown[SHOWN_BYTES], place[MF_KEY_PATH_BYTES];
    size_t n = json_array_size(json);
    if (!json_is_array(json) || n > MF_STEPS_MAX)
        return mf_reader_fail(r, path, "is %s; allowed: an array of at most %d steps",
                              mf_json_show(shown, sizeof shown, json), MF_STEPS_MAX);
    out->step = mf_arena_alloc(r->arena, n, sizeof *out->step);
    if (!out->step)
        return mf_reader_no_memory(r);
    out->count = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        snprintf(place, sizeof place, "%.300s[%zu]", path, i);
        if (step_read(r, place, json_array_get(json, i), may, &out->step[i]) != 0)
            return -1;
    }
    return 0;
}
