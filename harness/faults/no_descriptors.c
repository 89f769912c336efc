/* no_descriptors: RLIMIT_NOFILE below what is in use: open descriptors live on, and nothing can be opened, accepted or made. */
#include "faults/limits.h"

/* Below this all descriptors of a worker are in use for ever (standard ones, recorder, control line); a limit below what it
 * polls at once would make poll itself fail. */
#define IN_USE 4

static int no_descriptors_inject(struct mf_fault_act *act, struct mf_error *err)
{
    return mf_limits_set(act, RLIMIT_NOFILE, IN_USE, "descriptors", err);
}

static int no_descriptors_undo(struct mf_fault_act *act, struct mf_error *err)
{
    return mf_limits_restore(act, RLIMIT_NOFILE, err);
}

const struct mf_fault mf_fault_no_descriptors = {
    .name = "no_descriptors", .inject = no_descriptors_inject, .undo = no_descriptors_undo};
