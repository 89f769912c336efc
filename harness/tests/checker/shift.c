/* Quantile shifts and their intervals. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <math.h>

#include "base/rng.h"
#include "checker/shift.h"

static struct mf_series series_of(const double *values, uint32_t n, uint32_t per_run)
{
    struct mf_series s = {0};
    for (uint32_t i = 0; i < n; i++)
        cr_assert(eq(int, mf_series_add(&s, i / per_run + 1, values[i]), 0));
    return s;
}

static struct mf_shift shift_of(struct mf_series *baseline, struct mf_series *cell)
{
    struct mf_shift shift;
    cr_assert(eq(int, mf_shift_compute(&shift, baseline, cell, 11), 0));
    mf_series_done(baseline);
    mf_series_done(cell);
    return shift;
}

/* x <- 1:10; y <- c(3,5,6,7,7,8,9,11,12,20): quantile(y, 1:9/10, type = 1) - quantile(x, 1:9/10, type = 1) is
 * 2 3 3 3 2 2 2 3 3; mean(outer(y, x, ">")) + mean(outer(y, x, "==")) / 2 is 0.715; mean(y) - mean(x) is 3.3 (R 4.2.2)
 */
Test(shift, estimates_as_r)
{
    static const double x[] = {10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, y[] = {3, 5, 6, 7, 7, 8, 9, 11, 12, 20};
    static const double wanted[] = {2, 3, 3, 3, 2, 2, 2, 3, 3};
    struct mf_series baseline = series_of(x, 10, 2), cell = series_of(y, 10, 2);
    struct mf_shift shift = shift_of(&baseline, &cell);
    for (unsigned q = 0; q < MF_SHIFT_QUANTILES; q++) {
        cr_expect(eq(dbl, shift.quantile[q].value, wanted[q]), "%u: %g", q, shift.quantile[q].value);
        cr_expect(eq(int, shift.known[q], q == MF_SHIFT_MEDIAN)); /* ten values have no ten beyond */
    }
    cr_expect(lt(dbl, fabs(shift.superiority.value - 0.715), 1e-12));
    cr_expect(lt(dbl, fabs(shift.mean.value - 3.3), 1e-12));
    cr_expect(shift.has_interval);
    cr_expect(shift.over_runs);
    cr_expect(eq(u32, shift.runs[MF_CELL], 5));
}

/* Five runs of one value each against a constant. All 3125 resamples: g <- as.matrix(expand.grid(rep(list(1:5), 5)));
 * quantile(apply(g, 1, median), c(.025, .975), type = 1) is 1 5, quantile(rowMeans(g), ...) is 1.8 4.2 (R 4.2.2). */
Test(shift, interval_as_by_all_resamples)
{
    static const double zero[] = {0, 0, 0, 0, 0}, x[] = {1, 2, 3, 4, 5};
    struct mf_series baseline = series_of(zero, 5, 1), cell = series_of(x, 5, 1);
    struct mf_shift shift = shift_of(&baseline, &cell);
    cr_expect(eq(dbl, shift.quantile[MF_SHIFT_MEDIAN].value, 3));
    cr_expect(eq(dbl, shift.quantile[MF_SHIFT_MEDIAN].low, 1));
    cr_expect(eq(dbl, shift.quantile[MF_SHIFT_MEDIAN].high, 5));
    cr_expect(lt(dbl, fabs(shift.mean.low - 1.8), 0.201));
    cr_expect(lt(dbl, fabs(shift.mean.high - 4.2), 0.201));
}

/* What differs from run to run widens the interval over runs; over upgrades it does not show. */
Test(shift, runs_are_drawn_whole)
{
    double x[60], y[60];
    for (int i = 0; i < 60; i++) {
        x[i] = i / 10 * 10 + i % 10 * 0.01; /* six runs far apart */
        y[i] = x[i] + 1;
    }
    struct mf_series baseline = series_of(x, 60, 10), cell = series_of(y, 60, 10);
    struct mf_shift runs = shift_of(&baseline, &cell);
    baseline = series_of(x, 60, 20);
    cell = series_of(y, 60, 20);
    struct mf_shift upgrades = shift_of(&baseline, &cell);
    cr_expect(runs.over_runs);
    cr_expect(not(upgrades.over_runs)); /* three runs are too few */
    cr_expect(upgrades.has_interval);
    cr_expect(gt(dbl, runs.mean.high - runs.mean.low, 1.5 * (upgrades.mean.high - upgrades.mean.low)));
}

Test(shift, too_few_have_no_interval)
{
    static const double x[] = {1, 2, 3, 4, 5};
    struct mf_series baseline = series_of(x, 5, 1), cell = series_of(x, 4, 1);
    struct mf_shift shift = shift_of(&baseline, &cell);
    cr_expect(not(shift.has_interval));
    cr_expect(eq(dbl, shift.quantile[MF_SHIFT_MEDIAN].value, -1));
    struct mf_series none = {0};
    baseline = series_of(x, 5, 1);
    shift = shift_of(&baseline, &none);
    cr_expect(eq(u32, shift.n[MF_CELL], 0));
    cr_expect(not(shift.has_interval));
    cr_expect(not(shift.known[MF_SHIFT_MEDIAN]));
}

/* Of 100 pairs of normal samples whose medians are 2 apart, the 95 % interval must hold the 2 in about 95. */
Test(shift, interval_covers)
{
    struct mf_rng rng;
    mf_rng_init(&rng, 5, 1);
    int covered = 0;
    for (int trial = 0; trial < 100; trial++) {
        double x[2][40];
        for (int i = 0; i < 80; i++) {
            double sum = i / 40 * 2.0 - 6;
            for (int k = 0; k < 12; k++)
                sum += mf_rng_unit(&rng);
            x[i / 40][i % 40] = sum;
        }
        struct mf_series baseline = series_of(x[0], 40, 40), cell = series_of(x[1], 40, 40);
        struct mf_shift shift = shift_of(&baseline, &cell);
        covered += shift.quantile[MF_SHIFT_MEDIAN].low <= 2 && shift.quantile[MF_SHIFT_MEDIAN].high >= 2;
    }
    cr_expect(ge(int, covered, 90), "%d", covered);
}

Test(shift, same_seed_same_interval)
{
    static const double x[] = {1, 4, 2, 8, 5, 7}, y[] = {2, 9, 1, 6, 3, 3};
    struct mf_series a = series_of(x, 6, 1), b = series_of(y, 6, 1), c = series_of(x, 6, 1), d = series_of(y, 6, 1);
    struct mf_shift first = shift_of(&a, &b), second = shift_of(&c, &d);
    cr_expect(eq(dbl, first.mean.low, second.mean.low));
    cr_expect(eq(dbl, first.quantile[2].high, second.quantile[2].high));
}
