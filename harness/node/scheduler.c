/* A scheduler: takes its inbox, sorts it into mailboxes, runs processes from a queue, one message after the other. */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "node/guard.h"
#include "node/stage.h"

#define MESSAGES_PER_ROUND 256 /* of all processes, before inbox, outbox and attention are looked at */

static _Thread_local struct mf_scheduler *here;

/* --- asking and waking
 * ------------------------------------------------------------------------------------------------ */

void mf_scheduler_wake(struct mf_scheduler *s)
{
    if (atomic_load(&s->sleeping) && atomic_exchange(&s->sleeping, 0))
        syscall(SYS_futex, &s->sleeping, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void mf_scheduler_ask(struct mf_scheduler *s, uint32_t attention)
{
    atomic_fetch_or(&s->attention, attention);
    mf_scheduler_wake(s);
}

/* `until_ns`: UINT64_MAX for as long as it takes. */
static void scheduler_sleep(struct mf_scheduler *s, uint64_t until_ns)
{
    atomic_store(&s->sleeping, 1);
    /* whoever pushes looks at `sleeping` after its push: one of the two sees the other */
    if (mf_inbox_empty(&s->inbox) && !atomic_load(&s->attention)) {
        struct timespec until = mf_clock_timespec(until_ns == UINT64_MAX ? 0 : until_ns);
        syscall(SYS_futex, &s->sleeping, FUTEX_WAIT_BITSET_PRIVATE, 1, until_ns == UINT64_MAX ? NULL : &until, NULL,
                FUTEX_BITSET_MATCH_ANY);
    }
    atomic_store(&s->sleeping, 0);
}

/* --- messages in, messages out
 * ------------------------------------------------------------------------------------------- */

void mf_scheduler_sort(struct mf_scheduler *s)
{
    struct mf_chain arrived = {0};
    mf_inbox_take(&s->inbox, &arrived);
    while (arrived.head) {
        struct mf_message *m = mf_chain_pop(&arrived);
        if (m->kind == MF_MESSAGE_PING)
            mf_process_enqueue(s->core, &s->core->processes[m->process], m);
        else
            mf_local_deliver(s, m);
    }
}

void mf_scheduler_send(struct mf_scheduler *s, struct mf_message *m)
{
    if (m->connection)
        mf_chain_append(&s->out, m);
    else if (m->home == s->index)
        mf_local_deliver(s, m);
    else
        mf_chain_append(&s->across[m->home], m);
}

void mf_scheduler_push(struct mf_scheduler *s)
{
    struct mf_core *core = s->core;
    if (s->out.head) {
        mf_inbox_push(&core->io.outbox, &s->out);
        mf_io_flush(&core->io);
    }
    for (uint32_t i = 0; s->across && i < core->schedulers_count; i++)
        if (s->across[i].head) {
            mf_inbox_push(&core->schedulers[i].inbox, &s->across[i]);
            mf_scheduler_wake(&core->schedulers[i]);
        }
}

/* --- one message
 * ---------------------------------------------------------------------------------------------------------- */

static void message_fail(struct mf_message *m, const char *text)
{
    m->kind = MF_MESSAGE_ERROR;
    m->text = text;
}

static void message_answer(struct mf_process *p, struct mf_message *m, const struct mf_answer *answer)
{
    if (answer->payload_bytes > m->payload_bytes) {
        message_fail(m, "the module's answer has more payload than the ping");
        return;
    }
    if (answer->payload != m->payload && answer->payload_bytes > 0)
        memmove(m->payload, answer->payload, answer->payload_bytes);
    m->payload_bytes = answer->payload_bytes;
    m->kind = MF_MESSAGE_PONG;
    m->count = answer->count;
    m->version = answer->version;
    m->instance = p->instance;
}

/* The process's code runs. The message becomes its answer. False: the process has crashed over it. */
static bool message_handle(struct mf_core *core, struct mf_process *p, struct mf_message *m)
{
    const struct mf_module *module = p->image->module;
    struct mf_ping ping = {.stream = m->stream,
                           .process = m->process,
                           .seq = m->seq,
                           .payload = m->payload,
                           .payload_bytes = m->payload_bytes};
    struct mf_answer answer = {.version = module->version, .payload = m->payload, .payload_bytes = m->payload_bytes};
    switch (module->handle(p->state, &ping, &answer)) {
    case MF_HANDLE_REPLY:
        message_answer(p, m, &answer);
        break;
    case MF_HANDLE_DROP:
        m->kind = MF_MESSAGE_DROPPED;
        break;
    case MF_HANDLE_ERROR:
        message_fail(m, "the module answered with an error");
        break;
    case MF_HANDLE_CRASH:
        m->kind = MF_MESSAGE_DROPPED;
        return false;
    default:
        message_fail(m, "the module returned no known verdict");
    }
    uint8_t *byte = mf_recorder_stage(&core->rec, m->stream, m->seq);
    if (byte && __atomic_load_n(byte, __ATOMIC_RELAXED) > MF_STAGE_HANDLED)
        atomic_fetch_add_explicit(&core->rec.node->rehandled, 1, memory_order_relaxed);
    return true;
}

/* --- one process
 * ------------------------------------------------------------------------------------------------------------ */

/* Brings the process to the current image. False: look at its mailbox anew. */
static bool process_bring(struct mf_core *core, struct mf_scheduler *s, struct mf_process *p)
{
    enum mf_take take = core->strategy->take ? core->strategy->take(core, p) : MF_TAKE_HANDLE;
    if (take == MF_TAKE_AGAIN)
        return false;
    if (take == MF_TAKE_STAY)
        return true;
    if (take == MF_TAKE_DROP) {
        struct mf_message *m = mf_chain_pop(&p->mailbox);
        atomic_fetch_add_explicit(&s->dequeued, 1, memory_order_relaxed);
        m->kind = MF_MESSAGE_DROPPED;
        mf_scheduler_send(s, m);
        return false;
    }
    struct mf_image *image = mf_core_current(core); /* `take` may have published another one */
    if (p->image != image && p->refused != image->number && mf_process_convert(p, image) > 0)
        atomic_fetch_add(&core->converted, 1);
    return true;
}

static bool is_behind(const struct mf_scheduler *s, const struct mf_message *m)
{
    return s->holds_stream && m->stream == s->held_stream && m->arrived > s->held_arrived;
}

void mf_process_wait_behind(struct mf_scheduler *s, struct mf_process *p)
{
    p->behind = true;
    p->next_behind = NULL;
    if (s->behind_last)
        s->behind_last->next_behind = p;
    else
        s->behind_first = p;
    s->behind_last = p;
}

/* The message at the mailbox's front. */
static void process_step(struct mf_scheduler *s, struct mf_process *p)
{
    struct mf_core *core = s->core;
    struct mf_message *m = p->mailbox.head;
    if (__builtin_expect(is_behind(s, m), 0)) {
        mf_process_wait_behind(s, p);
        return;
    }
    if (m->stage <= MF_STAGE_ENQUEUED) /* it was held at RECEIVED */
        mf_stage_reach(core, m, MF_STAGE_ENQUEUED, NULL, NULL);
    if (m->stage <= MF_STAGE_DEQUEUED && mf_stage_reach(core, m, MF_STAGE_DEQUEUED, p, NULL)) {
        mf_process_hold(core, p, m);
        return;
    }
    /* armed: a strategy wants to be asked although nothing new is published yet (`reboot`) */
    bool bring = p->image != mf_core_current(core) || atomic_load_explicit(&core->take_armed, memory_order_relaxed);
    if (__builtin_expect(bring, 0) && !p->stays && !process_bring(core, s, p))
        return;
    mf_chain_pop(&p->mailbox);
    atomic_store_explicit(&s->dequeued, atomic_load_explicit(&s->dequeued, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    if (__builtin_expect(!message_handle(core, p, m), 0)) {
        mf_scheduler_send(s, m);
        mf_guard_death(core, p, MF_DEATH_CRASHED);
        return;
    }
    if (mf_stage_reach(core, m, MF_STAGE_HANDLED, p, NULL)) {
        p->held_reply = m;
        mf_process_hold(core, p, m);
        return;
    }
    mf_scheduler_send(s, m);
}

/* One message, then the next process's turn. More at a time would be quicker by a hair, and would answer a stream that
 * asks its processes in turn out of its order: what one process has queued would overtake what the others have. */
static uint32_t process_run(struct mf_scheduler *s, struct mf_process *p)
{
    if (p->is_pinger) {
        uint32_t n = p->mailbox.count;
        mf_local_run(s, p);
        return n;
    }
    if (p->mailbox.head && !p->held)
        process_step(s, p);
    mf_process_wake(s->core, p);
    return 1;
}

/* --- what others ask
 * -------------------------------------------------------------------------------------------------------- */

void mf_gate_stand(struct mf_core *core, uint32_t *paused, const bool *stopped, _Atomic uint32_t *attention)
{
    pthread_mutex_lock(&core->gate);
    ++*paused;
    pthread_cond_broadcast(&core->gate_changed);
    while (*stopped && !(atomic_load(attention) & MF_ATTENTION_STOP))
        pthread_cond_wait(&core->gate_changed, &core->gate);
    --*paused;
    pthread_mutex_unlock(&core->gate);
}

static void scheduler_let_go(struct mf_scheduler *s)
{
    struct mf_process *p;
    struct mf_connection *none;
    mf_points_let_go(s->core, s->index, &p, &none);
    if (!p)
        return;
    if (p->held_reply) {
        struct mf_message *m = p->held_reply;
        p->held_reply = NULL;
        mf_scheduler_send(s, m);
    }
    mf_process_let_go(s->core, p);
}

static void scheduler_sweep(struct mf_scheduler *s)
{
    struct mf_error err = {0};
    if (!mf_sweep_step(s, &err))
        return;
    atomic_fetch_and(&s->attention, ~(uint32_t)MF_ATTENTION_SWEEP);
    pthread_mutex_lock(&s->core->gate);
    if (err.text[0])
        s->core->sweep_error = err;
    s->core->sweeps_done++;
    pthread_cond_broadcast(&s->core->gate_changed);
    pthread_mutex_unlock(&s->core->gate);
}

/* False: this thread is to end. */
static bool scheduler_attend(struct mf_scheduler *s, uint32_t asked)
{
    if (asked & MF_ATTENTION_STOP)
        return false;
    if (asked & MF_ATTENTION_PAUSE) {
        mf_scheduler_push(s);
        mf_gate_stand(s->core, &s->core->schedulers_paused, &s->core->schedulers_stopped, &s->attention);
        if (s->local)
            mf_local_resumed(s);
        return true; /* look at the word anew: it may have been a pause before the end */
    }
    if (asked & MF_ATTENTION_RELEASE) {
        atomic_fetch_and(&s->attention, ~(uint32_t)MF_ATTENTION_RELEASE);
        scheduler_let_go(s);
    }
    if (asked & MF_ATTENTION_GO) {
        atomic_fetch_and(&s->attention, ~(uint32_t)MF_ATTENTION_GO);
        mf_local_go(s);
    }
    if (asked & MF_ATTENTION_SAMPLE) {
        atomic_fetch_and(&s->attention, ~(uint32_t)MF_ATTENTION_SAMPLE);
        mf_samples_take(s);
    }
    if (asked & MF_ATTENTION_SWEEP)
        scheduler_sweep(s);
    return true;
}

/* --- the loop
 * ------------------------------------------------------------------------------------------------------------------ */

static void stack_note(struct mf_scheduler *s)
{
    uint64_t used = (uint64_t)((uint8_t *)s->stack + s->stack_bytes - (uint8_t *)__builtin_frame_address(0));
    _Atomic uint64_t *deepest = &s->core->rec.node->stack_bytes_max;
    uint64_t seen = atomic_load(deepest);
    while (used > seen && !atomic_compare_exchange_weak(deepest, &seen, used))
        ;
}

static void scheduler_round(struct mf_scheduler *s)
{
    for (uint32_t done = 0; s->run_first && done < MESSAGES_PER_ROUND;) {
        struct mf_process *p = s->run_first;
        s->run_first = p->next_run;
        if (!s->run_first)
            s->run_last = NULL;
        p->in_run_queue = false;
        done += process_run(s, p);
        if (atomic_load_explicit(&s->attention, memory_order_relaxed) & (MF_ATTENTION_PAUSE | MF_ATTENTION_STOP))
            break;
    }
}

void mf_scheduler_loop(struct mf_scheduler *s)
{
    here = s;
    stack_note(s);
    for (;;) {
        uint32_t asked = atomic_load(&s->attention);
        if (asked) {
            if (!scheduler_attend(s, asked))
                return;
            if (asked & MF_ATTENTION_PAUSE)
                continue;
        }
        uint64_t next_ns = s->local ? mf_local_tick(s) : UINT64_MAX;
        if (!mf_inbox_empty(&s->inbox))
            mf_scheduler_sort(s);
        scheduler_round(s);
        mf_scheduler_push(s);
        if (!s->run_first)
            scheduler_sleep(s, next_ns);
    }
}

void mf_core_enter_main(struct mf_core *core)
{
    (void)core;
    mf_scheduler_loop(here);
}

uint64_t mf_core_stack_left(struct mf_core *core)
{
    (void)core;
    return (uint64_t)((uint8_t *)__builtin_frame_address(0) - (uint8_t *)here->stack);
}
