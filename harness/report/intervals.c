/* intervals.csv */
#include <inttypes.h>

#include "base/clock.h"
#include "report/columns.h"

#define INTERVAL_NS (10 * MF_NS_PER_MS)

struct interval {
    uint64_t due, answered, bad, lost, replies, response_sum_ns, response_max_ns;
    bool tainted;
};

static void interval_add(struct interval *i, const struct mf_bin *bin, bool tainted)
{
    i->due += bin->due;
    i->answered += bin->answered;
    i->bad += bin->bad;
    i->lost += bin->lost;
    i->replies += bin->replies;
    i->response_sum_ns += bin->response_sum_ns;
    if (bin->response_max_ns > i->response_max_ns)
        i->response_max_ns = bin->response_max_ns;
    i->tainted |= tainted;
}

static void interval_print(FILE *out, uint64_t at_ns, const struct interval *i)
{
    fprintf(out, "%.15g,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",", (double)at_ns / 1e6, i->due,
            i->answered, i->bad, i->lost, i->replies);
    if (i->answered) /* else no response is known, and 0 would be a lie */
        fprintf(out, "%.3f,%.3f", (double)i->response_sum_ns / (double)i->answered / 1e3,
                (double)i->response_max_ns / 1e3);
    else
        fputc(',', out);
    fprintf(out, ",%d\n", i->tainted);
}

void mf_columns_intervals(FILE *out, const struct mf_result *r)
{
    fputs("t_ms,due,answered,bad,lost,replies,response_mean_us,response_max_us,tainted\n", out);
    if (!r->bin || r->bin_ns == 0)
        return;
    uint64_t group = r->bin_ns < INTERVAL_NS ? INTERVAL_NS / r->bin_ns : 1;
    for (uint64_t first = 0; first < r->bins; first += group) {
        struct interval sum = {0};
        for (uint64_t b = first; b < r->bins && b < first + group; b++)
            interval_add(&sum, &r->bin[b], r->tainted && r->tainted[b]);
        interval_print(out, first * r->bin_ns, &sum);
    }
}
