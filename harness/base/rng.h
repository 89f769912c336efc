/* Seeded random numbers: xoshiro256** (Blackman & Vigna, prng.di.unimi.it), seeded by splitmix64. The same seed gives the
 * same numbers on every machine. Threads: one owner. */
#ifndef MF_BASE_RNG_H
#define MF_BASE_RNG_H

#include <stdint.h>

struct mf_rng {
    uint64_t s[4];
};

/* `purpose` separates the streams drawn from one seed (schedule, jitter, payload), so that adding a draw to one does not
 * shift another. */
void mf_rng_init(struct mf_rng *rng, uint64_t seed, uint64_t purpose);
uint64_t mf_rng_next(struct mf_rng *rng);
/* Uniform in [0, 1), 53 bits. */
double mf_rng_unit(struct mf_rng *rng);
/* Exponential with mean 1, by comparisons alone (J. von Neumann, "Various techniques used in connection with random
 * digits", 1951). */
double mf_rng_exponential(struct mf_rng *rng);
/* Uniform in [0, bound), unbiased (rejection); bound > 0. */
uint64_t mf_rng_below(struct mf_rng *rng, uint64_t bound);

#endif
