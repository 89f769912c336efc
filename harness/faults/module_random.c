/* module_random: as many bytes as the module has, and none of them right. The same ones in every run. */
#include "base/rng.h"
#include "faults/module_file.h"

static int module_random_inject(struct mf_fault_act *act, struct mf_error *err)
{
    struct mf_bytes bytes;
    if (mf_module_file_read(act, &bytes, err) != 0)
        return -1;
    struct mf_rng rng;
    mf_rng_init(&rng, act->row, 0);
    for (size_t i = 0; i < bytes.size; i++)
        bytes.at[i] = (uint8_t)mf_rng_next(&rng);
    return mf_module_file_put(act, &bytes, err);
}

const struct mf_fault mf_fault_module_random = {
    .name = "module_random", .inject = module_random_inject, .undo = mf_module_file_restore};
