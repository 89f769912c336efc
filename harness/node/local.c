/* Transport local: the pingers live in the node. Each stream is a process with a mailbox for its pongs, run by the same
 * scheduler loop as the processes that it asks; each scheduler keeps the account of its own streams, in its own section
 * of the flight recorder. No message meets a kernel.
 *
 * A pong is told to the account through the module (handle_pong), so that the client's code is exchanged too. The clock
 * is read once for what a pinger takes out of its mailbox at one go: a pong is never told earlier than it came, and a
 * ping never later than it was sent. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "checker/account.h"
#include "node/stage.h"
#include "wire/schedule.h"

#define BEAT_NS         MF_NS_PER_MS
#define STRAYS_NS       (20 * MF_NS_PER_MS) /* after the last outcome: second answers would else go uncounted */
#define WINDOW_HINT_MAX 65536.0
#define DUE_PER_ROUND   1024

enum local_phase { LOCAL_PLANNED, LOCAL_PINGING, LOCAL_DRAINING, LOCAL_FINISHED };

struct pinger {
    struct mf_process process; /* first: a pinger's process is the pinger */
    uint32_t stream, outstanding;
};

struct mf_local {
    struct mf_scheduler *scheduler;
    struct mf_plan plan;
    struct mf_account *account;
    struct mf_schedule schedule;
    struct mf_pool pool;
    struct pinger *pingers;
    uint32_t count;
    enum local_phase phase;
    bool has_filled;
    uint64_t pings; /* made by this worker */
    uint64_t start_ns, end_ns, next_beat_ns, drain_until_ns, calm_since_ns;
    uint64_t now_ns;               /* of the pongs being told */
    const struct mf_message *told; /* the pong being told */
    struct pinger *teller;
};

/* --- life
 * ----------------------------------------------------------------------------------------------------------------- */

static int local_account(struct mf_local *local, struct mf_core *core, struct mf_error *err)
{
    const struct mf_plan *plan = &local->plan;
    const struct mf_recorder_shape *shape = &core->rec.header->shape;
    double hint = plan->mode == MF_MODE_CLOSED
                      ? (double)plan->window
                      : plan->rate_per_s * ((double)plan->timeout_ns / MF_NS_PER_S) / local->count + 1;
    if (plan->worker >= shape->workers || plan->streams > shape->streams || plan->processes != core->processes_count)
        return mf_error_set(err, MF_STATUS_INTERNAL, "plan", "does not fit the recorder's shape, or this node");
    if (plan->points > 0)
        return mf_error_set(err, MF_STATUS_USAGE, "upgrades",
                            "a message point needs a load process: not with transport local");
    struct mf_account_config config = {.worker = plan->worker,
                                       .first_stream = plan->first_stream,
                                       .streams = local->count,
                                       .streams_total = plan->streams,
                                       .processes = plan->processes,
                                       .timeout_ns = plan->timeout_ns,
                                       .window_ns = plan->window_ns,
                                       .window_hint = (uint32_t)(hint < WINDOW_HINT_MAX ? hint : WINDOW_HINT_MAX),
                                       .history_dir = plan->history};
    local->account = mf_account_new(&core->rec, &config, err);
    return local->account ? 0 : -1;
}

static void local_destroy(struct mf_local *local)
{
    mf_account_free(local->account);
    mf_pool_done(&local->pool);
    free(local->pingers);
    free(local);
}

