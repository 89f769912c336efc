/* midflight run */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/cli.h"
#include "driver/session.h"

#define REPEAT_MAX 10000
#define SEED_MAX   INT64_MAX /* what JSON carries whole */

enum { OPTION_SET, OPTION_OUT, OPTION_REPEAT, OPTION_SEED, OPTION_CELL, OPTION_HISTORY, OPTION_NO_PLOT, OPTION_QUIET };

static const struct mf_option options[] = {
    [OPTION_SET] = {"set", "PATH=JSON",
                    "override a key of the scenario: --set load.rate_per_s=5000; may be given again"},
    [OPTION_OUT] = {"out", "DIR", "the result folder, new or empty (default results/<UTC time>-<scenario name>)"},
    [OPTION_REPEAT] = {"repeat", "N", "runs of each cell, instead of the scenario's"},
    [OPTION_SEED] = {"seed", "N", "the seed, instead of the scenario's"},
    [OPTION_CELL] = {"cell", "NAME", "only this cell; may be given again"},
    [OPTION_HISTORY] = {"history", NULL, "write every message's record: midflight judge and midflight export read them"},
    [OPTION_NO_PLOT] = {"no-plot", NULL, "make no plots"},
    [OPTION_QUIET] = {"quiet", NULL, "no progress on stderr"},
    {NULL, NULL, NULL},
};

static int option_take(struct mf_session_options *o, const struct mf_word *word, struct mf_error *err)
{
    uint64_t number = 0;
    switch (word->option - options) {
    case OPTION_SET:
        o->scenario.set[o->scenario.set_count++] = word->value;
        return 0;
    case OPTION_CELL:
        o->scenario.cell[o->scenario.cell_count++] = word->value;
        return 0;
    case OPTION_OUT:
        o->out = word->value;
        return word->value[0] ? 0 : mf_error_set(err, MF_STATUS_USAGE, NULL, "--out: a folder is wanted");
    case OPTION_REPEAT:
        o->scenario.has_repeat = true;
        if (mf_word_number(word, 1, REPEAT_MAX, &number, err) != 0)
            return -1;
        o->scenario.repeat = (uint32_t)number;
        return 0;
    case OPTION_SEED:
        o->scenario.has_seed = true;
        return mf_word_number(word, 0, SEED_MAX, &o->scenario.seed, err);
    case OPTION_HISTORY:
        o->history = true;
        return 0;
    case OPTION_NO_PLOT:
        o->no_plot = true;
        return 0;
    default:
        o->quiet = true;
        return 0;
    }
}

static int words_take(struct mf_words *words, struct mf_session_options *o, struct mf_error *err)
{
    struct mf_word word;
    int more;
    while ((more = mf_words_next(words, &word, err)) > 0) {
        if (word.option && option_take(o, &word, err) != 0)
            return -1;
        if (!word.option && o->scenario_path)
            return mf_error_set(err, MF_STATUS_USAGE, NULL, "run %s: one scenario at a time, and %s is another",
                                o->scenario_path, word.value);
        if (!word.option)
            o->scenario_path = word.value;
    }
    if (more < 0)
        return -1;
    return o->scenario_path
               ? 0
               : mf_error_set(err, MF_STATUS_USAGE, NULL, "run: a scenario is missing: midflight run SCENARIO");
}

static int run_run(const struct mf_command *command, int argc, char **argv, enum mf_status *status,
                   struct mf_error *err)
{
    struct mf_words words = {.command = command, .argc = argc, .at = 1, .argv = argv};
    const char **set = calloc((size_t)argc, sizeof *set), **cell = calloc((size_t)argc, sizeof *cell);
    struct mf_session_options o = {.scenario = {.set = set, .cell = cell}};
    int bad = !set || !cell ? mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the command line")
                            : words_take(&words, &o, err);
    if (!bad)
        bad = mf_session_run(&o, status, err);
    free(set);
    free(cell);
    return bad;
}

const struct mf_command mf_command_run = {.name = "run",
                                          .arguments = "SCENARIO [OPTION]...",
                                          .summary = "run a scenario, write its results",
                                          .options = options,
                                          .run = run_run};
