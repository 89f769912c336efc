/* module_missing: the file is gone. */
#include <stdio.h>
#include <unistd.h>

#include "faults/module_file.h"

static int module_missing_inject(struct mf_fault_act *act, struct mf_error *err)
{
    char path[PATH_MAX];
    uint32_t index = act->site->rec->log[act->k].module_index;
    if (mf_module_file_path(act->site->scratch, index, path, sizeof path) != 0)
        return mf_error_set(err, MF_STATUS_INTERNAL, act->site->scratch, "the path is too long");
    if (act->plan->noop ? access(path, R_OK) != 0 : unlink(path) != 0)
        return mf_error_errno(err, MF_STATUS_INTERNAL, path, "the module cannot be taken away");
    mf_act_say(act, "%s %s", act->plan->noop ? "left alone" : "took away", act->site->module_names[index]);
    return 0;
}

const struct mf_fault mf_fault_module_missing = {
    .name = "module_missing", .inject = module_missing_inject, .undo = mf_module_file_restore};
