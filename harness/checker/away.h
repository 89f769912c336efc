/* What a run's windows look like away from upgrades: the control within the run that each spike is held against.
 *
 * The timeline between warm-up and end is cut into windows as long as an upgrade's (shorter by up to a bin, since bins
 * are not cut) that touch no upgrade's window, hold no ping that was still waiting when an upgrade was requested, and
 * in which the instrument was not late. Of each the same is taken as of an upgrade's: the highest response less the
 * baseline's median. If upgrades did nothing, an upgrade's window would be one of these n + 1: it would be above all n
 * others once in n + 1 times. Pure. */
#ifndef MF_CHECKER_AWAY_H
#define MF_CHECKER_AWAY_H

#include "checker/result.h"

/* Fills r->away, and of each upgrade with a spike windows and windows_as_high. `near`: per bin, whether it is in an
 * upgrade's window. To be called with tainted, bin and the upgrades' spikes known. -1 with INTERNAL: no memory. */
int mf_away_find(struct mf_result *r, const uint8_t *near, double median_ns, struct mf_error *err);
/* Adds a run's windows to its cell's. */
int mf_away_merge(struct mf_result *cell, const struct mf_result *run, struct mf_error *err);
/* Derived: the spread, how many spikes were judged, how many were above all windows of their run, and how many would be
 * by chance. */
void mf_away_derive(struct mf_result *r);

#endif
