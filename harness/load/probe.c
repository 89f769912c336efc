#include "load/probe.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "load/worker.h"

#define RETRY_NS MF_NS_PER_MS
/* So much of an answer is read in the state half_answered: less than any answer of any codec has. */
#define PART_BYTES 8
/* So many connections in a row that end behind their first answer: no connection can stand idle behind one. */
#define CLOSED_MAX 4

/* A descriptor in the loop. Its memory lives until the loop has let go of the handle. */
struct mf_probe_socket {
    uv_poll_t poll;
    int fd, events;
};

static void probe_dial(struct mf_probe *p, uint64_t now_ns);
static void probe_next(struct mf_probe *p, uint64_t now_ns);
static void on_poll(uv_poll_t *handle, int status, int events);

static const struct mf_worker *probe_worker(const struct mf_probe *p)
{
    return p->probes->worker;
}

/* --- the socket --------------------------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    free((struct mf_probe_socket *)handle);
}

static void socket_watch(struct mf_probe_socket *s, int events)
{
    if (s->events == events)
        return;
    s->events = events;
    if (events)
        uv_poll_start(&s->poll, events, on_poll);
    else
        uv_poll_stop(&s->poll);
}

/* Takes the descriptor, also on failure. */
static int probe_attach(struct mf_probe *p, int fd)
{
    struct mf_probe_socket *s = calloc(1, sizeof *s);

    if (!s || uv_poll_init(&p->probes->worker->loop, &s->poll, fd) < 0) {
        free(s);
        close(fd);
        return -1;
    }
    s->poll.data = p;
    s->fd = fd;
    p->socket = s;
    return 0;
}

void mf_probe_close(struct mf_probe *p)
{
    struct mf_probe_socket *s = p->socket;

    p->dialling = false;
    p->in_bytes = 0;
    p->write_errno = 0;
    mf_order_clear(&p->order);
    if (!s)
        return;
    p->socket = NULL;
    uv_poll_stop(&s->poll);
    uv_close((uv_handle_t *)&s->poll, on_closed);
    close(s->fd);
}

/* --- its ping ----------------------------------------------------------------------------------------------------- */

/* Makes the next ping. Nothing is written yet. False: no memory for it; it is counted as not sent. */
static bool probe_ping(struct mf_probe *p, uint64_t now_ns)
{
    struct mf_worker *w = p->probes->worker;
    struct mf_msg msg = {.kind = MF_MSG_PING, .stream = p->stream, .payload = w->payload};
    bool sendable;

    p->seq = msg.seq = mf_account_due(p->probes->account, p->stream, now_ns, &msg.process, &sendable);
    msg.payload_bytes = w->plan.payload_bytes;
    mf_payload_fill(w->payload, msg.payload_bytes, w->plan.seed, p->stream, msg.seq);
    p->out_bytes = p->out_until = w->codec->encode(w->conf, p->out, &msg);
    p->out_at = 0;
    p->pending = sendable;
    p->written = false;
    p->after = p->phase == MF_PROBE_JUDGING;
    return sendable;
}

static void probe_judge(struct mf_probe *p, enum mf_outcome outcome, enum mf_cause cause)
{
    if (p->judged)
        return;
    p->judged = true;
    p->judged_seq = p->seq;
    p->outcome = outcome;
    p->cause = cause;
}

static void probe_over(struct mf_probe *p)
{
    mf_probe_close(p);
    p->phase = MF_PROBE_OVER;
}

/* Its connection is gone, and so is the ping that was under way (`had_ping`), for this outcome and cause. */
static void probe_broken(struct mf_probe *p, bool had_ping, enum mf_outcome outcome, enum mf_cause cause,
                         uint64_t now_ns)
{
    switch (p->phase) {
    case MF_PROBE_OVER:
        return;
    case MF_PROBE_PLACING:
    case MF_PROBE_READY:
        p->phase = MF_PROBE_PLACING;
        p->dialling = true;
        p->retry_at_ns = now_ns + RETRY_NS;
        return;
    case MF_PROBE_HELD:
        /* whatever it was that ended the connection, it was not the upgrade: this probe stands in no state */
        if (!mf_probes_requested(p->probes))
            p->phase = MF_PROBE_OVER;
        else if (had_ping)
            probe_judge(p, outcome, cause);
        return;
    case MF_PROBE_JUDGING:
        if (had_ping)
            probe_judge(p, outcome, cause);
        probe_next(p, now_ns);
        return;
    }
}

