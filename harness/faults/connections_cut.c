/* connections_cut: the relay closes both sides of every connection; whoever reads finds its end. */
#include "faults/relayed.h"

static int connections_cut_inject(struct mf_fault_act *act, struct mf_error *err)
{
    return mf_relayed_say(act, "cut", NULL, 0, err);
}

const struct mf_fault mf_fault_connections_cut = {.name = "connections_cut", .inject = connections_cut_inject};
