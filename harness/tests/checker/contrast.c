/* A cell held against a baseline, on upgrades drawn from seeds. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <math.h>

#include "base/rng.h"
#include "checker/contrast.h"

/* What an upgrade shows on a noisy machine: usually the jitter of the scheduler (log-normal, 0.15 ms at the median), in
 * one of twelve a hiccup of some ms, in one of fifty nothing (tainted); now and then a blackout. */
static void upgrade_draw(struct mf_sample *sample, struct mf_rng *rng, uint32_t run, double stall_ms, double lost)
{
    double normal = -6;
    for (int k = 0; k < 12; k++)
        normal += mf_rng_unit(rng);
    double spike_ms = 0.15 * exp(0.6 * normal) + stall_ms;
    if (mf_rng_below(rng, 12) == 0)
        spike_ms += 3 * mf_rng_exponential(rng);
    bool tainted = mf_rng_below(rng, 50) == 0;
    double blackout_ms = mf_rng_below(rng, 4) == 0 ? 0.1 * mf_rng_exponential(rng) : 0;
    int bad = mf_series_add(&sample->series[MF_CONTRAST_DIRTY], run, lost > 0);
    bad |= mf_series_add(&sample->series[MF_CONTRAST_LOST], run, lost);
    if (!tainted) {
        bad |= mf_series_add(&sample->series[MF_CONTRAST_SPIKE], run, spike_ms);
        bad |= mf_series_add(&sample->series[MF_CONTRAST_BLACKOUT], run, blackout_ms + stall_ms);
    }
    cr_assert(eq(int, bad, 0));
}

static struct mf_sample sample_draw(struct mf_rng *rng, uint32_t runs, uint32_t upgrades, double stall_ms)
{
    struct mf_sample sample = {0};
    for (uint32_t i = 0; i < runs * upgrades; i++)
        upgrade_draw(&sample, rng, i / upgrades, stall_ms, 0);
    return sample;
}

static struct mf_contrast contrast_of(struct mf_sample *baseline, struct mf_sample *cell, int32_t tests_wanted)
{
    struct mf_contrast contrast, *all = &contrast;
    cr_assert(eq(int, mf_contrast_measure(&contrast, baseline, cell, 3), 0));
    cr_expect(eq(i32, mf_contrasts_mark(&all, 1), tests_wanted));
    mf_sample_done(baseline);
    mf_sample_done(cell);
    return contrast;
}

/* How many of 20 seeded tries with 20 upgrades a side end in `mark`. */
static int tries_marked(double stall_ms, enum mf_mark mark)
{
    int marked = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct mf_rng rng;
        mf_rng_init(&rng, seed, 1);
        struct mf_sample baseline = sample_draw(&rng, 1, 20, 0), cell = sample_draw(&rng, 1, 20, stall_ms);
        marked += contrast_of(&baseline, &cell, 4).mark == mark;
    }
    return marked;
}

Test(contrast, none_against_none_shows_no_difference)
{
    cr_expect(ge(int, tries_marked(0, MF_MARK_NO_DIFFERENCE), 18));
}

Test(contrast, a_stall_of_5_ms_is_worse_every_time)
{
    cr_expect(eq(int, tries_marked(5, MF_MARK_WORSE), 20));
}

/* The other way round it is better. */
Test(contrast, less_is_better)
{
    struct mf_rng rng;
    mf_rng_init(&rng, 1, 1);
    struct mf_sample baseline = sample_draw(&rng, 5, 6, 5), cell = sample_draw(&rng, 5, 6, 0);
    struct mf_contrast contrast = contrast_of(&baseline, &cell, 4);
    cr_expect(eq(int, contrast.mark, MF_MARK_BETTER));
    cr_expect(eq(int, contrast.finding[MF_CONTRAST_SPIKE].mark, MF_MARK_BETTER));
    cr_expect(eq(int, contrast.finding[MF_CONTRAST_LOST].mark, MF_MARK_NO_DIFFERENCE));
    cr_expect(contrast.finding[MF_CONTRAST_SPIKE].shift.over_runs);
}

/* Losses alone, and in the direction that they have: what loses is worse though it is quicker. */
Test(contrast, worse_outweighs_better)
{
    struct mf_rng rng;
    mf_rng_init(&rng, 4, 1);
    struct mf_sample baseline = sample_draw(&rng, 1, 20, 5), cell = {0};
    for (uint32_t i = 0; i < 20; i++)
        upgrade_draw(&cell, &rng, 0, 0, i % 2 ? 7 + i : 0);
    struct mf_contrast contrast = contrast_of(&baseline, &cell, 4);
    cr_expect(eq(int, contrast.finding[MF_CONTRAST_DIRTY].mark, MF_MARK_WORSE));
    cr_expect(eq(int, contrast.finding[MF_CONTRAST_LOST].mark, MF_MARK_WORSE));
    cr_expect(eq(int, contrast.finding[MF_CONTRAST_SPIKE].mark, MF_MARK_BETTER));
    cr_expect(eq(int, contrast.mark, MF_MARK_WORSE));
    cr_expect(lt(dbl, fabs(contrast.finding[MF_CONTRAST_DIRTY].shift.mean.value - 0.5), 1e-12));
    cr_expect(lt(dbl, fabs(contrast.finding[MF_CONTRAST_LOST].shift.mean.value - 8.5), 1e-12));
}

