#include "base/rng.h"

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

/* A falling run u1 > u2 > ... is broken at its n-th number with probability x^(n-1)/(n-1)! - x^n/n! where u1 = x; over
 * even n these add up to e^-x, the density of the fraction. Each odd n adds one to the whole part. No logarithm: what
 * the node links is part of what `exec` measures, and this would be all that it wants of libm. */
double mf_rng_exponential(struct mf_rng *rng)
{
    for (double whole = 0;; whole++) {
        double first = mf_rng_unit(rng), last = first, next;
        uint32_t n = 2;
        for (; (next = mf_rng_unit(rng)) < last; n++)
            last = next;
        if (n % 2 == 0)
            return whole + first;
    }
}

uint64_t mf_rng_below(struct mf_rng *rng, uint64_t bound)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound, x;
    do
        x = mf_rng_next(rng);
    while (x >= limit);
    return x % bound;
}
