/* Guards: whose death takes whom along, who is told of it, and who starts it anew.
 *
 * A process dies when its module crashes over a message, when a strategy kills it, or with another one. Its mailbox and
 * its state die with it. Two processes may be linked: each dies with the other. A process may be watched: a function is
 * told of each of its deaths. Every process has a supervisor, which starts it again at once, in the current image, as
 * another incarnation: links and watches are then as before. Supervision is by groups: of a group that is supervised
 * one-for-all the supervisor (it watches each member) kills the others too; one-for-one it leaves them alone. With
 * args->links the neighbours in a group are linked.
 *
 * Groups are args->group neighbours among the processes of one scheduler (the last group may be smaller; the control
 * group has groups of its own), so that no death waits for another thread. For the same reason a link needs both
 * processes on one scheduler.
 * Threads: links and watches are made while the schedulers do not run; a death is its scheduler's. */
#ifndef MF_NODE_GUARD_H
#define MF_NODE_GUARD_H

#include "node/core_internal.h"

enum mf_death {
    MF_DEATH_CRASHED,    /* of its module's own accord */
    MF_DEATH_KILLED,     /* a strategy wanted it */
    MF_DEATH_LINKED,     /* with one that it is linked to */
    MF_DEATH_SUPERVISED, /* its supervisor wanted it */
};

/* The deaths that one has set off, as a list under construction: whoever is told may add to it. */
struct mf_dying {
    struct mf_process *first, *last;
};

typedef void mf_guard_told(void *ctx, struct mf_process *died, enum mf_death why, struct mf_dying *dying);

/* When the processes are made. -1: no memory. */
int mf_guard_init(struct mf_core *core, struct mf_error *err);
void mf_guard_done(struct mf_core *core);
/* -1: no memory, or they run on different schedulers. Linked already: nothing changes. */
int mf_guard_link(struct mf_core *core, struct mf_process *a, struct mf_process *b, struct mf_error *err);
/* `told` is called on the process's scheduler before it is started anew. -1: no memory. */
int mf_guard_watch(struct mf_core *core, struct mf_process *process, mf_guard_told *told, void *ctx,
                   struct mf_error *err);
/* For `told`: this one dies too. */
void mf_guard_take_along(struct mf_dying *dying, struct mf_process *process, enum mf_death why);
/* The process dies, and whoever dies with it; all are started anew. Returns how many. */
uint32_t mf_guard_death(struct mf_core *core, struct mf_process *process, enum mf_death why);

#endif
