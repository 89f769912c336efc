/* Seeded numbers: the same everywhere, apart by purpose, and as distributed as promised. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

#include "base/rng.h"

Test(rng, the_published_sequence)
{
    /* xoshiro256** from the state 1, 2, 3, 4: worked by hand from the published definition; 11520 = rotl(2 * 5, 7) * 9
     */
    struct mf_rng rng = {.s = {1, 2, 3, 4}};
    cr_assert(eq(u64, mf_rng_next(&rng), 11520));
    cr_assert(eq(u64, mf_rng_next(&rng), 0));
    cr_assert(eq(u64, mf_rng_next(&rng), 1509978240));
    cr_assert(eq(u64, mf_rng_next(&rng), 1215971899390074240));
}

Test(rng, same_seed_same_numbers)
{
    struct mf_rng a, b, other, purpose;
    mf_rng_init(&a, 7, 1);
    mf_rng_init(&b, 7, 1);
    mf_rng_init(&other, 8, 1);
    mf_rng_init(&purpose, 7, 2);
    int same_as_other = 0, same_as_purpose = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t x = mf_rng_next(&a);
        cr_assert(eq(u64, x, mf_rng_next(&b)));
        same_as_other += x == mf_rng_next(&other);
        same_as_purpose += x == mf_rng_next(&purpose);
    }
    cr_assert(eq(int, same_as_other, 0));
    cr_assert(eq(int, same_as_purpose, 0));
}

Test(rng, below_is_uniform)
{
    struct mf_rng rng;
    mf_rng_init(&rng, 3, 1);
    int seen[7] = {0};
    for (int i = 0; i < 70000; i++)
        seen[mf_rng_below(&rng, 7)]++;
    for (int i = 0; i < 7; i++)
        cr_assert(lt(int, abs(seen[i] - 10000), 500), "%d came %d times", i,
                  seen[i]); /* over five standard deviations */
}

Test(rng, unit_and_exponential_have_their_means)
{
    struct mf_rng rng;
    mf_rng_init(&rng, 4, 1);
    double unit = 0, exponential = 0;
    enum { N = 100000 };
    for (int i = 0; i < N; i++) {
        double u = mf_rng_unit(&rng), e = mf_rng_exponential(&rng);
        cr_assert(u >= 0 && u < 1 && e >= 0 && isfinite(e));
        unit += u;
        exponential += e;
    }
    cr_assert(lt(dbl, fabs(unit / N - 0.5), 0.01));
    cr_assert(lt(dbl, fabs(exponential / N - 1), 0.02));
}

/* Each point within over five standard deviations of e^-x. */
Test(rng, exponential_is_exponential)
{
    struct mf_rng rng;
    mf_rng_init(&rng, 5, 1);
    enum { N = 200000 };
    static const double at[] = {0.1, 0.5, 1, 1.5, 2, 4, 7};
    int beyond[sizeof at / sizeof *at] = {0};
    for (int i = 0; i < N; i++) {
        double e = mf_rng_exponential(&rng);
        for (size_t j = 0; j < sizeof at / sizeof *at; j++)
            beyond[j] += e > at[j];
    }
    for (size_t j = 0; j < sizeof at / sizeof *at; j++) {
        double share = exp(-at[j]), deviation = sqrt(share * (1 - share) / N);
        cr_assert(lt(dbl, fabs((double)beyond[j] / N - share), 5.5 * deviation), "over %g: %d of %d", at[j], beyond[j],
                  N);
    }
}
