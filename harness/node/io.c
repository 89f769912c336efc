/* The I/O thread: epoll over the listener, the connections and a bell that the others ring. Raw epoll and not libuv:
 * what this program links is part of what `exec` measures. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "node/core_internal.h"

#define EVENTS 256

/* --- life
 * ---------------------------------------------------------------------------------------------------------------- */

static int accept_timer_open(struct mf_io *io)
{
    io->accept_timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = &io->accept_timer_fd};
    return io->accept_timer_fd < 0 ? -1 : epoll_ctl(io->epoll_fd, EPOLL_CTL_ADD, io->accept_timer_fd, &e);
}

int mf_io_init(struct mf_core *core, struct mf_error *err)
{
    struct mf_io *io = &core->io;
    io->core = core;
    if (pthread_mutex_init(&io->lock, NULL) != 0)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "cannot make a mutex");
    io->has_lock = true;
    io->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    io->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    io->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    io->batch = calloc(core->schedulers_count, sizeof *io->batch);
    /* edge-triggered: a ring need not be read away */
    struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.ptr = &io->event_fd};
    if (io->epoll_fd < 0 || io->event_fd < 0 || io->spare_fd < 0 || !io->batch ||
        epoll_ctl(io->epoll_fd, EPOLL_CTL_ADD, io->event_fd, &e) != 0 ||
        (core->args->accept_delay_us > 0 && accept_timer_open(io) != 0))
        return mf_error_errno(err, MF_STATUS_TARGET, NULL, "cannot set up the I/O thread");
    return 0;
}

static void over_free(struct mf_io *io)
{
    for (struct mf_connection *c = io->over, *next; c; c = next) {
        next = c->next_over;
        mf_connection_free(c);
    }
    io->over = NULL;
}

static void fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void mf_io_done(struct mf_core *core)
{
    struct mf_io *io = &core->io;
    for (struct mf_connection *c = io->connections, *next; c; c = next) {
        next = c->next;
        fd_close(&c->fd);
        mf_connection_free(c);
    }
    over_free(io);
    mf_listener_close(core);
    fd_close(&io->spare_fd);
    fd_close(&io->accept_timer_fd);
    fd_close(&io->event_fd);
    fd_close(&io->epoll_fd);
    free(io->batch);
    io->connections = NULL;
    io->batch = NULL;
    if (io->has_lock)
        pthread_mutex_destroy(&io->lock);
    io->has_lock = false;
}

/* --- waking
 * ---------------------------------------------------------------------------------------------------------------- */

static void bell_ring(int fd)
{
    uint64_t one = 1;
    while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
        ; /* EAGAIN: it has rung 2^64 times and still says so */
}

void mf_io_wake(struct mf_io *io)
{
    if (atomic_load(&io->sleeping) && atomic_exchange(&io->sleeping, 0))
        bell_ring(io->event_fd);
}

void mf_io_ask(struct mf_io *io, uint32_t attention)
{
    atomic_fetch_or(&io->attention, attention);
    mf_io_wake(io);
}

void mf_core_tell_main(struct mf_core *core)
{
    bell_ring(core->event_fd);
}

/* --- a round
 * ------------------------------------------------------------------------------------------------------------------ */

static void batches_push(struct mf_core *core)
{
    for (uint32_t i = 0; i < core->schedulers_count; i++) {
        struct mf_chain *batch = &core->io.batch[i];
        if (!batch->head)
            continue;
        atomic_fetch_add_explicit(&core->schedulers[i].pushed, batch->count, memory_order_relaxed);
        mf_inbox_push(&core->schedulers[i].inbox, batch);
        mf_scheduler_wake(&core->schedulers[i]);
    }
}

