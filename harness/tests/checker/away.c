/* Spikes held against windows of equal length away from upgrades: which windows count, and what comes of them. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/rng.h"
#include "checker/away.h"
#include "checker/spikes.h"

#define MS   MF_NS_PER_MS
#define BINS 1000u
#define CALM (MS / 10)

static struct mf_result r;
static struct mf_error err;

/* A second in bins of 1 ms, every ping answered in 0.1 ms; upgrades at these instants, windows of 20 ms. */
static void run_make(uint32_t upgrades, const uint64_t *requested_ms)
{
    cr_assert(eq(int, mf_result_init(&r, &err), 0));
    r.bins = BINS;
    r.bin_ns = MS;
    r.warmup_ns = 100 * MS;
    r.duration_ns = 900 * MS;
    r.window_ns = 20 * MS;
    r.bin = calloc(BINS, sizeof *r.bin);
    r.tainted = calloc(BINS, 1);
    r.upgrades = calloc(upgrades + 1, sizeof *r.upgrades);
    r.spread_room = calloc(upgrades + 1, sizeof *r.spread_room);
    r.upgrades_count = r.upgrades_planned = upgrades;
    r.runs = 1;
    for (uint32_t i = 0; i < BINS; i++)
        r.bin[i] = (struct mf_bin){.due = 2, .answered = 2, .response_sum_ns = 2 * CALM, .response_max_ns = CALM};
    for (uint32_t k = 0; k < upgrades; k++)
        r.upgrades[k] = (struct mf_upgrade_result){.fired = true,
                                                   .requested_ns = requested_ms[k] * MS,
                                                   .response_max_ns = CALM,
                                                   .spike_ns = -1,
                                                   .recovery_ns = -1};
}

/* The highest response of a ping that was due in this bin. */
static void respond(uint32_t bin, uint64_t response_ns)
{
    r.bin[bin].response_max_ns = response_ns;
}

static void find(void)
{
    cr_assert(eq(int, mf_spikes_find(&r, &err), 0), "%s", err.text);
    mf_result_derive(&r);
}

Test(away, a_spike_stands_out_or_does_not)
{
    run_make(2, (const uint64_t[]){300, 600});
    r.upgrades[0].response_max_ns = 5 * MS;
    respond(305, 5 * MS);
    r.upgrades[1].response_max_ns = 2 * MS;
    respond(605, 2 * MS);
    respond(450, 3 * MS); /* with no upgrade near */
    find();
    /* 100-299, 321-599, 621-899 in windows of 19 bins */
    cr_assert(eq(u32, r.away_count, 10 + 14 + 14));
    cr_assert(eq(dbl, r.spike_baseline_ms.max, 2.9));
    cr_assert(eq(dbl, r.spike_baseline_ms.median, 0));
    cr_assert(eq(u32, r.upgrades[0].windows, 38));
    cr_assert(eq(u32, r.upgrades[0].windows_as_high, 0));
    cr_assert(eq(u32, r.upgrades[1].windows_as_high, 1));
    cr_assert(eq(u32, r.spikes_judged, 2));
    cr_assert(eq(u32, r.spikes_above, 1));
    cr_assert(epsilon_eq(dbl, r.spikes_above_by_chance, 2.0 / 39, 1e-12));
    mf_result_done(&r);
}

Test(away, pings_that_an_upgrade_held_up_are_not_away_from_it)
{
    run_make(1, (const uint64_t[]){500});
    for (uint32_t i = 490; i < 500; i++)
        respond(i, (510 - i) * MS); /* all waited until 510 */
    r.upgrades[0].response_max_ns = 20 * MS;
    find();
    cr_assert(eq(dbl, r.spike_baseline_ms.max, 0));
    cr_assert(eq(u32, r.upgrades[0].windows_as_high, 0));
    mf_result_done(&r);
}

Test(away, tainted_windows_and_those_outside_the_measured_time_are_left_out)
{
    run_make(1, (const uint64_t[]){500});
    respond(50, 40 * MS);  /* warm-up */
    respond(950, 40 * MS); /* drain */
    respond(200, 7 * MS);
    r.bin[200].instrument_late_ns = 7 * MS;
    find();
    cr_assert(eq(dbl, r.spike_baseline_ms.max, 0));
    /* 100-199, 201-499, 521-899: the taint costs a window and what is left of the one it cut */
    cr_assert(eq(u32, r.away_count, 5 + 15 + 19));
    mf_result_done(&r);
}

Test(away, where_there_is_no_such_window_nothing_is_judged)
{
    uint64_t at[40];
    for (uint32_t k = 0; k < 40; k++)
        at[k] = 100 + 20 * k;
    run_make(40, at);
    find();
    cr_assert(eq(u32, r.away_count, 0));
    cr_assert(eq(u32, r.spikes_judged, 0));
    cr_assert(eq(u32, r.spike_baseline_ms.n, 0));
    double number;
    const char *word;
    cr_assert(eq(int, mf_metric_get(&r, "spikes_above_baseline.upgrades", &number, &word), 1));
    cr_assert(eq(int, mf_metric_get(&r, "spikes_above_baseline.of", &number, &word), 0));
    mf_result_done(&r);
}

/* An upgrade that does nothing is above all n windows once in n + 1 times. */
Test(away, an_upgrade_that_does_nothing_stands_out_as_often_as_by_chance)
{
    struct mf_result cell;
    struct mf_rng rng;
    mf_rng_init(&rng, 3, 3);
    cr_assert(eq(int, mf_result_init(&cell, &err), 0));
    for (int run = 0; run < 400; run++) {
        run_make(3, (const uint64_t[]){300, 500, 700});
        for (uint32_t i = 0; i < BINS; i++)
            respond(i, CALM + mf_rng_below(&rng, 1000000));
        for (uint32_t k = 0; k < 3; k++) {
            uint64_t highest = 0, from = r.upgrades[k].requested_ns / MS;
            for (uint64_t i = from; i < from + 19; i++) {
                uint64_t response = CALM + mf_rng_below(&rng, 1000000);
                highest = response > highest ? response : highest;
            }
            r.upgrades[k].response_max_ns = (int64_t)highest;
        }
        find();
        cr_assert(eq(int, mf_result_merge(&cell, &r, &err), 0));
        mf_result_done(&r);
    }
    mf_result_derive(&cell);
    cr_assert(eq(u32, cell.spikes_judged, 1200));
    cr_assert(gt(dbl, (double)cell.spikes_above, cell.spikes_above_by_chance / 2));
    cr_assert(lt(dbl, (double)cell.spikes_above, cell.spikes_above_by_chance * 2));
    mf_result_done(&cell);
}
