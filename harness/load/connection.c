#include "load/connection.h"

#include <assert.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "load/worker.h"

#define BACKOFF_NS_MIN      MF_NS_PER_MS
#define BACKOFF_NS_MAX      (10 * MF_NS_PER_MS)
#define READS_PER_EVENT     4
#define DATAGRAMS_PER_EVENT 64
#define WRITE_BYTES_MAX     (256u << 10) /* so that `written` is told soon after it was so */

/* A descriptor in the loop. Its memory lives until the loop has let go of the handle. */
struct mf_socket {
    uv_poll_t poll;
    int fd, events;
};

static void on_poll(uv_poll_t *handle, int status, int events);

static void on_closed(uv_handle_t *handle)
{
    free((struct mf_socket *)handle);
}

static int socket_watch(struct mf_socket *s, int events)
{
    if (s->events == events)
        return 0;
    s->events = events;
    return uv_poll_start(&s->poll, events, on_poll);
}

/* Takes the descriptor, also on failure. */
static int connection_attach(struct mf_connection *c, int fd, int events)
{
    struct mf_socket *s = calloc(1, sizeof *s);

    if (!s || uv_poll_init(&c->worker->loop, &s->poll, fd) < 0) {
        free(s);
        close(fd);
        return -1;
    }
    s->poll.data = c;
    s->fd = fd;
    c->socket = s;
    return socket_watch(s, events);
}

static void connection_detach(struct mf_connection *c)
{
    struct mf_socket *s = c->socket;

    if (!s)
        return;
    c->socket = NULL;
    /* The loop must forget the descriptor before it is closed: epoll would go on telling of a closed one that some
     * other process still holds. */
    uv_poll_stop(&s->poll);
    uv_close((uv_handle_t *)&s->poll, on_closed);
    close(s->fd);
}

static void connection_dial(struct mf_connection *c, uint64_t now_ns);

static void connection_backoff(struct mf_connection *c, uint64_t now_ns)
{
    c->retry_at_ns = now_ns + c->backoff_ns;
    c->backoff_ns = 2 * c->backoff_ns < BACKOFF_NS_MAX ? 2 * c->backoff_ns : BACKOFF_NS_MAX;
}

/* A closed loop sends its next ping when it can, so one refusal is no reason to lose a window's pings and at once make
 * as many new ones: how many were lost would count the attempts, not the messages. They wait until the connection has
 * been down for the connect time-out. An open loop's pings had their moment: they are lost with the attempt. */
static bool connection_waits_on(const struct mf_connection *c, enum mf_dial dial, uint64_t now_ns)
{
    const struct mf_plan *plan = &c->worker->plan;

    return plan->mode == MF_MODE_CLOSED && dial == MF_DIAL_REFUSED && c->ended_ns > 0 &&
           now_ns - c->ended_ns < plan->connect_timeout_ns;
}

/* The attempt has failed: so have all pings that waited for it. */
static void connection_failed(struct mf_connection *c, enum mf_dial dial, uint64_t now_ns)
{
    struct mf_worker *w = c->worker;
    enum mf_cause cause = dial == MF_DIAL_TIMEOUT ? MF_CAUSE_CONNECT_TIMEOUT : MF_CAUSE_REFUSED;

    c->dial_errno = dial == MF_DIAL_TIMEOUT ? ETIMEDOUT : errno;
    connection_detach(c);
    c->link = MF_LINK_DOWN;
    w->record->refused += dial == MF_DIAL_REFUSED;
    w->record->connect_timeouts += dial == MF_DIAL_TIMEOUT;
    if (connection_waits_on(c, dial, now_ns)) {
        connection_backoff(c, now_ns);
        return;
    }
    for (const struct mf_queued *ping; (ping = mf_queue_first(&c->queue)); mf_queue_pop(&c->queue)) {
        if (dial == MF_DIAL_OWN_FAULT)
            mf_account_not_sent(w->account, ping->stream, ping->seq, now_ns);
        else
            mf_account_lost(w->account, ping->stream, ping->seq, cause, now_ns);
    }
    mf_queue_clear(&c->queue);
    c->asked = 0;
    mf_half_forget(w, c);
    connection_backoff(c, now_ns);
    mf_worker_vacate(w, c);
}

