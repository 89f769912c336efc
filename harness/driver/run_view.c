/* What a run is, seen from outside, and what it was when it is over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "driver/run_internal.h"
#include "driver/shape.h"
#include "wire/codec.h"

bool mf_run_is_over(const struct mf_run *run)
{
    return run->phase == PHASE_OVER;
}

static const char *phase_text(const struct mf_run *run, uint64_t now_ns)
{
    const struct mf_recorder_header *h = run->rec.header;
    if (run->phase == PHASE_PINGING && now_ns < atomic_load(&h->measure_ns))
        return "warm-up";
    if (run->phase == PHASE_PINGING)
        return now_ns < atomic_load(&h->end_ns) ? "measuring" : "draining";
    return run->phase == PHASE_STARTING ? "starting" : run->phase == PHASE_CONNECTING ? "connecting" : "stopping";
}

void mf_run_look(const struct mf_run *run, struct mf_run_view *view)
{
    const struct mf_recorder_header *h = run->rec.header;
    uint64_t now_ns = mf_clock_now_ns(), over_ns = atomic_load(&h->end_ns) + mf_shape_drain_ns(run->options.cell);
    *view = (struct mf_run_view){.phase = phase_text(run, now_ns),
                                 .fired = atomic_load(&h->requested),
                                 .planned = h->shape.upgrades,
                                 .left_ns = run->phase == PHASE_PINGING && over_ns > now_ns ? over_ns - now_ns : 0};
    for (uint32_t w = 0; w < h->shape.workers; w++) {
        const struct mf_worker_record *worker = mf_recorder_worker(&run->rec, w);
        view->due += atomic_load_explicit(&worker->due, memory_order_relaxed);
        view->lost += __atomic_load_n(&worker->outcome[MF_OUTCOME_LOST], __ATOMIC_RELAXED);
    }
}

/* What a command's answers carry is what was seen in them. */
static void witness_of_answers(struct mf_run *run)
{
    uint32_t has = 0, lacks = 0;
    for (uint32_t w = 0; w < run->rec.header->shape.workers; w++) {
        has |= mf_recorder_worker(&run->rec, w)->has;
        lacks |= mf_recorder_worker(&run->rec, w)->lacks;
    }
    run->witness.gives_version = has & MF_HAS_VERSION;
    run->witness.gives_state = has & ~lacks & MF_HAS_COUNT;
    run->witness.gives_instance = has & ~lacks & MF_HAS_INSTANCE;
}

int mf_run_gather(struct mf_run *run, uint32_t number, struct mf_result *result, struct mf_error *err)
{
    if (!run->went) {
        if (!run->error.text[0])
            mf_error_set(&run->error, MF_STATUS_INTERRUPTED, NULL, "interrupted before the first ping");
        *err = run->error;
        return -1;
    }
    if (run->options.cell->command)
        witness_of_answers(run);
    run->faults = mf_faulting_results(&run->faulting, number);
    if (!run->faults)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the faults of a run");
    run->witness.faults = run->faults;
    run->witness.faults_count = run->faulting.acts_count;
    if (mf_result_from_recorder(result, &run->rec, number, &run->witness, err) != 0)
        return -1;
    mf_result_derive(result);
    *err = run->error;
    return 0;
}

const struct mf_recorder *mf_run_recorder(const struct mf_run *run)
{
    return &run->rec;
}

const struct mf_target_witness *mf_run_witness(const struct mf_run *run)
{
    return &run->witness;
}

void mf_run_free(struct mf_run *run)
{
    if (!run)
        return;
    if (run->target)
        run->target->ops->free(run->target);
    if (run->net_fd > 0)
        close(run->net_fd);
    mf_recorder_close(&run->rec);
    free(run->local_plans);
    free(run->faulting.acts);
    free(run->faults);
    free(run);
}
