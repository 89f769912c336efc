/* `midflight judge`: a result folder, or one run of it, judged again from its histories alone. */
#ifndef MF_DRIVER_JUDGING_H
#define MF_DRIVER_JUDGING_H

#include <stdbool.h>

#include "base/error.h"
#include "scenario/scenario.h"

struct mf_judging_options {
    const char *path;
    const char *out;                     /* where a result folder is made of it; NULL: nowhere */
    struct mf_scenario_options scenario; /* other expectations */
    bool quiet;
};

/* Prints what `midflight run` prints. 0 with the exit status of what was concluded; -1 with *err: USAGE (there is no
 * history), INTERNAL. */
int mf_judging_run(const struct mf_judging_options *options, enum mf_status *status, struct mf_error *err);

#endif
