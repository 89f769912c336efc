#include "load/probes.h"

#include <stdlib.h>

#include "base/clock.h"
#include "load/worker.h"

/* A probe waits for the end of its upgrade, however long that takes: what it waits itself is not the target's lateness.
 */
#define PATIENCE_NS (86400 * MF_NS_PER_S)

/* So many pings of a probe may be lost on its way into its state; where more are, it is given up. */
#define PLACING_PINGS 4

static int probes_account(struct mf_probes *s, struct mf_error *err)
{
    const struct mf_worker *w = s->worker;
    const struct mf_plan *plan = &w->plan;
    uint32_t section = w->recorder.header->shape.workers;

    if (w->recorder.header->shape.probes != plan->probes || plan->probes >> MF_WIRE_STATE_COUNT)
        return mf_error_set(err, MF_STATUS_INTERNAL, "plan", "wants probes that the recorder has no room for");
    s->record = mf_recorder_worker(&w->recorder, section);
    s->account = mf_account_new(&w->recorder,
                                &(struct mf_account_config){
                                    .worker = section,
                                    .first_stream = s->probe[0].stream,
                                    .streams = s->count,
                                    .streams_total = plan->streams,
                                    .processes = plan->processes,
                                    .timeout_ns = PATIENCE_NS,
                                    .window_ns = plan->window_ns,
                                    .window_hint = 2,
                                    .history_dir = plan->history,
                                },
                                err);
    return s->account ? 0 : -1;
}

struct mf_probes *mf_probes_new(struct mf_worker *w, struct mf_error *err)
{
    struct mf_probes *s = calloc(1, sizeof *s);
    uint32_t count = (uint32_t)__builtin_popcount(w->plan.probes),
             stream = w->plan.streams - count - (w->plan.retry ? w->plan.workers : 0);

    if (!s) {
        mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the probes");
        return NULL;
    }
    s->worker = w;
    for (uint32_t state = 0; state < MF_WIRE_STATE_COUNT; state++) {
        if (!(w->plan.probes & 1u << state))
            continue;
        if (mf_probe_init(&s->probe[s->count++], s, (enum mf_wire_state)state, stream++) < 0) {
            mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the probes");
            mf_probes_free(s);
            return NULL;
        }
    }
    if (probes_account(s, err) < 0) {
        mf_probes_free(s);
        return NULL;
    }
    return s;
}

bool mf_probes_requested(const struct mf_probes *s)
{
    return atomic_load_explicit(&s->worker->recorder.header->requested, memory_order_acquire) > s->k;
}

static void probes_say_placed(struct mf_probes *s)
{
    struct mf_control_writer line;

    mf_control_begin(&line, "placed");
    mf_control_put_u64(&line, "k", s->k);
    mf_channel_send(&s->worker->channel, &line);
}

/* The last steps are done together, right before the driver is told. */
static void probes_place_last(struct mf_probes *s, uint64_t now_ns)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (!mf_probe_is_ready(&s->probe[i]) && now_ns < s->give_up_ns)
            return;
    s->phase = MF_PROBES_HELD;
    for (uint32_t i = 0; i < s->count; i++)
        mf_probe_last(&s->probe[i], now_ns);
    probes_say_placed(s);
}

void mf_probes_place(struct mf_probes *s, uint32_t k, uint64_t now_ns)
{
    if (s->phase != MF_PROBES_IDLE) {
        s->waits = true;
        s->next_k = k;
        return;
    }
    s->k = k;
    if (s->finished || s->worker->phase != MF_WORKER_PINGING) {
        probes_say_placed(s); /* the load is over: no probe is there, and so none is counted as placed */
        return;
    }
    s->phase = MF_PROBES_PLACING;
    s->give_up_ns = now_ns + s->worker->plan.connect_timeout_ns + PLACING_PINGS * s->worker->plan.timeout_ns;
    for (uint32_t i = 0; i < s->count; i++)
        mf_probe_place(&s->probe[i], now_ns);
    probes_place_last(s, now_ns);
}

static void probes_judge(struct mf_probes *s, uint64_t now_ns)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (!mf_probe_is_over(&s->probe[i]))
            return;
    for (uint32_t i = 0; i < s->count; i++)
        mf_probe_take(&s->probe[i], &s->record->wire[s->probe[i].state]);
    s->phase = MF_PROBES_IDLE;
    if (!s->waits)
        return;
    s->waits = false;
    mf_probes_place(s, s->next_k, now_ns);
}

void mf_probes_release(struct mf_probes *s, uint32_t k, uint64_t now_ns)
{
    if (s->phase != MF_PROBES_HELD || k != s->k)
        return;
    s->phase = MF_PROBES_JUDGING;
    for (uint32_t i = 0; i < s->count; i++)
        mf_probe_release(&s->probe[i], now_ns);
    probes_judge(s, now_ns);
}

void mf_probes_beat(struct mf_probes *s, uint64_t now_ns)
{
    if (s->phase == MF_PROBES_IDLE)
        return;
    for (uint32_t i = 0; i < s->count; i++)
        mf_probe_beat(&s->probe[i], now_ns);
    if (s->phase == MF_PROBES_PLACING)
        probes_place_last(s, now_ns);
    else if (s->phase == MF_PROBES_JUDGING)
        probes_judge(s, now_ns);
}

void mf_probes_answer(struct mf_probes *s, struct mf_probe *p, const struct mf_msg *msg, uint64_t now_ns)
{
    struct mf_pong pong;

    mf_worker_read_pong(s->worker, s->account, &p->order, msg, &pong);
    enum mf_outcome outcome = mf_account_pong(s->account, &pong, now_ns);
    if (outcome == MF_OUTCOME_COUNT)
        return;
    /* its stream is one of ours, or it would be a phantom */
    mf_probe_answered(&s->probe[pong.stream - s->probe[0].stream], pong.seq, outcome, now_ns);
}

bool mf_probes_are_busy(const struct mf_probes *s)
{
    return s->phase == MF_PROBES_JUDGING || (s->phase == MF_PROBES_HELD && mf_probes_requested(s));
}

void mf_probes_close(struct mf_probes *s)
{
    for (uint32_t i = 0; s && i < s->count; i++)
        mf_probe_close(&s->probe[i]);
}

void mf_probes_finish(struct mf_probes *s, uint64_t now_ns)
{
    s->finished = true;
    mf_probes_close(s);
    s->phase = MF_PROBES_IDLE;
    mf_account_finish(s->account, now_ns);
}

void mf_probes_free(struct mf_probes *s)
{
    if (!s)
        return;
    for (uint32_t i = 0; i < s->count; i++)
        mf_probe_done(&s->probe[i]);
    mf_account_free(s->account);
    free(s);
}
