/* A module is tried before anything is given up for it: by the worker, which has states to try it with, or, where there
 * is none, from here. */
#include <stdio.h>

#include "node/probe.h"
#include "node/supervisor_internal.h"
#include "node/trial.h"

#define ANSWER_MS 1000 /* what the worker may take beyond the trial itself */

int mf_supervisor_probe(struct mf_supervisor *s, uint32_t module_index, struct mf_error *err)
{
    if (s->worker.ready) {
        char what[32];
        snprintf(what, sizeof what, MF_COMMAND_PROBE " %u", module_index);
        return mf_supervisor_command(s, what, s->args->patience_ms + ANSWER_MS, err);
    }
    struct mf_trial trial = {.program = s->program,
                             .dir = s->args->dir,
                             .path = s->args->modules[module_index],
                             .samples_fd = -1,
                             .deadline_ms = s->args->patience_ms};
    return mf_trial_run(&trial, err);
}
