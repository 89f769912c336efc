/* The open loop's schedule: when each ping is due. Pure: it asks no clock and knows nothing of what was sent. Here and
 * not in load/, since the node paces its own pingers (transport local) by the same one.
 *
 * Uniform: the workers together keep one even beat of workers * rate, and this worker has every workers-th of its
 * strokes, shifted by its number; in whole nanoseconds, exact to the last ping (the remainder is carried, no error adds
 * up). Poisson: each worker draws independent exponential gaps of mean 1/rate from its own seeded numbers; independent
 * Poisson streams add up to one. */
#ifndef MF_WIRE_SCHEDULE_H
#define MF_WIRE_SCHEDULE_H

#include <stdint.h>

#include "base/rng.h"
#include "wire/plan.h"

struct mf_schedule {
    enum mf_arrivals arrivals;
    uint64_t start_ns, next_ns; /* next_ns: when the next ping is due */
    /* uniform: next_ns = start_ns + floor((offset + i * step) / beat), kept as a whole and a remainder */
    unsigned __int128 step, beat, remainder;
    /* poisson */
    struct mf_rng rng;
    double mean_gap_ns, at_ns;
};

void mf_schedule_init(struct mf_schedule *s, const struct mf_plan *plan, uint64_t start_ns);
/* Goes on to the next ping. */
void mf_schedule_advance(struct mf_schedule *s);

#endif