int mf_local_new(struct mf_core *core, const struct mf_plan *plan, struct mf_error *err)
{
    if (!core->local || plan->worker >= core->schedulers_count || core->schedulers[plan->worker].local ||
        core->pingers_started)
        return mf_error_set(err, MF_STATUS_INTERNAL, "plan",
                            "one plan per scheduler, before go, of a node with transport local");
    struct mf_local *local = calloc(1, sizeof *local);
    if (!local)
        return mf_error_set(err, MF_STATUS_INTERNAL, "plan", "no memory");
    local->scheduler = &core->schedulers[plan->worker];
    local->plan = *plan;
    local->count = plan->connections * plan->streams_per_connection;
    void *pingers = NULL;
    if (posix_memalign(&pingers, 64, sizeof *local->pingers * local->count) != 0) {
        mf_error_set(err, MF_STATUS_INTERNAL, "plan", "no memory for %u pingers", local->count);
        local_destroy(local);
        return -1;
    }
    local->pingers = pingers;
    memset(local->pingers, 0, sizeof *local->pingers * local->count);
    if (local_account(local, core, err) != 0) {
        local_destroy(local);
        return -1;
    }
    /* joins before the scheduler knows of it: no upgrade can be under way, they are this thread's */
    struct mf_image *image = mf_core_current(core);
    for (uint32_t i = 0; i < local->count; i++) {
        struct pinger *p = &local->pingers[i];
        p->stream = plan->first_stream + i;
        p->process.id = core->processes_count + p->stream;
        p->process.scheduler = plan->worker;
        p->process.is_pinger = true;
        p->process.image = image;
    }
    atomic_fetch_add(&image->processes, local->count);
    mf_core_pause_schedulers(core);
    local->scheduler->local = local;
    mf_core_resume_schedulers(core);
    return 0;
}

void mf_local_free(struct mf_scheduler *s)
{
    if (s->local)
        local_destroy(s->local);
    s->local = NULL;
}

void mf_local_empty(struct mf_scheduler *s, struct mf_chain *out)
{
    for (uint32_t i = 0; s->local && i < s->local->count; i++)
        while (s->local->pingers[i].process.mailbox.head)
            mf_chain_append(out, mf_chain_pop(&s->local->pingers[i].process.mailbox));
}

struct mf_process *mf_local_pinger(struct mf_scheduler *s, uint32_t i)
{
    return s->local && i < s->local->count ? &s->local->pingers[i].process : NULL;
}

void mf_local_join(struct mf_core *core, struct mf_image *image)
{
    struct mf_process *p;
    for (uint32_t w = 0; w < core->schedulers_count; w++)
        for (uint32_t i = 0; (p = mf_local_pinger(&core->schedulers[w], i)); i++)
            if (p->image != image)
                mf_process_convert(p, image); /* there is no state that could refuse */
}

/* --- pings
 * -------------------------------------------------------------------------------------------------------------------
 */

static bool may_ping(const struct mf_local *local)
{
    return local->phase == LOCAL_PINGING && (local->plan.messages == 0 || local->pings < local->plan.messages);
}

static bool ping_send(struct mf_local *local, uint32_t stream, uint64_t due_ns, uint64_t now_ns)
{
    struct mf_scheduler *s = local->scheduler;
    struct mf_core *core = s->core;
    uint32_t process;
    bool sendable;
    local->pings++;
    uint64_t seq = mf_account_due(local->account, stream, due_ns, &process, &sendable);
    if (!sendable)
        return false;
    struct mf_message *m = mf_pool_take(&local->pool, local->plan.payload_bytes);
    if (!m) {
        mf_account_not_sent(local->account, stream, seq, now_ns);
        return false;
    }
    m->home = s->index;
    m->stream = stream;
    m->process = process;
    m->seq = seq;
    if (m->payload_bytes > 0)
        mf_payload_fill(m->payload, m->payload_bytes, local->plan.seed, stream, seq);
    mf_account_written(local->account, stream, seq, now_ns);
    struct mf_process *p = &core->processes[process];
    struct mf_scheduler *to = mf_scheduler_of(core, p);
    atomic_fetch_add_explicit(&to->pushed, 1, memory_order_relaxed);
    if (to == s)
        mf_process_enqueue(core, p, m);
    else
        mf_chain_append(&s->across[to->index], m);
    return true;
}

/* Closed loop: a ping for each free slot of the stream's window. */
static void pinger_fill(struct mf_local *local, struct pinger *p, uint64_t due_ns, uint64_t now_ns)
{
    while (p->outstanding < local->plan.window && may_ping(local)) {
        if (!ping_send(local, p->stream, due_ns, now_ns))
            return; /* the next beat tries again */
        p->outstanding++;
    }
}

