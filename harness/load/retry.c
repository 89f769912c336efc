#include "load/retry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "load/worker.h"

#define UNDER_WAY_MAX 256 /* connections at once; more wait for a place */

/* One ping that is asked again. Its memory lives until the loop has let go of the handle. */
struct retry {
    struct mf_retries *retries;
    struct retry *next;
    uint32_t process;
    uint64_t seq, deadline_ns; /* deadline_ns 0: it waits for a place */
    uv_poll_t poll;
    int fd; /* -1: there is no connection yet */
    bool dialling, is_over;
    uint8_t *out, *in;
    size_t out_bytes, out_at, in_bytes;
    struct mf_order order;
};

/* How often a process has handled something, as far as its answers tell. */
struct handled {
    uint64_t first_count, last_count, instance;
    uint32_t answered, retried, retries_answered;
    bool is_known, is_unclear; /* unclear: it was made anew, or has pings of which nobody knows whether it had them */
};

struct mf_retries {
    struct mf_worker *worker;
    struct mf_retry_tally *tally;
    uint32_t stream;
    uint64_t next_seq;
    struct retry *first, **last; /* all that are not over */
    uint32_t under_way;
    size_t in_room;
    struct handled *handled; /* [plan.processes]; NULL: several streams ask one process, and nothing can be told */
};

static void on_poll(uv_poll_t *handle, int status, int events);

struct mf_retries *mf_retries_new(struct mf_worker *w, struct mf_error *err)
{
    struct mf_retries *s = calloc(1, sizeof *s);
    bool tells = w->plan.processes >= w->plan.streams;

    if (s && tells)
        s->handled = calloc(w->plan.processes, sizeof *s->handled);
    if (!s || (tells && !s->handled)) {
        free(s);
        mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for pings that are asked again");
        return NULL;
    }
    s->worker = w;
    s->tally = &w->record->retry;
    s->tally->wanted = 1;
    s->stream = w->plan.streams - w->plan.workers + w->plan.worker;
    s->last = &s->first;
    s->in_room = w->codec->in_bytes_max(w->conf);
    return s;
}

/* --- what counts tell --------------------------------------------------------------------------------------------- */

static struct handled *handled_of(const struct mf_retries *s, uint32_t process)
{
    return s->handled && process < s->worker->plan.processes ? &s->handled[process] : NULL;
}

static void handled_told(struct handled *h, const struct mf_pong *pong)
{
    if ((pong->has & 4) == 0) {
        h->is_unclear = true;
        return;
    }
    if (!h->is_known) {
        h->is_known = true;
        h->first_count = h->last_count = pong->count;
        h->instance = pong->instance;
    }
    if (pong->has & 2 && pong->instance != h->instance)
        h->is_unclear = true;
    if (pong->count < h->first_count)
        h->first_count = pong->count;
    if (pong->count > h->last_count)
        h->last_count = pong->count;
}

void mf_retries_told(struct mf_retries *s, const struct mf_pong *pong, enum mf_outcome outcome)
{
    struct handled *h = handled_of(s, pong->process);

    if (!h)
        return;
    if (outcome == MF_OUTCOME_ANSWERED || outcome == MF_OUTCOME_LATE) {
        h->answered++;
        handled_told(h, pong);
    } else {
        h->is_unclear = true;
    }
}

void mf_retries_lost(struct mf_retries *s, uint32_t process)
{
    struct handled *h = handled_of(s, process);

    if (h)
        h->is_unclear = true;
}

/* A process that kept its state has handled what it counts. What it answered is known; where all that was lost was
 * asked again and answered then, each that it counts beyond that is one that it had handled before: twice, that is. */
