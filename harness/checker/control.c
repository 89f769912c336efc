#include "checker/control.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static struct mf_control *control_new(uint32_t processes, struct mf_error *err)
{
    struct mf_control *control = calloc(1, sizeof *control);
    if (!control) {
        mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the control group's latencies");
        return NULL;
    }
    control->processes = processes;
    mf_hist_init(&control->near);
    mf_hist_init(&control->away);
    return control;
}

int mf_control_read(struct mf_result *r, const struct mf_recorder *rec, uint32_t processes, struct mf_error *err)
{
    const struct mf_recorder_shape *shape = &rec->header->shape;
    if (!shape->control_from || shape->control_from >= processes)
        return 0;
    r->control = control_new(processes - shape->control_from, err);
    if (!r->control)
        return -1;
    for (uint32_t w = 0; w < shape->workers; w++) {
        const struct mf_worker_record *worker = mf_recorder_worker(rec, w);
        r->control->bad += worker->control_bad;
        mf_hist_merge(&r->control->near, &worker->control_near);
        mf_hist_merge(&r->control->away, &worker->control_away);
    }
    return 0;
}

int mf_control_merge(struct mf_result *cell, const struct mf_result *run, struct mf_error *err)
{
    if (!run->control)
        return 0;
    if (!cell->control && !(cell->control = control_new(run->control->processes, err)))
        return -1;
    cell->control->bad += run->control->bad;
    mf_hist_merge(&cell->control->near, &run->control->near);
    mf_hist_merge(&cell->control->away, &run->control->away);
    return 0;
}

void mf_control_free(struct mf_control *control)
{
    free(control);
}

static const char *latency_text(const struct mf_hist *h, char *text, size_t bytes)
{
    if (h->count == 0)
        snprintf(text, bytes, "none");
    else
        snprintf(text, bytes, "%.3g/%.3g/%.3g ms of %" PRIu64, (double)mf_hist_quantile(h, 0.5) / 1e6,
                 (double)mf_hist_quantile(h, 0.99) / 1e6, (double)h->max / 1e6, h->count);
    return text;
}

const char *mf_control_text(const struct mf_control *control, char *text, size_t bytes)
{
    char near[64], away[64];
    text[0] = 0;
    if (control)
        snprintf(text, bytes,
                 "; control group of %" PRIu32 ": %" PRIu64 " bad, p50/p99/max at upgrades %s, away from them %s",
                 control->processes, control->bad, latency_text(&control->near, near, sizeof near),
                 latency_text(&control->away, away, sizeof away));
    return text;
}
