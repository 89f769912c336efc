/* A connection: bytes in, messages out of them; answers in, bytes out of them. I/O thread, or the main thread while
 * that one stands. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/stage.h"

#define SCRATCH_BYTES                                                                                                  \
    (1u << 18) /* more than the longest message of any codec, and than a kernel hands over at once                     \
                */
/* What a buffer begins with: a backlog of some hundred messages then waits through a time without memory. What is never
 * used of it is never resident. */
#define ROOM_BYTES       (1u << 15)
#define UNSENT_BYTES_MAX (1u << 20) /* with so much unsent the peer is not reading: don't read more from it */

/* --- life
 * ------------------------------------------------------------------------------------------------------------------ */

struct mf_connection *mf_connection_new(struct mf_core *core, int fd, uint64_t id)
{
    struct mf_io *io = &core->io;
    struct mf_connection *c = calloc(1, sizeof *c);
    if (!c) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    c->fd = fd;
    c->id = id;
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    if (fd >= 0 && epoll_ctl(io->epoll_fd, EPOLL_CTL_ADD, fd, &e) != 0) {
        int why = errno;
        close(fd);
        free(c);
        errno = why;
        return NULL;
    }
    c->events = fd >= 0 ? EPOLLIN : 0;
    c->prev = io->connections_last;
    if (c->prev)
        c->prev->next = c;
    else
        io->connections = c;
    io->connections_last = c;
    if (id >= io->next_id)
        io->next_id = id + 1;
    return c;
}

void mf_connection_free(struct mf_connection *c)
{
    free(c->in);
    free(c->out);
    free(c->marks);
    free(c);
}

void mf_connection_list_if_over(struct mf_core *core, struct mf_connection *c)
{
    if (c->fd >= 0 || c->pending > 0 || c->dirty || c->ready || c->over)
        return;
    struct mf_io *io = &core->io;
    mf_points_forget_connection(core, c);
    *(c->prev ? &c->prev->next : &io->connections) = c->next;
    *(c->next ? &c->next->prev : &io->connections_last) = c->prev;
    c->over = true;
    c->next_over = io->over;
    io->over = c;
}

/* Its messages inside the node are still handled; their answers have nowhere to go. It stays listed until the last one
 * is back. */
void mf_connection_close(struct mf_core *core, struct mf_connection *c)
{
    if (c->fd < 0)
        return;
    if (c->events)
        epoll_ctl(core->io.epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
    close(c->fd);
    c->fd = -1;
    c->events = 0;
    c->in_begin = c->in_end = c->out_begin = c->out_end = c->marks_begin = c->marks_end = 0;
}

static size_t unsent_bytes(const struct mf_connection *c)
{
    return c->out_end - c->out_begin;
}

/* An epoll registration without events still reports a hang-up, again and again: with nothing to watch there is none.
 */
void mf_connection_watch(struct mf_core *core, struct mf_connection *c)
{
    if (c->fd < 0)
        return;
    uint32_t events = (!c->held_in && !c->input_ended && unsent_bytes(c) < UNSENT_BYTES_MAX ? EPOLLIN : 0) |
                      (c->blocked ? EPOLLOUT : 0);
    if (events == c->events)
        return;
    struct epoll_event e = {.events = events, .data.ptr = c};
    int how = !events ? EPOLL_CTL_DEL : c->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(core->io.epoll_fd, how, c->fd, &e) != 0)
        mf_connection_close(core, c);
    else
        c->events = events;
}

void mf_connection_mark_dirty(struct mf_core *core, struct mf_connection *c)
{
    if (c->dirty)
        return;
    c->dirty = true;
    c->next_dirty = core->io.dirty;
    core->io.dirty = c;
}

void mf_connection_mark_ready(struct mf_core *core, struct mf_connection *c)
{
    if (c->ready)
        return;
    c->ready = true;
    c->next_ready = core->io.ready;
    core->io.ready = c;
}

/* --- buffers
 * ------------------------------------------------------------------------------------------------------------------ */

/* Makes room for `n` more elements of `size` bytes behind *end; moves or grows. Returns -1 without memory. */
static int room_make(void **at, size_t size, size_t *begin, size_t *end, size_t *room, size_t n)
{
    if (*begin == *end)
        *begin = *end = 0;
    if (*room - *end >= n)
        return 0;
    size_t used = *end - *begin;
    if (*room - used >= n && *begin >= used) { /* the move is paid for by what was taken out */
        memcpy(*at, (uint8_t *)*at + *begin * size, used * size);
    } else {
        size_t more = (*room ? *room * 2 : ROOM_BYTES / size) + n;
        void *grown = malloc(more * size);
        if (!grown)
            return -1;
        if (used > 0)
            memcpy(grown, (uint8_t *)*at + *begin * size, used * size);
        free(*at);
        *at = grown;
        *room = more;
    }
    *begin = 0;
    *end = used;
    return 0;
}

