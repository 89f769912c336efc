/* Processes: their states, their images and their mailboxes. On a process's own scheduler, or on the main thread while
 * the schedulers stand. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "node/core_internal.h"
#include "node/guard.h"
#include "node/stage.h"

#define COLD __attribute__((noinline, cold))

static void *slot_of(const struct mf_image *image, uint32_t id)
{
    return image->states->at + (size_t)image->states->stride * id;
}

static void process_begin(struct mf_process *p, struct mf_image *image, uint64_t instance)
{
    p->image = image;
    p->instance = instance;
    p->state = slot_of(image, p->id);
    p->refused = 0;
    memset(p->state, 0, image->module->state_bytes);
    if (image->module->init_state)
        image->module->init_state(p->state);
}

static struct mf_image *home_of(struct mf_core *core, const struct mf_process *p)
{
    return p->stays == MF_STAY_CONTROL ? core->control : mf_core_current(core);
}

int mf_processes_init(struct mf_core *core, struct mf_error *err)
{
    size_t bytes = sizeof *core->processes * core->processes_count;
    if (posix_memalign((void **)&core->processes, _Alignof(struct mf_process), bytes) != 0) {
        core->processes = NULL;
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "no memory for %u processes", core->processes_count);
    }
    memset(core->processes, 0, bytes);
    uint64_t instance = atomic_fetch_add(&core->rec.node->next_instance, core->processes_count) + 1;
    for (uint32_t i = 0; i < core->processes_count; i++) {
        struct mf_process *p = &core->processes[i];
        p->id = i;
        p->scheduler = i % core->schedulers_count;
        p->stays = core->control && i >= core->processes_count - core->args->control_group ? MF_STAY_CONTROL
                   : i < core->args->lingerers                                             ? MF_STAY_LINGERS
                                                                                           : MF_STAY_NOT;
        process_begin(p, home_of(core, p), instance + i);
        atomic_fetch_add(&p->image->processes, 1);
    }
    return 0;
}

void mf_processes_done(struct mf_core *core)
{
    free(core->processes);
    core->processes = NULL;
}

/* --- mailboxes
 * -------------------------------------------------------------------------------------------------------- */

static void run_queue_append(struct mf_scheduler *s, struct mf_process *p)
{
    p->in_run_queue = true;
    p->next_run = NULL;
    if (s->run_last)
        s->run_last->next_run = p;
    else
        s->run_first = p;
    s->run_last = p;
}

void mf_process_wake(struct mf_core *core, struct mf_process *p)
{
    if (p->in_run_queue || p->held || p->behind || !p->mailbox.head)
        return;
    run_queue_append(mf_scheduler_of(core, p), p);
}

void mf_process_hold(struct mf_core *core, struct mf_process *p, const struct mf_message *m)
{
    struct mf_scheduler *s = mf_scheduler_of(core, p);
    p->held = true;
    if (p->is_pinger)
        return; /* a pinger is its stream */
    s->holds_stream = true;
    s->held_stream = m->stream;
    s->held_arrived = m->arrived;
}

/* Puts `p` behind *last in a chain that begins at *first, if it has something to run. */
static void chain_wake(struct mf_process *p, struct mf_process **first, struct mf_process **last)
{
    if (p->in_run_queue || p->held || !p->mailbox.head)
        return;
    p->in_run_queue = true;
    p->next_run = NULL;
    if (*last)
        (*last)->next_run = p;
    else
        *first = p;
    *last = p;
}

/* In the order of arrival: a process held with a message at its front goes first, then those that wait behind it, one
 * that has handled it has its turn behind all. They go before what is in the run queue: a pause may have ended a round
 * before its processes had been looked at, and these hold later messages of the same stream. */
void mf_process_let_go(struct mf_core *core, struct mf_process *p)
{
    struct mf_scheduler *s = mf_scheduler_of(core, p);
    struct mf_process *first = NULL, *last = NULL;
    p->held = false;
    if (p->mailbox.head && p->mailbox.head->arrived <= s->held_arrived)
        chain_wake(p, &first, &last);
    s->holds_stream = false;
    for (struct mf_process *next; s->behind_first; s->behind_first = next) {
        next = s->behind_first->next_behind;
        s->behind_first->behind = false;
        chain_wake(s->behind_first, &first, &last);
    }
    s->behind_last = NULL;
    if (last) {
        last->next_run = s->run_first;
        s->run_first = first;
        s->run_last = s->run_last ? s->run_last : last;
    }
    mf_process_wake(core, p);
}

