/* connections_delayed: each byte stays in the relay for a time, both ways. */
#include <math.h>

#include "faults/relayed.h"

static int connections_delayed_inject(struct mf_fault_act *act, struct mf_error *err)
{
    return mf_relayed_say(act, "delay", "us", (uint64_t)llround(act->plan->delay_ms * 1000), err);
}

const struct mf_fault mf_fault_connections_delayed = {
    .name = "connections_delayed", .inject = connections_delayed_inject, .undo = mf_relayed_clear};