int mf_connection_add_input(struct mf_connection *c, const void *bytes, size_t n)
{
    if (room_make((void **)&c->in, 1, &c->in_begin, &c->in_end, &c->in_room, n) != 0)
        return -1;
    memcpy(c->in + c->in_end, bytes, n);
    c->in_end += n;
    return 0;
}

static uint8_t *output_room(struct mf_connection *c, size_t n)
{
    if (room_make((void **)&c->out, 1, &c->out_begin, &c->out_end, &c->out_room, n) != 0)
        return NULL;
    return c->out + c->out_end;
}

int mf_connection_add_output(struct mf_connection *c, const void *bytes, size_t n)
{
    uint8_t *to = output_room(c, n);
    if (!to)
        return -1;
    memcpy(to, bytes, n);
    c->out_end += n;
    return 0;
}

int mf_connection_add_mark(struct mf_connection *c, const struct mf_flush_mark *mark)
{
    if (room_make((void **)&c->marks, sizeof *mark, &c->marks_begin, &c->marks_end, &c->marks_room, 1) != 0)
        return -1;
    c->marks[c->marks_end++] = *mark;
    return 0;
}

/* --- in
 * ------------------------------------------------------------------------------------------------------------------------
 */

static uint8_t scratch[SCRATCH_BYTES]; /* one I/O thread, one connection at a time */

/* A ping that no process can take: its ids may be anyone's, so no stage is stamped. */
static int ping_refuse(struct mf_core *core, struct mf_message *m, const char *text)
{
    m->kind = MF_MESSAGE_ERROR;
    m->text = text;
    return mf_io_answer(core, m);
}

/* 0: go on; 1: held, read no further; -1: no memory. */
static int ping_take(struct mf_core *core, struct mf_connection *c, const struct mf_msg *msg)
{
    struct mf_io *io = &core->io;
    struct mf_message *m = mf_pool_take(&io->pool, msg->payload_bytes);
    if (!m)
        return -1;
    m->connection = c;
    m->stream = msg->stream;
    m->process = msg->process;
    m->seq = msg->seq;
    if (msg->payload_bytes > 0)
        memcpy(m->payload, msg->payload, msg->payload_bytes);
    c->pending++;
    io->pending++;
    if (msg->corrupt)
        return ping_refuse(core, m, "the ping's checksum does not match");
    if (msg->process >= core->processes_count)
        return ping_refuse(core, m, "no such process");
    if (mf_stage_reach(core, m, MF_STAGE_RECEIVED, NULL, c)) {
        c->held_in = m;
        return 1;
    }
    mf_chain_append(&io->batch[core->processes[m->process].scheduler], m);
    return 0;
}

/* Takes whole messages out of `bytes`. Returns how many bytes it took; -1: the connection is useless (or memory is
 * out). */
static ssize_t bytes_decode(struct mf_core *core, struct mf_connection *c, const uint8_t *bytes, size_t n)
{
    size_t at = 0;
    while (at < n) {
        struct mf_msg msg;
        ssize_t taken = core->codec->decode(NULL, bytes + at, n - at, &msg);
        if (taken == MF_DECODE_MORE) {
            mf_points_half_in(core, bytes + at, n - at);
            break;
        }
        if (taken < 0 || msg.kind != MF_MSG_PING)
            return -1;
        at += (size_t)taken;
        int held = ping_take(core, c, &msg);
        if (held < 0)
            return -1;
        if (held > 0)
            break;
    }
    return (ssize_t)at;
}

/* Decodes the first n bytes of `scratch`, and keeps the rest for later. */
static void scratch_decode(struct mf_core *core, struct mf_connection *c, size_t n)
{
    c->in_begin = c->in_end = 0;
    ssize_t taken = bytes_decode(core, c, scratch, n);
    if (taken < 0 || ((size_t)taken < n && mf_connection_add_input(c, scratch + taken, n - (size_t)taken) != 0))
        mf_connection_close(core, c);
}

static size_t scratch_load(const struct mf_connection *c)
{
    size_t n = c->in_end - c->in_begin;
    if (n > 0)
        memcpy(scratch, c->in + c->in_begin, n);
    return n;
}

void mf_connection_decode(struct mf_core *core, struct mf_connection *c)
{
    if (c->fd < 0 || c->held_in)
        return;
    scratch_decode(core, c, scratch_load(c));
}

