/* connections_reset: the relay resets both sides of every connection (a UNIX socket knows no reset of its own: there it
 * is a close with unread data, which its reader meets as one). */
#include "faults/relayed.h"

static int connections_reset_inject(struct mf_fault_act *act, struct mf_error *err)
{
    return mf_relayed_say(act, "reset", NULL, 0, err);
}

const struct mf_fault mf_fault_connections_reset = {.name = "connections_reset", .inject = connections_reset_inject};