/* The ping under way is lost, for this cause or what it amounts to. Returns the cause that it is lost for. */
static enum mf_cause probe_lose(struct mf_probe *p, enum mf_cause cause, uint64_t now_ns)
{
    cause = !p->written ? MF_CAUSE_UNSENT : p->in_bytes > 0 ? MF_CAUSE_PARTIAL : cause;
    mf_account_lost(p->probes->account, p->stream, p->seq, cause, now_ns);
    p->pending = false;
    return cause;
}

/* The connection has ended, and all that it brought was read; or (cause UNANSWERED) it is given up. */
static void probe_ended(struct mf_probe *p, enum mf_cause cause, uint64_t now_ns)
{
    bool had_ping = p->pending;
    struct mf_worker_record *record = p->probes->record;

    if (had_ping)
        cause = probe_lose(p, cause, now_ns);
    record->closed_inflight += had_ping;
    record->closed_idle += !had_ping;
    mf_probe_close(p);
    probe_broken(p, had_ping, MF_OUTCOME_LOST, cause, now_ns);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static bool probe_keeps_the_rest(const struct mf_probe *p)
{
    return p->state == MF_WIRE_STATE_HALF_ANSWERED && (p->phase == MF_PROBE_PLACING || p->phase == MF_PROBE_HELD);
}

/* An answer said that it is its connection's last, and has not made anything of that yet: it was to nothing that is
 * under way, or there is more under way behind it. */
static void probe_announced(struct mf_probe *p, uint64_t now_ns)
{
    p->closes = false;
    if (p->pending || p->phase != MF_PROBE_HELD) {
        probe_ended(p, MF_CAUSE_INFLIGHT_FIN, now_ns);
        return;
    }
    p->probes->record->closed_announced++;
    mf_probe_close(p);
    probe_broken(p, false, MF_OUTCOME_LOST, MF_CAUSE_INFLIGHT_FIN, now_ns);
}

/* Takes the messages out of what has come. False: the byte stream is broken. */
static bool probe_decode(struct mf_probe *p, uint64_t now_ns)
{
    const struct mf_codec *codec = probe_worker(p)->codec;
    struct mf_probe_socket *socket = p->socket;
    struct mf_msg msg;

    while (p->in_bytes > 0) {
        ssize_t taken = codec->decode(probe_worker(p)->conf, p->in, p->in_bytes, &msg);
        if (taken == MF_DECODE_MORE)
            return p->in_bytes < p->in_room;
        if (taken < 0) {
            msg = (struct mf_msg){.kind = MF_MSG_PONG, .corrupt = true, .stream = UINT32_MAX};
            msg.process = UINT32_MAX;
            msg.seq = UINT64_MAX;
            mf_probes_answer(p->probes, p, &msg, now_ns);
            p->in_bytes = 0;
            return false;
        }
        /* out of the buffer before anything is made of it: its payload stays where it is until the next read */
        uint8_t *rest = p->in + taken;
        size_t left = p->in_bytes - (size_t)taken;
        p->in_bytes = 0;
        p->closes = msg.closes;
        mf_probes_answer(p->probes, p, &msg, now_ns);
        if (p->closes && p->socket == socket)
            probe_announced(p, now_ns);
        if (p->socket != socket)
            return true; /* it was of no further use */
        memmove(p->in, rest, left);
        p->in_bytes = left;
    }
    return true;
}

/* The connection has ended by a FIN: whether what has come is a message that ends like that. */
static bool probe_decode_end(struct mf_probe *p, uint64_t now_ns)
{
    const struct mf_worker *w = probe_worker(p);
    struct mf_probe_socket *socket = p->socket;
    struct mf_msg msg;

    if (p->in_bytes == 0 || !w->codec->decode_end || probe_keeps_the_rest(p) ||
        w->codec->decode_end(w->conf, p->in, p->in_bytes, &msg) <= 0)
        return false;
    p->in_bytes = 0;
    p->closes = true;
    mf_probes_answer(p->probes, p, &msg, now_ns);
    if (p->closes && p->socket == socket)
        probe_announced(p, now_ns);
    return true;
}

static void probe_read(struct mf_probe *p, bool to_the_end)
{
    struct mf_probe_socket *socket = p->socket;

    while (p->socket == socket) {
        size_t room = p->in_room - p->in_bytes;
        if (probe_keeps_the_rest(p))
            room = PART_BYTES - p->in_bytes;
        if (room == 0) {
            /* no further before the release: its end is not looked for either */
            p->phase = p->phase == MF_PROBE_PLACING ? MF_PROBE_HELD : p->phase;
            socket_watch(socket, 0);
            return;
        }
        ssize_t n = recv(socket->fd, p->in + p->in_bytes, room, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN && !to_the_end)
            return;
        uint64_t now_ns = mf_clock_now_ns();
        if (n == 0 && p->write_errno != ECONNRESET && probe_decode_end(p, now_ns))
            return;
        if (n <= 0) {
            probe_ended(p, n < 0 || p->write_errno == ECONNRESET ? MF_CAUSE_INFLIGHT_RST : MF_CAUSE_INFLIGHT_FIN,
                        now_ns);
            return;
        }
        p->in_bytes += (size_t)n;
        if (!probe_keeps_the_rest(p) && !probe_decode(p, now_ns)) {
            if (p->socket == socket)
                probe_ended(p, MF_CAUSE_INFLIGHT_RST, now_ns);
            return;
        }
    }
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

/* Writes what may be written and the kernel takes. */
static void probe_write(struct mf_probe *p)
{
    struct mf_probe_socket *socket = p->socket;

    while (p->pending && p->out_at < p->out_until) {
        ssize_t n = send(socket->fd, p->out + p->out_at, p->out_until - p->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0) {
            p->out_at += (size_t)n;
        } else if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) {
            socket_watch(socket, UV_READABLE | UV_WRITABLE);
            return;
        } else if (errno != EINTR) {
            p->write_errno = errno;
            probe_read(p, true);
            return;
        }
    }
    socket_watch(socket, UV_READABLE);
    if (p->pending && !p->written && p->out_at == p->out_bytes) {
        const struct mf_ordered written = {.seq = p->seq, .written_ns = mf_clock_now_ns(), .stream = p->stream};
        p->written = true;
        mf_account_written(p->probes->account, p->stream, p->seq, written.written_ns);
        if (probe_worker(p)->codec->in_order)
            (void)mf_order_push(&p->order, &written); /* its room was made when the probe was */
        if (p->phase == MF_PROBE_PLACING && p->state == MF_WIRE_STATE_SENT && p->always_closes)
            p->phase = mf_probes_requested(p->probes) ? MF_PROBE_PLACING : MF_PROBE_HELD;
    }
    if (p->phase == MF_PROBE_PLACING && p->state == MF_WIRE_STATE_HALF_SENT)
        p->phase = MF_PROBE_HELD;
}

/* A new ping on its connection. */
static void probe_send(struct mf_probe *p, uint64_t now_ns)
{
    if (probe_ping(p, now_ns)) {
        if (p->phase == MF_PROBE_PLACING && p->state == MF_WIRE_STATE_HALF_SENT)
            p->out_until = p->out_bytes / 2;
        probe_write(p);
        return;
    }
    mf_probe_close(p);
    probe_broken(p, true, MF_OUTCOME_NOT_SENT, MF_CAUSE_UNSENT, now_ns);
}

/* --- connecting --------------------------------------------------------------------------------------------------- */

static void probe_connected(struct mf_probe *p, uint64_t now_ns)
{
    p->dialling = false;
    p->probes->record->opened++;
    socket_watch(p->socket, UV_READABLE);
    p->deadline_ns = now_ns + probe_worker(p)->plan.timeout_ns;
    if (p->pending)
        probe_write(p);
    else if (p->phase == MF_PROBE_PLACING && p->state == MF_WIRE_STATE_CONNECTED_IDLE)
        p->phase = MF_PROBE_HELD;
    else if (p->phase == MF_PROBE_PLACING && p->state == MF_WIRE_STATE_SENT && p->always_closes)
        p->phase = MF_PROBE_READY;
    else
        probe_send(p, now_ns);
}

/* The attempt has failed. One that only replaces a connection that was lost waits through refusals, as all of the
 * load's do; the one that is itself put to the test does not. */
static void probe_dial_failed(struct mf_probe *p, enum mf_dial dial, uint64_t now_ns)
{
    bool had_ping = p->pending, own = dial == MF_DIAL_OWN_FAULT;
    enum mf_cause cause = dial == MF_DIAL_TIMEOUT ? MF_CAUSE_CONNECT_TIMEOUT : MF_CAUSE_REFUSED;

    p->probes->record->refused += dial == MF_DIAL_REFUSED;
    p->probes->record->connect_timeouts += dial == MF_DIAL_TIMEOUT;
    mf_probe_close(p);
    if (dial == MF_DIAL_REFUSED && p->phase == MF_PROBE_JUDGING && p->renewed && now_ns < p->deadline_ns) {
        p->dialling = p->refused = true;
        p->retry_at_ns = now_ns + RETRY_NS;
        return;
    }
    if (had_ping && own)
        mf_account_not_sent(p->probes->account, p->stream, p->seq, now_ns);
    else if (had_ping)
        mf_account_lost(p->probes->account, p->stream, p->seq, cause, now_ns);
    p->pending = false;
    probe_broken(p, had_ping, own ? MF_OUTCOME_NOT_SENT : MF_OUTCOME_LOST, cause, now_ns);
}

static void probe_dial(struct mf_probe *p, uint64_t now_ns)
{
    int fd, bytes = 1;
    enum mf_dial dial = mf_endpoint_dial(&probe_worker(p)->endpoint, &fd);

    p->dialling = true;
    p->refused = false;
    p->retry_at_ns = now_ns + RETRY_NS;
    if (dial == MF_DIAL_QUEUE_FULL)
        return;
    if ((dial == MF_DIAL_MADE || dial == MF_DIAL_UNDER_WAY) && probe_attach(p, fd) < 0)
        dial = MF_DIAL_OWN_FAULT;
    if (dial != MF_DIAL_MADE && dial != MF_DIAL_UNDER_WAY) {
        probe_dial_failed(p, dial, now_ns);
        return;
    }
    if (p->state ==
        MF_WIRE_STATE_HALF_ANSWERED) /* the kernel makes it its least; where it does not, that is all right */
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (dial == MF_DIAL_MADE)
        probe_connected(p, now_ns);
    else
        socket_watch(p->socket, UV_WRITABLE);
}

/* A new connection with a new ping: that is due before the first byte of either. */
static void probe_dial_with_ping(struct mf_probe *p, uint64_t now_ns)
{
    if (probe_ping(p, now_ns))
        probe_dial(p, now_ns);
    else
        probe_broken(p, true, MF_OUTCOME_NOT_SENT, MF_CAUSE_UNSENT, now_ns);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct mf_probe *p = handle->data;

    if (p->dialling) {
        enum mf_dial dial = mf_endpoint_dialled(p->socket->fd);
        if (dial == MF_DIAL_MADE)
            probe_connected(p, mf_clock_now_ns());
        else
            probe_dial_failed(p, dial, mf_clock_now_ns());
    } else if (status < 0) {
        probe_read(p, true);
    } else {
        if (events & UV_WRITABLE)
            probe_write(p);
        if (p->socket && events & UV_READABLE)
            probe_read(p, false);
    }
    mf_probes_beat(p->probes, mf_clock_now_ns());
}

/* --- the states --------------------------------------------------------------------------------------------------- */

void mf_probe_place(struct mf_probe *p, uint64_t now_ns)
{
    p->phase = MF_PROBE_PLACING;
    p->judged = p->renewed = p->renewed_answered = p->asked_again = p->always_closes = false;
    p->attempts = 0;
    if (p->state == MF_WIRE_STATE_CONNECTING)
        p->phase = MF_PROBE_READY; /* all that there is to it is the last step */
    else
        probe_dial(p, now_ns);
}

bool mf_probe_is_ready(const struct mf_probe *p)
{
    return p->phase == MF_PROBE_READY || p->phase == MF_PROBE_HELD;
}

static void probe_step_last(struct mf_probe *p, uint64_t now_ns)
{
    p->phase = MF_PROBE_HELD;
    if (p->state == MF_WIRE_STATE_CONNECTING)
        probe_dial_with_ping(p, now_ns);
    else
        probe_send(p, now_ns);
}

void mf_probe_last(struct mf_probe *p, uint64_t now_ns)
{
    if (p->phase == MF_PROBE_READY)
        probe_step_last(p, now_ns);
    if (p->phase != MF_PROBE_PLACING)
        return;
    p->phase = MF_PROBE_OVER; /* it could not be placed */
    if (p->pending)
        probe_ended(p, MF_CAUSE_UNANSWERED, now_ns);
    mf_probe_close(p);
}

/* JUDGING: no answer came in time. Whether its connection is of no use either is another question. */
static void probe_unanswered(struct mf_probe *p, uint64_t now_ns)
{
    if (p->renewed || p->asked_again || !p->written || p->in_bytes > 0) {
        probe_ended(p, MF_CAUSE_UNANSWERED, now_ns);
        return;
    }
    p->asked_again = true;
    p->pending = false;
    mf_account_lost(p->probes->account, p->stream, p->seq, MF_CAUSE_UNANSWERED, now_ns);
    probe_judge(p, MF_OUTCOME_LOST, MF_CAUSE_UNANSWERED);
    probe_next(p, now_ns);
}

/* Its ping was answered, and that is the end of the connection that it was to stand on. Where the target ends them all
 * like that, `sent` is on a new one; `answered_idle` can't be. */
static void probe_place_again(struct mf_probe *p, uint64_t now_ns)
{
    p->probes->record->closed_announced++;
    mf_probe_close(p);
    p->closes = false;
    if (p->state != MF_WIRE_STATE_SENT && ++p->attempts >= CLOSED_MAX) {
        p->phase = MF_PROBE_OVER;
        return;
    }
    bool held = p->phase == MF_PROBE_HELD;
    p->phase = MF_PROBE_PLACING;
    p->always_closes = true;
    if (held) /* not held again before its ping is written */
        probe_dial_with_ping(p, now_ns);
    else
        probe_dial(p, now_ns);
}

void mf_probe_answered(struct mf_probe *p, uint64_t seq, enum mf_outcome outcome, uint64_t now_ns)
{
    if (!p->pending || p->seq != seq) {
        if (p->judged && p->outcome == MF_OUTCOME_LOST && p->judged_seq == seq)
            p->outcome = outcome; /* it was called lost too early: the account takes that back, too */
        return;
    }
    p->pending = false;
    switch (p->phase) {
    case MF_PROBE_OVER:
    case MF_PROBE_READY:
        return;
    case MF_PROBE_PLACING:
        if (p->closes)
            probe_place_again(p, now_ns);
        else
            p->phase = p->state == MF_WIRE_STATE_SENT ? MF_PROBE_READY : MF_PROBE_HELD;
        return;
    case MF_PROBE_HELD:
        if (mf_probes_requested(p->probes)) {
            probe_judge(p, outcome, MF_CAUSE_UNANSWERED);
            return;
        }
        /* The target was quicker than the driver: once more. */
        if (p->state == MF_WIRE_STATE_CONNECTING)
            mf_probe_close(p);
        else if (p->closes) {
            probe_place_again(p, now_ns);
            return;
        }
        p->closes = false;
        probe_step_last(p, now_ns);
        return;
    case MF_PROBE_JUDGING:
        probe_judge(p, outcome, MF_CAUSE_UNANSWERED);
        p->renewed_answered |= p->renewed && (outcome == MF_OUTCOME_ANSWERED || outcome == MF_OUTCOME_LATE);
        if (p->closes) {
            p->probes->record->closed_announced++;
            mf_probe_close(p);
        }
        if (p->after)
            probe_over(p);
        else
            probe_next(p, now_ns);
        return;
    }
}

/* JUDGING: goes on with what is under way, or asks whether the connection is of use, or makes a new one. */
static void probe_next(struct mf_probe *p, uint64_t now_ns)
{
    const struct mf_plan *plan = &probe_worker(p)->plan;

    p->deadline_ns = now_ns + (p->dialling || !p->socket ? plan->connect_timeout_ns : plan->timeout_ns);
    if (p->dialling)
        return; /* it still is in the state that it was held in */
    if (!p->socket && p->renewed) {
        probe_over(p);
    } else if (!p->socket) {
        p->renewed = true;
        probe_dial_with_ping(p, now_ns);
    } else if (p->pending) {
        p->out_until = p->out_bytes;
        probe_write(p);
    } else {
        probe_send(p, now_ns);
    }
}

void mf_probe_release(struct mf_probe *p, uint64_t now_ns)
{
    /* the request found it between two connections */
    p->aside = p->phase == MF_PROBE_PLACING || p->phase == MF_PROBE_READY;
    if (p->phase != MF_PROBE_HELD && !p->aside)
        return;
    p->phase = MF_PROBE_JUDGING;
    probe_next(p, now_ns);
}

void mf_probe_beat(struct mf_probe *p, uint64_t now_ns)
{
    /* a ping that gets it into its state may be lost like any other: then once more, on another connection */
    bool placing = p->phase == MF_PROBE_PLACING && p->pending;
    if ((p->phase == MF_PROBE_JUDGING || placing) && now_ns >= p->deadline_ns) {
        if (p->dialling)
            probe_dial_failed(p, p->refused ? MF_DIAL_REFUSED : MF_DIAL_TIMEOUT, now_ns);
        else if (p->phase == MF_PROBE_JUDGING)
            probe_unanswered(p, now_ns);
        else
            probe_ended(p, MF_CAUSE_UNANSWERED, now_ns);
    } else if (p->dialling && !p->socket && now_ns >= p->retry_at_ns) {
        probe_dial(p, now_ns);
    }
}

void mf_probe_take(struct mf_probe *p, struct mf_wire_tally *tally)
{
    if (!p->judged)
        return;
    p->judged = false;
    if (p->aside)
        return;
    tally->placed++;
    tally->outcome[p->outcome]++;
    if (p->outcome == MF_OUTCOME_LOST)
        tally->lost_by_cause[p->cause]++;
    tally->new_connection += p->renewed;
    tally->new_connection_answered += p->renewed_answered;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

int mf_probe_init(struct mf_probe *p, struct mf_probes *probes, enum mf_wire_state state, uint32_t stream)
{
    const struct mf_worker *w = probes->worker;

    *p = (struct mf_probe){.probes = probes, .state = state, .stream = stream};
    p->in_room = w->codec->in_bytes_max(w->conf);
    p->in = malloc(p->in_room);
    p->out = malloc(w->ping_bytes_max);
    return p->in && p->out && mf_order_reserve(&p->order) ? 0 : -1;
}

void mf_probe_done(struct mf_probe *p)
{
    assert(!p->socket);
    mf_order_done(&p->order);
    free(p->in);
    free(p->out);
    p->in = p->out = NULL;
}