static void duplicates_count(struct mf_retries *s)
{
    for (uint32_t p = 0; s->handled && p < s->worker->plan.processes; p++) {
        const struct handled *h = &s->handled[p];
        if (h->retried == 0 || !h->is_known || h->is_unclear || h->retries_answered < h->retried)
            continue;
        uint64_t counted = h->last_count - h->first_count + 1, known = (uint64_t)h->answered + h->retries_answered;
        uint64_t twice = counted > known ? counted - known : 0;
        s->tally->told += h->retried;
        s->tally->duplicated += twice < h->retried ? twice : h->retried;
    }
}

/* --- one ping that is asked again --------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    struct retry *r = handle->data;

    mf_order_done(&r->order);
    free(r->out);
    free(r->in);
    free(r);
}

/* Out of the list, and its memory freed as soon as that may be. */
static void retry_over(struct retry *r)
{
    struct mf_retries *s = r->retries;
    struct retry **link = &s->first;

    while (*link != r)
        link = &(*link)->next;
    *link = r->next;
    if (s->last == &r->next)
        s->last = link;
    s->under_way -= r->deadline_ns > 0;
    r->is_over = true;
    if (r->fd < 0) {
        r->poll.data = r;
        on_closed((uv_handle_t *)&r->poll);
        return;
    }
    uv_poll_stop(&r->poll);
    uv_close((uv_handle_t *)&r->poll, on_closed);
    close(r->fd);
}

static void retry_answered(struct retry *r, const struct mf_msg *msg)
{
    struct mf_retries *s = r->retries;
    struct mf_pong pong;

    mf_worker_read_pong(s->worker, s->worker->account, &r->order, msg, &pong);
    bool is_right = !pong.is_error && !pong.is_wrong && pong.stream == s->stream && pong.seq == r->seq &&
                    (s->worker->codec->in_order || pong.process == r->process);
    if (is_right) {
        struct handled *h = handled_of(s, r->process);
        s->tally->answered++;
        if (h) {
            h->retries_answered++;
            handled_told(h, &pong);
        }
    }
    retry_over(r);
}

static void retry_read(struct retry *r)
{
    const struct mf_worker *w = r->retries->worker;
    struct mf_msg msg;
    ssize_t n, taken;

    do
        n = recv(r->fd, r->in + r->in_bytes, r->retries->in_room - r->in_bytes, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return;
    r->in_bytes += n > 0 ? (size_t)n : 0;
    if (n > 0)
        taken = w->codec->decode(w->conf, r->in, r->in_bytes, &msg);
    else
        taken = n == 0 && r->in_bytes > 0 && w->codec->decode_end
                    ? w->codec->decode_end(w->conf, r->in, r->in_bytes, &msg)
                    : MF_DECODE_BROKEN;
    if (taken > 0)
        retry_answered(r, &msg);
    else if (taken < 0 || n <= 0)
        retry_over(r);
}

static void retry_write(struct retry *r)
{
    const struct mf_worker *w = r->retries->worker;

    while (r->out_at < r->out_bytes) {
        ssize_t n = send(r->fd, r->out + r->out_at, r->out_bytes - r->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0) {
            r->out_at += (size_t)n;
        } else if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) {
            uv_poll_start(&r->poll, UV_READABLE | UV_WRITABLE, on_poll);
            return;
        } else if (errno != EINTR) {
            retry_over(r);
            return;
        }
    }
    if (w->codec->in_order && r->order.count == 0)
        (void)mf_order_push(&r->order, &(struct mf_ordered){.seq = r->seq, .stream = r->retries->stream});
    uv_poll_start(&r->poll, UV_READABLE, on_poll);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct retry *r = handle->data;

    if (r->dialling) {
        r->dialling = false;
        if (mf_endpoint_dialled(r->fd) == MF_DIAL_MADE)
            retry_write(r);
        else
            retry_over(r);
        return;
    }
    if (status == 0 && events & UV_WRITABLE)
        retry_write(r);
    else
        retry_read(r);
}