static void pingers_fill(struct mf_local *local, uint64_t now_ns)
{
    uint64_t due_ns = local->has_filled ? now_ns : local->start_ns;
    for (uint32_t i = 0; i < local->count; i++)
        pinger_fill(local, &local->pingers[i], due_ns, now_ns);
    local->has_filled = true;
}

static void send_due(struct mf_local *local, uint64_t now_ns)
{
    for (int sent = 0; sent < DUE_PER_ROUND && local->schedule.next_ns <= now_ns &&
                       local->schedule.next_ns < local->end_ns && may_ping(local);
         sent++) {
        uint32_t stream = local->plan.first_stream + (uint32_t)(local->pings % local->count);
        ping_send(local, stream, local->schedule.next_ns, now_ns);
        mf_schedule_advance(&local->schedule);
    }
}

/* --- pongs
 * ---------------------------------------------------------------------------------------------------------------------
 */

static uint64_t live(const struct mf_local *local)
{
    uint64_t expired, open = mf_account_open(local->account, &expired);
    return open - expired;
}

static void pong_tell(struct mf_local *local, const struct mf_pong *pong)
{
    if (local->phase == LOCAL_FINISHED)
        return;
    uint64_t before = live(local);
    /* a late answer's slot was freed when it expired */
    if (mf_account_pong(local->account, pong, local->now_ns) != MF_OUTCOME_COUNT && live(local) < before &&
        pong->stream == local->teller->stream)
        local->teller->outstanding--;
}

/* Called by the module's client side. */
static void on_pong(void *ctx, uint32_t stream, uint64_t seq, const struct mf_answer *answer, uint64_t instance)
{
    struct mf_local *local = ctx;
    struct mf_pong pong = {.stream = stream,
                           .process = local->told->process,
                           .version = answer->version,
                           .seq = seq,
                           .instance = instance,
                           .count = answer->count,
                           .has = MF_HAS_VERSION | MF_HAS_INSTANCE | MF_HAS_COUNT};
    pong.is_wrong = answer->payload_bytes != local->plan.payload_bytes ||
                    (answer->payload_bytes > 0 &&
                     !mf_payload_matches(answer->payload, answer->payload_bytes, local->plan.seed, stream, seq));
    pong_tell(local, &pong);
}

static void message_tell(struct mf_local *local, const struct mf_module *module, const struct mf_message *m)
{
    local->told = m;
    if (m->kind == MF_MESSAGE_ERROR) {
        struct mf_pong error = {.stream = m->stream, .process = m->process, .seq = m->seq, .is_error = true};
        pong_tell(local, &error);
        return;
    }
    struct mf_answer answer = {
        .count = m->count, .version = m->version, .payload = m->payload, .payload_bytes = m->payload_bytes};
    struct mf_pinger_api api = {.pinger = local, .pong_arrived = on_pong};
    if (module->handle_pong)
        module->handle_pong(&api, m->stream, m->seq, &answer, m->instance);
    else
        on_pong(local, m->stream, m->seq, &answer, m->instance);
}

void mf_local_deliver(struct mf_scheduler *s, struct mf_message *m)
{
    struct mf_local *local = s->local;
    if (m->kind == MF_MESSAGE_DROPPED) {
        mf_pool_give(&local->pool, m);
        return;
    }
    struct mf_process *p = &local->pingers[m->stream - local->plan.first_stream].process;
    mf_chain_append(&p->mailbox, m);
    if (mf_stage_reach(s->core, m, MF_STAGE_REPLIED, p, NULL))
        mf_process_hold(s->core, p, m);
    mf_process_wake(s->core, p);
}

void mf_local_run(struct mf_scheduler *s, struct mf_process *process)
{
    struct mf_local *local = s->local;
    struct mf_core *core = s->core;
    struct pinger *p = (struct pinger *)process;
    struct mf_image *image = mf_core_current(core);
    if (process->image != image)
        mf_process_convert(process, image);
    local->now_ns = mf_clock_now_ns();
    local->teller = p;
    while (process->mailbox.head) {
        struct mf_message *m = mf_chain_pop(&process->mailbox);
        mf_stage_reach(core, m, MF_STAGE_FLUSHED, process, NULL);
        message_tell(local, image->module, m);
        mf_pool_give(&local->pool, m);
    }
    if (local->plan.mode == MF_MODE_CLOSED && local->now_ns < local->end_ns)
        pinger_fill(local, p, local->now_ns, local->now_ns);
}

