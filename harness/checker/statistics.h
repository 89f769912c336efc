/* Statistics over few values: spreads by nearest rank, the bounds of a share of which some were seen, and how many
 * upgrades it takes to show something. Pure. Tests of two samples: significance.h, shift.h. */
#ifndef MF_CHECKER_STATISTICS_H
#define MF_CHECKER_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "checker/result.h"

/* The value of nearest rank ceil(q * n), at least 1, of n > 0 sorted values. */
double mf_rank(const double *sorted, size_t n, double q);
/* Sorts `values` in place. n == 0: all zero. */
struct mf_spread mf_spread_of(double *values, uint32_t n);
/* The upper end of the one-sided Clopper-Pearson interval for `seen` of `n` (seen <= n) at `confidence`: the share p at
 * which seen or fewer of n come up with probability 1 - confidence. 1 where n is 0. Source: Clopper & Pearson,
 * Biometrika 26 (1934) 404; by the regularised incomplete beta function, DLMF 8.17.5 and 8.17.22. */
double mf_upper_bound(uint32_t seen, uint32_t n, double confidence);
struct mf_interval {
    double low, high;
};
/* The two-sided Clopper-Pearson interval: outside of it each side has (1 - confidence) / 2. Of n == 0: all of 0 ... 1.
 */
struct mf_interval mf_share_interval(uint32_t seen, uint32_t n, double confidence);
/* Whether the quantile q of n values may be quoted: 10 or more of them lie beyond it, on its own side of the median. */
bool mf_quantile_known(uint32_t n, double q);

/* How many upgrades, none of them dirty, bound the share of dirty ones below `share` (0 < share < 1) at confidence
 * 1 - alpha: ceil(log(alpha) / log(1 - share)). */
uint32_t mf_required_clean(double share, double alpha);
/* How many upgrades on each side it takes to show with probability `power` that shares p and q (0 ... 1, p != q)
 * differ, by a two-sided test of level alpha. Source: Casagrande, Pike & Smith, Biometrics 34 (1978) 483: an
 * approximation to Fisher's exact test. */
uint32_t mf_required_each(double p, double q, double alpha, double power);
/* The smallest p-value that an exact two-sided test of n against m values can give: 2 / C(n + m, n), at most 1. Above
 * alpha, no outcome would show a difference. */
double mf_least_p(uint32_t n, uint32_t m);
/* How many values on each side it takes before mf_least_p is at or below alpha. */
uint32_t mf_required_any(double alpha);
/* The value below which a standard normal variable lies with probability p, 0 < p < 1. */
double mf_normal_quantile(double p);

/* I_x(a, b), for a, b > 0 and 0 <= x <= 1; to about 1e-12. */
double mf_incomplete_beta(double a, double b, double x);

/* Whether n samples tell the quantile q: at least 10 of them lie beyond it. Any sample has a median. */
bool mf_percentile_is_told(uint64_t n, double q);

#endif
