/* Points: which message fires, which slot it fills, and that one upgrade at a time is under way. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "fixture.h"

static struct mf_message message_of(uint32_t stream, uint64_t seq)
{
    return (struct mf_message){.stream = stream, .process = stream, .seq = seq};
}

static bool seen(struct bench *b, enum mf_stage stage, uint32_t stream, uint64_t seq, struct mf_process *p)
{
    struct mf_message m = message_of(stream, seq);
    return mf_points_seen(&b->core, &m, stage, p, NULL);
}

static void upgrade_end(struct bench *b, uint32_t k)
{
    atomic_store(&b->rec.log[k].outcome, MF_UPGRADE_COMMITTED);
    mf_points_ended(&b->core);
}

Test(points, stage_counts_from_first_and_then_every_so_many)
{
    static struct bench b;
    b.args.points[0] =
        (struct mf_node_point){.stage = MF_STAGE_HANDLED, .point = 5, .first = 3, .every = 4, .count = 2};
    b.args.points_count = 1;
    bench_start(&b, 4, 1, "local");
    uint64_t fired_at[8];
    uint32_t fired = 0;
    for (uint64_t seq = 1; seq <= 20; seq++) {
        cr_assert(not(seen(&b, MF_STAGE_HANDLED, 1, seq, NULL)));
        uint32_t k = mf_points_take(&b.core);
        if (k == UINT32_MAX)
            continue;
        fired_at[fired++] = seq;
        cr_assert(eq(u32, b.rec.log[k].point, 5));
        cr_assert(b.rec.log[k].has_trigger && !b.rec.log[k].trigger_held);
        cr_assert(eq(u64, b.rec.log[k].trigger_seq, seq));
        upgrade_end(&b, k);
    }
    cr_assert(eq(u32, fired, 2));
    cr_assert(eq(u64, fired_at[0], 3));
    cr_assert(eq(u64, fired_at[1], 7));
    cr_assert(eq(u64, atomic_load(&b.rec.node->point_counter[0]), 20));
    bench_stop(&b);
}

Test(points, one_that_comes_due_in_an_upgrade_fires_at_the_first_message_after_it)
{
    static struct bench b;
    b.args.points[0] =
        (struct mf_node_point){.stage = MF_STAGE_RECEIVED, .point = 0, .first = 1, .every = 2, .count = 9};
    b.args.points_count = 1;
    bench_start(&b, 4, 1, "local");
    seen(&b, MF_STAGE_RECEIVED, 0, 1, NULL);
    cr_assert(eq(u32, mf_points_take(&b.core), 0));
    for (uint64_t seq = 2; seq <= 4; seq++)
        seen(&b, MF_STAGE_RECEIVED, 0, seq, NULL); /* due at 3, but slot 0 is under way */
    cr_assert(eq(u32, mf_points_take(&b.core), UINT32_MAX));
    cr_assert(eq(u32, atomic_load(&b.rec.header->requested), 1));
    upgrade_end(&b, 0);
    seen(&b, MF_STAGE_RECEIVED, 0, 5, NULL);
    cr_assert(eq(u32, mf_points_take(&b.core), 1));
    cr_assert(eq(u64, b.rec.log[1].trigger_seq, 5));
    upgrade_end(&b, 1);
    /* the schedule stays: the third is due since 5, the fourth at 7 */
    seen(&b, MF_STAGE_RECEIVED, 0, 6, NULL);
    upgrade_end(&b, mf_points_take(&b.core));
    seen(&b, MF_STAGE_RECEIVED, 0, 7, NULL);
    upgrade_end(&b, mf_points_take(&b.core));
    seen(&b, MF_STAGE_RECEIVED, 0, 8, NULL); /* all four slots are used */
    cr_assert(eq(u32, mf_points_take(&b.core), UINT32_MAX));
    cr_assert(eq(u32, atomic_load(&b.rec.header->requested), 4));
    bench_stop(&b);
}

/* Which message is held must not hang on how long it takes to unload the old code behind the commit. */
Test(points, one_that_comes_due_behind_the_commit_is_held)
{
    static struct bench b;
    b.args.points[0] = (struct mf_node_point){
        .stage = MF_STAGE_DEQUEUED, .point = 0, .first = 1, .every = 2, .count = 2, .hold = true};
    b.args.points_count = 1;
    bench_start(&b, 4, 1, "local");
    struct mf_process *p, *first = &b.core.processes[0], *second = &b.core.processes[1];
    struct mf_connection *c;
    cr_assert(seen(&b, MF_STAGE_DEQUEUED, 0, 1, first));
    cr_assert(eq(u32, mf_points_take(&b.core), 0));
    cr_assert(not(seen(&b, MF_STAGE_DEQUEUED, 0, 2, second)));
    cr_assert(not(seen(&b, MF_STAGE_DEQUEUED, 0, 3, second)), "before the commit the upgrade may need it");
    mf_core_commit(&b.core, 0);
    cr_assert(not(seen(&b, MF_STAGE_DEQUEUED, 0, 4, second)), "the first one is still to be let go");
    mf_points_let_go(&b.core, 0, &p, &c);
    cr_assert(eq(ptr, p, first));
    cr_assert(seen(&b, MF_STAGE_DEQUEUED, 0, 5, second));
    upgrade_end(&b, 0);
    mf_points_let_go(&b.core, 0, &p, &c);
    cr_assert(eq(ptr, p, NULL), "its own upgrade is still to come");
    cr_assert(eq(u32, mf_points_take(&b.core), 1));
    cr_expect(eq(u64, b.rec.log[1].trigger_seq, 5));
    cr_expect(b.rec.log[1].trigger_held);
    mf_core_commit(&b.core, 1);
    mf_points_let_go(&b.core, 0, &p, &c);
    cr_expect(eq(ptr, p, second));
    upgrade_end(&b, 1);
    bench_stop(&b);
}