static void retry_dial(struct retry *r)
{
    struct mf_worker *w = r->retries->worker;
    int fd;
    enum mf_dial dial = mf_endpoint_dial(&w->endpoint, &fd);

    if (dial == MF_DIAL_QUEUE_FULL)
        return; /* the next beat tries again */
    if (dial != MF_DIAL_MADE && dial != MF_DIAL_UNDER_WAY) {
        retry_over(r);
        return;
    }
    if (uv_poll_init(&w->loop, &r->poll, fd) < 0) {
        close(fd);
        retry_over(r);
        return;
    }
    r->poll.data = r;
    r->fd = fd;
    r->dialling = dial == MF_DIAL_UNDER_WAY;
    if (r->dialling)
        uv_poll_start(&r->poll, UV_WRITABLE, on_poll);
    else
        retry_write(r);
}

static void retry_start(struct retry *r, uint64_t now_ns)
{
    struct mf_retries *s = r->retries;
    struct mf_worker *w = s->worker;
    struct mf_msg msg = {
        .kind = MF_MSG_PING, .stream = s->stream, .seq = r->seq, .process = r->process, .closes = true};

    s->under_way++;
    r->deadline_ns = now_ns + w->plan.timeout_ns;
    msg.payload = w->payload;
    msg.payload_bytes = w->plan.payload_bytes;
    mf_payload_fill(w->payload, msg.payload_bytes, w->plan.seed, s->stream, r->seq);
    r->out_bytes = w->codec->encode(w->conf, r->out, &msg);
    retry_dial(r);
}

void mf_retries_add(struct mf_retries *s, uint32_t process, uint64_t now_ns)
{
    struct retry *r = calloc(1, sizeof *r);
    struct handled *h = handled_of(s, process);

    s->tally->attempted++;
    if (h)
        h->retried++;
    if (r) {
        *r = (struct retry){.retries = s, .process = process, .seq = s->next_seq++, .fd = -1};
        r->out = malloc(s->worker->ping_bytes_max);
        r->in = malloc(s->in_room);
    }
    if (!r || !r->out || !r->in || !mf_order_reserve(&r->order)) {
        if (r) {
            free(r->out);
            free(r->in);
        }
        free(r);
        return; /* attempted, and not answered */
    }
    *s->last = r;
    s->last = &r->next;
    if (s->under_way < UNDER_WAY_MAX)
        retry_start(r, now_ns);
}

/* --- all of them -------------------------------------------------------------------------------------------------- */

void mf_retries_beat(struct mf_retries *s, uint64_t now_ns)
{
    for (struct retry *r = s->first, *next; r; r = next) {
        next = r->next;
        if (r->deadline_ns == 0 && s->under_way >= UNDER_WAY_MAX)
            break; /* all that wait are behind those under way */
        if (r->deadline_ns == 0)
            retry_start(r, now_ns);
        else if (now_ns >= r->deadline_ns)
            retry_over(r);
        else if (r->fd < 0)
            retry_dial(r);
    }
}

bool mf_retries_are_busy(const struct mf_retries *s)
{
    return s->first;
}

/* A ping that is still open, and will be unanswered. */
struct open_ping {
    struct mf_retries *retries;
    uint32_t stream;
};

static void on_open(void *ctx, uint64_t seq, uint64_t written_ns)
{
    const struct open_ping *open = ctx;

    if (written_ns > 0)
        mf_retries_lost(open->retries, mf_account_process(open->retries->worker->account, open->stream, seq));
}

void mf_retries_finish(struct mf_retries *s)
{
    const struct mf_plan *plan = &s->worker->plan;
    struct open_ping open = {.retries = s, .stream = plan->first_stream};

    mf_retries_close(s);
    for (uint32_t i = 0; i < plan->connections * plan->streams_per_connection; i++, open.stream++)
        mf_account_each_open(s->worker->account, open.stream, on_open, &open);
    duplicates_count(s);
}

void mf_retries_close(struct mf_retries *s)
{
    while (s && s->first)
        retry_over(s->first);
}

void mf_retries_free(struct mf_retries *s)
{
    if (!s)
        return;
    free(s->handled);
    free(s);
}
