/* The pings of a worker: made when they are due, told to the account, put into their connection's queue; and the
 * answers. The other half of worker.h is worker.c, the phases of life. */
#include "load/worker.h"

#include <assert.h>

#include "base/clock.h"

/* Most pings that one waking sends before answers are looked at again. */
#define PINGS_PER_WAKEUP 1024

bool mf_worker_may_ping(const struct mf_worker *w)
{
    return w->phase == MF_WORKER_PINGING && (w->plan.messages == 0 || w->pings < w->plan.messages);
}

static uint64_t worker_live(const struct mf_worker *w)
{
    uint64_t expired, open = mf_account_open(w->account, &expired);

    return open - expired;
}

/* One more ping of `stream`. Returns false where it could not be put into the queue (it is then counted as not sent).
 */
static bool worker_ping(struct mf_worker *w, struct mf_connection *c, uint32_t stream, uint64_t due_ns, uint64_t now_ns)
{
    struct mf_msg msg = {.kind = MF_MSG_PING, .stream = stream, .payload = w->payload};
    bool sendable;

    w->pings++;
    msg.seq = mf_account_due(w->account, stream, due_ns, &msg.process, &sendable);
    if (!sendable)
        return false;
    uint8_t *out = mf_queue_room(&c->queue, w->ping_bytes_max);
    if (!out) {
        mf_account_not_sent(w->account, stream, msg.seq, now_ns);
        return false;
    }
    msg.closes = w->plan.pings_per_connection > 0 && c->asked + 1 == w->plan.pings_per_connection;
    msg.payload_bytes = w->plan.payload_bytes;
    mf_payload_fill(w->payload, msg.payload_bytes, w->plan.seed, stream, msg.seq);
    size_t bytes = w->codec->encode(w->conf, out, &msg);
    mf_queue_put(&c->queue, bytes, stream, msg.process, msg.seq);
    c->asked++;
    uint32_t point;
    if (w->points.has_half && !w->half.connection && mf_points_half(&w->points, w->pings, &point))
        mf_half_begin(w, c, point, out, bytes);
    mf_worker_list(w, c);
    return true;
}

/* Closed loop: a ping for each free slot of the window, due now. */
static void worker_fill(struct mf_worker *w, struct mf_connection *c, uint64_t due_ns, uint64_t now_ns)
{
    while (c->outstanding < w->plan.window && mf_connection_has_room(c) && mf_worker_may_ping(w)) {
        uint32_t stream = w->plan.first_stream + c->index + c->turn * w->plan.connections;
        c->turn = c->turn + 1 == w->plan.streams_per_connection ? 0 : c->turn + 1;
        if (!worker_ping(w, c, stream, due_ns, now_ns))
            return; /* the next beat tries again */
        c->outstanding++;
    }
}

/* Open loop: what has become due. */
void mf_worker_send_due(struct mf_worker *w, uint64_t now_ns)
{
    uint32_t streams = w->plan.connections * w->plan.streams_per_connection;

    for (int sent = 0; sent < PINGS_PER_WAKEUP && w->schedule.next_ns <= now_ns && w->schedule.next_ns < w->end_ns &&
                       mf_worker_may_ping(w);
         sent++) {
        uint32_t local = (uint32_t)(w->pings % streams);
        worker_ping(w, &w->connection[local % w->plan.connections], w->plan.first_stream + local, w->schedule.next_ns,
                    now_ns);
        mf_schedule_advance(&w->schedule);
    }
}

/* A slot of the window is free: the ping of this stream that held it has its outcome, or is past its time-out. */
static void worker_free_slot(struct mf_worker *w, uint32_t stream)
{
    struct mf_connection *c = &w->connection[(stream - w->plan.first_stream) % w->plan.connections];

    assert(c->outstanding > 0);
    c->outstanding--;
    mf_worker_list(w, c);
}

static void on_expired(void *ctx, uint32_t stream, uint64_t seq)
{
    (void)seq;
    worker_free_slot(ctx, stream);
}

void mf_worker_expire(struct mf_worker *w, uint64_t now_ns)
{
    mf_account_expire(w->account, now_ns, w->plan.mode == MF_MODE_CLOSED ? on_expired : NULL, w);
}

/* To which ping an answer belongs that does not say so. One that says so need not come in order: the oldest without an
 * answer is then still the oldest. */
static void pong_name(const struct mf_account *account, struct mf_order *order, const struct mf_msg *msg,
                      struct mf_pong *pong)
{
    struct mf_ordered oldest = {.stream = UINT32_MAX, .seq = UINT64_MAX};

    if (msg->named != MF_NAMED_NOT)
        mf_order_take_named(order, pong->stream, pong->seq);
    if (msg->named == MF_NAMED_WHOLE)
        return;
    if (msg->named == MF_NAMED_NOT) {
        mf_order_take(order, &oldest);
        pong->stream = oldest.stream;
        pong->seq = oldest.seq;
    }
    pong->process = mf_account_process(account, pong->stream, pong->seq);
}

