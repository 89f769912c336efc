#include "checker/away.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "checker/statistics.h"

static bool bin_is_judged(const struct mf_result *r, uint32_t i)
{
    uint64_t from = i * r->bin_ns;
    return from >= r->warmup_ns && from + r->bin_ns <= r->duration_ns;
}

static uint64_t response_max(const struct mf_result *r)
{
    uint64_t max = 0;
    for (uint32_t i = 0; i < r->bins; i++)
        max = r->bin[i].response_max_ns > max ? r->bin[i].response_max_ns : max;
    return max;
}

/* Bins before an upgrade whose pings it may have held up. */
static void held_up_mark(const struct mf_result *r, uint8_t *unfit)
{
    uint64_t reach = response_max(r) / r->bin_ns + 1;
    for (uint32_t k = 0; k < r->upgrades_count; k++) {
        uint64_t requested_ns = r->upgrades[k].requested_ns, at = requested_ns / r->bin_ns;
        if (!r->upgrades[k].fired)
            continue;
        for (uint64_t i = at > reach ? at - reach : 0; i < at && i < r->bins; i++)
            if ((i + 1) * r->bin_ns + r->bin[i].response_max_ns >= requested_ns)
                unfit[i] = 1;
    }
}

/* The highest responses of whole windows of `width` fit bins, into `out`. Returns how many. */
static uint32_t windows_collect(const struct mf_result *r, const uint8_t *unfit, uint32_t width, double median_ns,
                                double *out)
{
    uint32_t n = 0, long_by = 0;
    uint64_t highest = 0;
    for (uint32_t i = 0; i < r->bins; i++) {
        if (unfit[i] || r->tainted[i] || !bin_is_judged(r, i)) {
            long_by = 0;
            highest = 0;
            continue;
        }
        highest = r->bin[i].response_max_ns > highest ? r->bin[i].response_max_ns : highest;
        if (++long_by < width)
            continue;
        if (highest)
            out[n++] = (double)highest > median_ns ? ((double)highest - median_ns) / (double)MF_NS_PER_MS : 0;
        long_by = 0;
        highest = 0;
    }
    return n;
}

static void upgrades_rank(struct mf_result *r)
{
    for (uint32_t k = 0; k < r->upgrades_count; k++) {
        struct mf_upgrade_result *u = r->upgrades + k;
        if (!u->fired || u->spike_ns < 0)
            continue;
        u->windows = r->away_count;
        for (uint32_t i = 0; i < r->away_count; i++)
            u->windows_as_high += r->away[i] >= (double)u->spike_ns / (double)MF_NS_PER_MS;
    }
}

int mf_away_find(struct mf_result *r, const uint8_t *near, double median_ns, struct mf_error *err)
{
    uint64_t width = r->window_ns / r->bin_ns;
    uint8_t *unfit = malloc(r->bins + 1);
    width = width > 1 ? width - 1 : 1; /* an upgrade's window is rarely aligned: between two there is a bin less */
    r->away = calloc(r->bins / width + 1, sizeof *r->away);
    if (!unfit || !r->away || width > r->bins) {
        free(unfit);
        return width > r->bins ? 0 : mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the timeline of a run");
    }
    memcpy(unfit, near, r->bins);
    held_up_mark(r, unfit);
    r->away_count = windows_collect(r, unfit, (uint32_t)width, median_ns, r->away);
    free(unfit);
    upgrades_rank(r);
    return 0;
}

int mf_away_merge(struct mf_result *cell, const struct mf_result *run, struct mf_error *err)
{
    double *all = realloc(cell->away, (cell->away_count + run->away_count + 1) * sizeof *all);
    if (!all)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the result of a cell");
    cell->away = all;
    if (run->away_count)
        memcpy(all + cell->away_count, run->away, run->away_count * sizeof *all);
    cell->away_count += run->away_count;
    return 0;
}

void mf_away_derive(struct mf_result *r)
{
    r->spikes_judged = r->spikes_above = 0;
    r->spikes_above_by_chance = 0;
    r->spike_baseline_ms = mf_spread_of(r->away, r->away_count);
    for (uint32_t k = 0; k < r->upgrades_count; k++) {
        const struct mf_upgrade_result *u = r->upgrades + k;
        if (!u->fired || u->spike_ns < 0 || u->windows == 0)
            continue;
        r->spikes_judged++;
        r->spikes_above += u->windows_as_high == 0;
        r->spikes_above_by_chance += 1.0 / (u->windows + 1);
    }
}
