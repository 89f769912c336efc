/* The other client policy: what is lost with its connection is asked once more, in known numbers, and the strict books
 * do not move by it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/clock.h"
#include "rig.h"

#define AT 101

static struct rig rig;
static uint64_t count[2]; /* what each process has handled */

typedef void on_ping(struct server *s, struct peer *p, const struct mf_msg *ping);

static void count_answer(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    uint8_t out[1024];
    struct mf_msg counted = *ping;

    counted.seq = ++count[ping->process] - 1; /* the rig makes the count of it */
    size_t n = server_encode(s, out, &counted);
    struct mf_msg pong;
    cr_assert(eq(i64, s->codec->decode(s->conf, out, n, &pong), (ssize_t)n));
    pong.seq = ping->seq;
    n = s->codec->encode(s->conf, out, &pong);
    server_send(p, out, n);
    s->unanswered--;
}

/* The AT-th ping is handled, and then its connection ends. */
static void handle_and_close(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    if (s->pings == s->at) {
        count[ping->process]++;
        peer_close(p);
        return;
    }
    count_answer(s, p, ping);
}

/* The AT-th ping is not handled, and its connection ends. */
static void drop_and_close(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    if (s->pings == s->at)
        peer_close(p);
    else
        count_answer(s, p, ping);
}

static void close_and_unlisten(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    if (s->pings != s->at) {
        count_answer(s, p, ping);
        return;
    }
    server_unlisten(s);
    peer_close(p);
}

static void run(on_ping *on, const char *transport)
{
    count[0] = count[1] = 0;
    rig_init(&rig, transport, "line");
    rig.plan.window = 1;
    rig.plan.retry = 1;
    rig.plan.streams = rig.plan.processes = 2;
    rig.server.at = AT;
    rig.server.on_ping = on;
    rig_run(&rig);
}

static void expect_strict(uint64_t answered)
{
    const struct mf_worker_record *r = rig.record;

    cr_expect(eq(u64, atomic_load(&r->due), 1000));
    cr_expect(eq(u64, r->outcome[MF_OUTCOME_ANSWERED], answered));
    cr_expect(eq(u64, r->replies, answered));
    for (int i = 0; i < MF_EXTRA_COUNT; i++)
        cr_expect(eq(u64, r->extra[i], 0), "%s", mf_extra_keys[i]);
}

static void expect_retry(uint64_t answered, uint64_t told, uint64_t duplicated)
{
    const struct mf_retry_tally *t = &rig.record->retry;

    cr_expect(eq(u64, t->wanted, 1));
    cr_expect(eq(u64, t->attempted, 1));
    cr_expect(eq(u64, t->answered, answered));
    cr_expect(eq(u64, t->told, told));
    cr_expect(eq(u64, t->duplicated, duplicated));
}

Test(retry, what_was_handled_before_is_handled_twice)
{
    run(handle_and_close, "tcp");
    expect_strict(999);
    expect_retry(1, 1, 1);
    cr_expect(eq(u64, rig.record->lost_by_cause[MF_CAUSE_INFLIGHT_FIN], 1));
    cr_expect(eq(u64, rig.record->opened, 2)); /* the retry's connection is not among them */
    cr_expect(eq(u64, rig.server.pings, 1001));
    rig_done(&rig);
}

Test(retry, what_was_not_handled_before_is_handled_once)
{
    run(drop_and_close, "unix");
    expect_strict(999);
    expect_retry(1, 1, 0);
    cr_expect(eq(u64, rig.server.pings, 1001));
    rig_done(&rig);
}

/* Nobody listens any more: the retry is one, and lost; so are all others, whose attempts to connect are refused. */
Test(retry, it_is_one_only)
{
    count[0] = count[1] = 0;
    rig_init(&rig, "tcp", "line");
    rig.plan.window = 1;
    rig.plan.retry = 1;
    rig.plan.streams = rig.plan.processes = 2;
    rig.plan.connect_timeout_ns = 20 * MF_NS_PER_MS;
    rig.plan.messages = 103;
    rig.server.at = AT;
    rig.server.on_ping = close_and_unlisten;
    rig_run(&rig);
    expect_retry(0, 0, 0);
    cr_expect(eq(u64, rig.record->lost_by_cause[MF_CAUSE_REFUSED], 2));
    cr_expect(eq(u64, rig.record->lost_by_cause[MF_CAUSE_INFLIGHT_FIN], 1));
    rig_done(&rig);
}

Test(retry, over_http)
{
    rig_init(&rig, "tcp", "http1");
    rig.plan.window = rig.plan.pipeline = 1;
    rig.plan.retry = 1;
    rig.plan.streams = 2;
    rig.server.at = AT;
    rig.server.on_ping = drop_and_close;
    count[0] = count[1] = 0;
    rig_run(&rig);
    expect_strict(999);
    expect_retry(1, 0, 0); /* one process, two streams: nobody can tell */
    rig_done(&rig);
}

/* A run without it counts nothing of the kind. */
Test(retry, is_asked_for)
{
    rig_init(&rig, "tcp", "line");
    rig.plan.window = 1;
    rig.server.at = AT;
    rig.server.on_ping = drop_and_close;
    count[0] = count[1] = 0;
    rig_run(&rig);
    cr_expect(eq(u64, rig.record->retry.wanted + rig.record->retry.attempted, 0));
    cr_expect(eq(u64, rig.server.pings, 1000));
    rig_done(&rig);
}
