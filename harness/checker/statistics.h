/* Statistics over few values: spreads by nearest rank, and the bound on a share of which n were seen. Pure. */
#ifndef MF_CHECKER_STATISTICS_H
#define MF_CHECKER_STATISTICS_H

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
/* I_x(a, b), for a, b > 0 and 0 <= x <= 1; to about 1e-12. */
double mf_incomplete_beta(double a, double b, double x);

#endif
