/* report.json: all cells, and who measured them. */
#include <inttypes.h>
#include <stdio.h>

#include "report/json.h"
#include "report/junit.h"

static int reason_append(json_t *reasons, const char *cell, const char *reason)
{
    char line[1024];
    snprintf(line, sizeof line, "%s%s%s", cell ? cell : "", cell ? ": " : "", reason);
    return json_array_append_new(reasons, mf_json_text(line));
}

static json_t *reasons_json(const struct mf_report *report)
{
    json_t *reasons = json_array();
    int bad = report->error ? reason_append(reasons, NULL, report->error) : 0;
    for (uint32_t i = 0; i < report->cells_count; i++) {
        const struct mf_report_cell *cell = &report->cells[i];
        const struct mf_judgement *j = cell->judgement;
        for (uint32_t k = 0; j && k < j->reasons && k < MF_REASONS_MAX; k++)
            bad |= reason_append(reasons, cell->name, j->reason[k]);
    }
    if (!bad)
        return reasons;
    json_decref(reasons);
    return NULL;
}

static json_t *cells_json(const struct mf_report *report)
{
    json_t *cells = json_array();
    for (uint32_t i = 0; i < report->cells_count; i++)
        if (json_array_append_new(cells, mf_json_cell(&report->cells[i], "cells/")) < 0) {
            json_decref(cells);
            return NULL;
        }
    return cells;
}

int mf_report_write(const char *dir, const struct mf_report *report, struct mf_error *err)
{
    struct mf_json j = mf_json_begin();
    mf_json_put(&j, "schema", json_string("midflight.report/1"));
    mf_json_put(&j, "scenario", mf_json_text(report->scenario));
    mf_json_put(&j, "seed", mf_json_count(report->seed));
    mf_json_put(&j, "plan_hash", json_sprintf("%016" PRIx64, report->plan_hash));
    mf_json_put(&j, "verdict", mf_json_text(mf_verdict_keys[report->verdict]));
    mf_json_put(&j, "interrupted", json_boolean(report->interrupted));
    mf_json_put(&j, "error", mf_json_text(report->error));
    mf_json_put(&j, "reasons", reasons_json(report));
    mf_json_put(&j, "environment", mf_json_environment());
    mf_json_put(&j, "cells", cells_json(report));
    if (mf_json_save(mf_json_end(&j), dir, "report.json", err) < 0)
        return -1;
    return mf_junit_write(dir, report, err);
}
