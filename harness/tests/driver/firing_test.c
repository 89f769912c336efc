/* Upgrades are fired in the order of their points, one at a time. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/clock.h"
#include "driver/firing.h"
#include "driver/shape.h"
#include "tests/driver/help.h"

static struct help_cell c;
static uv_loop_t loop;
static struct mf_recorder rec;
static struct mf_firing firing;
static uint32_t fired[16], fired_count, closeds;

static void on_fire(void *ctx, uint32_t k)
{
    (void)ctx;
    fired[fired_count++] = k;
}

static void on_closed(void *ctx)
{
    (void)ctx;
    closeds++;
}

static void firing_make(void)
{
    struct mf_error err = {0};
    struct mf_recorder_shape shape = mf_shape_recorder(&c.cell);
    cr_assert(eq(int, mf_recorder_create(&rec, &shape, &err), 0), "%s", err.text);
    mf_shape_log(&c.cell, (const uint32_t[]){1, 2, 3}, &rec);
    cr_assert(eq(int, uv_loop_init(&loop), 0));
    firing = (struct mf_firing){.fire = on_fire, .closed = on_closed};
    cr_assert(eq(int, mf_firing_open(&firing, &loop, &c.cell, &rec, 7, 1, &err), 0), "%s", err.text);
}

static void firing_done(void)
{
    mf_firing_close(&firing);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_expect(eq(u32, closeds, 1));
    cr_expect(eq(int, uv_loop_close(&loop), 0));
    mf_recorder_close(&rec);
}

static void end(uint32_t k, enum mf_upgrade_outcome outcome)
{
    atomic_store(&rec.log[k].outcome, outcome);
    mf_firing_ended(&firing, k);
}

static struct mf_trigger message(uint64_t seq)
{
    return (struct mf_trigger){.row = 0, .is_message = true, .stream = 2, .process = 3, .seq = seq};
}

Test(firing, one_at_a_time_with_its_trigger)
{
    help_cell(&c);
    c.rows[0] = (struct mf_upgrade_plan){.kind = MF_POINT_MESSAGE, .message = 5, .every = 5, .count = 3};
    c.cell.upgrades_planned = 3;
    firing_make();
    struct mf_trigger first = message(5), second = message(10), third = message(15);
    cr_expect(eq(int, mf_firing_busy(&firing), 0));
    cr_expect(eq(int, mf_firing_message(&firing, &first), 0));
    cr_expect(eq(int, mf_firing_message(&firing, &second), 0));
    cr_expect(eq(u32, fired_count, 1)); /* the second waits */
    cr_expect(eq(u32, atomic_load(&rec.header->requested), 1));
    cr_expect(ne(u64, atomic_load(&rec.log[0].phase_ns[MF_PHASE_REQUESTED]), 0));
    cr_expect(eq(u64, atomic_load(&rec.log[1].phase_ns[MF_PHASE_REQUESTED]), 0));
    cr_expect(eq(int, mf_firing_busy(&firing), 1));
    end(0, MF_UPGRADE_COMMITTED);
    cr_expect(eq(u32, fired_count, 2));
    cr_expect(eq(int, rec.log[1].has_trigger, 1));
    cr_expect(eq(u64, rec.log[1].trigger_seq, 10));
    cr_expect(eq(u32, rec.log[1].trigger_stream, 2));
    cr_expect(eq(u32, rec.log[1].trigger_process, 3));
    cr_expect(eq(u32, rec.log[1].trigger_stage, MF_POINT_STAGE_SENT));
    end(1, MF_UPGRADE_COMMITTED);
    cr_expect(eq(u32, fired_count, 2));
    mf_firing_message(&firing, &third);
    cr_expect(eq(u32, fired_count, 3));
    /* more than planned */
    cr_expect(eq(int, mf_firing_message(&firing, &third), -1));
    end(2, MF_UPGRADE_COMMITTED);
    cr_expect(eq(int, mf_firing_busy(&firing), 0));
    firing_done();
}

Test(firing, after_a_rollback_the_old_version_is_what_is_left)
{
    help_cell(&c);
    c.rows[0] = (struct mf_upgrade_plan){.kind = MF_POINT_MESSAGE, .message = 5, .every = 5, .count = 3};
    c.cell.upgrades_planned = 3;
    firing_make();
    for (uint64_t seq = 5; seq <= 15; seq += 5) {
        struct mf_trigger trigger = message(seq);
        mf_firing_message(&firing, &trigger);
    }
    end(0, MF_UPGRADE_ROLLED_BACK);
    cr_expect(eq(u32, rec.log[1].version_from, 1));
    end(1, MF_UPGRADE_COMMITTED);
    cr_expect(eq(u32, rec.log[2].version_from, 3));
    firing_done();
}

