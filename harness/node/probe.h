/* Whether a module may take over from the one that runs, asked before anything is exchanged. */
#ifndef MF_NODE_PROBE_H
#define MF_NODE_PROBE_H

#include <stdint.h>

#include "base/error.h"

struct mf_core;

#define MF_COMMAND_PROBE "probe" /* `command what="probe N"`: mf_core_probe of module N, asked by the supervisor */

/* Tries module `module_index` in an OS process of its own (node/trial.h) with states of processes of this worker, which
 * each scheduler copies between two messages: nobody else waits. A file that did well from the same module is not tried
 * again until it changes. Main thread, schedulers running. -1 with why. */
int mf_core_probe(struct mf_core *core, uint32_t module_index, struct mf_error *err);

#endif