Test(points, value_fires_on_the_first_stream_that_brings_it)
{
    static struct bench b;
    b.args.points[0] = (struct mf_node_point){
        .kind = MF_NODE_POINT_VALUE, .stage = MF_STAGE_DEQUEUED, .point = 2, .first = 4, .count = 1, .hold = true};
    b.args.points_count = 1;
    bench_start(&b, 4, 1, "local");
    cr_assert(not(seen(&b, MF_STAGE_DEQUEUED, 0, 3, &b.core.processes[0])));
    cr_assert(seen(&b, MF_STAGE_DEQUEUED, 2, 4, &b.core.processes[2]));
    cr_assert(not(seen(&b, MF_STAGE_DEQUEUED, 1, 4, &b.core.processes[1])));
    cr_assert(eq(u32, atomic_load(&b.rec.header->requested), 0)); /* a held one is claimed by the main thread */
    cr_assert(eq(u32, mf_points_take(&b.core), 0));
    cr_assert(eq(u32, b.rec.log[0].trigger_stream, 2));
    cr_assert(b.rec.log[0].trigger_held);
    atomic_store(&b.rec.log[0].outcome, MF_UPGRADE_COMMITTED);
    mf_points_ended(&b.core);
    struct mf_process *p;
    struct mf_connection *c;
    mf_points_let_go(&b.core, 0, &p, &c);
    cr_assert(eq(ptr, p, &b.core.processes[2]));
    cr_assert(not(seen(&b, MF_STAGE_DEQUEUED, 3, 4, &b.core.processes[3])));
    bench_stop(&b);
}

Test(points, queue_depth_fires_where_a_mailbox_has_filled_up)
{
    static struct bench b;
    b.args.points[0] = (struct mf_node_point){
        .kind = MF_NODE_POINT_DEPTH, .stage = MF_STAGE_ENQUEUED, .point = 1, .first = 3, .every = 6, .count = 2};
    b.args.points_count = 1;
    bench_start(&b, 4, 1, "local");
    static const uint32_t depth[] = {1, 2, 3, 4, 3, 2, 3, 3};
    uint64_t fired_at[8];
    uint32_t fired = 0;
    for (uint64_t i = 0; i < 8; i++) {
        b.core.processes[1].mailbox.count = depth[i];
        seen(&b, MF_STAGE_ENQUEUED, 1, i, &b.core.processes[1]);
        uint32_t k = mf_points_take(&b.core);
        if (k == UINT32_MAX)
            continue;
        fired_at[fired++] = i;
        upgrade_end(&b, k);
    }
    b.core.processes[1].mailbox.count = 0;
    cr_assert(eq(u32, fired, 2));
    cr_expect(eq(u64, fired_at[0], 2));
    cr_expect(eq(u64, fired_at[1], 6), "not before six messages");
    bench_stop(&b);
}

/* One that was cut by chance fires nothing, and the one that was cut on purpose only once. */
Test(points, half_received_fires_on_the_ping_that_the_load_has_cut)
{
    static struct bench b;
    uint8_t bytes[200];
    b.args.points[0] =
        (struct mf_node_point){.stage = MF_POINT_STAGE_HALF_RECEIVED, .point = 3, .first = 9, .count = 2, .hold = true};
    b.args.points_count = 1;
    bench_start(&b, 4, 1, "local");
    b.core.codec = mf_codec_find("frame");
    struct mf_msg ping = {.kind = MF_MSG_PING, .stream = 2, .process = 1, .seq = 8};
    size_t half = b.core.codec->encode(NULL, bytes, &ping) / 2;
    struct mf_half_mark *mark = &mf_recorder_worker(&b.rec, 0)->half;
    mf_points_half_in(&b.core, bytes, half);
    cr_expect(eq(u32, mf_points_take(&b.core), UINT32_MAX));
    mark->stream = 2;
    mark->process = 1;
    mark->seq = 7;
    mark->point = 3;
    atomic_store(&mark->armed, 1);
    mf_points_half_in(&b.core, bytes, half);
    cr_expect(eq(u32, mf_points_take(&b.core), UINT32_MAX));
    mark->seq = 8;
    mf_points_half_in(&b.core, bytes, half);
    cr_expect(eq(u32, atomic_load(&mark->armed), 2));
    cr_assert(eq(u32, mf_points_take(&b.core), 0));
    cr_expect(eq(u32, b.rec.log[0].trigger_stage, MF_POINT_STAGE_HALF_RECEIVED));
    cr_expect(eq(u32, b.rec.log[0].trigger_stream, 2));
    cr_expect(eq(u32, b.rec.log[0].trigger_process, 1));
    cr_expect(eq(u64, b.rec.log[0].trigger_seq, 8));
    cr_expect(b.rec.log[0].trigger_held);
    upgrade_end(&b, 0);
    mf_points_half_in(&b.core, bytes, half);
    cr_expect(eq(u32, mf_points_take(&b.core), UINT32_MAX));
    bench_stop(&b);
}