void mf_connection_read(struct mf_core *core, struct mf_connection *c)
{
    size_t kept = scratch_load(c);
    ssize_t n = recv(c->fd, scratch + kept, SCRATCH_BYTES - kept, 0);
    if (n > 0)
        scratch_decode(core, c, kept + (size_t)n);
    else if (n == 0)
        c->input_ended = true;
    else if (errno != EAGAIN && errno != EINTR)
        mf_connection_close(core, c);
    /* what is inside the node is still answered: the peer may have closed its sending side only */
    if (c->input_ended && c->pending == 0 && unsent_bytes(c) == 0)
        mf_connection_close(core, c);
}

/* --- out
 * ------------------------------------------------------------------------------------------------------------------------
 */

static int answer_encode(struct mf_core *core, struct mf_connection *c, const struct mf_message *m)
{
    uint8_t *to = output_room(c, core->codec->bytes_max(NULL, m->payload_bytes));
    if (!to)
        return -1;
    struct mf_msg msg = {.kind = m->kind == MF_MESSAGE_PONG ? MF_MSG_PONG : MF_MSG_ERROR,
                         .stream = m->stream,
                         .process = m->process,
                         .version = m->version,
                         .seq = m->seq,
                         .instance = m->instance,
                         .count = m->count,
                         .has = MF_HAS_VERSION | MF_HAS_INSTANCE | MF_HAS_COUNT};
    if (m->kind == MF_MESSAGE_PONG) {
        msg.payload = m->payload;
        msg.payload_bytes = m->payload_bytes;
    } else {
        msg.text = m->text;
        msg.text_bytes = (uint32_t)strlen(m->text);
    }
    c->out_end += core->codec->encode(NULL, to, &msg);
    struct mf_flush_mark mark = {
        .seq = m->seq, .end = c->out_written + unsent_bytes(c), .stream = m->stream, .process = m->process};
    return m->stage ? mf_connection_add_mark(c, &mark) : 0;
}

int mf_io_answer(struct mf_core *core, struct mf_message *m)
{
    struct mf_connection *c = m->connection;
    int status = 0;
    c->pending--;
    core->io.pending--;
    if (c->fd >= 0 && m->kind != MF_MESSAGE_DROPPED) {
        uint64_t before = c->out_written + unsent_bytes(c);
        bool held = m->stage && mf_stage_reach(core, m, MF_STAGE_REPLIED, NULL, c);
        status = answer_encode(core, c, m);
        if (held) {
            uint64_t bytes = c->out_written + unsent_bytes(c) - before;
            c->holds_output = true;
            c->hold_at = before + (mf_points_holds_half(core) ? bytes / 2 : 0);
        }
        mf_connection_mark_dirty(core, c);
    }
    mf_pool_give(&core->io.pool, m);
    if (c->fd >= 0 && c->input_ended && c->pending == 0)
        mf_connection_mark_dirty(core, c); /* flushing closes it */
    mf_connection_list_if_over(core, c);
    return status;
}

static void marks_stamp(struct mf_core *core, struct mf_connection *c)
{
    while (c->marks_begin < c->marks_end && c->marks[c->marks_begin].end <= c->out_written) {
        const struct mf_flush_mark *mark = &c->marks[c->marks_begin++];
        struct mf_message flushed = {.stream = mark->stream, .process = mark->process, .seq = mark->seq};
        if (mf_stage_reach(core, &flushed, MF_STAGE_FLUSHED, NULL, c)) {
            c->holds_output = true;
            c->hold_at = c->out_written;
        }
    }
}

void mf_connection_flush(struct mf_core *core, struct mf_connection *c)
{
    while (c->fd >= 0) {
        size_t n = unsent_bytes(c);
        if (c->holds_output && c->hold_at - c->out_written < n)
            n = (size_t)(c->hold_at - c->out_written);
        if (core->points.holds_flushed && c->marks_begin < c->marks_end &&
            c->marks[c->marks_begin].end - c->out_written < n)
            n = (size_t)(c->marks[c->marks_begin].end - c->out_written);
        c->blocked = false;
        if (n == 0)
            break;
        ssize_t sent = send(c->fd, c->out + c->out_begin, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN) {
            c->blocked = true;
            break;
        }
        if (sent < 0) {
            mf_connection_close(core, c);
            return;
        }
        c->out_begin += (size_t)sent;
        c->out_written += (size_t)sent;
        marks_stamp(core, c);
    }
    if (c->fd >= 0 && c->input_ended && c->pending == 0 && unsent_bytes(c) == 0)
        mf_connection_close(core, c);
    mf_connection_watch(core, c);
}
