#include "driver/judging.h"

#include <ftw.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/cells.h"
#include "driver/conclude.h"
#include "driver/folder.h"
#include "driver/terminal.h"
#include "driver/told.h"
#include "report/report.h"

struct judging {
    const struct mf_judging_options *options;
    struct mf_told told;
    struct mf_scenario *scenario;
    struct mf_cell_state *cells;
    char folder[PATH_MAX]; /* what is written goes there */
    bool folder_is_ours;   /* and goes away again */
    bool interrupted;
    enum mf_status trouble;
    uint32_t runs;
};

/* --- one run ------------------------------------------------------------------------------------------------------ */

static void said_print(const struct judging *g, const char *cell, uint32_t number, const struct mf_run_said *said,
                       const struct mf_result *r)
{
    if (!g->options->quiet)
        fprintf(stderr,
                "%s run %" PRIu32 ": %s: %" PRIu64 " messages, %" PRIu64 " lost, %" PRIu32 "/%" PRIu32
                " upgrades committed%s%s\n",
                cell, number, mf_verdict_keys[said->verdict], r->due, r->outcome[MF_OUTCOME_LOST], r->committed,
                r->upgrades_planned, said->why[0] ? "; " : "", said->why);
}

static int run_take(struct judging *g, struct mf_cell_state *state, const struct mf_recorder *rec,
                    const struct mf_history_kept *kept, struct mf_error *err)
{
    char dir[PATH_MAX];
    struct mf_result result = {0};
    struct mf_run_said said;
    int bad = mf_folder_run(g->folder, state->cell->name, kept->number, dir, sizeof dir, err);
    if (!bad)
        bad = mf_result_init(&result, err);
    if (!bad)
        bad = mf_result_from_recorder(&result, rec, kept->number, &kept->witness, err);
    if (!bad) {
        mf_result_derive(&result);
        bad = mf_cell_state_run(state, dir, &result, &kept->trouble, kept->interrupted, &said, err);
    }
    if (!bad)
        said_print(g, state->cell->name, kept->number, &said, &result);
    mf_result_done(&result);
    if (kept->trouble.text[0] && kept->trouble.status != MF_STATUS_INTERRUPTED) {
        mf_cell_state_trouble(state, &kept->trouble);
        g->trouble = mf_status_gravest(g->trouble, kept->trouble.status);
    }
    g->interrupted |= kept->interrupted;
    g->runs++;
    return bad;
}

static int run_judge(struct judging *g, struct mf_cell_state *state, uint32_t number, struct mf_error *err)
{
    char from[PATH_MAX];
    struct mf_recorder rec;
    struct mf_history_kept kept;
    int there = mf_told_run(&g->told, state->cell->name, number, from, sizeof from, err);
    if (there <= 0)
        return there;
    if (mf_told_again(from, &rec, &kept, NULL, err) != 0)
        return -1;
    int bad = run_take(g, state, &rec, &kept, err);
    mf_recorder_close(&rec);
    mf_history_kept_done(&kept);
    return bad;
}

/* --- cells that never ran ----------------------------------------------------------------------------------------- */

/* What their report says of them is all there is. */
static void cell_without_runs(const struct judging *g, struct mf_cell_state *state)
{
    char path[PATH_MAX + 16];
    struct mf_error was = {0};
    size_t i;
    const json_t *cell;
    snprintf(path, sizeof path, "%s/report.json", g->told.folder);
    json_t *report = json_load_file(path, 0, NULL);
    json_array_foreach(json_object_get(report, "cells"), i, cell)
    {
        const char *name = json_string_value(json_object_get(cell, "name"));
        const char *verdict = json_string_value(json_object_get(cell, "verdict"));
        const char *reason = json_string_value(json_array_get(json_object_get(cell, "reasons"), 0));
        if (!name || !verdict || !reason || strcmp(name, state->cell->name) != 0)
            continue;
        bool skipped = strcmp(verdict, mf_verdict_keys[MF_VERDICT_SKIPPED]) == 0;
        mf_error_set(&was, skipped ? MF_STATUS_SKIPPED : MF_STATUS_UNKNOWN, NULL, "%s", reason);
        mf_cell_state_trouble(state, &was);
    }
    json_decref(report);
}

