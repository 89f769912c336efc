/* What an upgrade did to the timeline of a run: its baseline, spikes, recovery, and where the instrument itself was
 * late. Pure. */
#ifndef MF_CHECKER_SPIKES_H
#define MF_CHECKER_SPIKES_H

#include "checker/result.h"

/* A bin in which the load's pacing timer was later than this is tainted. Thirty times what a timerfd is late at the
 * median. */
#define MF_TAINT_NS (2 * 1000000ULL)

/* No spike is claimed where tainted time may make up half of it or more: the highest response's ping may then have
 * waited for the load as long as for the target.
 *
 * Fills tainted, tainted_bins, judged_bins and baseline_median_us of a run, and each fired upgrade's spike_ns and
 * recovery_ns. Baseline: the bins between the warm-up and the end that touch no upgrade's [request, request + window]
 * and in which a ping was answered; where there is no such bin, all between the warm-up and the end. Returns 0, or -1
 * with INTERNAL (no memory). */
int mf_spikes_find(struct mf_result *r, struct mf_error *err);

#endif
