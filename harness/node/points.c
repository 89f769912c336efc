/* Points: messages counted at the stages that the scenario names, upgrades fired on them, messages held until the
 * upgrade has ended.
 *
 * One upgrade at a time: a point that comes due while one is under way fires at the first message at its stage after
 * that; or, where it holds its message and the upgrade that is under way has been committed, at this one, which is held
 * until that upgrade has ended and its own too. Counters live in the flight recorder, so that a restarted worker goes on counting where the killed one stopped.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "node/core_internal.h"

int mf_points_init(struct mf_core *core, struct mf_error *err)
{
    struct mf_points *points = &core->points;
    if (pthread_mutex_init(&points->lock, NULL) != 0)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "cannot make a mutex");
    points->k = UINT32_MAX;
    for (uint32_t i = 0; i < core->args->points_count; i++) {
        uint32_t stage = core->args->points[i].stage;
        points->holds_flushed |= stage == MF_STAGE_FLUSHED && core->args->points[i].hold;
        if (stage == MF_POINT_STAGE_HALF_RECEIVED)
            points->half_in |= 1u << i;
        else /* that half of a reply is out is seen to where the reply is put into the socket's queue */
            points->at_stage[stage == MF_POINT_STAGE_HALF_FLUSHED ? MF_STAGE_REPLIED : stage] |= 1u << i;
    }
    return 0;
}

void mf_points_done(struct mf_core *core)
{
    pthread_mutex_destroy(&core->points.lock);
}

/* --- what is due
 * -------------------------------------------------------------------------------------------------------- */

/* Counts one more message. True: the point is due (now, or since a message that could not fire it). */
static bool point_count(struct mf_core *core, uint32_t i, uint64_t seq, const struct mf_process *process)
{
    const struct mf_node_point *p = &core->args->points[i];
    uint64_t fired = atomic_load(&core->rec.node->point_fired[i]);
    uint64_t seen = atomic_load(&core->rec.node->point_counter[i]);
    if (p->kind == MF_NODE_POINT_VALUE) {
        /* counts how often the value has come; each coming is good for one firing */
        if (seq == p->first + fired * p->every)
            atomic_store(&core->rec.node->point_counter[i], ++seen);
        return fired < p->count && seen > fired;
    }
    atomic_store(&core->rec.node->point_counter[i], ++seen);
    if (p->kind == MF_NODE_POINT_DEPTH)
        return fired < p->count && seen >= fired * p->every && process && process->mailbox.count == p->first;
    return fired < p->count && seen >= p->first + fired * p->every;
}

bool mf_points_upgrade_under_way(struct mf_core *core)
{
    uint32_t requested = atomic_load(&core->rec.header->requested);
    uint32_t settled = atomic_load(&core->points.settled);
    while (settled < requested && atomic_load(&core->rec.log[settled].outcome) != MF_UPGRADE_PENDING)
        settled++;
    atomic_store(&core->points.settled, settled);
    return settled < requested;
}

/* Behind a commit the worker may still be unloading. How long that takes is chance, and so would be which message is the
 * trigger; but nothing waits for a message any more, so this one can be held. (Where the supervisor carries the upgrade
 * out, the schedulers stand until it has ended: worker.c.) Under the lock. */
static bool point_may_fire(struct mf_core *core, uint32_t i)
{
    if (atomic_load(&core->points.state) != MF_HOLD_NONE)
        return false;
    if (!mf_points_upgrade_under_way(core))
        return true;
    return core->args->points[i].hold && core->strategy->upgrade &&
           atomic_load(&core->rec.header->committed) == atomic_load(&core->rec.header->requested);
}