void mf_worker_read_pong(const struct mf_worker *w, const struct mf_account *account, struct mf_order *order,
                         const struct mf_msg *msg, struct mf_pong *pong)
{
    const struct mf_plan *plan = &w->plan;

    *pong = (struct mf_pong){
        .stream = msg->stream,
        .process = msg->process,
        .version = msg->version,
        .seq = msg->seq,
        .instance = msg->instance,
        .count = msg->count,
        .has = msg->has,
        .is_error = msg->kind == MF_MSG_ERROR && !msg->corrupt,
        /* a ping that comes back is no answer either */
        .is_wrong = msg->corrupt || msg->kind == MF_MSG_PING,
    };
    if (w->codec->in_order)
        pong_name(account, order, msg, pong);
    if (msg->kind == MF_MSG_PONG && w->codec->carries_payload && !pong->is_wrong)
        pong->is_wrong = msg->payload_bytes != plan->payload_bytes ||
                         !mf_payload_matches(msg->payload, msg->payload_bytes, plan->seed, msg->stream, msg->seq);
}

static enum mf_outcome pong_book(struct mf_worker *w, const struct mf_pong *pong, uint64_t now_ns)
{
    enum mf_outcome outcome = mf_account_pong(w->account, pong, now_ns);

    if (w->retries)
        mf_retries_told(w->retries, pong, outcome);
    return outcome;
}

void mf_worker_answer(struct mf_worker *w, struct mf_connection *c, const struct mf_msg *msg, uint64_t now_ns)
{
    struct mf_pong pong;

    mf_worker_read_pong(w, w->account, &c->order, msg, &pong);
    if (w->plan.pipeline > 0 && mf_queue_first(&c->queue))
        mf_worker_list(w, c); /* one that waited for its turn may go */
    if (w->plan.mode == MF_MODE_OPEN) {
        pong_book(w, &pong, now_ns);
        return;
    }
    /* A slot is free exactly when a ping that was open and within its time-out is so no more; the outcome alone does
     * not tell (a late answer's slot was free before). */
    uint64_t live = worker_live(w);
    if (pong_book(w, &pong, now_ns) != MF_OUTCOME_COUNT && worker_live(w) < live)
        worker_free_slot(w, pong.stream);
}

void mf_worker_lost(struct mf_worker *w, struct mf_connection *c, uint32_t stream, uint64_t seq, enum mf_cause cause,
                    uint64_t now_ns)
{
    uint64_t live = worker_live(w);

    mf_account_lost(w->account, stream, seq, cause, now_ns);
    if (w->plan.mode == MF_MODE_CLOSED && worker_live(w) < live)
        c->outstanding--;
}

static void worker_say_point(struct mf_worker *w, uint32_t point, const struct mf_queued *ping)
{
    struct mf_control_writer line;

    mf_control_begin(&line, "point");
    mf_control_put_u64(&line, "p", point);
    mf_control_put_u64(&line, "stream", ping->stream);
    mf_control_put_u64(&line, "seq", ping->seq);
    mf_control_put_u64(&line, "process", ping->process);
    mf_channel_send(&w->channel, &line);
}

/* Pings that the kernel has taken and that may still be answered in time, the one that is told of now included: it
 * still stands in its queue. */
static uint64_t worker_in_flight(const struct mf_worker *w)
{
    uint64_t live = worker_live(w), waiting = 0;

    for (uint32_t i = 0; i < w->plan.connections; i++)
        waiting += w->connection[i].queue.ping_count;
    return live >= waiting ? live - waiting + 1 : 1;
}

void mf_worker_written(struct mf_worker *w, struct mf_connection *c, const struct mf_queued *ping, uint64_t now_ns)
{
    const struct mf_ordered written = {.seq = ping->seq, .written_ns = now_ns, .stream = ping->stream};
    uint32_t point;

    mf_account_written(w->account, ping->stream, ping->seq, now_ns);
    if (w->codec->in_order && !mf_order_push(&c->order, &written)) {
        struct mf_error err;
        mf_error_set(&err, MF_STATUS_INTERNAL, NULL, "no memory for the order of answers");
        mf_worker_fail(w, &err);
    }
    if (mf_points_sent(&w->points))
        while (mf_points_take(&w->points, &point))
            worker_say_point(w, point, ping);
    if (!w->points.has_in_flight)
        return;
    uint64_t in_flight = worker_in_flight(w);
    while (mf_points_in_flight(&w->points, in_flight, &point))
        worker_say_point(w, point, ping);
}

void mf_worker_vacate(struct mf_worker *w, struct mf_connection *c)
{
    c->outstanding = 0;
    mf_worker_list(w, c);
}

void mf_worker_list(struct mf_worker *w, struct mf_connection *c)
{
    if (c->listed)
        return;
    c->listed = true;
    c->next_listed = w->listed;
    w->listed = c;
}

bool mf_worker_wants(const struct mf_worker *w, const struct mf_connection *c)
{
    return w->phase <= MF_WORKER_PINGING || (w->phase == MF_WORKER_DRAINING && mf_queue_first(&c->queue));
}

void mf_worker_settle(struct mf_worker *w)
{
    if (!w->listed)
        return;
    uint64_t now_ns = mf_clock_now_ns();
    bool fills =
        w->plan.mode == MF_MODE_CLOSED && w->phase == MF_WORKER_PINGING && now_ns >= w->start_ns && now_ns < w->end_ns;
    uint64_t due_ns = w->has_filled ? now_ns : w->start_ns;

    while (w->listed && !w->failed) {
        struct mf_connection *c = w->listed;
        w->listed = c->next_listed;
        c->listed = false;
        mf_connection_retire(c);
        if (c->link == MF_LINK_DOWN)
            mf_connection_beat(c, now_ns);
        if (fills)
            worker_fill(w, c, due_ns, now_ns);
        mf_connection_flush(c);
    }
    w->has_filled |= fills;
}
