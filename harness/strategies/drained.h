/* An exchange of workers one after the other, through a saved state: what drain-restart and socket-activation have in
 * common. What makes them two is whose the listening socket is.
 *
 *   (supervisor) probe           the new module is tried in a process of its own: what cannot be loaded stops nothing
 *   (worker) reserve             room on the disk for the state, while giving up is still free
 *   (worker) drain               stop listening, answer and flush, write the state and sync it, exit
 *   (supervisor) start           a new worker takes the state up, listens, and is ready: commit
 *
 * If the new worker cannot take the state up, the old module is started with it instead (rolled back). */
#ifndef MF_STRATEGIES_DRAINED_H
#define MF_STRATEGIES_DRAINED_H

#include "strategies/strategy.h"

/* `supervise` and `command` of a strategy. */
int mf_drained_supervise(struct mf_supervisor *supervisor, struct mf_upgrade_request *request, struct mf_error *err);
int mf_drained_command(struct mf_core *core, const char *what, struct mf_error *err);

/* In the worker, which listens no more: answers and flushes what has arrived, until there is a gap, or for a while
 * where clients leave none; then reads no more, and answers what it has read. */
void mf_drained_answer(struct mf_core *core);

#endif