/* Fills the next slot of the log and raises `requested`. UINT32_MAX: all slots are used. Under the lock. */
static uint32_t slot_claim(struct mf_core *core)
{
    struct mf_points *points = &core->points;
    uint32_t k = atomic_load(&core->rec.header->requested);
    if (k >= core->rec.header->shape.upgrades)
        return UINT32_MAX;
    struct mf_upgrade_log *log = &core->rec.log[k];
    log->point = core->args->points[points->point].point;
    log->has_trigger = true;
    log->trigger_held = points->holds;
    log->trigger_stage = (uint8_t)points->stage;
    log->trigger_stream = points->stream;
    log->trigger_process = points->process_id;
    log->trigger_seq = points->seq;
    atomic_store(&log->phase_ns[MF_PHASE_REQUESTED], mf_clock_now_ns());
    atomic_fetch_add(&core->rec.node->point_fired[points->point], 1);
    atomic_store(&core->rec.header->requested, k + 1);
    return k;
}

static bool point_fire(struct mf_core *core, uint32_t i, const struct mf_message *m, uint32_t stage,
                       struct mf_process *process, struct mf_connection *connection)
{
    struct mf_points *points = &core->points;
    if (atomic_load(&core->rec.header->requested) >= core->rec.header->shape.upgrades)
        return false;
    points->point = i;
    points->stage = stage;
    points->stream = m->stream;
    points->process_id = m->process;
    points->seq = m->seq;
    /* what is flushed is gone: held is what stands behind it on its connection, where there is one */
    points->holds = core->args->points[i].hold && (stage != MF_STAGE_FLUSHED || connection);
    points->process = points->holds ? process : NULL;
    points->connection = points->holds && !process ? connection : NULL;
    /* a held message's slot is claimed by the main thread, when all is quiet */
    points->k = points->holds ? UINT32_MAX : slot_claim(core);
    atomic_store(&points->state, MF_HOLD_DUE);
    mf_core_tell_main(core);
    return points->holds;
}

/* Half of a reply is waited for at REPLIED. */
static uint32_t stage_of(const struct mf_core *core, uint32_t i, enum mf_stage stage)
{
    bool half = core->args->points[i].stage == MF_POINT_STAGE_HALF_FLUSHED;
    return half ? core->args->points[i].stage : (uint32_t)stage;
}

bool mf_points_seen(struct mf_core *core, struct mf_message *m, enum mf_stage stage, struct mf_process *process,
                    struct mf_connection *connection)
{
    struct mf_points *points = &core->points;
    bool held = false;
    pthread_mutex_lock(&points->lock);
    uint32_t due = UINT32_MAX;
    for (uint32_t bits = points->at_stage[stage]; bits; bits &= bits - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(bits);
        if (point_count(core, i, m->seq, process) && due == UINT32_MAX)
            due = i;
    }
    if (due != UINT32_MAX && point_may_fire(core, due))
        held = point_fire(core, due, m, stage_of(core, due, stage), process, connection);
    pthread_mutex_unlock(&points->lock);
    return held;
}

bool mf_points_holds_half(struct mf_core *core)
{
    pthread_mutex_lock(&core->points.lock);
    bool half = core->points.stage == MF_POINT_STAGE_HALF_FLUSHED;
    pthread_mutex_unlock(&core->points.lock);
    return half;
}

/* The point that a load has cut this message for. UINT32_MAX: none has, so it was cut by chance. */
static uint32_t half_point(struct mf_core *core, const struct mf_half_mark *mark, const struct mf_msg *msg)
{
    if (atomic_load_explicit(&mark->armed, memory_order_acquire) != 1 || mark->stream != msg->stream ||
        mark->seq != msg->seq)
        return UINT32_MAX;
    for (uint32_t bits = core->points.half_in; bits; bits &= bits - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(bits);
        if (core->args->points[i].point == mark->point &&
            atomic_load(&core->rec.node->point_fired[i]) < core->args->points[i].count)
            return i;
    }
    return UINT32_MAX;
}

