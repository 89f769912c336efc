#include "faults/limits.h"

#include <errno.h>

#include "faults/workers.h"

int mf_limits_set(struct mf_fault_act *act, __rlimit_resource_t resource, rlim_t value, const char *name,
                  struct mf_error *err)
{
    char text[64];
    if (mf_workers_find(act, act->plan->whom, err) != 0)
        return -1;
    for (uint32_t i = 0; i < act->pids; i++) {
        if (prlimit(act->pid[i], resource, NULL, &act->limit[i]) != 0)
            return mf_error_errno(err, MF_STATUS_TARGET, NULL, "cannot read %s of worker %d", name, (int)act->pid[i]);
        struct rlimit tight = act->limit[i];
        if (!act->plan->noop)
            tight.rlim_cur = value;
        if (prlimit(act->pid[i], resource, &tight, NULL) != 0)
            return mf_error_errno(err, MF_STATUS_TARGET, NULL, "cannot set %s of worker %d", name, (int)act->pid[i]);
    }
    mf_act_say(act, "%s %s %s", name, act->plan->noop ? "left alone for" : "used up for",
               mf_workers_text(act, text, sizeof text));
    return 0;
}

int mf_limits_restore(struct mf_fault_act *act, __rlimit_resource_t resource, struct mf_error *err)
{
    for (uint32_t i = 0; i < act->pids; i++)
        if (prlimit(act->pid[i], resource, &act->limit[i], NULL) != 0 && errno != ESRCH)
            return mf_error_errno(err, MF_STATUS_TARGET, NULL, "cannot give worker %d its limit back",
                                  (int)act->pid[i]);
    return 0;
}
