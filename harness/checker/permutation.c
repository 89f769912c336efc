/* The permutation test on the difference of means. */
#include "checker/significance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

#define EXACT_WAYS_MAX 200000
#define ROUNDS_MAX     99999
#define ROUNDS_MIN     9999
#define WORK           200000000.0 /* values dealt in all rounds together: about a second */
#define PURPOSE        0x7065726d  /* of the random numbers */

/* The values, and the side that is dealt: the smaller one. */
struct deal {
    double *value;
    uint32_t total, side;
    double mean,
        seen; /* of all; how far the sum of the side was from what the mean would give, less a rounding error */
};

/* The means are as far apart as the side's sum is from its share. */
static bool is_as_far(const struct deal *d, double sum)
{
    return fabs(sum - d->mean * d->side) >= d->seen;
}

/* How many ways there are to choose the side, if at most EXACT_WAYS_MAX; else 0. */
static uint32_t ways_count(const struct deal *d)
{
    double ways = 1;
    for (uint32_t i = 1; i <= d->side && ways <= EXACT_WAYS_MAX; i++)
        ways = ways * (d->total - d->side + i) / i;
    return ways <= EXACT_WAYS_MAX ? (uint32_t)(ways + 0.5) : 0;
}

/* Goes through the choices in lexicographic order. `at`: working room for the side's indices. */
static uint32_t exact_count(const struct deal *d, uint32_t *at)
{
    uint32_t far = 0, k = d->side;
    for (uint32_t i = 0; i < k; i++)
        at[i] = i;
    for (;;) {
        double sum = 0;
        for (uint32_t i = 0; i < k; i++)
            sum += d->value[at[i]];
        far += is_as_far(d, sum);
        uint32_t i = k;
        while (i > 0 && at[i - 1] == d->total - k + i - 1)
            i--;
        if (i == 0)
            return far;
        for (at[i - 1]++; i < k; i++)
            at[i] = at[i - 1] + 1;
    }
}

/* Each round deals the side anew; the order that the last round left is as good as any. */
static uint32_t random_count(const struct deal *d, uint32_t rounds, uint64_t seed)
{
    struct mf_rng rng;
    uint32_t far = 0;
    mf_rng_init(&rng, seed, PURPOSE);
    for (uint32_t r = 0; r < rounds; r++) {
        double sum = 0;
        for (uint32_t i = 0; i < d->side; i++) {
            uint32_t k = i + (uint32_t)mf_rng_below(&rng, d->total - i);
            double value = d->value[k];
            d->value[k] = d->value[i];
            d->value[i] = value;
            sum += value;
        }
        far += is_as_far(d, sum);
    }
    return far;
}

static double sum_of(const double *values, uint32_t n)
{
    double sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += values[i];
    return sum;
}

int mf_permutation(const double *x, uint32_t n, const double *y, uint32_t m, uint64_t seed,
                   struct mf_permutation *result)
{
    struct deal d = {.total = n + m, .side = n < m ? n : m};
    uint32_t *at = calloc(d.side, sizeof *at);
    d.value = calloc(d.total, sizeof *d.value);
    if (!d.value || !at) {
        free(at);
        free(d.value);
        return -1;
    }
    memcpy(d.value, x, n * sizeof *x);
    memcpy(d.value + n, y, m * sizeof *y);
    double sum_x = sum_of(x, n), sum_y = sum_of(y, m), size = 0;
    for (uint32_t i = 0; i < d.total; i++)
        size += fabs(d.value[i]);
    d.mean = (sum_x + sum_y) / d.total;
    d.seen = fabs((n <= m ? sum_x : sum_y) - d.mean * d.side) - 1e-12 * size;
    *result = (struct mf_permutation){.difference = sum_x / n - sum_y / m, .rounds = ways_count(&d)};
    result->exact = result->rounds > 0;
    if (result->exact) {
        result->p = (double)exact_count(&d, at) / result->rounds;
    } else {
        result->rounds = (uint32_t)fmin(fmax(WORK / d.side, ROUNDS_MIN), ROUNDS_MAX);
        result->p = (random_count(&d, result->rounds, seed) + 1.0) / (result->rounds + 1.0);
    }
    free(at);
    free(d.value);
    return 0;
}
