/* connections_throttled: each connection gets so many bytes a second through the relay and no more, each way. */
#include <math.h>

#include "faults/relayed.h"

static int connections_throttled_inject(struct mf_fault_act *act, struct mf_error *err)
{
    return mf_relayed_say(act, "throttle", "bytes_per_s", (uint64_t)llround(act->plan->bytes_per_s), err);
}

const struct mf_fault mf_fault_connections_throttled = {
    .name = "connections_throttled", .inject = connections_throttled_inject, .undo = mf_relayed_clear};
