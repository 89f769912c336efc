#include "base/rng.h"

#include <math.h>

static uint64_t splitmix_next(uint64_t *x)
{
    uint64_t z = (*x += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

void mf_rng_init(struct mf_rng *rng, uint64_t seed, uint64_t purpose)
{
    uint64_t x = seed ^ (purpose * 0xd1342543de82ef95ULL);
    for (int i = 0; i < 4; i++)
        rng->s[i] = splitmix_next(&x);
}

uint64_t mf_rng_next(struct mf_rng *rng)
{
    uint64_t *s = rng->s, result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

double mf_rng_unit(struct mf_rng *rng)
{
    return (double)(mf_rng_next(rng) >> 11) * 0x1.0p-53;
}

double mf_rng_exponential(struct mf_rng *rng)
{
    return -log1p(-mf_rng_unit(rng));
}

uint64_t mf_rng_below(struct mf_rng *rng, uint64_t bound)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound, x;
    do
        x = mf_rng_next(rng);
    while (x >= limit);
    return x % bound;
}
