/* The supervisor's hand on the upgrade log, for upgrades that replace the OS process. */
#include "node/supervisor_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "node/hold.h"
#include "node/reason.h"

static const struct {
    enum mf_upgrade_outcome outcome;
    enum mf_phase phase;
    const char *key;
} ends[] = {
    {MF_UPGRADE_COMMITTED, MF_PHASE_COMMITTED, "committed"},
    {MF_UPGRADE_ROLLED_BACK, MF_PHASE_ROLLED_BACK, "rolled_back"},
    {MF_UPGRADE_FAILED, MF_PHASE_FAILED, "failed"},
};

static void phase_stamp(struct mf_supervisor *s, uint32_t k, uint32_t phase)
{
    atomic_store_explicit(&s->rec.log[k].phase_ns[phase], mf_clock_now_ns(), memory_order_release);
}

void mf_supervisor_phase(struct mf_supervisor *s, uint32_t k, uint32_t phase)
{
    phase_stamp(s, k, phase);
    mf_hold_at(&s->rec, s->driver_fd, k, phase);
}

void mf_supervisor_commit(struct mf_supervisor *s, uint32_t k)
{
    phase_stamp(s, k, MF_PHASE_COMMITTED);
    atomic_store_explicit(&s->rec.header->committed, k + 1, memory_order_release);
    mf_hold_at(&s->rec, s->driver_fd, k, MF_PHASE_COMMITTED);
}

void mf_supervisor_note_made_anew(struct mf_supervisor *s, uint32_t k, uint32_t made_anew, uint32_t threads_ended)
{
    s->rec.log[k].made_anew += made_anew;
    s->rec.log[k].threads_ended += threads_ended;
}

void mf_supervisor_log_begin(struct mf_supervisor *s, uint32_t k)
{
    struct mf_upgrade_log *log = &s->rec.log[k];
    log->queued = UINT32_MAX; /* only the worker can know, and only while it lives */
    log->made_anew = log->converted = log->threads_ended = 0;
    log->threads_before = atomic_load(&s->rec.node->threads);
    log->threads_id_before = atomic_load(&s->rec.node->threads_id);
    log->threads_after = 0;
    log->pid_before = (uint32_t)s->worker.pid;
    log->pid_after = 0;
}

void mf_supervisor_log_end(struct mf_supervisor *s, uint32_t k, bool rolled_back, const char *reason)
{
    struct mf_upgrade_log *log = &s->rec.log[k];
    size_t how = !reason ? 0 : rolled_back ? 1 : 2;
    if (reason) {
        mf_supervisor_phase(s, k, ends[how].phase);
        mf_reason_write(log->reason, sizeof log->reason, s->args->dir, reason);
    }
    log->pid_after = (uint32_t)s->worker.pid;
    bool same = log->pid_after == log->pid_before; /* then a newcomer that has failed may have written over it */
    log->threads_after = same ? log->threads_before : log->pid_after ? atomic_load(&s->rec.node->threads) : 0;
    log->threads_id_after = same ? log->threads_id_before : atomic_load(&s->rec.node->threads_id);
    atomic_store_explicit(&log->outcome, ends[how].outcome, memory_order_release);

    struct mf_control_writer w;
    mf_control_begin(&w, "ended");
    mf_control_put_u64(&w, "k", k);
    mf_control_put(&w, "outcome", ends[how].key);
    if (reason)
        mf_control_put(&w, "reason", log->reason);
    mf_supervisor_tell_driver(s, &w);
}