/* --- the beat
 * --------------------------------------------------------------------------------------------------------------------
 */

void mf_local_go(struct mf_scheduler *s)
{
    struct mf_local *local = s->local;
    if (!local || local->phase != LOCAL_PLANNED)
        return;
    local->start_ns = atomic_load(&s->core->rec.header->start_ns);
    local->end_ns = atomic_load(&s->core->rec.header->end_ns);
    local->next_beat_ns = local->start_ns;
    local->phase = LOCAL_PINGING;
    if (local->plan.mode == MF_MODE_OPEN)
        mf_schedule_init(&local->schedule, &local->plan, local->start_ns);
}

void mf_local_resumed(struct mf_scheduler *s)
{
    uint64_t now_ns = mf_clock_now_ns();
    if (now_ns > s->local->next_beat_ns)
        s->local->next_beat_ns = now_ns;
}

static void on_expired(void *ctx, uint32_t stream, uint64_t seq)
{
    struct mf_local *local = ctx;
    (void)seq;
    local->pingers[stream - local->plan.first_stream].outstanding--;
}

static void beat(struct mf_local *local, uint64_t now_ns)
{
    mf_account_wakeup(local->account, now_ns, now_ns - local->next_beat_ns);
    local->next_beat_ns += (1 + (now_ns - local->next_beat_ns) / BEAT_NS) * BEAT_NS;
    mf_account_expire(local->account, now_ns, local->plan.mode == MF_MODE_CLOSED ? on_expired : NULL, local);
    if (local->plan.mode == MF_MODE_CLOSED && local->phase == LOCAL_PINGING && now_ns < local->end_ns)
        pingers_fill(local, now_ns);
}

static bool is_drained(struct mf_local *local, uint64_t now_ns)
{
    if (now_ns >= local->drain_until_ns)
        return true;
    if (mf_account_open(local->account, NULL) > 0)
        local->calm_since_ns = 0;
    else if (local->calm_since_ns == 0)
        local->calm_since_ns = now_ns;
    return local->calm_since_ns > 0 && now_ns - local->calm_since_ns >= STRAYS_NS;
}

static void finish(struct mf_local *local, uint64_t now_ns)
{
    struct mf_core *core = local->scheduler->core;
    local->phase = LOCAL_FINISHED;
    mf_account_finish(local->account, now_ns);
    if (atomic_fetch_sub(&core->pingers_left, 1) == 1)
        mf_core_tell_main(core);
}

uint64_t mf_local_tick(struct mf_scheduler *s)
{
    struct mf_local *local = s->local;
    if (local->phase == LOCAL_PLANNED || local->phase == LOCAL_FINISHED)
        return UINT64_MAX;
    uint64_t now_ns = mf_clock_now_ns();
    bool open = local->plan.mode == MF_MODE_OPEN;
    if (now_ns >= local->next_beat_ns)
        beat(local, now_ns);
    if (local->phase == LOCAL_PINGING && now_ns >= local->start_ns) {
        if (open)
            send_due(local, now_ns);
        bool has_more = open && local->schedule.next_ns < local->end_ns;
        if ((now_ns >= local->end_ns && !has_more) || !may_ping(local)) {
            local->phase = LOCAL_DRAINING;
            local->drain_until_ns = now_ns + local->plan.drain_ns;
        }
    }
    if (local->phase == LOCAL_DRAINING && is_drained(local, now_ns)) {
        finish(local, now_ns);
        return UINT64_MAX;
    }
    bool waits = open && local->phase == LOCAL_PINGING && local->schedule.next_ns < local->next_beat_ns;
    return waits ? local->schedule.next_ns : local->next_beat_ns;
}
