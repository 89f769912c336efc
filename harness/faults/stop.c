/* stop: SIGSTOP, and SIGCONT after its duration. The no-op twin sends no signal, twice. */
#include <errno.h>
#include <signal.h>

#include "faults/workers.h"

static int stop_inject(struct mf_fault_act *act, struct mf_error *err)
{
    char text[64];
    if (mf_workers_find(act, act->plan->whom, err) != 0)
        return -1;
    for (uint32_t i = 0; i < act->pids; i++)
        if (kill(act->pid[i], act->plan->noop ? 0 : SIGSTOP) != 0)
            return mf_error_errno(err, MF_STATUS_TARGET, NULL, "cannot stop worker %d", (int)act->pid[i]);
    mf_act_say(act, "%s %s", act->plan->noop ? "let go on" : "stopped", mf_workers_text(act, text, sizeof text));
    return 0;
}

static int stop_undo(struct mf_fault_act *act, struct mf_error *err)
{
    for (uint32_t i = 0; i < act->pids; i++)
        if (kill(act->pid[i], act->plan->noop ? 0 : SIGCONT) != 0 && errno != ESRCH) /* it may have ended meanwhile */
            return mf_error_errno(err, MF_STATUS_TARGET, NULL, "cannot continue worker %d", (int)act->pid[i]);
    return 0;
}

const struct mf_fault mf_fault_stop = {.name = "stop", .inject = stop_inject, .undo = stop_undo};
