/* What a run needs, computed from its cell. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "base/clock.h"
#include "driver/shape.h"
#include "tests/driver/help.h"

static struct help_cell c;

static void setup(void)
{
    help_cell(&c);
}
TestSuite(shape, .init = setup);

Test(shape, the_timeline_covers_the_run)
{
    struct mf_recorder_shape s = mf_shape_recorder(&c.cell);
    cr_expect(eq(u64, s.bin_ns, MF_NS_PER_MS));
    cr_expect(ge(u64, s.bins * s.bin_ns, 600 * MF_NS_PER_MS));
    c.cell.load.duration_ms = 130000;
    s = mf_shape_recorder(&c.cell);
    cr_expect(eq(u64, s.bin_ns, 10 * MF_NS_PER_MS));
    cr_expect(ge(u64, s.bins * s.bin_ns, 130100 * MF_NS_PER_MS));
}

Test(shape, stages_cover_what_may_wait)
{
    struct mf_recorder_shape s = mf_shape_recorder(&c.cell);
    cr_expect(eq(u32, s.streams, 4));
    /* the whole run, where memory allows */
    cr_expect(ge(u64, 1ULL << s.stage_bits, 1000 * 0.6 / 4));
    /* and what waits, where it does not */
    c.cell.load.rate_per_s = 1e6;
    c.cell.load.duration_ms = 3600e3;
    s = mf_shape_recorder(&c.cell);
    cr_expect(ge(u64, 1ULL << s.stage_bits, 1000000 * 0.2 / 4));
    cr_expect(le(u64, (uint64_t)s.streams << s.stage_bits, 1ULL << 26));
}

Test(shape, a_closed_loop_has_room_for_two_windows)
{
    c.cell.load.open = false;
    c.cell.load.window = 65536;
    c.cell.load.connections = 1000;
    struct mf_recorder_shape s = mf_shape_recorder(&c.cell);
    cr_expect(ge(u64, 1ULL << s.stage_bits, 2 * 65536));
}

Test(shape, what_no_recorder_can_hold_is_refused)
{
    struct mf_error err = {0};
    cr_expect(eq(int, mf_shape_check(&c.cell, &err), 0));
    c.cell.load.rate_per_s = 1e7;
    c.cell.load.timeout_ms = c.cell.load.drain_ms = 600000;
    cr_expect(eq(int, mf_shape_check(&c.cell, &err), -1));
    cr_expect(eq(int, (int)err.status, MF_STATUS_USAGE));
}

Test(shape, points_of_node_and_driver_do_not_mix)
{
    struct mf_error err = {0};
    c.rows[1] = (struct mf_upgrade_plan){.kind = MF_POINT_VALUE, .count = 1, .value = 4};
    c.cell.upgrades_count = c.cell.upgrades_planned = 2;
    cr_expect(eq(int, mf_shape_check(&c.cell, &err), -1));
    cr_expect(eq(int, (int)err.status, MF_STATUS_USAGE));
    cr_expect(eq(int, help_has(err.text, "cannot be mixed"), 1), "%s", err.text);
    c.rows[0] = (struct mf_upgrade_plan){.kind = MF_POINT_STAGE, .count = 1, .message = 1};
    cr_expect(eq(int, mf_shape_check(&c.cell, &err), 0));
}

Test(shape, message_points_need_a_load_process)
{
    struct mf_error err = {0};
    c.rows[0] = (struct mf_upgrade_plan){.kind = MF_POINT_MESSAGE, .count = 1, .message = 1};
    cr_expect(eq(int, mf_shape_check(&c.cell, &err), 0));
    c.cell.load.transport = MF_TRANSPORT_LOCAL;
    cr_expect(eq(int, mf_shape_check(&c.cell, &err), -1));
}

Test(shape, fewer_messages_than_workers_are_refused)
{
    struct mf_error err = {0};
    c.cell.load.workers = 4;
    c.cell.load.messages = 3; /* a share of 0 would mean "without end" */
    cr_expect(eq(int, mf_shape_check(&c.cell, &err), -1));
    c.cell.load.messages = 4;
    cr_expect(eq(int, mf_shape_check(&c.cell, &err), 0));
}

static void log_expect(uint32_t slots, const uint32_t *from, const uint32_t *to)
{
    struct mf_recorder rec;
    struct mf_error err = {0};
    c.cell.upgrades_planned = slots;
    struct mf_recorder_shape shape = mf_shape_recorder(&c.cell);
    cr_assert(eq(int, mf_recorder_create(&rec, &shape, &err), 0), "%s", err.text);
    mf_shape_log(&c.cell, (const uint32_t[]){1, 2, 3}, &rec);
    for (uint32_t k = 0; k < slots; k++) {
        cr_expect(eq(u32, rec.log[k].version_from, from[k]));
        cr_expect(eq(u32, rec.log[k].version_to, to[k]));
        cr_expect(eq(u32, rec.log[k].queued, UINT32_MAX));
    }
    mf_recorder_close(&rec);
}

