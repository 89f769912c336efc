/* A histogram of nanoseconds with bounded relative error, of fixed layout so that it can live in shared memory.
 *
 * Shape: the log-linear buckets of HdrHistogram (Tene, hdrhistogram.org): values below 2^MF_HIST_BITS are exact; above,
 * each power of two is cut into 2^(MF_HIST_BITS-1) equal parts, so a recorded value is known to better than 1/512 (0.2
 * %). Range: 0 ... 2^40-1 ns (18 minutes). A larger value is counted in the last bucket and in `saturated`, and `max`
 * keeps it exactly; nothing is dropped. `min`, `max`, `sum` and `count` are exact. Threads: one writer; readers may
 * read while it writes and then see a slightly torn view (for progress only). Ownership: the caller's memory;
 * mf_hist_init on zeroed or used memory. Histograms of the same build add up. */
#ifndef MF_BASE_HIST_H
#define MF_BASE_HIST_H

#include <stdint.h>

#define MF_HIST_BITS       10
#define MF_HIST_RANGE_BITS 40
#define MF_HIST_BUCKETS    ((MF_HIST_RANGE_BITS - MF_HIST_BITS + 2) << (MF_HIST_BITS - 1))

struct mf_hist {
    uint64_t count, sum, min, max, saturated;
    uint64_t reach; /* values from min to min + reach need no new min, no new max and are in range: one comparison */
    uint64_t buckets[MF_HIST_BUCKETS];
};

static inline uint32_t mf_hist_index(uint64_t value)
{
    /* 63 ^ clz is the number of the highest bit, in one instruction */
    uint32_t shift = (63u ^ (uint32_t)__builtin_clzll(value | ((1ULL << MF_HIST_BITS) - 1))) - (MF_HIST_BITS - 1);
    return (shift << (MF_HIST_BITS - 1)) + (uint32_t)(value >> shift);
}

/* Will this value change nothing but its bucket, count and sum? Then mf_hist_add_held is enough. */
static inline int mf_hist_holds(const struct mf_hist *h, uint64_t value)
{
    return value - h->min <= h->reach;
}

static inline void mf_hist_add_held(struct mf_hist *h, uint64_t value)
{
    uint32_t index = mf_hist_index(value);
    h->count++;
    h->sum += value;
    /* the bound costs two instructions; a value that an empty histogram seems to hold (UINT64_MAX) must not cost more */
    h->buckets[index < MF_HIST_BUCKETS ? index : MF_HIST_BUCKETS - 1]++;
}

/* One that it does not hold yet. */
void mf_hist_add_beyond(struct mf_hist *h, uint64_t value);

static inline void mf_hist_add(struct mf_hist *h, uint64_t value)
{
    if (__builtin_expect(mf_hist_holds(h, value), 1))
        mf_hist_add_held(h, value);
    else
        mf_hist_add_beyond(h, value);
}

/* Empties it. min is UINT64_MAX while empty (and 0 the reach: then it holds no value in range). */
void mf_hist_init(struct mf_hist *h);

/* The lowest and the highest value that fall into bucket `index`. */
uint64_t mf_hist_bucket_low(uint32_t index);
uint64_t mf_hist_bucket_high(uint32_t index);

/* The value at or below which a share `q` (0..1) of the recorded values lie: the highest value of that bucket, and
 * never more than `max`. 0 where the histogram is empty. Nearest-rank definition: rank = ceil(q * count), at least 1.
 */
uint64_t mf_hist_quantile(const struct mf_hist *h, double q);

/* dst += src. */
void mf_hist_merge(struct mf_hist *dst, const struct mf_hist *src);

#endif