Test(firing, a_row_that_is_none_is_refused)
{
    help_cell(&c);
    firing_make();
    struct mf_trigger trigger = message(1);
    cr_expect(eq(int, mf_firing_message(&firing, &trigger), -1)); /* row 0 is a time point */
    trigger.row = 9;
    cr_expect(eq(int, mf_firing_message(&firing, &trigger), -1));
    firing_done();
}

Test(firing, time_points_of_all_rows_in_their_order, .timeout = 30)
{
    help_cell(&c);
    c.rows[0] = (struct mf_upgrade_plan){.kind = MF_POINT_EVERY, .every_ms = 10, .from_ms = 10, .count = 2};
    c.rows[1] = (struct mf_upgrade_plan){.kind = MF_POINT_TIME, .time_ms = 15, .count = 1};
    c.cell.upgrades_count = 2;
    c.cell.upgrades_planned = 3;
    firing_make();
    struct mf_error err = {0};
    uint64_t start_ns = mf_clock_now_ns();
    atomic_store(&rec.header->start_ns, start_ns);
    cr_assert(eq(int, mf_firing_go(&firing, &err), 0), "%s", err.text);
    for (uint32_t k = 0; k < 3; k++) {
        while (fired_count == k)
            uv_run(&loop, UV_RUN_ONCE);
        end(k, MF_UPGRADE_COMMITTED);
    }
    static const uint32_t rows[] = {0, 1, 0};
    static const uint64_t not_before_ms[] = {10, 15, 20};
    for (uint32_t k = 0; k < 3; k++) {
        cr_expect(eq(u32, fired[k], k));
        cr_expect(eq(u32, rec.log[k].point, rows[k]));
        cr_expect(eq(int, rec.log[k].has_trigger, 0));
        cr_expect(
            ge(u64, atomic_load(&rec.log[k].phase_ns[MF_PHASE_REQUESTED]), start_ns + not_before_ms[k] * MF_NS_PER_MS));
    }
    firing_done();
}

static uint32_t probed[16], probed_count;

static void on_probe(void *ctx, uint32_t k)
{
    (void)ctx;
    probed[probed_count++] = k;
}

Test(firing, waits_for_the_probes_of_each)
{
    help_cell(&c);
    c.rows[0] = (struct mf_upgrade_plan){.kind = MF_POINT_IN_FLIGHT, .in_flight = 5, .every = 5, .count = 2};
    c.cell.upgrades_planned = 2;
    firing_make();
    firing.probe = on_probe;
    struct mf_trigger first = message(5), second = message(10);
    mf_firing_placed(&firing, 0); /* nobody has asked */
    mf_firing_message(&firing, &first);
    mf_firing_message(&firing, &second);
    cr_expect(eq(u32, probed_count, 1));
    cr_expect(eq(u32, fired_count, 0));
    cr_expect(eq(u32, atomic_load(&rec.header->requested), 0));
    mf_firing_placed(&firing, 1); /* of another one */
    cr_expect(eq(u32, fired_count, 0));
    mf_firing_placed(&firing, 0);
    cr_expect(eq(u32, fired_count, 1));
    mf_firing_placed(&firing, 0);
    cr_expect(eq(u32, fired_count, 1));
    cr_expect(eq(u32, probed_count, 1));
    end(0, MF_UPGRADE_COMMITTED);
    cr_expect(eq(u32, probed_count, 2));
    cr_expect(eq(u32, probed[1], 1));
    cr_expect(eq(u32, fired_count, 1));
    mf_firing_halt(&firing);
    mf_firing_placed(&firing, 1);
    cr_expect(eq(u32, fired_count, 1));
    firing_done();
}

Test(firing, halted_it_fires_no_more)
{
    help_cell(&c);
    c.rows[0] = (struct mf_upgrade_plan){.kind = MF_POINT_MESSAGE, .message = 5, .every = 5, .count = 2};
    c.cell.upgrades_planned = 2;
    firing_make();
    struct mf_trigger first = message(5), second = message(10);
    mf_firing_message(&firing, &first);
    mf_firing_message(&firing, &second);
    mf_firing_halt(&firing);
    end(0, MF_UPGRADE_COMMITTED);
    cr_expect(eq(u32, fired_count, 1));
    firing_done();
}