/* Those whose mailboxes have died with them give up their places: what comes for them now is due after what the others
 * have had all along. */
static COLD void emptied_leave(struct mf_scheduler *s)
{
    struct mf_process *runs = s->run_first, *waits = s->behind_first, *next;
    s->has_emptied = false;
    s->run_first = s->run_last = s->behind_first = s->behind_last = NULL;
    for (struct mf_process *p = runs; p; p = next) {
        next = p->next_run;
        p->in_run_queue = false;
        mf_process_wake(s->core, p);
    }
    for (struct mf_process *p = waits; p; p = next) {
        next = p->next_behind;
        p->behind = false;
        if (p->mailbox.head)
            mf_process_wait_behind(s, p);
    }
}

void mf_process_enqueue(struct mf_core *core, struct mf_process *p, struct mf_message *m)
{
    struct mf_scheduler *s = mf_scheduler_of(core, p);
    if (__builtin_expect(s->has_emptied, 0))
        emptied_leave(s);
    m->arrived = s->arrivals++;
    mf_chain_append(&p->mailbox, m);
    /* transport local: nobody has read it before */
    if (m->stage == 0 && mf_stage_reach(core, m, MF_STAGE_RECEIVED, p, NULL))
        mf_process_hold(core, p, m);
    else if (m->stage <= MF_STAGE_ENQUEUED && mf_stage_reach(core, m, MF_STAGE_ENQUEUED, p, NULL))
        mf_process_hold(core, p, m);
    mf_process_wake(core, p);
}

/* --- states
 * ------------------------------------------------------------------------------------------------------------ */

static int state_make(void *to, const struct mf_image *image, uint32_t from_version, const void *from, uint32_t n)
{
    const struct mf_module *m = image->module;
    if (m->state_version == from_version && m->state_bytes == n) {
        memcpy(to, from, n);
        return 0;
    }
    memset(to, 0, m->state_bytes);
    return m->convert && m->convert(to, from_version, from, n) == 0 ? 1 : -1;
}

static int state_bring(const struct mf_process *p, const struct mf_image *image)
{
    if (p->is_pinger || p->image->states == image->states)
        return 0;
    return state_make(slot_of(image, p->id), image, p->image->module->state_version, p->state,
                      p->image->module->state_bytes);
}

/* The counts go up before they go down: an image with a process about to join it never looks deserted. */
static void process_join(struct mf_process *p, struct mf_image *image)
{
    struct mf_image *old = p->image;
    atomic_fetch_add(&image->processes, 1);
    p->image = image;
    p->refused = 0;
    if (!p->is_pinger)
        p->state = slot_of(image, p->id);
    atomic_fetch_sub(&old->processes, 1);
}

int mf_process_convert(struct mf_process *p, struct mf_image *image)
{
    int changed = state_bring(p, image);
    if (changed < 0) {
        p->refused = image->number;
        return -1;
    }
    process_join(p, image);
    return changed;
}

int mf_process_adopt(struct mf_core *core, struct mf_process *p, uint64_t instance, uint32_t state_version,
                     const void *bytes, uint32_t n, struct mf_error *err)
{
    int changed = state_make(p->state, p->image, state_version, bytes, n);
    if (changed < 0) {
        /* the half-made state must not run: the process is a fresh one, and the caller decides what becomes of it */
        process_begin(p, p->image, p->instance);
        return mf_error_set(err, MF_STATUS_TARGET, p->image->path,
                            "the module cannot convert process %u's state of layout %u (%u bytes) to its layout %u",
                            p->id, state_version, n, p->image->module->state_version);
    }
    if (changed > 0)
        atomic_fetch_add(&core->converted, 1);
    p->instance = instance;
    return 0;
}

static int refusal(const struct mf_process *p, const struct mf_image *image, struct mf_error *err)
{
    return mf_error_set(err, MF_STATUS_TARGET, image->path,
                        "the module cannot convert process %u's state of layout %u (%u bytes) to its layout %u", p->id,
                        p->image->module->state_version, p->image->module->state_bytes, image->module->state_version);
}

