/* What strategies ask of the core on the upgrade's thread: stop and go, the background conversion, draining, the log.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "node/core_internal.h"
#include "node/hold.h"

/* --- stop and go
 * ---------------------------------------------------------------------------------------------------------- */

void mf_core_pause_schedulers(struct mf_core *core)
{
    pthread_mutex_lock(&core->gate);
    core->schedulers_stopped = true;
    for (uint32_t i = 0; i < core->schedulers_count; i++)
        mf_scheduler_ask(&core->schedulers[i], MF_ATTENTION_PAUSE);
    while (core->schedulers_paused < core->schedulers_count)
        pthread_cond_wait(&core->gate_changed, &core->gate);
    pthread_mutex_unlock(&core->gate);
}

void mf_core_resume_schedulers(struct mf_core *core)
{
    pthread_mutex_lock(&core->gate);
    core->schedulers_stopped = false;
    for (uint32_t i = 0; i < core->schedulers_count; i++)
        atomic_fetch_and(&core->schedulers[i].attention, ~(uint32_t)MF_ATTENTION_PAUSE);
    pthread_cond_broadcast(&core->gate_changed);
    pthread_mutex_unlock(&core->gate);
}

void mf_core_pause_io(struct mf_core *core)
{
    if (core->local)
        return; /* there is no I/O thread */
    pthread_mutex_lock(&core->gate);
    core->io_stopped = true;
    mf_io_ask(&core->io, MF_ATTENTION_PAUSE);
    while (!core->io_paused)
        pthread_cond_wait(&core->gate_changed, &core->gate);
    pthread_mutex_unlock(&core->gate);
}

void mf_core_resume_io(struct mf_core *core)
{
    if (core->local)
        return;
    pthread_mutex_lock(&core->gate);
    core->io_stopped = false;
    atomic_fetch_and(&core->io.attention, ~(uint32_t)MF_ATTENTION_PAUSE);
    pthread_cond_broadcast(&core->gate_changed);
    pthread_mutex_unlock(&core->gate);
}

/* --- exchange
 * ----------------------------------------------------------------------------------------------------------------- */

static struct mf_error sweep(struct mf_core *core, enum mf_sweep what)
{
    pthread_mutex_lock(&core->gate);
    core->sweep = what;
    core->sweeps_done = 0;
    core->sweep_error = (struct mf_error){0};
    for (uint32_t i = 0; i < core->schedulers_count; i++) {
        core->schedulers[i].sweep_next = core->schedulers[i].sweep_killed = 0;
        mf_scheduler_ask(&core->schedulers[i], MF_ATTENTION_SWEEP);
    }
    while (core->sweeps_done < core->schedulers_count)
        pthread_cond_wait(&core->gate_changed, &core->gate);
    struct mf_error refused = core->sweep_error;
    pthread_mutex_unlock(&core->gate);
    return refused;
}

uint32_t mf_core_kill_old(struct mf_core *core)
{
    uint32_t killed = 0;
    sweep(core, MF_SWEEP_KILL);
    for (uint32_t i = 0; i < core->schedulers_count; i++)
        killed += core->schedulers[i].sweep_killed;
    return killed;
}

void mf_core_await_schedulers(struct mf_core *core)
{
    sweep(core, MF_SWEEP_LOOK);
}

bool mf_core_purges_hard(const struct mf_core *core)
{
    return core->args->purge == MF_PURGE_HARD;
}

int mf_core_convert_idle(struct mf_core *core, struct mf_image *old, uint32_t *converted, struct mf_error *err)
{
    (void)old; /* whoever is not the current one's converts: with two versions alive that is `old` */
    struct mf_error refused = sweep(core, MF_SWEEP_CONVERT);
    *converted = atomic_load(&core->converted);
    if (!refused.text[0])
        return 0;
    *err = refused;
    return -1;
}

void mf_core_arm_take(struct mf_core *core, bool armed)
{
    atomic_store(&core->take_armed, armed);
}

/* --- I/O
 * -------------------------------------------------------------------------------------------------------------------------
 */

static bool gate_wait_until(struct mf_core *core, const bool *what, uint64_t deadline_ns)
{
    struct timespec deadline = mf_clock_timespec(deadline_ns);
    pthread_mutex_lock(&core->gate);
    while (!*what && pthread_cond_clockwait(&core->gate_changed, &core->gate, CLOCK_MONOTONIC, &deadline) != ETIMEDOUT)
        ;
    bool is = *what;
    pthread_mutex_unlock(&core->gate);
    return is;
}

