#include "driver/conclude.h"

#include <stdio.h>
#include <stdlib.h>

#include "driver/planhash.h"
#include "report/report.h"

static int plan_write(const char *folder, const struct mf_report *report, struct mf_error *err)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    if (!out)
        return mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "no memory for plan.txt");
    mf_report_plan(out, report);
    int bad = fclose(out) == 0 ? mf_report_write_text(folder, "plan.txt", text, err)
                               : mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "no memory for plan.txt");
    free(text);
    return bad;
}

int mf_conclude(const struct mf_conclusion *c, enum mf_verdict *verdict, struct mf_error *err)
{
    uint32_t n = c->scenario->cells_count;
    struct mf_report_cell *cells = calloc(n, sizeof *cells);
    if (!cells)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the report");
    uint64_t plan_hash;
    if (mf_plan_hash(c->scenario, &plan_hash, err) != 0) {
        free(cells);
        return -1;
    }
    struct mf_report report = {.plan_hash = plan_hash,
                               .scenario = c->scenario->name,
                               .seed = c->scenario->seed,
                               .interrupted = c->interrupted,
                               .error = c->broken,
                               .cells = cells,
                               .cells_count = n};
    for (uint32_t i = 0; i < n; i++) {
        mf_cell_state_judge(&c->cells[i], c->interrupted);
        cells[i] = mf_cell_state_report(&c->cells[i]);
        report.verdict = mf_verdict_worst(report.verdict, c->cells[i].judgement.verdict);
    }
    *verdict = report.verdict;
    int bad = mf_report_write(c->folder, &report, err) != 0 || plan_write(c->folder, &report, err) != 0;
    free(cells);
    return bad ? -1 : 0;
}

static int gravity(enum mf_status status)
{
    switch (status) {
    case MF_STATUS_INTERNAL:
        return 3;
    case MF_STATUS_USAGE:
        return 2;
    case MF_STATUS_TARGET:
        return 1;
    default:
        return 0;
    }
}

enum mf_status mf_status_gravest(enum mf_status a, enum mf_status b)
{
    return gravity(b) > gravity(a) ? b : a;
}

enum mf_status mf_conclusion_status(enum mf_verdict verdict, enum mf_status trouble)
{
    static const enum mf_status of_verdict[] = {[MF_VERDICT_PASS] = MF_STATUS_PASS,
                                                [MF_VERDICT_SKIPPED] = MF_STATUS_SKIPPED,
                                                [MF_VERDICT_UNKNOWN] = MF_STATUS_UNKNOWN,
                                                [MF_VERDICT_FAIL] = MF_STATUS_FAIL};
    return trouble != MF_STATUS_PASS ? trouble : of_verdict[verdict];
}
