#include "faults/relayed.h"

#include <inttypes.h>

int mf_relayed_say(struct mf_fault_act *act, const char *verb, const char *key, uint64_t value, struct mf_error *err)
{
    struct mf_control_writer w;
    mf_control_begin(&w, act->plan->noop ? "noop" : verb);
    mf_control_put_u64(&w, "act", act->row);
    if (key && !act->plan->noop)
        mf_control_put_u64(&w, key, value);
    if (mf_control_end(&w) != 0 || act->site->relay(act->site->ctx, &w) != 0)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "there is no relay that could be told");
    if (act->plan->noop)
        mf_act_say(act, "the connections were left alone");
    else if (key)
        mf_act_say(act, "%s, %s %" PRIu64, verb, key, value);
    else
        mf_act_say(act, "%s", verb);
    return 0;
}

int mf_relayed_clear(struct mf_fault_act *act, struct mf_error *err)
{
    struct mf_control_writer w;
    mf_control_begin(&w, act->plan->noop ? "noop" : "clear");
    if (mf_control_end(&w) != 0 || act->site->relay(act->site->ctx, &w) != 0)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "there is no relay that could be told");
    return 0;
}