static int answers_collect(struct mf_core *core)
{
    struct mf_chain answers = {0};
    int status = 0;
    mf_inbox_take(&core->io.outbox, &answers);
    while (answers.head) {
        struct mf_message *m = mf_chain_pop(&answers);
        struct mf_connection *c = m->connection;
        if (mf_io_answer(core, m) == 0)
            continue;
        fprintf(stderr, "midflight-node: no memory for an answer: its connection is closed\n");
        mf_connection_close(core, c);
        status = -1;
    }
    return status;
}

static void dirty_flush(struct mf_core *core)
{
    struct mf_connection *c = core->io.dirty;
    core->io.dirty = NULL;
    while (c) {
        struct mf_connection *next = c->next_dirty;
        c->dirty = false;
        mf_connection_flush(core, c);
        mf_connection_list_if_over(core, c);
        c = next;
    }
}

static void ready_decode(struct mf_core *core)
{
    struct mf_connection *c = core->io.ready;
    core->io.ready = NULL;
    while (c) {
        struct mf_connection *next = c->next_ready;
        c->ready = false;
        mf_connection_decode(core, c);
        mf_connection_watch(core, c);
        mf_connection_list_if_over(core, c);
        c = next;
    }
}

static void event_take(struct mf_core *core, const struct epoll_event *e)
{
    struct mf_io *io = &core->io;
    if (e->data.ptr == &io->event_fd)
        return;
    if (e->data.ptr == &io->listen_fd) {
        mf_listener_accept(core);
        return;
    }
    if (e->data.ptr == &io->accept_timer_fd) {
        mf_listener_rested(core);
        return;
    }
    struct mf_connection *c = e->data.ptr;
    if (c->fd < 0)
        return; /* a scheduler has closed it since */
    if (e->events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
        mf_connection_mark_dirty(core, c);
    if (c->events & EPOLLIN)
        mf_connection_read(core, c);
    mf_connection_watch(core, c);
    mf_connection_list_if_over(core, c);
}

/* --- what others ask
 * ---------------------------------------------------------------------------------------------------------------- */

static void io_let_go(struct mf_core *core)
{
    struct mf_process *none;
    struct mf_connection *c;
    mf_points_let_go(core, UINT32_MAX, &none, &c);
    if (!c)
        return;
    if (c->held_in) {
        struct mf_message *m = c->held_in;
        c->held_in = NULL;
        mf_chain_append(&core->io.batch[core->processes[m->process].scheduler], m);
        mf_connection_mark_ready(core, c);
    }
    c->holds_output = false;
    mf_connection_mark_dirty(core, c);
}

static void gate_say(struct mf_core *core, bool *what)
{
    pthread_mutex_lock(&core->gate);
    *what = true;
    pthread_cond_broadcast(&core->gate_changed);
    pthread_mutex_unlock(&core->gate);
}

static void io_stop_listening(struct mf_core *core, bool accept)
{
    if (core->io.listen_fd >= 0) {
        if (accept && !core->io.listener_is_lent) /* else they wait for whoever has it next */
            mf_listener_accept_all(core);         /* whoever has connected has arrived */
        mf_listener_close(core);
    }
    gate_say(core, &core->io_deaf);
}

/* As if every peer had ended its side: what has been read is answered and flushed, then the connection is closed. */
static void io_end_input(struct mf_core *core)
{
    for (struct mf_connection *c = core->io.connections; c; c = c->next) {
        c->input_ended = true;
        mf_connection_mark_dirty(core, c);
    }
}

static bool io_is_drained(struct mf_core *core)
{
    struct mf_io *io = &core->io;
    if (io->pending > 0 || io->ready || io->dirty || !mf_inbox_empty(&io->outbox))
        return false;
    bool awaits_first = atomic_load(&io->awaits_first);
    for (struct mf_connection *c = io->connections; c; c = c->next) {
        bool has_asked = c->out_written > 0 || c->input_ended;
        if (c->fd >= 0 && (c->out_begin != c->out_end || (awaits_first && !has_asked)))
            return false;
    }
    return true;
}

/* False: this thread is to end. */
static bool io_attend(struct mf_core *core)
{
    struct mf_io *io = &core->io;
    uint32_t asked = atomic_load(&io->attention);
    if (asked & MF_ATTENTION_STOP)
        return false;
    if (asked & MF_ATTENTION_RELEASE) {
        atomic_fetch_and(&io->attention, ~(uint32_t)MF_ATTENTION_RELEASE);
        io_let_go(core);
    }
    if (asked & (MF_ATTENTION_DEAF | MF_ATTENTION_CLOSE)) {
        atomic_fetch_and(&io->attention, ~(uint32_t)(MF_ATTENTION_DEAF | MF_ATTENTION_CLOSE));
        io_stop_listening(core, asked & MF_ATTENTION_DEAF);
    }
    if (asked & MF_ATTENTION_END_INPUT) {
        atomic_fetch_and(&io->attention, ~(uint32_t)MF_ATTENTION_END_INPUT);
        io_end_input(core);
    }
    if (asked & MF_ATTENTION_PAUSE)
        mf_gate_stand(core, &core->io_paused, &core->io_stopped, &io->attention);
    return true;
}

/* --- the loop
 * -----------------------------------------------------------------------------------------------------------------------------
 */

/* Sleeps without the lock. */
static int io_wait(struct mf_core *core, struct epoll_event *events)
{
    struct mf_io *io = &core->io;
    over_free(io);
    if (atomic_load(&io->attention) & MF_ATTENTION_DRAIN) {
        int n = epoll_wait(io->epoll_fd, events, EVENTS, 0);
        if (n != 0)
            return n;
        if (io_is_drained(core)) {
            atomic_fetch_and(&io->attention, ~(uint32_t)MF_ATTENTION_DRAIN);
            gate_say(core, &core->io_drained);
        }
    }
    atomic_store(&io->sleeping, 1);
    /* whoever pushes or asks looks at `sleeping` afterwards: one of the two sees the other */
    bool awaited = mf_inbox_empty(&io->outbox) && !(atomic_load(&io->attention) & ~(uint32_t)MF_ATTENTION_DRAIN);
    int timeout_ms = awaited && !io->ready && !io->dirty ? -1 : 0;
    pthread_mutex_unlock(&io->lock);
    int n = epoll_wait(io->epoll_fd, events, EVENTS, timeout_ms);
    pthread_mutex_lock(&io->lock);
    atomic_store(&io->sleeping, 0);
    return n;
}

void *mf_io_main(void *arg)
{
    struct mf_core *core = arg;
    struct epoll_event events[EVENTS];
    mf_thread_enter(core);
    pthread_mutex_lock(&core->io.lock);
    while (io_attend(core)) {
        ready_decode(core);
        batches_push(core);
        answers_collect(core);
        dirty_flush(core);
        int n = io_wait(core, events);
        for (int i = 0; i < n; i++)
            event_take(core, &events[i]);
        batches_push(core);
    }
    pthread_mutex_unlock(&core->io.lock);
    return NULL;
}

void mf_io_flush(struct mf_io *io)
{
    if (!atomic_load(&io->sleeping) || pthread_mutex_trylock(&io->lock) != 0) {
        mf_io_wake(io);
        return;
    }
    answers_collect(io->core);
    dirty_flush(io->core);
    pthread_mutex_unlock(&io->lock);
    /* another scheduler came by and found the lock taken; or the last answer is out, for which a drain waits */
    if (!mf_inbox_empty(&io->outbox) || (atomic_load(&io->attention) & MF_ATTENTION_DRAIN))
        mf_io_wake(io);
}

int mf_core_settle(struct mf_core *core, struct mf_error *err)
{
    batches_push(core);
    for (uint32_t i = 0; i < core->schedulers_count; i++) {
        mf_scheduler_sort(&core->schedulers[i]);
        mf_scheduler_push(&core->schedulers[i]);
    }
    if (answers_collect(core) != 0)
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "no memory for the answers on their way out");
    return 0;
}
