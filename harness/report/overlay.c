/* overlay.csv: all fired upgrades of a run laid over each other at t = 0.
 *
 * A bin belongs to the offset in which its middle lies. The value of an upgrade at an offset is the highest response of
 * the pings due there; an upgrade without an answered ping there has none, and n says how many have one. Quantiles are
 * by nearest rank: each is a value that was measured. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "report/columns.h"

#define BEFORE_NS ((int64_t)(50 * MF_NS_PER_MS))
#define AFTER_NS  ((int64_t)(150 * MF_NS_PER_MS))

static int value_compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static double rank_us(const uint64_t *sorted, uint32_t n, double q)
{
    uint32_t rank = (uint32_t)ceil(q * n);
    return (double)sorted[rank ? rank - 1 : 0] / 1e3;
}

/* The bins whose middle lies in [from, from + step), from the run's start. False where the run has none there. */
static bool bins_at(const struct mf_result *r, int64_t from, int64_t step, uint32_t *first, uint32_t *end)
{
    int64_t width = (int64_t)r->bin_ns, half = width / 2;
    int64_t low = from - half, high = from + step - half; /* a bin's middle is i * width + half */
    int64_t i = low <= 0 ? 0 : (low + width - 1) / width;
    int64_t j = high <= 0 ? 0 : (high + width - 1) / width;
    if (j > (int64_t)r->bins)
        j = r->bins;
    if (i >= j)
        return false;
    *first = (uint32_t)i;
    *end = (uint32_t)j;
    return true;
}

/* Gathers one offset's values of all upgrades; returns how many there are. */
static uint32_t offset_gather(const struct mf_result *r, int64_t offset, int64_t step, uint64_t *values, uint64_t *lost)
{
    uint32_t n = 0;
    *lost = 0;
    for (uint32_t k = 0; k < r->upgrades_count; k++) {
        uint32_t first, end;
        if (!r->upgrades[k].fired || !bins_at(r, (int64_t)r->upgrades[k].requested_ns + offset, step, &first, &end))
            continue;
        uint64_t highest = 0;
        bool answered = false;
        for (uint32_t b = first; b < end; b++) {
            *lost += r->bin[b].lost;
            answered |= r->bin[b].answered > 0;
            if (r->bin[b].response_max_ns > highest)
                highest = r->bin[b].response_max_ns;
        }
        if (answered)
            values[n++] = highest;
    }
    return n;
}

int mf_columns_overlay(FILE *out, const struct mf_result *r)
{
    fputs("offset_ms,n,median_us,p5_us,p95_us,lost\n", out);
    if (!r->bin || r->bin_ns == 0 || r->upgrades_count == 0)
        return 0;
    uint64_t *values = calloc(r->upgrades_count, sizeof *values);
    if (!values)
        return -1;
    int64_t step = r->bin_ns > MF_NS_PER_MS ? (int64_t)r->bin_ns : (int64_t)MF_NS_PER_MS;
    for (int64_t offset = -(BEFORE_NS / step) * step; offset + step <= AFTER_NS; offset += step) {
        uint64_t lost;
        uint32_t n = offset_gather(r, offset, step, values, &lost);
        fprintf(out, "%.15g,%" PRIu32 ",", (double)offset / 1e6, n);
        if (n) {
            qsort(values, n, sizeof *values, value_compare);
            fprintf(out, "%.3f,%.3f,%.3f", rank_us(values, n, 0.5), rank_us(values, n, 0.05), rank_us(values, n, 0.95));
        } else {
            fputs(",,", out);
        }
        fprintf(out, ",%" PRIu64 "\n", lost);
    }
    free(values);
    return 0;
}
