#include "base/hist.h"

#include <math.h>
#include <string.h>

void mf_hist_init(struct mf_hist *h)
{
    memset(h, 0, sizeof *h);
    h->min = UINT64_MAX;
}

#define RANGE_MAX ((1ULL << MF_HIST_RANGE_BITS) - 1)

static void hist_reach(struct mf_hist *h)
{
    uint64_t top = h->max < RANGE_MAX ? h->max : RANGE_MAX;
    h->reach = h->count && h->min < top ? top - h->min : 0;
}

void mf_hist_add_beyond(struct mf_hist *h, uint64_t value)
{
    h->max = value > h->max ? value : h->max;
    h->min = value < h->min ? value : h->min;
    h->saturated += value > RANGE_MAX;
    h->count++;
    h->sum += value;
    h->buckets[mf_hist_index(value < RANGE_MAX ? value : RANGE_MAX)]++;
    hist_reach(h);
}

uint64_t mf_hist_bucket_low(uint32_t index)
{
    uint32_t half = 1u << (MF_HIST_BITS - 1);
    if (index < 2 * half)
        return index;
    uint32_t shift = index / half - 1;
    return (uint64_t)(index - shift * half) << shift;
}

uint64_t mf_hist_bucket_high(uint32_t index)
{
    uint32_t half = 1u << (MF_HIST_BITS - 1);
    uint32_t shift = index < 2 * half ? 0 : index / half - 1;
    return mf_hist_bucket_low(index) + (1ULL << shift) - 1;
}

uint64_t mf_hist_quantile(const struct mf_hist *h, double q)
{
    if (h->count == 0)
        return 0;
    /* 0.55 * 100 is a hair over 55 in binary: that is rank 55, not 56 */
    double wanted = q * (double)h->count;
    uint64_t rank = (uint64_t)ceil(wanted - wanted * 1e-12);
    if (rank < 1)
        rank = 1;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < MF_HIST_BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen >= rank) {
            uint64_t high = mf_hist_bucket_high(i);
            return high < h->max && i + 1 < MF_HIST_BUCKETS ? high : h->max;
        }
    }
    return h->max;
}

void mf_hist_merge(struct mf_hist *dst, const struct mf_hist *src)
{
    dst->count += src->count;
    dst->sum += src->sum;
    dst->saturated += src->saturated;
    if (src->count && src->min < dst->min)
        dst->min = src->min;
    if (src->max > dst->max)
        dst->max = src->max;
    for (uint32_t i = 0; i < MF_HIST_BUCKETS; i++)
        dst->buckets[i] += src->buckets[i];
    hist_reach(dst);
}
