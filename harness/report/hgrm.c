/* A histogram as HdrHistogram prints its percentiles (outputPercentileDistribution), which the public plotter on
 * hdrhistogram.github.io reads: five ticks per half of the distance that is left to 100 %, each with the highest value
 * of its bucket. Values in ms to the nanosecond. */
#include <inttypes.h>
#include <math.h>

#include "report/columns.h"

#define TICKS_PER_HALF 5

/* The ticks, counted in whole numbers so that none is passed over or taken too early by rounding: tick t of half h is
 * the share 1 - (10 - t) / (10 * 2^h). */
struct tick {
    int half, step;
};

static double tick_rest(struct tick t)
{
    return ldexp((2.0 * TICKS_PER_HALF - t.step) / (2.0 * TICKS_PER_HALF), -t.half);
}

/* Whether `seen` of `count` reach it. Exact up to 2^49 values. */
static bool tick_reached(struct tick t, uint64_t seen, uint64_t count)
{
    return ldexp((double)(count - seen) * 2 * TICKS_PER_HALF, t.half) <=
           (double)(2 * TICKS_PER_HALF - t.step) * (double)count;
}

static struct tick tick_next(struct tick t)
{
    return t.step + 1 < TICKS_PER_HALF ? (struct tick){t.half, t.step + 1} : (struct tick){t.half + 1, 0};
}

/* Population standard deviation, from the buckets' middles. */
static double deviation_ms(const struct mf_hist *h, double mean_ns)
{
    double sum = 0;
    for (uint32_t i = 0; i < MF_HIST_BUCKETS; i++) {
        if (!h->buckets[i])
            continue;
        double middle = ((double)mf_hist_bucket_low(i) + (double)mf_hist_bucket_high(i)) / 2 - mean_ns;
        sum += middle * middle * (double)h->buckets[i];
    }
    return sqrt(sum / (double)h->count) / 1e6;
}

static uint64_t bucket_value(const struct mf_hist *h, uint32_t i)
{
    uint64_t high = mf_hist_bucket_high(i);
    return high < h->max && i + 1 < MF_HIST_BUCKETS ? high : h->max;
}

static void lines_print(FILE *out, const struct mf_hist *h)
{
    uint64_t seen = 0;
    struct tick tick = {0, 0};
    for (uint32_t i = 0; i < MF_HIST_BUCKETS && seen < h->count; i++) {
        if (!h->buckets[i])
            continue;
        seen += h->buckets[i];
        while (tick_reached(tick, seen, h->count)) {
            fprintf(out, "%12.6f %14.12f %10" PRIu64 " %14.2f\n", (double)bucket_value(h, i) / 1e6, 1 - tick_rest(tick),
                    seen, 1 / tick_rest(tick));
            tick = tick_next(tick);
            if (seen == h->count) /* all further ticks would repeat the maximum */
                break;
        }
    }
    fprintf(out, "%12.6f %14.12f %10" PRIu64 "\n", (double)h->max / 1e6, 1.0, h->count);
}

void mf_columns_hgrm(FILE *out, const struct mf_hist *h)
{
    fprintf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    double mean_ns = h->count ? (double)h->sum / (double)h->count : 0;
    if (h->count)
        lines_print(out, h);
    fprintf(out, "#[Mean    = %12.6f, StdDeviation   = %12.6f]\n", mean_ns / 1e6,
            h->count ? deviation_ms(h, mean_ns) : 0.0);
    fprintf(out, "#[Max     = %12.6f, Total count    = %12" PRIu64 "]\n", (double)h->max / 1e6, h->count);
    fprintf(out, "#[Buckets = %12d, SubBuckets     = %12d]\n", MF_HIST_RANGE_BITS - MF_HIST_BITS + 1,
            1 << MF_HIST_BITS);
    if (h->saturated)
        fprintf(out, "#[Saturated = %" PRIu64 "]\n", h->saturated);
}