static int cells_judge(struct judging *g, struct mf_error *err)
{
    for (uint32_t i = 0; i < g->scenario->cells_count; i++) {
        struct mf_cell_state *state = &g->cells[i];
        for (uint32_t n = 1; n <= g->scenario->repeat; n++)
            if (run_judge(g, state, n, err) != 0)
                return -1;
        if (!state->has_result)
            cell_without_runs(g, state);
    }
    return g->runs ? 0
                   : mf_error_set(err, MF_STATUS_USAGE, g->options->path,
                                  "has no history: midflight run --history writes one");
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static int remove_any(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    remove(path);
    return 0;
}

static int folder_open(struct judging *g, struct mf_error *err)
{
    const char *out = g->options->out, *tmp = getenv("TMPDIR");
    char path[PATH_MAX];
    if (!out) {
        snprintf(path, sizeof path, "%s/midflight-judge-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
        out = mkdtemp(path);
        if (!out)
            return mf_error_errno(err, MF_STATUS_INTERNAL, path, "cannot make this folder");
        g->folder_is_ours = true;
        snprintf(g->folder, sizeof g->folder, "%s", out);
    }
    if (mf_folder_open(out, g->folder, err) != 0)
        return -1;
    return mf_report_write_text(g->folder, "scenario.json", g->scenario->json, err);
}

static int judging_open(struct judging *g, struct mf_error *err)
{
    char path[PATH_MAX + 16];
    struct mf_scenario_options options = g->options->scenario;
    if (mf_told_open(&g->told, g->options->path, err) != 0)
        return -1;
    options.cell = (const char **)g->told.names;
    options.cell_count = g->told.names_count;
    snprintf(path, sizeof path, "%s/scenario.json", g->told.folder);
    g->scenario = mf_scenario_load(path, &options, err);
    if (!g->scenario)
        return -1;
    g->cells = mf_cell_states_new(g->scenario, err);
    return g->cells ? folder_open(g, err) : -1;
}

static int judging_print(struct judging *g, enum mf_status *status, struct mf_error *err)
{
    enum mf_verdict verdict;
    struct mf_table_style style = mf_terminal_style(stdout);
    const char *paths[] = {g->folder};
    const struct mf_conclusion conclusion = {
        .folder = g->folder, .scenario = g->scenario, .cells = g->cells, .interrupted = g->interrupted};
    if (mf_conclude(&conclusion, &verdict, err) != 0 || mf_compare(stdout, paths, 1, &style, err) != 0)
        return -1;
    *status = g->interrupted ? MF_STATUS_INTERRUPTED : mf_conclusion_status(verdict, g->trouble);
    printf("%s: %s, judged again%s%s\n", mf_verdict_keys[verdict], g->options->path, g->options->out ? ": " : "",
           g->options->out ? g->folder : "");
    return 0;
}

int mf_judging_run(const struct mf_judging_options *options, enum mf_status *status, struct mf_error *err)
{
    struct judging *g = calloc(1, sizeof *g);
    if (!g)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory to judge");
    g->options = options;
    int bad = judging_open(g, err);
    if (!bad)
        bad = cells_judge(g, err);
    if (!bad)
        bad = judging_print(g, status, err);
    if (g->folder_is_ours)
        nftw(g->folder, remove_any, 16, FTW_DEPTH | FTW_PHYS);
    mf_cell_states_free(g->cells, g->scenario ? g->scenario->cells_count : 0);
    mf_scenario_free(g->scenario);
    mf_told_close(&g->told);
    free(g);
    return bad;
}
