/* How likely what was seen would be if two samples came from the same source: p-values, two-sided, and what becomes of
 * them when there are many. Definitions are those of R's functions of the same purpose, which the tests hold them to.
 * Pure; memory that is needed is given back before the return. Threads: any. */
#ifndef MF_CHECKER_SIGNIFICANCE_H
#define MF_CHECKER_SIGNIFICANCE_H

#include <stdbool.h>
#include <stdint.h>

/* No p-value is to be quoted from fewer. */
#define MF_REPETITIONS_MIN 5

/* Fisher's exact test of a of n against b of m (a <= n, b <= m): the sum of the probabilities of all tables with these
 * margins that are no likelier than the one seen; fisher.test of R. 1 where a margin is 0. */
double mf_fisher(uint32_t a, uint32_t n, uint32_t b, uint32_t m);

struct mf_mann_whitney {
    double w; /* pairs in which x is higher, ties counted half */
    double p;
    bool exact;
};
/* Mann & Whitney's test (Wilcoxon's rank sum) of x against y, n > 0 and m > 0 values; wilcox.test of R: exact where
 * both have fewer than 50 values and no two are the same, else by the normal distribution with corrections for ties and
 * for continuity. All values the same: p is 1. -1: no memory. */
int mf_mann_whitney(const double *x, uint32_t n, const double *y, uint32_t m, struct mf_mann_whitney *result);

struct mf_permutation {
    double difference; /* of the means: x less y */
    double p;
    bool exact;      /* all ways to divide were tried; else `rounds` seeded random ones */
    uint32_t rounds; /* how many ways were tried */
};
/* The permutation test on the difference of the means of x and y, n > 0 and m > 0 values: in which share of the ways to
 * deal all values into n and m the means are at least as far apart (Fisher, Pitman). Exact where there are at most
 * 200 000 ways; else b of `rounds` random ones give (b + 1) / (rounds + 1) (Davison & Hinkley, Bootstrap
 * Methods, 4.2.2). -1: no memory. */
int mf_permutation(const double *x, uint32_t n, const double *y, uint32_t m, uint64_t seed,
                   struct mf_permutation *result);

/* Holm's step-down adjustment (Scand. J. Statist. 6 (1979) 65) of n p-values, in place and in their order: p.adjust of
 * R. A family whose adjusted values are held against alpha has a false alarm with probability alpha at most, however
 * the tests depend on each other. -1: no memory. */
int mf_holm(double *p, uint32_t n);

#endif
