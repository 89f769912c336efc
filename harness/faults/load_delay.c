/* load_delay: between the node and the module that it wants stands one that takes its time to be loaded, and then is
 * that module in all it does: its constructor sleeps, opens the real one, and hands its table out. */
#include <math.h>
#include <stdio.h>

#include "faults/module_file.h"

static int load_delay_inject(struct mf_fault_act *act, struct mf_error *err)
{
    char real[PATH_MAX];
    snprintf(real, sizeof real, "%.4000s/" MF_MODULES_FOLDER "/%u.good", act->site->scratch,
             act->site->rec->log[act->k].module_index);
    return mf_module_file_put_broken(act, (uint64_t)llround(act->plan->delay_ms), real, err);
}

const struct mf_fault mf_fault_load_delay = {
    .name = "load_delay", .inject = load_delay_inject, .undo = mf_module_file_restore, .module = "slow_load"};
