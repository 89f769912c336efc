/* The worker's life: orders, errors, ends; open loop; many connections; message points. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "rig.h"

static uint64_t number(const struct rig *rig, const char *key)
{
    bool bad = !mf_control_get(&rig->line, key);
    uint64_t value = mf_control_u64(&rig->line, key, 0, UINT64_MAX, &bad);

    cr_assert(not(bad), "%s", key);
    return value;
}

static void open_loop(enum mf_arrivals arrivals)
{
    static struct rig rig;

    rig_init(&rig, "unix", "frame");
    rig.plan.mode = MF_MODE_OPEN;
    rig.plan.arrivals = arrivals;
    rig.plan.rate_per_s = 5000;
    rig.plan.messages = 0;
    rig.plan.connections = 3;
    rig.plan.streams_per_connection = 2;
    rig.plan.streams = 6;
    rig.plan.processes = 6;
    rig.duration_ns = 200 * MF_NS_PER_MS;
    rig_run(&rig);
    const struct mf_worker_record *r = rig.record;
    if (arrivals == MF_ARRIVALS_UNIFORM)
        cr_expect(eq(u64, atomic_load(&r->due), 1000));
    cr_expect(gt(u64, atomic_load(&r->due), 800));
    cr_expect(lt(u64, atomic_load(&r->due), 1200));
    cr_expect(eq(u64, r->outcome[MF_OUTCOME_ANSWERED], atomic_load(&r->due)));
    cr_expect(eq(u64, r->opened, 3));
    cr_expect(eq(u64, r->lag.count, atomic_load(&r->due)));
    cr_expect(gt(u64, r->wakeups, 0));
    rig_done(&rig);
}

Test(life, open_loop_uniform)
{
    open_loop(MF_ARRIVALS_UNIFORM);
}

Test(life, open_loop_poisson)
{
    open_loop(MF_ARRIVALS_POISSON);
}

/* A server that stalls shows in the responses of all that were due meanwhile, not of one alone. */
static void stall(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    if (s->pings == 10)
        usleep(50000);
    server_answer(s, p, ping);
}

Test(life, open_loop_omits_nothing)
{
    static struct rig rig;

    rig_init(&rig, "unix", "frame");
    rig.plan.mode = MF_MODE_OPEN;
    rig.plan.rate_per_s = 2000;
    rig.plan.messages = 200;
    rig.server.on_ping = stall;
    rig_run(&rig);
    /* Of the 100 that were due in these 50 ms, those of the first 40 ms waited over 10 ms. */
    cr_expect(gt(u64, mf_hist_quantile(&rig.record->response, 0.65), 10 * MF_NS_PER_MS));
    rig_done(&rig);
}

Test(life, closed_loop_on_many_connections)
{
    static struct rig rig;

    rig_init(&rig, "tcp", "frame");
    rig.plan.connections = 20;
    rig.plan.streams_per_connection = 3;
    rig.plan.streams = 60;
    rig.plan.processes = 7;
    rig.plan.window = 5;
    rig.plan.messages = 20000;
    rig_run(&rig);
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_ANSWERED], 20000));
    cr_expect(le(u64, rig.server.unanswered_max, 100));
    rig_done(&rig);
}

Test(life, large_payloads)
{
    static struct rig rig;

    rig_init(&rig, "tcp", "frame");
    rig.plan.payload_bytes = 60000;
    rig.plan.messages = 300;
    rig_run(&rig);
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_ANSWERED], 300));
    rig_done(&rig);
}

Test(life, points_tell_their_message)
{
    static struct rig rig;

    rig_init(&rig, "unix", "frame");
    rig.plan.points = 3;
    rig.plan.point[0] = (struct mf_plan_point){.point = 4, .first = 1, .count = 1};
    rig.plan.point[1] = (struct mf_plan_point){.point = 5, .first = 100, .every = 250, .count = 3};
    rig.plan.point[2] = (struct mf_plan_point){.point = 6, .first = 100, .every = 1, .count = 1};
    rig_start(&rig);
    rig_expect_line(&rig, "ready");
    rig_go(&rig);
    static const struct {
        uint64_t point, seq;
    } expected[] = {{4, 0}, {5, 99}, {6, 99}, {5, 349}, {5, 599}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        rig_expect_line(&rig, "point");
        cr_expect(eq(u64, number(&rig, "p"), expected[i].point));
        cr_expect(eq(u64, number(&rig, "seq"), expected[i].seq));
        cr_expect(eq(u64, number(&rig, "stream"), 0));
        cr_expect(eq(u64, number(&rig, "process"), 0));
    }
    rig_expect_line(&rig, "finished");
    rig_stop(&rig);
    rig_done(&rig);
}