Test(contrast, four_upgrades_tell_nothing)
{
    struct mf_rng rng;
    mf_rng_init(&rng, 1, 1);
    struct mf_sample baseline = sample_draw(&rng, 1, 20, 0), cell = {0};
    for (uint32_t i = 0; i < 4; i++)
        upgrade_draw(&cell, &rng, 0, 50, 100);
    struct mf_contrast contrast = contrast_of(&baseline, &cell, 0);
    cr_expect(eq(int, contrast.mark, MF_MARK_TOO_FEW));
    cr_expect(not(contrast.finding[MF_CONTRAST_LOST].tested));
    cr_expect(eq(u32, mf_contrast_required(0), 5));
}

/* Five a side can give a p of 0.0079 at best; among eight tests that shows nothing, so "no difference shown" would be
 * vacuous. */
Test(contrast, too_few_for_so_many_tests)
{
    struct mf_rng rng;
    struct mf_contrast contrast[2], *all[2] = {&contrast[0], &contrast[1]};
    mf_rng_init(&rng, 2, 1);
    for (int k = 0; k < 2; k++) {
        struct mf_sample baseline = {0}, cell = {0};
        for (uint32_t i = 0; i < 5; i++) {
            for (int id = 0; id < MF_CONTRAST_COUNT; id++) {
                cr_assert(eq(int, mf_series_add(&baseline.series[id], 0, 0), 0));
                cr_assert(eq(int, mf_series_add(&cell.series[id], 0, id < 2 ? 0 : mf_rng_unit(&rng) < 0.5), 0));
            }
        }
        cr_assert(eq(int, mf_contrast_measure(all[k], &baseline, &cell, 3), 0));
        mf_sample_done(&baseline);
        mf_sample_done(&cell);
    }
    cr_expect(eq(i32, mf_contrasts_mark(all, 2), 8));
    cr_expect(contrast[0].finding[MF_CONTRAST_DIRTY].tested);
    cr_expect(eq(int, contrast[0].mark, MF_MARK_TOO_FEW));
    cr_expect(eq(u32, mf_contrast_required(8), 6));
}

/* Of six runs one was slow throughout: its upgrades alone would make a small p, the runs do not. */
Test(contrast, one_slow_run_is_not_a_difference)
{
    struct mf_rng rng;
    mf_rng_init(&rng, 9, 1);
    struct mf_sample baseline = sample_draw(&rng, 6, 30, 0), cell = sample_draw(&rng, 5, 30, 0);
    for (uint32_t i = 0; i < 30; i++)
        upgrade_draw(&cell, &rng, 5, 40, 0);
    struct mf_contrast contrast = contrast_of(&baseline, &cell, 4);
    cr_expect(le(dbl, contrast.finding[MF_CONTRAST_SPIKE].p_holm, 0.05));
    cr_expect(gt(dbl, contrast.finding[MF_CONTRAST_SPIKE].p_runs, 0.05));
    cr_expect(eq(int, contrast.finding[MF_CONTRAST_SPIKE].mark, MF_MARK_NO_DIFFERENCE));
}

/* Every run has its own luck (a factor on all its spikes): upgrades of a run are no independent witnesses. */
Test(contrast, none_against_none_of_clustered_runs)
{
    int marked = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct mf_rng rng;
        struct mf_sample side[2] = {0};
        mf_rng_init(&rng, seed, 2);
        for (uint32_t run = 0; run < 10; run++) {
            double luck_ms = mf_rng_exponential(&rng);
            for (uint32_t i = 0; i < 20; i++)
                upgrade_draw(&side[run % 2], &rng, run / 2, luck_ms, 0);
        }
        marked += contrast_of(&side[0], &side[1], 4).mark != MF_MARK_NO_DIFFERENCE;
    }
    cr_expect(le(int, marked, 2), "%d", marked);
}

/* wilcox.test(c(1.5, 3.5, 5.5, 7.5, 9.5), c(2.5, 4.5, 6.5, 8.5, 10.5)) gives p = 0.6905 (R 4.2.2): the runs' mean
 * places, in order, are those of their values. */
Test(contrast, runs_are_ranked_by_the_places_of_their_values)
{
    struct mf_sample side[2] = {0};
    for (uint32_t run = 0; run < 5; run++)
        for (int id = 0; id < MF_CONTRAST_COUNT; id++)
            for (int s = 0; s < 2; s++)
                for (int k = 0; k < 2; k++)
                    cr_assert(eq(int, mf_series_add(&side[s].series[id], run, 4.0 * run + 2 * s + k), 0));
    struct mf_contrast contrast = contrast_of(&side[0], &side[1], 4);
    cr_expect(lt(dbl, fabs(contrast.finding[MF_CONTRAST_SPIKE].p_runs - 0.6904761905), 5e-7));
}
