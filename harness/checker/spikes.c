#include "checker/spikes.h"

#include <stdlib.h>

#include "checker/away.h"
#include "checker/statistics.h"

/* The bin of an instant since the start of the run. */
static uint32_t bin_of(const struct mf_result *r, uint64_t at_ns)
{
    uint64_t i = at_ns / r->bin_ns;
    return i < r->bins ? (uint32_t)i : r->bins - 1;
}

static bool bin_is_judged(const struct mf_result *r, uint32_t i)
{
    uint64_t from = i * r->bin_ns;
    return from >= r->warmup_ns && from + r->bin_ns <= r->duration_ns;
}

static double bin_mean(const struct mf_bin *bin)
{
    return (double)bin->response_sum_ns / bin->answered;
}

static void taint_find(struct mf_result *r)
{
    for (uint32_t i = 0; i < r->bins; i++) {
        r->tainted[i] = r->bin[i].instrument_late_ns > MF_TAINT_NS;
        if (!bin_is_judged(r, i))
            continue;
        r->judged_bins++;
        r->tainted_bins += r->tainted[i];
    }
}

/* The mean responses of the baseline's bins into `means`, sorted by mf_spread_of. Returns how many. */
static uint32_t baseline_collect(const struct mf_result *r, const uint8_t *near, double *means)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->bins; i++)
        if (bin_is_judged(r, i) && r->bin[i].answered && !(near && near[i]))
            means[n++] = bin_mean(r->bin + i);
    return n;
}

/* For how long the instrument itself was late between two bins; what is below a taint is not counted. */
static uint64_t late_between(const struct mf_result *r, uint32_t first, uint32_t last)
{
    uint64_t late_ns = 0;
    for (uint32_t i = first; i <= last; i++) {
        uint64_t in_bin = r->bin[i].instrument_late_ns;
        if (r->tainted[i])
            late_ns += in_bin < r->bin_ns ? in_bin : r->bin_ns;
    }
    return late_ns;
}

/* Was the instrument late for half or more of the highest response? A hiccup of 3 ms does not excuse a stall of 300.
 * Its ping was due in the window or up to that response before the request, in a bin that has such a response; it may
 * have met the instrument's lateness anywhere between then and its answer. */
static bool spike_is_tainted(const struct mf_result *r, const struct mf_upgrade_result *u)
{
    uint64_t highest = (uint64_t)u->response_max_ns;
    uint64_t first_due = u->requested_ns > highest ? u->requested_ns - highest : 0;
    uint32_t last = bin_of(r, u->requested_ns + r->window_ns);
    for (uint32_t i = bin_of(r, first_due); i <= last; i++)
        if (r->bin[i].response_max_ns >= highest &&
            2 * late_between(r, i, bin_of(r, (i + 1) * r->bin_ns + highest)) >= (highest ? highest : 1))
            return true;
    return false;
}

static int64_t recovery_of(const struct mf_result *r, const struct mf_upgrade_result *u, double unusual)
{
    for (uint32_t i = bin_of(r, u->requested_ns + r->window_ns), first = bin_of(r, u->requested_ns); i + 1 > first;
         i--) {
        const struct mf_bin *bin = r->bin + i;
        if (bin->bad || (bin->answered && unusual >= 0 && bin_mean(bin) > unusual))
            return (int64_t)((i + 1) * r->bin_ns - u->requested_ns);
        if (i == 0)
            break;
    }
    return 0;
}

int mf_spikes_find(struct mf_result *r, struct mf_error *err)
{
    if (r->bins == 0)
        return 0;
    taint_find(r);
    double *means = calloc(r->bins, sizeof *means);
    uint8_t *near = calloc(r->bins, 1);
    if (!means || !near) {
        free(means);
        free(near);
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the timeline of a run");
    }
    for (uint32_t k = 0; k < r->upgrades_count; k++) {
        const struct mf_upgrade_result *u = r->upgrades + k;
        for (uint32_t i = bin_of(r, u->requested_ns); u->fired && i <= bin_of(r, u->requested_ns + r->window_ns); i++)
            near[i] = 1;
    }
    uint32_t n = baseline_collect(r, near, means);
    if (n == 0)
        n = baseline_collect(r, NULL, means);
    struct mf_spread spread = mf_spread_of(means, n);
    double unusual = n ? mf_rank(means, n, 0.99) : -1;
    r->baseline_median_us = n ? spread.median / 1e3 : -1;
    for (uint32_t k = 0; k < r->upgrades_count; k++) {
        struct mf_upgrade_result *u = r->upgrades + k;
        if (!u->fired)
            continue;
        if (u->response_max_ns >= 0 && n && !spike_is_tainted(r, u)) {
            double spike = (double)u->response_max_ns - spread.median;
            u->spike_ns = spike > 0 ? (int64_t)spike : 0;
        }
        u->recovery_ns = recovery_of(r, u, unusual);
    }
    int bad = n ? mf_away_find(r, near, spread.median, err) : 0;
    free(means);
    free(near);
    return bad;
}
