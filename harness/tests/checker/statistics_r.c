/* Bounds, quantiles and numbers of upgrades against what R prints: version 4.2.2, options(digits = 10). */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <math.h>

#include "checker/statistics.h"

/* equal to six digits */
#define same(x, wanted) lt(dbl, fabs((x) / (wanted)-1), 5e-7)
#define n_of(a)         ((uint32_t)(sizeof(a) / sizeof((a)[0])))

/* binom.test(seen, n, conf.level = )$conf.int; the first is R's own example (Conover, 1971, p. 97: 0.7077 to 0.7654).
 */
Test(statistics_r, two_sided_clopper_pearson_as_r)
{
    static const struct {
        uint32_t seen, n;
        double confidence, low, high;
    } row[] = {{682, 925, 0.95, 0.7076682641, 0.7654065582},
               {3, 45, 0.95, 0.01396509704, 0.18268445658},
               {1, 300, 0.99, 1.670833316e-05, 2.450336256e-02},
               {250, 1000, 0.95, 0.2234304063, 0.2780500062}};
    for (uint32_t i = 0; i < n_of(row); i++) {
        struct mf_interval share = mf_share_interval(row[i].seen, row[i].n, row[i].confidence);
        cr_expect(same(share.low, row[i].low), "row %u: %.10g", i, share.low);
        cr_expect(same(share.high, row[i].high), "row %u: %.10g", i, share.high);
    }
    struct mf_interval none = mf_share_interval(0, 20, 0.95), all = mf_share_interval(20, 20, 0.95);
    cr_expect(eq(dbl, none.low, 0));
    cr_expect(same(none.high, 0.168433471));
    cr_expect(same(all.low, 0.831566529));
    cr_expect(eq(dbl, all.high, 1));
    struct mf_interval nothing = mf_share_interval(0, 0, 0.95);
    cr_expect(eq(dbl, nothing.low, 0));
    cr_expect(eq(dbl, nothing.high, 1));
}

/* binom.test(3, 45, alternative = "less")$conf.int[2]; for 0 of n the rule of DESIGN: 1 - 0.05^(1/n) */
Test(statistics_r, one_sided_bound_as_r)
{
    cr_expect(same(mf_upper_bound(3, 45, 0.95), 0.1633883811));
    cr_expect(same(mf_upper_bound(0, 300, 0.95), 0.009936082));
    cr_expect(eq(dbl, mf_upper_bound(45, 45, 0.95), 1));
    cr_expect(eq(dbl, mf_upper_bound(0, 0, 0.95), 1));
}

Test(statistics_r, incomplete_beta_and_normal_as_r)
{
    cr_expect(same(mf_incomplete_beta(2, 3, 0.1), 0.0523000000)); /* pbeta(0.1, 2, 3) */
    cr_expect(same(mf_incomplete_beta(0.5, 0.5, 0.5), 0.5));
    cr_expect(same(mf_incomplete_beta(30, 4, 0.9), 0.5769436641));
    cr_expect(same(mf_normal_quantile(0.8), 0.8416212336)); /* qnorm(0.8) */
    cr_expect(same(mf_normal_quantile(0.975), 1.9599639845));
    cr_expect(same(mf_normal_quantile(1 - 0.05 / 56), 3.1237346303));
    cr_expect(same(mf_normal_quantile(0.0001), -3.7190164855));
}

/* quantile(c(9, 1, 8, 2, 7, 3, 6, 4, 5, 0), c(.1, .25, .5, .9), type = 1): 0 2 4 8 */
Test(statistics_r, nearest_rank_as_r)
{
    double sorted[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    cr_expect(eq(dbl, mf_rank(sorted, 10, 0.1), 0));
    cr_expect(eq(dbl, mf_rank(sorted, 10, 0.25), 2));
    cr_expect(eq(dbl, mf_rank(sorted, 10, 0.5), 4));
    cr_expect(eq(dbl, mf_rank(sorted, 10, 0.9), 8));
}

Test(statistics_r, no_percentile_with_fewer_than_ten_beyond)
{
    cr_expect(not(mf_quantile_known(19, 0.5)));
    cr_expect(mf_quantile_known(20, 0.5));
    cr_expect(not(mf_quantile_known(99, 0.9)));
    cr_expect(mf_quantile_known(100, 0.9));
    cr_expect(mf_quantile_known(100, 0.1));
    cr_expect(not(mf_quantile_known(199, 0.95)));
    cr_expect(mf_quantile_known(200, 0.95));
    cr_expect(mf_quantile_known(1000, 0.99));
}

/* ceiling(log(0.05) / log(1 - x)): the rule of three */
Test(statistics_r, clean_upgrades_required)
{
    cr_expect(eq(u32, mf_required_clean(0.05, 0.05), 59));
    cr_expect(eq(u32, mf_required_clean(0.01, 0.05), 299));
    cr_expect(eq(u32, mf_required_clean(0.001, 0.05), 2995));
    cr_expect(le(dbl, mf_upper_bound(0, 299, 0.95), 0.01));
    cr_expect(gt(dbl, mf_upper_bound(0, 298, 0.95), 0.01));
}

/* pb <- (p + q) / 2; n <- (qnorm(1 - a/2) * sqrt(2*pb*(1-pb)) + qnorm(pw) * sqrt(p*(1-p) + q*(1-q)))^2 / (p-q)^2
 * n / 4 * (1 + sqrt(1 + 4 / (n * abs(p - q))))^2: 189.760946834, 87.946706946, 7.024367107, 343.778178072 */
Test(statistics_r, upgrades_required_on_each_side)
{
    cr_expect(eq(u32, mf_required_each(0, 0.05, 0.05, 0.8), 190));
    cr_expect(eq(u32, mf_required_each(0.2, 0.05, 0.05, 0.8), 88));
    cr_expect(eq(u32, mf_required_each(0.1, 0.9, 0.05, 0.8), 8));
    cr_expect(eq(u32, mf_required_each(0, 0.05, 0.05 / 28, 0.8), 344));
}

Test(statistics_r, what_the_most_extreme_outcome_could_show)
{
    cr_expect(same(mf_least_p(5, 5), 2.0 / 252)); /* choose(10, 5) */
    cr_expect(same(mf_least_p(3, 7), 2.0 / 120));
    cr_expect(eq(dbl, mf_least_p(0, 7), 1));
    cr_expect(eq(dbl, mf_least_p(1, 1), 1));
    cr_expect(lt(dbl, mf_least_p(2000, 2000), 1e-290));
    cr_expect(eq(u32, mf_required_any(0.05), 4));
    cr_expect(eq(u32, mf_required_any(0.05 / 28), 7)); /* 2/1716 <= 0.00179 < 2/924 */
}
