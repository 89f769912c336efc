/* Spreads by nearest rank and bounds on shares, against published values. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

#include "checker/statistics.h"

static void near(double got, double wanted, double by)
{
    cr_assert(lt(dbl, fabs(got - wanted), by), "%.8f is not %.8f", got, wanted);
}

Test(statistics, upper_bound_of_none_seen)
{
    /* the closed form 1 - 0.05^(1/n); for n = 59 it is the textbook's first n under 5 % ("59 successes for 95/95") */
    near(mf_upper_bound(0, 1, 0.95), 0.95, 1e-12);
    near(mf_upper_bound(0, 10, 0.95), 0.2588656, 1e-6);
    near(mf_upper_bound(0, 100, 0.95), 0.0295130, 1e-6);
    cr_assert(gt(dbl, mf_upper_bound(0, 58, 0.95), 0.05));
    cr_assert(lt(dbl, mf_upper_bound(0, 59, 0.95), 0.05));
}

Test(statistics, upper_bound_of_some)
{
    /* A one-sided 97.5 % bound is the upper end of the two-sided 95 % interval, whose values stand in every table of
     * exact binomial limits (Clopper & Pearson 1934; e.g. Documenta Geigy, Scientific Tables, 7th ed., p. 85 ff., in
     * per cent): 1 of 10: 0.25-44.50; 2 of 10: 2.52-55.61; 5 of 10: 18.71-81.29; 1 of 20: 0.13-24.87; 10 of
     * 100: 4.90-17.62. */
    near(mf_upper_bound(1, 10, 0.975), 0.4450, 5e-5);
    near(mf_upper_bound(2, 10, 0.975), 0.5561, 5e-5);
    near(mf_upper_bound(5, 10, 0.975), 0.8129, 5e-5);
    near(mf_upper_bound(1, 20, 0.975), 0.2487, 5e-5);
    near(mf_upper_bound(10, 100, 0.975), 0.1762, 5e-5);
    /* One-sided 95 %: sample size tables of acceptance sampling: one failure in 93 and two in 124 keep the share under
     * 5 %, one less each does not. */
    cr_assert(lt(dbl, mf_upper_bound(1, 93, 0.95), 0.05));
    cr_assert(gt(dbl, mf_upper_bound(1, 92, 0.95), 0.05));
    cr_assert(lt(dbl, mf_upper_bound(2, 124, 0.95), 0.05));
    cr_assert(gt(dbl, mf_upper_bound(2, 123, 0.95), 0.05));
}

Test(statistics, upper_bound_solves_its_own_definition)
{
    for (uint32_t n = 1; n <= 60; n += 7)
        for (uint32_t seen = 0; seen < n; seen++) {
            double p = mf_upper_bound(seen, n, 0.95), sum = 0;
            for (uint32_t i = 0; i <= seen; i++)
                sum += exp(lgamma(n + 1.0) - lgamma(i + 1.0) - lgamma(n - i + 1.0) + i * log(p) + (n - i) * log1p(-p));
            near(sum, 0.05, 1e-9);
        }
}

Test(statistics, upper_bound_at_its_ends)
{
    near(mf_upper_bound(0, 0, 0.95), 1, 1e-15);
    near(mf_upper_bound(7, 7, 0.95), 1, 1e-15);
    cr_assert(lt(dbl, mf_upper_bound(50000, 100000, 0.95), 0.51));
}

Test(statistics, incomplete_beta)
{
    near(mf_incomplete_beta(1, 1, 0.3), 0.3, 1e-12);          /* uniform */
    near(mf_incomplete_beta(2, 3, 0.4), 0.5248, 1e-12);       /* 6x^2 - 8x^3 + 3x^4 */
    near(mf_incomplete_beta(0.5, 0.5, 0.25), 1.0 / 3, 1e-12); /* arcsine law: 2/pi asin(sqrt x) */
    near(mf_incomplete_beta(3, 2, 0), 0, 1e-15);
    near(mf_incomplete_beta(3, 2, 1), 1, 1e-15);
}

Test(statistics, spread_by_nearest_rank)
{
    double twenty[20];
    for (int i = 0; i < 20; i++)
        twenty[i] = (i * 7) % 20 + 1; /* 1..20, shuffled */
    struct mf_spread s = mf_spread_of(twenty, 20);
    near(s.median, 10, 1e-12);
    near(s.p95, 19, 1e-12);
    near(s.max, 20, 1e-12);
    cr_assert(eq(u32, s.n, 20));
    double one[] = {4};
    s = mf_spread_of(one, 1);
    near(s.median + s.p95 + s.max, 12, 1e-12);
    cr_assert(eq(u32, mf_spread_of(one, 0).n, 0));
}

Test(statistics, a_percentile_needs_ten_samples_beyond_it)
{
    static const struct {
        double q;
        uint64_t least;
    } rows[] = {{0.5, 1}, {0.9, 100}, {0.95, 200}, {0.99, 1000}, {0.999, 10000}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_assert(mf_percentile_is_told(rows[i].least, rows[i].q), "%g", rows[i].q);
        cr_assert(not(mf_percentile_is_told(rows[i].least - 1, rows[i].q)), "%g", rows[i].q);
    }
}
