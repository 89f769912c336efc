/* second_upgrade: somebody asks for the next upgrade while one is under way. It counts among the planned ones. */
#include "faults/request.h"

static int second_upgrade_inject(struct mf_fault_act *act, struct mf_error *err)
{
    return mf_request_inject(act, 1, err);
}

const struct mf_fault mf_fault_second_upgrade = {.name = "second_upgrade", .inject = second_upgrade_inject};
