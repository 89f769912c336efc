/* third_version: the next two upgrades are asked for at once while one is under way: with three modules, one version
 * runs, the second is on its way, and the third waits. */
#include "faults/request.h"

static int third_version_inject(struct mf_fault_act *act, struct mf_error *err)
{
    return mf_request_inject(act, 2, err);
}

const struct mf_fault mf_fault_third_version = {.name = "third_version", .inject = third_version_inject};
