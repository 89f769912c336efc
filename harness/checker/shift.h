/* How far a cell's values lie from a baseline's, quantile by quantile (Doksum's shift function), with intervals by
 * bootstrap over runs.
 *
 * Quantiles are by nearest rank, as everywhere in the reports. Intervals are 95 % percentile intervals of 1999 seeded
 * resamples (Efron & Tibshirani, An Introduction to the Bootstrap, 13.3): whole runs are drawn, since upgrades of a run
 * share what that run's machine and target were like. Where a side has fewer than MF_REPETITIONS_MIN runs, upgrades are
 * drawn instead, and what differs from run to run is not in the interval. With fewer upgrades than that there is none.
 * From few runs percentile intervals are rather too narrow: they show a size, a p-value shows a difference. Pure;
 * threads: any. */
#ifndef MF_CHECKER_SHIFT_H
#define MF_CHECKER_SHIFT_H

#include <stdbool.h>
#include <stdint.h>

#include "checker/series.h"

#define MF_SHIFT_QUANTILES 9 /* the deciles 0.1 ... 0.9 */
#define MF_SHIFT_MEDIAN    4

enum { MF_BASELINE, MF_CELL, MF_SIDES };

struct mf_estimate {
    double value, low, high;
};

struct mf_shift {
    uint32_t n[MF_SIDES], runs[MF_SIDES];
    bool has_interval, over_runs; /* over_runs: else over upgrades */
    /* May be quoted: mf_quantile_known on both sides. The median always is, beside its n. */
    bool known[MF_SHIFT_QUANTILES];
    double of[MF_SIDES][MF_SHIFT_QUANTILES], mean_of[MF_SIDES];
    struct mf_estimate quantile[MF_SHIFT_QUANTILES], mean; /* the cell's less the baseline's */
    struct mf_estimate superiority; /* the share of pairs in which the cell's is higher, ties counted half */
};

double mf_shift_quantile(unsigned i); /* 0.1 ... 0.9 */
/* Where a side has no values only n and runs are filled. -1: no memory. */
int mf_shift_compute(struct mf_shift *shift, const struct mf_series *baseline, const struct mf_series *cell,
                     uint64_t seed);

#endif
