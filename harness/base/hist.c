#include "base/hist.h"

#include <math.h>
#include <string.h>

void mf_hist_init(struct mf_hist *h)
{
    memset(h, 0, sizeof *h);
    h->min = UINT64_MAX;
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
    uint64_t rank = (uint64_t)ceil(q * (double)h->count);
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
}
