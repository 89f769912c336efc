#include "faults/request.h"

#include <stdio.h>

int mf_request_inject(struct mf_fault_act *act, uint32_t n, struct mf_error *err)
{
    act->requests = 0;
    if (act->plan->noop) {
        mf_act_say(act, "nothing was asked for");
        return 0;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (act->site->request(act->site->ctx, &act->requested[act->requests]) != 0)
            return mf_error_set(err, MF_STATUS_TARGET, NULL, "no planned upgrade was left to ask for");
        act->requests++;
    }
    mf_act_say(act, "upgrade %u%s asked for while another was under way", act->requested[0] + 1,
               n > 1 ? " and the one after it" : "");
    return 0;
}
