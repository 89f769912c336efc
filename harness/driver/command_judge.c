/* midflight judge */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/cli.h"
#include "driver/judging.h"

enum { OPTION_SET, OPTION_OUT, OPTION_QUIET };

static const struct mf_option options[] = {
    [OPTION_SET] = {"set", "PATH=JSON",
                    "other expectations: --set expect='{\"lost\": 0}', --set proof.in_flight_min=0"},
    [OPTION_OUT] = {"out", "DIR", "write what comes out as a result folder, new or empty"},
    [OPTION_QUIET] = {"quiet", NULL, "no line for each run on stderr"},
    {NULL, NULL, NULL},
};

/* All else was as it was: to change it now would be to lie. */
static int set_check(const char *set, struct mf_error *err)
{
    size_t n = strcspn(set, ".=");
    if ((n == 6 && strncmp(set, "expect", n) == 0) || (n == 5 && strncmp(set, "proof", n) == 0))
        return 0;
    return mf_error_set(err, MF_STATUS_USAGE, NULL,
                        "judge --set %s: what has been run cannot be changed; allowed: expect, proof", set);
}

static int word_take(struct mf_judging_options *o, const struct mf_word *word, struct mf_error *err)
{
    if (!word->option && o->path)
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "judge %s: one history at a time, and %s is another", o->path,
                            word->value);
    if (!word->option) {
        o->path = word->value;
        return 0;
    }
    switch (word->option - options) {
    case OPTION_SET:
        o->scenario.set[o->scenario.set_count++] = word->value;
        return set_check(word->value, err);
    case OPTION_OUT:
        o->out = word->value;
        return word->value[0] ? 0 : mf_error_set(err, MF_STATUS_USAGE, NULL, "--out: a folder is wanted");
    default:
        o->quiet = true;
        return 0;
    }
}

static int judge_run(const struct mf_command *command, int argc, char **argv, enum mf_status *status,
                     struct mf_error *err)
{
    struct mf_words words = {.command = command, .argc = argc, .at = 1, .argv = argv};
    struct mf_word word;
    const char **set = calloc((size_t)argc, sizeof *set);
    struct mf_judging_options o = {.scenario = {.set = set}};
    int more = set ? 1 : mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the command line");
    while (more > 0 && (more = mf_words_next(&words, &word, err)) > 0)
        if (word_take(&o, &word, err) != 0)
            more = -1;
    if (more == 0 && !o.path)
        more = mf_error_set(err, MF_STATUS_USAGE, NULL, "judge: a history is missing: midflight judge HISTORY");
    int bad = more == 0 ? mf_judging_run(&o, status, err) : -1;
    free(set);
    return bad;
}

const struct mf_command mf_command_judge = {
    .name = "judge",
    .arguments = "HISTORY [OPTION]...",
    .summary = "judge again from the messages' records: a result folder, or one run-<n> in it",
    .options = options,
    .run = judge_run};