static void connection_up(struct mf_connection *c, uint64_t now_ns)
{
    struct mf_worker_record *record = c->worker->record;

    c->link = MF_LINK_UP;
    c->heard = false;
    c->write_errno = 0;
    c->worker->up++;
    record->opened++;
    if (c->ended_ns > 0 && !c->by_load) {
        uint64_t took_ns = now_ns - c->ended_ns;
        record->reconnects++;
        if (took_ns > record->reconnect_ns_max)
            record->reconnect_ns_max = took_ns;
    }
    c->by_load = false;
    if (socket_watch(c->socket, UV_READABLE) < 0) {
        struct mf_error err;
        mf_error_set(&err, MF_STATUS_INTERNAL, NULL, "a connection cannot be watched");
        mf_worker_fail(c->worker, &err);
        return;
    }
    mf_worker_list(c->worker, c);
}

static void connection_try(struct mf_connection *c, uint64_t now_ns)
{
    int fd;
    enum mf_dial dial = mf_endpoint_dial(&c->worker->endpoint, &fd);

    if (dial == MF_DIAL_QUEUE_FULL)
        return;
    if (dial != MF_DIAL_MADE && dial != MF_DIAL_UNDER_WAY) {
        connection_failed(c, dial, now_ns);
        return;
    }
    if (connection_attach(c, fd, dial == MF_DIAL_MADE ? UV_READABLE : UV_WRITABLE) < 0) {
        errno = ENOMEM;
        connection_failed(c, MF_DIAL_OWN_FAULT, now_ns);
    } else if (dial == MF_DIAL_MADE) {
        connection_up(c, now_ns);
    }
}

static void connection_dial(struct mf_connection *c, uint64_t now_ns)
{
    c->link = MF_LINK_DIALLING;
    c->dialled_ns = now_ns;
    connection_try(c, now_ns);
}

/* How the pings of a connection that has ended are charged. */
struct ending {
    struct mf_connection *connection;
    uint32_t stream;
    enum mf_cause cause;
    uint64_t now_ns;
    uint64_t open;
    /* the written one that waits longest */
    bool moves; /* pings of which the kernel has taken nothing go by the next connection */
    bool has_oldest;
    uint32_t oldest_stream;
    uint64_t oldest_seq, oldest_ns;
    /* whether the one whose answer was cut is open */
    const struct mf_msg *cut;
    bool cut_is_open;
};

static void on_open_look(void *ctx, uint64_t seq, uint64_t written_ns)
{
    struct ending *e = ctx;

    e->open++;
    if (written_ns == 0)
        return;
    if (e->cut && e->cut->stream == e->stream && e->cut->seq == seq)
        e->cut_is_open = true;
    if (!e->has_oldest || written_ns < e->oldest_ns) {
        e->has_oldest = true;
        e->oldest_stream = e->stream;
        e->oldest_seq = seq;
        e->oldest_ns = written_ns;
    }
}

static void on_open_lost(void *ctx, uint64_t seq, uint64_t written_ns)
{
    struct ending *e = ctx;
    struct mf_connection *c = e->connection;
    const struct mf_queued *begun = e->moves ? mf_queue_begun(&c->queue) : NULL;

    if (written_ns == 0 && e->moves && !(begun && begun->stream == e->stream && begun->seq == seq))
        return;
    mf_worker_lost(c->worker, c, e->stream, seq, written_ns > 0 ? e->cause : MF_CAUSE_UNSENT, e->now_ns);
    /* what the target has ended, not the load */
    if (!c->worker->retries)
        return;
    uint32_t process = mf_account_process(c->worker->account, e->stream, seq);
    if (e->cause != MF_CAUSE_UNANSWERED)
        mf_retries_add(c->worker->retries, process, e->now_ns);
    else
        mf_retries_lost(c->worker->retries, process);
}

