#include "driver/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults/fault.h"
#include "scenario/scenario.h"

#define NAMES_MAX 32

const struct mf_command *const mf_commands[] = {&mf_command_run,
                                                &mf_command_compare,
                                                &mf_command_check,
                                                &mf_command_judge,
                                                &mf_command_export,
                                                &mf_command_list,
                                                &mf_command_init,
                                                &mf_command_doctor,
                                                &mf_command_help,
                                                NULL};

const struct mf_command *mf_command_find(const char *name, struct mf_error *err)
{
    const char *names[NAMES_MAX];
    char all[256] = "";
    uint32_t n = 0;
    for (size_t i = 0; mf_commands[i]; i++) {
        if (strcmp(mf_commands[i]->name, name) == 0)
            return mf_commands[i];
        names[n++] = mf_commands[i]->name;
        size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", mf_commands[i]->name);
    }
    const char *near = mf_nearest(name, names, n);
    mf_error_set(err, MF_STATUS_USAGE, NULL, "%s: no such subcommand%s%s%s; there are: %s", name,
                 near ? "; did you mean " : "", near ? near : "", near ? "?" : "", all);
    return NULL;
}

static int option_unknown(const struct mf_words *words, const char *given, size_t length, struct mf_error *err)
{
    const char *names[NAMES_MAX];
    char word[96], all[512] = "";
    uint32_t n = 0;
    snprintf(word, sizeof word, "%.*s", (int)length, given);
    for (const struct mf_option *o = words->command->options; o && o->name && n < NAMES_MAX; o++) {
        size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s--%s", n ? ", " : "", o->name);
        names[n++] = o->name;
    }
    const char *near = n ? mf_nearest(word, names, n) : NULL;
    return mf_error_set(err, MF_STATUS_USAGE, NULL, "%s --%s: no such option%s%s%s; allowed: %s", words->command->name,
                        word, near ? "; did you mean --" : "", near ? near : "", near ? "?" : "", n ? all : "none");
}

static int option_take(struct mf_words *words, const char *given, struct mf_word *word, struct mf_error *err)
{
    size_t length = strcspn(given, "=");
    const struct mf_option *o = words->command->options;
    while (o && o->name && (strlen(o->name) != length || strncmp(o->name, given, length) != 0))
        o++;
    if (!o || !o->name)
        return option_unknown(words, given, length, err);
    *word = (struct mf_word){.option = o, .value = given[length] ? given + length + 1 : NULL};
    if (o->value && !word->value && words->at < words->argc)
        word->value = words->argv[words->at++];
    if (o->value && !word->value)
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "%s --%s: a value is missing: --%s %s", words->command->name,
                            o->name, o->name, o->value);
    if (!o->value && word->value)
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "%s --%s: takes no value", words->command->name, o->name);
    return 1;
}

int mf_words_next(struct mf_words *words, struct mf_word *word, struct mf_error *err)
{
    if (words->at >= words->argc)
        return 0;
    const char *text = words->argv[words->at++];
    if (!words->only_arguments && strcmp(text, "--") == 0) {
        words->only_arguments = 1;
        return mf_words_next(words, word, err);
    }
    if (!words->only_arguments && strncmp(text, "--", 2) == 0)
        return option_take(words, text + 2, word, err);
    if (!words->only_arguments && text[0] == '-' && text[1])
        return mf_error_set(err, MF_STATUS_USAGE, NULL,
                            "%s %s: no such option; all have two dashes and a name: midflight help %s",
                            words->command->name, text, words->command->name);
    *word = (struct mf_word){.value = text};
    return 1;
}

int mf_word_number(const struct mf_word *word, uint64_t min, uint64_t max, uint64_t *number, struct mf_error *err)
{
    char *end = NULL;
    errno = 0;
    if (word->value[0] >= '0' && word->value[0] <= '9') {
        *number = strtoull(word->value, &end, 10);
        if (!*end && errno == 0 && *number >= min && *number <= max)
            return 0;
    }
    return mf_error_set(err, MF_STATUS_USAGE, NULL, "--%s %s: a whole number from %" PRIu64 " to %" PRIu64 " is wanted",
                        word->option->name, word->value, min, max);
}

int mf_stdout_flush(struct mf_error *err)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    return mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "cannot write the results to stdout");
}

static int cli_run(int argc, char **argv, enum mf_status *status, struct mf_error *err)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name)
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "a subcommand is missing; midflight help lists them");
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "--version") == 0)
        return mf_command_help.run(&mf_command_help, argc - 1, argv + 1, status, err);
    if (name[0] == '-')
        return mf_error_set(err, MF_STATUS_USAGE, NULL,
                            "%s: no such option; before a subcommand there are --help and --version only", name);
    const struct mf_command *command = mf_command_find(name, err);
    if (!command)
        return -1;
    if (argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0)) {
        char *words[] = {argv[0], argv[1]};
        return mf_command_help.run(&mf_command_help, 2, words, status, err);
    }
    return command->run(command, argc - 1, argv + 1, status, err);
}

int mf_cli_main(int argc, char **argv)
{
    struct mf_error err = {0};
    enum mf_status status = MF_STATUS_PASS;
    signal(SIGPIPE,
           SIG_IGN); /* a reader that goes away is an error of writing, and no reason to leave children behind */
    if (mf_faults_check(&err) != 0 || cli_run(argc, argv, &status, &err) != 0 || mf_stdout_flush(&err) != 0) {
        mf_error_print("midflight", &err);
        return err.status;
    }
    return status;
}