void mf_points_half_in(struct mf_core *core, const uint8_t *bytes, size_t n)
{
    struct mf_points *points = &core->points;
    struct mf_msg msg;
    if (!points->half_in || !core->codec->peek(NULL, bytes, n, &msg))
        return;
    pthread_mutex_lock(&points->lock);
    for (uint32_t w = 0; w < core->rec.header->shape.workers; w++) {
        struct mf_half_mark *mark = &mf_recorder_worker(&core->rec, w)->half;
        uint32_t i = half_point(core, mark, &msg);
        if (i == UINT32_MAX || !point_may_fire(core, i))
            continue;
        struct mf_message m = {.stream = mark->stream, .process = mark->process, .seq = mark->seq};
        atomic_fetch_add(&core->rec.node->point_counter[i], 1);
        point_fire(core, i, &m, MF_POINT_STAGE_HALF_RECEIVED, NULL, NULL);
        atomic_store_explicit(&mark->armed, 2, memory_order_release);
        break;
    }
    pthread_mutex_unlock(&points->lock);
}

/* --- quiet
 * --------------------------------------------------------------------------------------------------------------------
 */

struct sight {
    uint64_t wakeups[64], moved;
    bool asleep;
};

static uint64_t shared_u64(const uint64_t *at)
{
    return __atomic_load_n(at, __ATOMIC_RELAXED); /* another OS process writes it */
}

/* Sums of things that only grow: two equal sums mean that none has moved. */
static void sight_take(struct mf_core *core, struct sight *sight)
{
    *sight = (struct sight){.asleep = atomic_load(&core->io.sleeping) == 1};
    for (uint32_t i = 0; i < core->schedulers_count; i++)
        sight->asleep &= atomic_load(&core->schedulers[i].sleeping) == 1;
    for (int stage = 0; stage < MF_STAGE_COUNT; stage++)
        sight->moved += atomic_load(&core->rec.node->reached[stage]);
    for (uint32_t w = 0; w < core->rec.header->shape.workers; w++) {
        const struct mf_worker_record *worker = mf_recorder_worker(&core->rec, w);
        sight->moved += atomic_load(&worker->due) + atomic_load(&worker->written) + shared_u64(&worker->replies);
        sight->wakeups[w % 64] += shared_u64(&worker->wakeups);
    }
}

static bool loads_have_looked(struct mf_core *core, const struct sight *before, const struct sight *after)
{
    for (uint32_t w = 0; w < core->rec.header->shape.workers && w < 64; w++)
        if (!atomic_load(&mf_recorder_worker(&core->rec, w)->finished) && after->wakeups[w] < before->wakeups[w] + 2)
            return false;
    return true;
}

/* A thread that is wanted says "asleep" until the kernel gives it a processor, which can take long on a busy machine.
 * One that has stood still twice on being asked has been round its loop in between: whatever there was to read, to run
 * or to flush, it has seen. */
static void threads_look(struct mf_core *core)
{
    for (int turn = 0; turn < 2; turn++) {
        mf_core_pause_io(core);
        mf_core_resume_io(core);
        mf_core_pause_schedulers(core);
        mf_core_resume_schedulers(core);
    }
}

/* Waits until nothing moves any more: what is in flight then sits at the same place in every run. Each load that has
 * woken twice since the first sight has had its chance to send. */
static void quiet_wait(struct mf_core *core, uint32_t hold_ms)
{
    struct sight first, now;
    uint64_t deadline_ns = mf_clock_now_ns() + hold_ms * MF_NS_PER_MS;
    sight_take(core, &first);
    while (mf_clock_now_ns() < deadline_ns) {
        nanosleep(&(struct timespec){.tv_nsec = MF_NS_PER_MS / 2}, NULL);
        sight_take(core, &now);
        if (!now.asleep || now.moved != first.moved) {
            first = now;
        } else if (first.asleep && loads_have_looked(core, &first, &now)) {
            threads_look(core);
            sight_take(core, &now);
            if (now.moved == first.moved)
                return;
            first = now;
        }
    }
}

bool mf_points_hold(const struct mf_core *core)
{
    for (uint32_t i = 0; i < core->args->points_count; i++)
        if (core->args->points[i].hold)
            return true;
    return false;
}

/* --- for the main thread
 * ------------------------------------------------------------------------------------------------------------ */