static void each_open(struct ending *e, void (*visit)(void *ctx, uint64_t seq, uint64_t written_ns))
{
    const struct mf_worker *w = e->connection->worker;

    for (uint32_t k = 0; k < w->plan.streams_per_connection; k++) {
        e->stream = w->plan.first_stream + e->connection->index + k * w->plan.connections;
        mf_account_each_open(w->account, e->stream, visit, e);
    }
}

/* Of its answer that was cut: which ping's it is. In a codec with answers in order it can only be the oldest one's. */
static bool cut_ping(const struct mf_connection *c, struct mf_msg *cut)
{
    const struct mf_worker *w = c->worker;
    const struct mf_ordered *oldest = mf_order_oldest(&c->order);

    if (c->carry_bytes == 0)
        return false;
    if (w->codec->peek(w->conf, c->carry, c->carry_bytes, cut))
        return true;
    if (oldest)
        *cut = (struct mf_msg){.stream = oldest->stream, .seq = oldest->seq};
    return oldest;
}

/* It is down, and what is left of its queue waits for the next one. */
static void connection_down(struct mf_connection *c, uint64_t now_ns)
{
    connection_detach(c);
    mf_order_clear(&c->order);
    mf_half_forget(c->worker, c);
    mf_aside_forget(c->worker, c);
    c->asked = c->queue.ping_count;
    c->carry_bytes = 0;
    c->link = MF_LINK_DOWN;
    c->ended_ns = now_ns;
    c->worker->up--;
}

/* What was not written goes by the next connection, in a codec whose pings wait for their turn: nobody had them. The
 * others are lost for that cause. */
static void pings_end(struct ending *e)
{
    struct mf_connection *c = e->connection;

    e->moves = c->worker->plan.pipeline > 0;
    each_open(e, on_open_lost);
    if (e->moves)
        mf_queue_drop_begun(&c->queue);
    else
        mf_queue_clear(&c->queue);
}

/* A part of its answer has come: it was handled, and is not asked again. */
static void ping_partial(struct mf_connection *c, uint32_t stream, uint64_t seq, uint64_t now_ns)
{
    struct mf_worker *w = c->worker;

    mf_worker_lost(w, c, stream, seq, MF_CAUSE_PARTIAL, now_ns);
    if (w->retries)
        mf_retries_lost(w->retries, mf_account_process(w->account, stream, seq));
}

/* The connection has ended, and all that it brought was read. */
static void connection_end(struct mf_connection *c, enum mf_cause cause)
{
    struct mf_worker *w = c->worker;
    struct mf_msg cut;
    struct ending e = {.connection = c, .cause = cause, .now_ns = mf_clock_now_ns()};

    if (cut_ping(c, &cut))
        e.cut = &cut;
    each_open(&e, on_open_look);
    if (e.cut_is_open)
        ping_partial(c, cut.stream, cut.seq, e.now_ns);
    else if (c->carry_bytes > 0 && !e.cut && e.has_oldest)
        ping_partial(c, e.oldest_stream, e.oldest_seq, e.now_ns);
    pings_end(&e);
    if (e.open > c->queue.ping_count)
        w->record->closed_inflight++;
    else
        w->record->closed_idle++;

    connection_down(c, e.now_ns);
    if (c->heard) { /* it was of use: the next one may come at once */
        c->backoff_ns = BACKOFF_NS_MIN;
        c->retry_at_ns = e.now_ns;
    } else {
        connection_backoff(c, e.now_ns);
    }
    mf_worker_list(w, c);
}

/* An answer said that it is the last one, or ended with its connection. What was written behind its ping is lost: the
 * target has said that it will not look at it. */
static void connection_announced(struct mf_connection *c)
{
    struct ending e = {.connection = c, .cause = MF_CAUSE_INFLIGHT_FIN, .now_ns = mf_clock_now_ns()};

    mf_connection_retire(c); /* the load may have asked for it */
    if (c->link != MF_LINK_UP)
        return;
    pings_end(&e);
    c->worker->record->closed_announced++;
    connection_down(c, e.now_ns);
    c->backoff_ns = BACKOFF_NS_MIN;
    c->retry_at_ns = e.now_ns;
    mf_worker_list(c->worker, c);
}

