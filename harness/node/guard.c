#include "node/guard.h"

#include <stdlib.h>

/* The other end of a link. */
struct bond {
    struct bond *next;
    struct mf_process *to;
};

struct watch {
    struct watch *next;
    mf_guard_told *told;
    void *ctx;
};

struct mf_guard {
    struct mf_core *core;
    /* by process id; NULL where nobody is linked, or watched */
    struct bond **bonds;
    struct watch **watches;
};

/* --- groups
 * ------------------------------------------------------------------------------------------------------------ */

static bool same_kind(const struct mf_process *a, const struct mf_process *b)
{
    return (a->stays == MF_STAY_CONTROL) == (b->stays == MF_STAY_CONTROL);
}

/* The i-th place of p's group; NULL: nobody stands there, or one who is none of it. */
static struct mf_process *group_member(const struct mf_core *core, const struct mf_process *p, uint32_t i)
{
    uint32_t schedulers = core->schedulers_count, place = p->id / schedulers;
    uint64_t first = place - place % core->args->group;
    uint64_t id = (first + i) * schedulers + p->scheduler;
    if (id >= core->processes_count || !same_kind(p, &core->processes[id]))
        return NULL;
    return &core->processes[id];
}

/* A one-for-all supervisor: what it does when one of its processes has died. */
static void supervisor_told(void *ctx, struct mf_process *died, enum mf_death why, struct mf_dying *dying)
{
    struct mf_core *core = ctx;
    (void)why;
    for (uint32_t i = 0; i < core->args->group; i++) {
        struct mf_process *p = group_member(core, died, i);
        if (p)
            mf_guard_take_along(dying, p, MF_DEATH_SUPERVISED);
    }
}

static int process_guard(struct mf_core *core, struct mf_process *p, struct mf_error *err)
{
    const struct mf_node_args *args = core->args;
    if (args->group < 2)
        return 0;
    if (args->supervision == MF_SUPERVISION_ONE_FOR_ALL && mf_guard_watch(core, p, supervisor_told, core, err) != 0)
        return -1;
    struct mf_process *next = group_member(core, p, p->id / core->schedulers_count % args->group + 1);
    bool is_last = (p->id / core->schedulers_count + 1) % args->group == 0;
    return args->links && next && !is_last ? mf_guard_link(core, p, next, err) : 0;
}

/* --- life
 * -------------------------------------------------------------------------------------------------------------- */

int mf_guard_init(struct mf_core *core, struct mf_error *err)
{
    core->guard = calloc(1, sizeof *core->guard);
    if (!core->guard)
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "no memory for the processes' guard");
    core->guard->core = core;
    for (uint32_t i = 0; i < core->processes_count; i++)
        if (process_guard(core, &core->processes[i], err) != 0)
            return -1;
    return 0;
}

static void bonds_free(struct bond *b)
{
    for (struct bond *next; b; b = next) {
        next = b->next;
        free(b);
    }
}

static void watches_free(struct watch *w)
{
    for (struct watch *next; w; w = next) {
        next = w->next;
        free(w);
    }
}

void mf_guard_done(struct mf_core *core)
{
    struct mf_guard *guard = core->guard;
    if (!guard)
        return;
    for (uint32_t i = 0; i < core->processes_count; i++) {
        if (guard->bonds)
            bonds_free(guard->bonds[i]);
        if (guard->watches)
            watches_free(guard->watches[i]);
    }
    free(guard->bonds);
    free(guard->watches);
    free(guard);
    core->guard = NULL;
}

/* --- links and watches
 * ------------------------------------------------------------------------------------------------- */

static bool is_linked(const struct mf_guard *guard, const struct mf_process *a, const struct mf_process *b)
{
    for (const struct bond *bond = guard->bonds[a->id]; bond; bond = bond->next)
        if (bond->to == b)
            return true;
    return false;
}

int mf_guard_link(struct mf_core *core, struct mf_process *a, struct mf_process *b, struct mf_error *err)
{
    struct mf_guard *guard = core->guard;
    if (a->scheduler != b->scheduler)
        return mf_error_set(err, MF_STATUS_TARGET, NULL,
                            "processes %u and %u run on different schedulers and can't be linked", a->id, b->id);
    if (!guard->bonds && !(guard->bonds = calloc(core->processes_count, sizeof(struct bond *))))
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "no memory for links");
    if (a == b || is_linked(guard, a, b))
        return 0;
    struct bond *there = malloc(sizeof *there), *back = malloc(sizeof *back);
    if (!there || !back) {
        free(there);
        free(back);
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "no memory for a link");
    }
    *there = (struct bond){.next = guard->bonds[a->id], .to = b};
    *back = (struct bond){.next = guard->bonds[b->id], .to = a};
    guard->bonds[a->id] = there;
    guard->bonds[b->id] = back;
    return 0;
}

int mf_guard_watch(struct mf_core *core, struct mf_process *p, mf_guard_told *told, void *ctx, struct mf_error *err)
{
    struct mf_guard *guard = core->guard;
    if (!guard->watches)
        guard->watches = calloc(core->processes_count, sizeof(struct watch *));
    struct watch *watch = guard->watches ? malloc(sizeof *watch) : NULL;
    if (!watch)
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "no memory to watch a process");
    *watch = (struct watch){.next = guard->watches[p->id], .told = told, .ctx = ctx};
    guard->watches[p->id] = watch;
    return 0;
}

/* --- death
 * --------------------------------------------------------------------------------------------------------------- */

void mf_guard_take_along(struct mf_dying *dying, struct mf_process *p, enum mf_death why)
{
    if (p->dying)
        return;
    p->dying = true;
    p->why = (uint8_t)why;
    p->next_dying = NULL;
    if (dying->last)
        dying->last->next_dying = p;
    else
        dying->first = p;
    dying->last = p;
}

uint32_t mf_guard_death(struct mf_core *core, struct mf_process *process, enum mf_death why)
{
    const struct mf_guard *guard = core->guard;
    struct mf_dying dying = {0};
    uint32_t deaths = 0;
    mf_guard_take_along(&dying, process, why);
    for (struct mf_process *p = dying.first; p; p = p->next_dying) { /* the list grows while it is gone through */
        for (struct bond *b = guard->bonds ? guard->bonds[p->id] : NULL; b; b = b->next)
            mf_guard_take_along(&dying, b->to, MF_DEATH_LINKED);
        for (struct watch *w = guard->watches ? guard->watches[p->id] : NULL; w; w = w->next)
            w->told(w->ctx, p, (enum mf_death)p->why, &dying);
    }
    /* all of them are dead before the first of them lives again */
    for (struct mf_process *p = dying.first; p; p = p->next_dying) {
        mf_process_begin_anew(core, p);
        p->dying = false;
        deaths++;
    }
    return deaths;
}
