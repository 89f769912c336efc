/* `midflight run`: a scenario's cells, one run after the other, and the result folder.
 *
 * A cell whose target cannot be started, or dies, is noted in its reasons and the others go on. Ctrl-C (SIGINT,
 * SIGTERM, SIGHUP) ends the run under way politely and writes what was measured; a second one kills at once. Whatever
 * happens, no OS process, socket, folder or memory of a run is left. */
#ifndef MF_DRIVER_SESSION_H
#define MF_DRIVER_SESSION_H

#include <stdbool.h>

#include "base/error.h"
#include "scenario/scenario.h"

struct mf_session_options {
    const char *scenario_path;
    struct mf_scenario_options scenario;
    const char *out; /* NULL: results/<UTC time>-<scenario name> */
    bool no_plot, quiet, history;
};

/* 0 with the exit status of what was concluded; -1 with *err where no report could be made. */
int mf_session_run(const struct mf_session_options *options, enum mf_status *status, struct mf_error *err);

#endif
