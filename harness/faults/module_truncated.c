/* module_truncated: the first half of the file, as a copy leaves it that was broken off. */
#include "faults/module_file.h"

static int module_truncated_inject(struct mf_fault_act *act, struct mf_error *err)
{
    struct mf_bytes bytes;
    if (mf_module_file_read(act, &bytes, err) != 0)
        return -1;
    bytes.size /= 2;
    return mf_module_file_put(act, &bytes, err);
}

const struct mf_fault mf_fault_module_truncated = {
    .name = "module_truncated", .inject = module_truncated_inject, .undo = mf_module_file_restore};