Test(shape, upgrades_go_round_the_modules)
{
    log_expect(4, (const uint32_t[]){1, 2, 3, 1}, (const uint32_t[]){2, 3, 1, 2});
    c.cell.node.strategy = "stale"; /* claims to */
    log_expect(4, (const uint32_t[]){1, 2, 3, 1}, (const uint32_t[]){2, 3, 1, 2});
    c.cell.node.strategy = "none"; /* the control stays where it is */
    log_expect(4, (const uint32_t[]){1, 1, 1, 1}, (const uint32_t[]){1, 1, 1, 1});
}

Test(shape, orders_are_shared_out)
{
    struct mf_plan plan;
    uint64_t messages = 0;
    double rate_per_s = 0;
    uint32_t points = 0;
    c.cell.load.workers = 4;
    c.cell.load.connections = 8;
    c.cell.load.streams_per_connection = 3;
    c.cell.load.messages = 103;
    c.rows[0] = (struct mf_upgrade_plan){.kind = MF_POINT_MESSAGE, .count = 2, .message = 10, .every = 9};
    for (uint32_t w = 0; w < 4; w++) {
        mf_shape_plan(&c.cell, w, "unix:/x", 5, &plan);
        cr_expect(eq(u32, plan.first_stream, w * 6));
        cr_expect(eq(u32, plan.connections, 2));
        cr_expect(eq(u32, plan.streams, 24));
        messages += plan.messages;
        rate_per_s += plan.rate_per_s;
        points += plan.points;
        if (plan.points) {
            cr_expect(eq(u64, plan.point[0].first, 3)); /* the tenth of all is about the third of one in four */
            cr_expect(eq(u64, plan.point[0].every, 3));
        }
        struct mf_control_writer line;
        cr_expect(eq(int, mf_plan_write(&plan, &line), 0));
    }
    cr_expect(eq(u64, messages, 103));
    cr_expect(epsilon_eq(dbl, rate_per_s, 1000, 1e-9));
    cr_expect(eq(u32, points, 1));
}

Test(shape, probes_have_streams_behind_all_others_and_are_the_first_worker_s)
{
    struct mf_plan plan;
    help_cell(&c);
    c.cell.load.workers = 2;
    c.cell.load.connections = 4;
    c.cell.load.streams_per_connection = 3;
    c.cell.load.wire_states = 1u << MF_WIRE_STATE_SENT | 1u << MF_WIRE_STATE_HALF_SENT;
    struct mf_recorder_shape shape = mf_shape_recorder(&c.cell);
    cr_expect(eq(u32, shape.streams, 14));
    cr_expect(eq(u32, shape.probes, c.cell.load.wire_states));
    for (uint32_t w = 0; w < 2; w++) {
        mf_shape_plan(&c.cell, w, "unix:/x", 7, &plan);
        cr_expect(eq(u32, plan.streams, 14));
        cr_expect(eq(u32, plan.first_stream, 6 * w));
        cr_expect(eq(u32, plan.probes, w == 0 ? c.cell.load.wire_states : 0));
    }
}

Test(shape, what_the_load_watches_and_what_the_node)
{
    struct mf_plan plan;
    struct mf_error err;
    help_cell(&c);
    c.cell.upgrades_count = 1;
    c.rows[0] = (struct mf_upgrade_plan){.kind = MF_POINT_IN_FLIGHT, .in_flight = 9, .every = 4, .count = 2};
    mf_shape_plan(&c.cell, 0, "unix:/x", 7, &plan);
    cr_assert(eq(u32, plan.points, 1));
    cr_expect(eq(int, (int)plan.point[0].kind, MF_PLAN_POINT_IN_FLIGHT));
    cr_expect(eq(u64, plan.point[0].first, 9));
    c.rows[0] = (struct mf_upgrade_plan){
        .kind = MF_POINT_STAGE, .stage = MF_POINT_STAGE_HALF_RECEIVED, .message = 7, .count = 1};
    mf_shape_plan(&c.cell, 0, "unix:/x", 7, &plan);
    cr_assert(eq(u32, plan.points, 1));
    cr_expect(eq(int, (int)plan.point[0].kind, MF_PLAN_POINT_HALF));
    c.rows[0].stage = MF_POINT_STAGE_HALF_FLUSHED;
    mf_shape_plan(&c.cell, 0, "unix:/x", 7, &plan);
    cr_expect(eq(u32, plan.points, 0));
    c.rows[0] = (struct mf_upgrade_plan){.kind = MF_POINT_QUEUE_DEPTH, .queue_depth = 3, .count = 1};
    c.rows[1] = (struct mf_upgrade_plan){.kind = MF_POINT_IN_FLIGHT, .in_flight = 3, .count = 1};
    c.cell.upgrades_count = 2;
    cr_expect(eq(int, mf_shape_check(&c.cell, &err), -1));
}