void mf_connection_unstick(struct mf_connection *c, uint64_t now_ns)
{
    struct mf_worker *w = c->worker;
    const struct mf_ordered *newest = mf_order_newest(&c->order);
    struct ending e = {.connection = c, .cause = MF_CAUSE_UNANSWERED, .now_ns = now_ns};

    if (w->plan.pipeline == 0 || c->order.count < w->plan.pipeline || !mf_queue_first(&c->queue) ||
        now_ns < newest->written_ns + w->plan.timeout_ns + w->plan.drain_ns)
        return;
    pings_end(&e);
    w->record->closed_by_load++;
    connection_down(c, now_ns);
    c->by_load = true;
    c->backoff_ns = BACKOFF_NS_MIN;
    c->retry_at_ns = now_ns;
    mf_worker_list(w, c);
}

bool mf_connection_has_room(const struct mf_connection *c)
{
    uint32_t most = c->worker->plan.pings_per_connection;

    return most == 0 || c->asked < most;
}

void mf_connection_retire(struct mf_connection *c)
{
    struct mf_worker *w = c->worker;
    struct ending e = {.connection = c, .cause = MF_CAUSE_UNANSWERED, .now_ns = mf_clock_now_ns()};

    if (c->link != MF_LINK_UP || c->outstanding > 0 || mf_connection_has_room(c))
        return;
    each_open(&e, on_open_lost); /* a slot is free when its ping is past its time-out, too */
    w->record->closed_by_load++;
    mf_queue_clear(&c->queue);
    connection_down(c, e.now_ns);
    c->by_load = true;
    c->backoff_ns = BACKOFF_NS_MIN;
    c->retry_at_ns = e.now_ns;
}

/* Keeps the rest for the next read. */
static void connection_carry(struct mf_connection *c, const uint8_t *rest, size_t n)
{
    if (n > c->carry_room) {
        uint8_t *carry = realloc(c->carry, n);
        if (!carry) {
            struct mf_error err;
            mf_error_set(&err, MF_STATUS_INTERNAL, NULL, "no memory for half a message of %zu bytes", n);
            mf_worker_fail(c->worker, &err);
            return;
        }
        c->carry = carry;
        c->carry_room = n;
    }
    if (n > 0)
        memcpy(c->carry, rest, n);
    c->carry_bytes = n;
}

/* What the bytes that have come make of a connection. */
enum goes { GOES_ON, GOES_BROKEN, GOES_ANNOUNCED };

/* Takes the messages out of what has come. */
static enum goes connection_decode(struct mf_connection *c, const uint8_t *in, size_t n, uint64_t now_ns)
{
    struct mf_worker *w = c->worker;
    struct mf_msg msg;
    size_t at = 0;

    c->heard = true;
    while (at < n) {
        size_t aside;
        if (mf_aside_swallows(w, c, in + at, n - at, &aside)) {
            if (aside == 0)
                break;
            at += aside;
            continue;
        }
        ssize_t taken = w->codec->decode(w->conf, in + at, n - at, &msg);
        if (taken == MF_DECODE_MORE)
            break;
        if (taken < 0) {
            c->carry_bytes = 0;
            msg = (struct mf_msg){.kind = MF_MSG_PONG, .corrupt = true};
            msg.stream = msg.process = UINT32_MAX;
            msg.seq = UINT64_MAX;
            mf_worker_answer(w, c, &msg, now_ns);
            return GOES_BROKEN;
        }
        at += (size_t)taken;
        mf_worker_answer(w, c, &msg, now_ns);
        if (msg.closes) {
            c->carry_bytes = 0;
            return GOES_ANNOUNCED;
        }
    }
    connection_carry(c, in + at, n - at);
    return GOES_ON;
}

