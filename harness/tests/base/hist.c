/* The histogram against sorted arrays, and its edges. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/hist.h"
#include "base/rng.h"

static struct mf_hist h, g;

static int u64_compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

Test(hist, empty)
{
    mf_hist_init(&h);
    cr_assert(eq(u64, mf_hist_quantile(&h, 0.5), 0));
    cr_assert(eq(u64, h.min, UINT64_MAX));
}

Test(hist, buckets_meet_without_gap_or_overlap)
{
    cr_assert(eq(u64, mf_hist_bucket_low(0), 0));
    for (uint32_t i = 0; i + 1 < MF_HIST_BUCKETS; i++) {
        cr_assert(eq(u64, mf_hist_bucket_high(i) + 1, mf_hist_bucket_low(i + 1)), "bucket %u", i);
        cr_assert(eq(u32, mf_hist_index(mf_hist_bucket_low(i)), i));
        cr_assert(eq(u32, mf_hist_index(mf_hist_bucket_high(i)), i));
    }
    cr_assert(eq(u64, mf_hist_bucket_high(MF_HIST_BUCKETS - 1), (1ULL << MF_HIST_RANGE_BITS) - 1));
}

Test(hist, buckets_keep_their_promised_width)
{
    for (uint32_t i = 1024; i < MF_HIST_BUCKETS; i++) {
        uint64_t low = mf_hist_bucket_low(i), width = mf_hist_bucket_high(i) - low + 1;
        cr_assert(le(u64, width * 512, low), "bucket %u", i);
    }
}

Test(hist, quantiles_are_those_of_the_sorted_values)
{
    enum { N = 20011 };
    static uint64_t values[N];
    static const double quantiles[] = {0, 0.001, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1};
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct mf_rng rng;
        mf_rng_init(&rng, seed, 1);
        mf_hist_init(&h);
        uint64_t sum = 0;
        for (int i = 0; i < N; i++) {
            values[i] = (uint64_t)(mf_rng_exponential(&rng) * pow(10, (double)(seed % 10)));
            mf_hist_add(&h, values[i]);
            sum += values[i];
        }
        qsort(values, N, sizeof *values, u64_compare);
        cr_assert(eq(u64, h.count, N));
        cr_assert(eq(u64, h.sum, sum));
        cr_assert(eq(u64, h.min, values[0]));
        cr_assert(eq(u64, h.max, values[N - 1]));
        for (size_t q = 0; q < sizeof quantiles / sizeof *quantiles; q++) {
            uint64_t rank = (uint64_t)ceil(quantiles[q] * N), exact = values[(rank ? rank : 1) - 1];
            uint64_t got = mf_hist_quantile(&h, quantiles[q]);
            cr_assert(ge(u64, got, exact), "seed %d q %g", (int)seed, quantiles[q]);
            cr_assert(le(u64, got, exact + exact / 512), "seed %d q %g", (int)seed, quantiles[q]);
        }
    }
}

Test(hist, saturation_is_counted_and_the_maximum_kept)
{
    volatile uint64_t over =
        (1ULL << MF_HIST_RANGE_BITS) + 12345; /* not for the compiler to know: it warns of the path not taken */
    volatile uint64_t huge = UINT64_MAX / 4;
    mf_hist_init(&h);
    mf_hist_add(&h, (1ULL << MF_HIST_RANGE_BITS) - 1);
    cr_assert(eq(u64, h.saturated, 0));
    mf_hist_add(&h, over);
    mf_hist_add(&h, huge);
    cr_assert(eq(u64, h.saturated, 2));
    cr_assert(eq(u64, h.count, 3));
    cr_assert(eq(u64, h.max, UINT64_MAX / 4));
    cr_assert(eq(u64, mf_hist_quantile(&h, 1), UINT64_MAX / 4));
    cr_assert(eq(u64, h.buckets[MF_HIST_BUCKETS - 1], 3));
}

Test(hist, merging_is_adding_everything_to_one)
{
    static struct mf_hist both;
    struct mf_rng rng;
    mf_rng_init(&rng, 5, 1);
    mf_hist_init(&h);
    mf_hist_init(&g);
    mf_hist_init(&both);
    for (int i = 0; i < 5000; i++) {
        uint64_t v = mf_rng_next(&rng) >> mf_rng_below(&rng, 64);
        mf_hist_add(i % 3 ? &h : &g, v);
        mf_hist_add(&both, v);
    }
    mf_hist_merge(&h, &g);
    cr_assert(eq(int, memcmp(&h, &both, sizeof h), 0));
    mf_hist_init(&g);
    mf_hist_merge(&g, &h);
    cr_assert(eq(int, memcmp(&g, &h, sizeof h), 0));
}

/* 0.55 * 100 is a hair over 55 in binary. */
Test(hist, a_rank_is_not_rounded_up_for_the_sake_of_a_binary_fraction)
{
    struct mf_hist *few = calloc(1, sizeof *few);
    cr_assert(ne(ptr, few, NULL));
    mf_hist_init(few);
    for (uint64_t value = 1; value <= 100; value++)
        mf_hist_add(few, value);
    for (int percent = 1; percent <= 100; percent++)
        cr_expect(eq(u64, mf_hist_quantile(few, percent / 100.0), (uint64_t)percent));
    free(few);
}
