/* The values that the upgrades of one cell gave, and the run that each is from.
 *
 * Life: zeroed; mf_series_add, run by run; read; mf_series_done (takes a zeroed one). Owner: the series owns its
 * arrays. Threads: one. */
#ifndef MF_CHECKER_SERIES_H
#define MF_CHECKER_SERIES_H

#include <stdint.h>

struct mf_series {
    double *value;
    uint32_t *run; /* 0 ... runs-1: counted here, so that every run has a value */
    uint32_t n, runs, room, last;
};

/* `run` is the caller's number of it; values of one run come one after another. -1: no memory, the series is as it was.
 */
int mf_series_add(struct mf_series *s, uint32_t run, double value);
void mf_series_done(struct mf_series *s);

#endif
