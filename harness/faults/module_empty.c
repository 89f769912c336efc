/* module_empty: a file of no bytes, as a deployment leaves it whose disk was full. */
#include "faults/module_file.h"

static int module_empty_inject(struct mf_fault_act *act, struct mf_error *err)
{
    struct mf_bytes bytes;
    if (mf_module_file_read(act, &bytes, err) != 0)
        return -1;
    bytes.size = 0;
    return mf_module_file_put(act, &bytes, err);
}

const struct mf_fault mf_fault_module_empty = {
    .name = "module_empty", .inject = module_empty_inject, .undo = mf_module_file_restore};