uint32_t mf_points_take(struct mf_core *core)
{
    struct mf_points *points = &core->points;
    if (atomic_load(&points->state) != MF_HOLD_DUE)
        return UINT32_MAX;
    pthread_mutex_lock(&points->lock);
    uint32_t hold_ms = core->args->points[points->point].hold_ms;
    bool wait = points->holds && !core->local;
    pthread_mutex_unlock(&points->lock);
    if (wait)
        quiet_wait(core, hold_ms);
    pthread_mutex_lock(&points->lock);
    if (points->k == UINT32_MAX)
        points->k = slot_claim(core);
    uint32_t k = points->k;
    atomic_store(&points->state, MF_HOLD_UNDER_WAY);
    pthread_mutex_unlock(&points->lock);
    if (k == UINT32_MAX)
        mf_points_ended(core); /* the driver took the last slot meanwhile */
    return k;
}

static void hold_over(struct mf_points *points)
{
    points->holds = false;
    points->process = NULL;
    points->connection = NULL;
}

void mf_points_release(struct mf_core *core)
{
    struct mf_points *points = &core->points;
    pthread_mutex_lock(&points->lock);
    if (atomic_load(&points->state) == MF_HOLD_UNDER_WAY && points->holds) {
        if (points->process) {
            atomic_store(&points->state, MF_HOLD_RELEASED);
            mf_scheduler_ask(mf_scheduler_of(core, points->process), MF_ATTENTION_RELEASE);
        } else if (points->connection) {
            atomic_store(&points->state, MF_HOLD_RELEASED);
            mf_io_ask(&core->io, MF_ATTENTION_RELEASE);
        } else {
            hold_over(points); /* it died with its process or its connection */
        }
    }
    pthread_mutex_unlock(&points->lock);
}

uint32_t mf_points_slot(struct mf_core *core)
{
    struct mf_points *points = &core->points;
    pthread_mutex_lock(&points->lock);
    uint32_t k = atomic_load(&points->state) == MF_HOLD_UNDER_WAY ? points->k : UINT32_MAX;
    pthread_mutex_unlock(&points->lock);
    return k;
}

void mf_points_ended(struct mf_core *core)
{
    struct mf_points *points = &core->points;
    mf_points_release(core);
    pthread_mutex_lock(&points->lock);
    if (atomic_load(&points->state) == MF_HOLD_UNDER_WAY)
        atomic_store(&points->state, MF_HOLD_NONE);
    if (atomic_load(&points->state) != MF_HOLD_DUE) /* another one has come due meanwhile: its slot is its own */
        points->k = UINT32_MAX;
    pthread_mutex_unlock(&points->lock);
}

/* --- for the thread that holds
 * ------------------------------------------------------------------------------------------------------ */

void mf_points_let_go(struct mf_core *core, uint32_t scheduler, struct mf_process **process,
                      struct mf_connection **connection)
{
    struct mf_points *points = &core->points;
    *process = NULL;
    *connection = NULL;
    pthread_mutex_lock(&points->lock);
    if (atomic_load(&points->state) == MF_HOLD_RELEASED) {
        if (scheduler != UINT32_MAX && points->process && points->process->scheduler == scheduler)
            *process = points->process;
        if (scheduler == UINT32_MAX)
            *connection = points->connection;
        hold_over(points);
        atomic_store(&points->state, MF_HOLD_NONE);
    }
    pthread_mutex_unlock(&points->lock);
}

void mf_points_forget(struct mf_core *core, const struct mf_process *process)
{
    pthread_mutex_lock(&core->points.lock);
    if (core->points.process == process)
        core->points.process = NULL;
    pthread_mutex_unlock(&core->points.lock);
}

void mf_points_forget_connection(struct mf_core *core, const struct mf_connection *connection)
{
    pthread_mutex_lock(&core->points.lock);
    if (core->points.connection == connection)
        core->points.connection = NULL;
    pthread_mutex_unlock(&core->points.lock);
}
