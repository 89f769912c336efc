/* no_memory: RLIMIT_AS of a page: what the worker has it keeps, and every mmap and brk from now on fails. */
#include "faults/limits.h"

static int no_memory_inject(struct mf_fault_act *act, struct mf_error *err)
{
    return mf_limits_set(act, RLIMIT_AS, 4096, "memory", err);
}

static int no_memory_undo(struct mf_fault_act *act, struct mf_error *err)
{
    return mf_limits_restore(act, RLIMIT_AS, err);
}

const struct mf_fault mf_fault_no_memory = {.name = "no_memory", .inject = no_memory_inject, .undo = no_memory_undo};