/* The connection has ended by a FIN behind `n` bytes: whether they are a message that ends like that. */
static bool connection_decode_end(struct mf_connection *c, const uint8_t *in, size_t n)
{
    struct mf_worker *w = c->worker;
    struct mf_msg msg;

    if (n == 0 || !w->codec->decode_end || w->codec->decode_end(w->conf, in, n, &msg) <= 0)
        return false;
    c->carry_bytes = 0;
    mf_worker_answer(w, c, &msg, mf_clock_now_ns());
    return true;
}

/* The messages of a datagram; what is none in it is an answer all the same, to the ping that it names or to none. */
static void datagram_decode(struct mf_connection *c, const uint8_t *in, size_t n, uint64_t now_ns)
{
    struct mf_worker *w = c->worker;
    struct mf_msg msg;
    size_t at = 0;

    do {
        ssize_t taken = w->codec->decode(w->conf, in + at, n - at, &msg);
        if (taken <= 0) {
            struct mf_msg cut = {.stream = UINT32_MAX, .seq = UINT64_MAX};
            w->codec->peek(w->conf, in + at, n - at, &cut);
            msg = (struct mf_msg){.kind = MF_MSG_PONG, .corrupt = true, .stream = cut.stream, .seq = cut.seq};
            msg.process = mf_account_process(w->account, msg.stream, msg.seq);
            taken = (ssize_t)(n - at);
        }
        at += (size_t)taken;
        mf_worker_answer(w, c, &msg, now_ns);
    } while (at < n);
}

/* Reads datagrams until none is left or others should have a turn. */
static void connection_receive(struct mf_connection *c)
{
    struct mf_worker *w = c->worker;

    for (int reads = 0; reads < DATAGRAMS_PER_EVENT && !w->failed; reads++) {
        ssize_t n = recv(c->socket->fd, w->incoming, w->incoming_room, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            w->record->refused += errno == ECONNREFUSED; /* nobody knows which one: it is unanswered in the end */
        else
            datagram_decode(c, w->incoming, (size_t)n, mf_clock_now_ns());
    }
}

/* Reads and decodes; to the connection's end where `to_the_end`, else until nothing is left or others should have a
 * turn. */
static void connection_read(struct mf_connection *c, bool to_the_end)
{
    struct mf_worker *w = c->worker;

    for (int reads = 0; to_the_end || reads < READS_PER_EVENT; reads++) {
        size_t carried = c->carry_bytes, space = w->incoming_room - carried;
        if (carried > 0)
            memcpy(w->incoming, c->carry, carried);
        ssize_t n = recv(c->socket->fd, w->incoming + carried, space, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN && !to_the_end)
            return;
        if (n <= 0) {
            /* Who reads the end without an error has met a FIN, unless a write has already taken the news of a reset.
             */
            bool is_reset = n < 0 || c->write_errno == ECONNRESET;
            if (!is_reset && connection_decode_end(c, w->incoming, carried))
                connection_announced(c);
            else
                connection_end(c, is_reset ? MF_CAUSE_INFLIGHT_RST : MF_CAUSE_INFLIGHT_FIN);
            return;
        }
        enum goes goes = connection_decode(c, w->incoming, carried + (size_t)n, mf_clock_now_ns());
        if (goes == GOES_BROKEN)
            connection_end(c, MF_CAUSE_INFLIGHT_RST);
        else if (goes == GOES_ANNOUNCED)
            connection_announced(c);
        if (goes != GOES_ON)
            return;
        if (w->failed || (!to_the_end && (size_t)n < space))
            return;
    }
}

static void connection_taken(struct mf_connection *c, size_t n)
{
    uint64_t now_ns = mf_clock_now_ns();
    const struct mf_queued *ping;

    mf_queue_taken(&c->queue, n);
    while ((ping = mf_queue_first(&c->queue)) && ping->end <= c->queue.taken) {
        mf_worker_written(c->worker, c, ping, now_ns);
        mf_queue_pop(&c->queue);
    }
}

/* How many of the bytes that wait may be written now. */
static size_t connection_allowance(const struct mf_connection *c, size_t waiting)
{
    const struct mf_half *half = &c->worker->half;
    uint32_t pipeline = c->worker->plan.pipeline;

    if (c->worker->endpoint.is_datagram)
        waiting = mf_queue_bytes_of(&c->queue, 1);
    if (pipeline > 0)
        waiting = c->order.count < pipeline ? mf_queue_bytes_of(&c->queue, pipeline - c->order.count) : 0;
    if (waiting > WRITE_BYTES_MAX)
        waiting = WRITE_BYTES_MAX;
    if (half->connection == c && waiting > half->cut_at - c->queue.taken)
        waiting = half->cut_at - c->queue.taken;
    return waiting;
}

void mf_connection_flush(struct mf_connection *c)
{
    size_t waiting;

    if (c->link != MF_LINK_UP || c->socket->events & UV_WRITABLE)
        return;
    for (const uint8_t *bytes; bytes = mf_queue_bytes(&c->queue, &waiting), waiting > 0;) {
        waiting = connection_allowance(c, waiting);
        if (waiting == 0)
            return;
        ssize_t n = send(c->socket->fd, bytes, waiting, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0) {
            connection_taken(c, (size_t)n);
        } else if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) {
            socket_watch(c->socket, UV_READABLE | UV_WRITABLE);
            return;
        } else if (c->worker->endpoint.is_datagram && errno == ECONNREFUSED) {
            c->worker->record->refused++; /* news of an earlier one: this one has not been sent yet */
        } else if (errno != EINTR) {
            c->write_errno = errno;
            connection_read(c, true);
            return;
        }
    }
}