static void answer_below_100(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    if (ping->seq < 100)
        server_answer(s, p, ping);
}

Test(life, stop_keeps_what_was_measured)
{
    static struct rig rig;

    rig_init(&rig, "unix", "frame");
    rig.plan.points = 1;
    rig.plan.point[0] = (struct mf_plan_point){.point = 0, .first = 104, .count = 1};
    rig.server.on_ping = answer_below_100;
    rig_start(&rig);
    rig_expect_line(&rig, "ready");
    rig_go(&rig);
    rig_expect_line(&rig, "point");
    rig_say(&rig, "stop");
    rig_expect_line(&rig, "finished");
    rig_join_worker(&rig);
    cr_expect(eq(int, rig.worker_result, 0));
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_ANSWERED], 100));
    cr_expect(eq(u64, rig.record->lost_by_cause[MF_CAUSE_UNANSWERED], 4));
    rig_expect_balance(&rig);
    rig_done(&rig);
}

Test(life, stop_at_any_time_ends_it)
{
    static struct rig rig;

    rig_init(&rig, "unix", "frame");
    rig_start_worker(&rig);
    rig_stop(&rig);
    rig_done(&rig);
    rig_init(&rig, "unix", "frame");
    rig_start(&rig);
    rig_expect_line(&rig, "ready");
    rig_stop(&rig);
    rig_done(&rig);
}

Test(life, it_ends_with_its_driver)
{
    static struct rig rig;

    rig_init(&rig, "unix", "frame");
    rig.plan.messages = 0;
    rig_start(&rig);
    rig_expect_line(&rig, "ready");
    rig_go(&rig);
    close(rig.control);
    rig.control = -1;
    rig_join_worker(&rig);
    cr_expect(eq(int, rig.worker_result, -1));
    cr_expect(eq(int, rig.worker_error.status, MF_STATUS_INTERNAL));
    rig_done(&rig);
}

static void expect_error(struct rig *rig, enum mf_status status, const char *part)
{
    rig_expect_line(rig, "error");
    cr_expect(eq(u64, number(rig, "status"), status));
    cr_expect(ne(ptr, strstr(mf_control_get(&rig->line, "text"), part), NULL), "%s",
              mf_control_get(&rig->line, "text"));
    rig_join_worker(rig);
    cr_expect(eq(int, rig->worker_result, -1));
    cr_expect(eq(int, rig->worker_error.status, status));
    rig_done(rig);
}

Test(life, no_target_is_an_error)
{
    static struct rig rig;

    rig_init(&rig, "unix", "frame");
    strcpy(rig.plan.endpoint, "unix:/nowhere/at/all");
    rig.plan.connect_timeout_ns = 30 * MF_NS_PER_MS;
    rig_start_worker(&rig);
    rig_send_plan(&rig);
    expect_error(&rig, MF_STATUS_TARGET, "No such file");
}

Test(life, bad_plans_are_errors)
{
    static struct rig rig;

    rig_init(&rig, "unix", "frame");
    strcpy(rig.plan.codec, "fram");
    strcpy(rig.plan.endpoint, "local");
    rig_start_worker(&rig);
    rig_send_plan(&rig);
    expect_error(&rig, MF_STATUS_INTERNAL, "codec");

    rig_init(&rig, "unix", "frame");
    strcpy(rig.plan.endpoint, "tcp:localhost:http");
    rig_start_worker(&rig);
    rig_send_plan(&rig);
    expect_error(&rig, MF_STATUS_INTERNAL, "ADDRESS:PORT");

    rig_init(&rig, "unix", "line");
    strcpy(rig.plan.endpoint, "unix:/x");
    rig.plan.payload_bytes = 1;
    rig_start_worker(&rig);
    rig_send_plan(&rig);
    expect_error(&rig, MF_STATUS_USAGE, "payload");

    rig_init(&rig, "unix", "line");
    rig_start_worker(&rig);
    rig_say(&rig, "plan");
    expect_error(&rig, MF_STATUS_INTERNAL, "missing");

    rig_init(&rig, "unix", "line");
    rig_start_worker(&rig);
    rig_say(&rig, "go");
    expect_error(&rig, MF_STATUS_INTERNAL, "not ready");
}

Test(life, nonsense_from_the_driver_ends_it)
{
    static struct rig rig;

    rig_init(&rig, "unix", "frame");
    rig_start_worker(&rig);
    cr_assert(eq(i64, write(rig.control, "What?\n", 6), 6));
    rig_join_worker(&rig);
    cr_expect(eq(int, rig.worker_result, -1));
    rig_done(&rig);
}