static void listening_end(struct mf_core *core, uint32_t how)
{
    if (core->local)
        return;
    pthread_mutex_lock(&core->gate);
    core->io_deaf = false;
    mf_io_ask(&core->io, how);
    while (!core->io_deaf)
        pthread_cond_wait(&core->gate_changed, &core->gate);
    pthread_mutex_unlock(&core->gate);
}

void mf_core_stop_listening(struct mf_core *core)
{
    listening_end(core, MF_ATTENTION_DEAF);
}

void mf_core_close_listener(struct mf_core *core)
{
    listening_end(core, MF_ATTENTION_CLOSE);
}

void mf_core_end_input(struct mf_core *core)
{
    if (!core->local)
        mf_io_ask(&core->io, MF_ATTENTION_END_INPUT);
}

static int drain(struct mf_core *core, bool awaits_first, uint32_t deadline_ms, struct mf_error *err)
{
    if (core->local)
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "transport local has no connections to drain");
    mf_core_release_trigger(core); /* what is held can't be answered, and draining waits for all answers */
    pthread_mutex_lock(&core->gate);
    core->io_drained = false;
    pthread_mutex_unlock(&core->gate);
    atomic_store(&core->io.awaits_first, awaits_first);
    mf_io_ask(&core->io, MF_ATTENTION_DRAIN);
    if (gate_wait_until(core, &core->io_drained, mf_clock_now_ns() + deadline_ms * MF_NS_PER_MS))
        return 0;
    atomic_fetch_and(&core->io.attention, ~(uint32_t)MF_ATTENTION_DRAIN);
    return mf_error_set(err, MF_STATUS_TARGET, NULL, "not everything was answered and flushed within %u ms",
                        deadline_ms);
}

int mf_core_drain(struct mf_core *core, uint32_t deadline_ms, struct mf_error *err)
{
    return drain(core, false, deadline_ms, err);
}

int mf_core_drain_all(struct mf_core *core, uint32_t deadline_ms, struct mf_error *err)
{
    return drain(core, true, deadline_ms, err);
}

/* --- the log
 * -----------------------------------------------------------------------------------------------------------------------
 */

static void phase_stamp(struct mf_core *core, uint32_t k, uint32_t phase)
{
    atomic_store(&core->rec.log[k].phase_ns[phase], mf_clock_now_ns());
}

void mf_core_phase(struct mf_core *core, uint32_t k, uint32_t phase)
{
    phase_stamp(core, k, phase);
    mf_hold_at(&core->rec, core->args->control_fd, k, phase);
}

void mf_core_release_trigger(struct mf_core *core)
{
    mf_points_release(core);
}

void mf_core_commit(struct mf_core *core, uint32_t k)
{
    phase_stamp(core, k, MF_PHASE_COMMITTED);
    if (core->rec.log[k].queued == UINT32_MAX)
        mf_core_note_queued(core, k);
    atomic_store(&core->rec.header->committed, k + 1);
    mf_points_release(core);
    mf_hold_at(&core->rec, core->args->control_fd, k, MF_PHASE_COMMITTED);
}

/* Where messages move meanwhile `dequeued` is read first: the difference may be high by what came between, and never
 * low. */
static uint64_t queued_count(struct mf_core *core)
{
    uint64_t queued = 0;
    for (uint32_t i = 0; i < core->schedulers_count; i++) {
        uint64_t dequeued = atomic_load(&core->schedulers[i].dequeued);
        uint64_t pushed = atomic_load(&core->schedulers[i].pushed);
        queued += pushed > dequeued ? pushed - dequeued : 0;
    }
    return queued;
}

void mf_core_note_queued(struct mf_core *core, uint32_t k)
{
    uint64_t queued = queued_count(core);
    core->rec.log[k].queued = queued < UINT32_MAX ? (uint32_t)queued : UINT32_MAX - 1;
}

void mf_core_note_converted(struct mf_core *core, uint32_t k, uint32_t converted)
{
    core->rec.log[k].converted = converted;
}

void mf_core_note_made_anew(struct mf_core *core, uint32_t k, uint32_t made_anew)
{
    __atomic_fetch_add(&core->rec.log[k].made_anew, made_anew, __ATOMIC_RELAXED);
}

/* --- what it is
 * --------------------------------------------------------------------------------------------------------------------------
 */

void **mf_core_strategy_data(struct mf_core *core)
{
    return &core->strategy_data;
}

const char *mf_core_dir(const struct mf_core *core)
{
    return core->args->dir;
}

const char *mf_core_module_path(const struct mf_core *core, uint32_t index)
{
    return core->args->modules[index];
}