int mf_core_convert_all(struct mf_core *core, struct mf_image *image, uint32_t *converted, struct mf_error *err)
{
    assert(core->schedulers_stopped);
    *converted = 0;
    for (uint32_t i = 0; i < core->processes_count; i++) {
        struct mf_process *p = &core->processes[i];
        int changed = p->image == image || p->stays == MF_STAY_CONTROL ? 0 : state_bring(p, image);
        if (changed < 0)
            return refusal(p, image, err);
        *converted += (uint32_t)changed;
    }
    for (uint32_t i = 0; i < core->processes_count; i++)
        if (core->processes[i].image != image && core->processes[i].stays != MF_STAY_CONTROL)
            process_join(&core->processes[i], image);
    mf_local_join(core, image);
    return 0;
}

void mf_process_begin_anew(struct mf_core *core, struct mf_process *p)
{
    struct mf_scheduler *s = mf_scheduler_of(core, p);
    mf_points_forget(core, p);
    s->has_emptied |= p->in_run_queue || p->behind;
    if (p->held_reply) {
        p->held_reply->kind = MF_MESSAGE_DROPPED;
        mf_scheduler_send(s, p->held_reply);
        p->held_reply = NULL;
    }
    while (p->mailbox.head) {
        struct mf_message *m = mf_chain_pop(&p->mailbox);
        atomic_fetch_add_explicit(&s->dequeued, 1, memory_order_relaxed);
        m->kind = MF_MESSAGE_DROPPED;
        mf_scheduler_send(s, m);
    }
    if (p->held)
        mf_process_let_go(core, p);
    struct mf_image *old = p->image, *home = home_of(core, p);
    atomic_fetch_add(&home->processes, 1);
    process_begin(p, home, atomic_fetch_add(&core->rec.node->next_instance, 1) + 1);
    atomic_fetch_sub(&old->processes, 1);
}

void mf_process_remake(struct mf_core *core, struct mf_process *p)
{
    mf_process_begin_anew(core, p);
}

struct mf_image *mf_process_image(const struct mf_process *p)
{
    return p->image;
}

/* --- the sweep: each process in turn, in the background
 * -------------------------------------------------------------- */

#define SWEEP_CHUNK 32

static struct mf_process *sweep_at(struct mf_scheduler *s, uint32_t n)
{
    struct mf_core *core = s->core;
    uint64_t id = (uint64_t)n * core->schedulers_count + s->index;
    if (id < core->processes_count)
        return &core->processes[id];
    uint64_t first_pinger = (core->processes_count + core->schedulers_count - 1 - s->index) / core->schedulers_count;
    return mf_local_pinger(s, n - (uint32_t)first_pinger);
}

static bool sweep_convert(struct mf_core *core, struct mf_process *p, struct mf_image *image, struct mf_error *err)
{
    if (p->stays)
        return true;
    int changed = mf_process_convert(p, image);
    if (changed < 0) {
        refusal(p, image, err);
        return false;
    }
    if (changed > 0)
        atomic_fetch_add(&core->converted, 1);
    return true;
}

/* Where points hold messages, losses are to be the same in every run: then nobody may take a message between the first
 * death and the last. */
static uint32_t sweep_chunk(const struct mf_core *core)
{
    return core->sweep == MF_SWEEP_KILL && mf_points_hold(core) ? UINT32_MAX : SWEEP_CHUNK;
}

bool mf_sweep_step(struct mf_scheduler *s, struct mf_error *err)
{
    struct mf_core *core = s->core;
    struct mf_image *image = mf_core_current(core);
    if (core->sweep == MF_SWEEP_LOOK)
        return true;
    for (uint32_t i = 0, n = sweep_chunk(core); i < n; i++) {
        struct mf_process *p = sweep_at(s, s->sweep_next++);
        if (!p)
            return true;
        if (p->image == image)
            continue;
        if (core->sweep == MF_SWEEP_CONVERT || p->is_pinger) {
            if (!sweep_convert(core, p, image, err))
                return true;
        } else if (p->stays != MF_STAY_CONTROL) {
            s->sweep_killed += mf_guard_death(core, p, MF_DEATH_KILLED);
        }
    }
    return false;
}
