/* connections_half_closed: the node finds the end of every connection's input, and may still answer; what the client
 * sends from now on reaches nobody. */
#include "faults/relayed.h"

static int connections_half_closed_inject(struct mf_fault_act *act, struct mf_error *err)
{
    return mf_relayed_say(act, "half_close", NULL, 0, err);
}

const struct mf_fault mf_fault_connections_half_closed = {.name = "connections_half_closed",
                                                          .inject = connections_half_closed_inject};