static void connection_dialled(struct mf_connection *c)
{
    enum mf_dial dial = mf_endpoint_dialled(c->socket->fd);
    uint64_t now_ns = mf_clock_now_ns();

    if (dial == MF_DIAL_MADE)
        connection_up(c, now_ns);
    else
        connection_failed(c, dial, now_ns);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct mf_connection *c = handle->data;
    struct mf_worker *w = c->worker;

    if (c->link == MF_LINK_UP && events & UV_WRITABLE) {
        socket_watch(c->socket, UV_READABLE);
        mf_worker_list(w, c);
    }
    if (c->link == MF_LINK_DIALLING)
        connection_dialled(c);
    else if (w->endpoint.is_datagram)
        connection_receive(c);
    else if (status < 0) /* libuv has met an error and watches no longer */
        connection_read(c, true);
    else if (events & UV_READABLE)
        connection_read(c, false);
    mf_worker_settle(w);
}

void mf_connection_init(struct mf_connection *c, struct mf_worker *worker, uint32_t index, size_t queue_bytes_max)
{
    *c = (struct mf_connection){.worker = worker, .index = index, .backoff_ns = BACKOFF_NS_MIN};
    mf_queue_init(&c->queue, queue_bytes_max);
}

void mf_connection_done(struct mf_connection *c)
{
    assert(!c->socket);
    mf_queue_done(&c->queue);
    mf_order_done(&c->order);
    free(c->carry);
    c->carry = NULL;
}

void mf_connection_beat(struct mf_connection *c, uint64_t now_ns)
{
    if (c->link == MF_LINK_DOWN && now_ns >= c->retry_at_ns && mf_worker_wants(c->worker, c))
        connection_dial(c, now_ns);
    else if (c->link == MF_LINK_DIALLING && now_ns - c->dialled_ns >= c->worker->plan.connect_timeout_ns)
        connection_failed(c, MF_DIAL_TIMEOUT, now_ns);
    else if (c->link == MF_LINK_DIALLING && !c->socket)
        connection_try(c, now_ns);
}

uint64_t mf_connection_dropped(const struct mf_connection *c)
{
    uint32_t memory[SK_MEMINFO_VARS] = {0};
    socklen_t bytes = sizeof memory;

    if (!c->socket || !c->worker->endpoint.is_datagram ||
        getsockopt(c->socket->fd, SOL_SOCKET, SO_MEMINFO, memory, &bytes) < 0)
        return 0;
    return memory[SK_MEMINFO_DROPS];
}

void mf_connection_close(struct mf_connection *c)
{
    connection_detach(c);
    if (c->link == MF_LINK_UP)
        c->worker->up--;
    c->link = MF_LINK_DOWN;
}
