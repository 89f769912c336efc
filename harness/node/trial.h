/* A module tried in an OS process of its own: loaded, initialised, and given states of the running module to convert.
 * What fails, crashes or hangs does so there, and the node goes on.
 *
 * The process is this program again (`--try`), spawned without copying the caller's memory, so that a worker full of
 * threads may do it in the middle of its work: no thread but the caller waits. It ends by itself whatever becomes of
 * the caller. What a trial cannot show: a module that does well once and not the second time. */
#ifndef MF_NODE_TRIAL_H
#define MF_NODE_TRIAL_H

#include <stdint.h>

#include "base/error.h"

#define MF_TRIAL_OPTION "--try"

struct mf_trial {
    const char *program; /* argv[0] for it */
    const char *dir;     /* where the copy of a module may stand for a moment */
    const char *path;    /* the new module's file */
    const char *from;    /* the running module's, for the way back; NULL: that is not tried */
    int samples_fd;      /* a struct mf_samples, and the states behind it; -1: nothing is converted */
    uint32_t deadline_ms;
};

/* States of living processes, as they are handed over: `count` blocks of `state_bytes` follow. */
struct mf_samples {
    uint32_t state_version, state_bytes, count;
};

/* Blocks the caller, at most deadline_ms. -1 with TARGET and one line: what it said, how it ended, or that it took too
 * long. The descriptor stays the caller's. */
int mf_trial_run(const struct mf_trial *t, struct mf_error *err);
/* The other side: `--try DIR PATH [DEADLINE_MS [SAMPLES_FD [FROM]]]`. Returns the exit status, having said why on
 * stderr. */
int mf_trial_main(int argc, char **argv);

#endif
