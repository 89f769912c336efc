/* The load over codec `http1`, where answers belong to pings in their order: what ends a connection, what moves to the
 * next one, what is lost, each in a known number. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "rig.h"

#define AT 101

static struct rig rig;

typedef void on_ping(struct server *s, struct peer *p, const struct mf_msg *ping);

static void init(on_ping *on, uint32_t window)
{
    rig_init(&rig, "tcp", "http1");
    rig.plan.window = rig.plan.pipeline = window;
    rig.server.at = AT;
    rig.server.on_ping = on;
}

/* At a rate, with one request outstanding: what comes due meanwhile waits in the load. */
static void init_open(on_ping *on)
{
    init(on, 1);
    rig.plan.mode = MF_MODE_OPEN;
    rig.plan.rate_per_s = 5000;
}

static uint64_t lost_by(enum mf_cause cause)
{
    return rig.record->lost_by_cause[cause];
}

static void expect_answered(uint64_t answered)
{
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_ANSWERED] + rig.record->outcome[MF_OUTCOME_LATE], answered));
    for (int i = 0; i < MF_EXTRA_COUNT; i++)
        cr_expect(eq(u64, rig.record->extra[i], 0), "%s", mf_extra_keys[i]);
}

Test(http1, answers_belong_to_pings_in_their_order)
{
    init(NULL, 4);
    rig_run(&rig);
    expect_answered(1000);
    cr_expect(eq(u64, rig.record->opened, 1));
    cr_expect(le(u64, rig.server.unanswered_max, 4));
    rig_done(&rig);
}

Test(http1, or_to_the_one_that_they_name)
{
    init(NULL, 4);
    strcat(rig.plan.codec_conf, "id header X-Ping\n");
    rig_run(&rig);
    expect_answered(1000);
    rig_done(&rig);
}

Test(http1, one_request_at_a_time)
{
    init_open(NULL);
    rig.plan.connections = rig.plan.streams = rig.plan.processes = 3;
    rig.plan.rate_per_s = 50000;
    rig_run(&rig);
    expect_answered(1000);
    cr_expect(le(u64, rig.server.unanswered_max, 3));
    cr_expect(eq(u64, rig.record->opened, 3));
    rig_done(&rig);
}

/* --- announced closes --------------------------------------------------------------------------------------------- */

static void announce_at(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    s->closes = s->pings == s->at;
    server_answer(s, p, ping);
    if (s->closes)
        peer_close(p);
    s->closes = false;
}

Test(http1, an_announced_close_loses_nothing_that_waits)
{
    init_open(announce_at);
    rig.plan.rate_per_s = 50000;
    rig_run(&rig);
    expect_answered(1000);
    cr_expect(eq(u64, rig.record->closed_announced, 1));
    cr_expect(eq(u64, rig.record->closed_idle + rig.record->closed_inflight, 0));
    cr_expect(eq(u64, rig.record->opened, 2));
    rig_done(&rig);
}

/* Answers when four are there; the second answer is the last one. */
static void announce_in_between(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    uint8_t out[1024];

    server_hold(s, p, ping);
    if (s->held_count < 4)
        return;
    if (s->has_misbehaved) {
        server_release(s);
        return;
    }
    s->has_misbehaved = true;
    size_t n = server_encode(s, out, &s->held[0].msg); /* both in one piece, or a fifth ping could come in between */
    s->closes = true;
    n += server_encode(s, out + n, &s->held[1].msg);
    s->closes = false;
    server_send(p, out, n);
    s->held_count = 0;
    s->unanswered -= 4;
    peer_close(p);
}

Test(http1, what_was_written_behind_an_announced_close_is_lost)
{
    init(announce_in_between, 4);
    rig.plan.messages = 404;
    rig_run(&rig);
    expect_answered(402);
    cr_expect(eq(u64, lost_by(MF_CAUSE_INFLIGHT_FIN), 2));
    cr_expect(eq(u64, rig.record->closed_announced, 1));
    cr_expect(eq(u64, rig.record->closed_inflight, 0));
    rig_done(&rig);
}

/* A body that ends with its connection, twice. */
static void answer_to_the_end(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nX-Version: 1\r\n\r\ninstance=1\ncount=%llu\n";
    char out[200];

    if (s->pings != s->at && s->pings != 2 * s->at) {
        server_answer(s, p, ping);
        return;
    }
    snprintf(out, sizeof out, text, (unsigned long long)ping->seq + 1);
    server_send(p, out, strlen(out));
    s->unanswered--;
    peer_close(p);
}

Test(http1, a_body_may_end_with_its_connection)
{
    init(answer_to_the_end, 1);
    rig_run(&rig);
    expect_answered(1000);
    cr_expect(eq(u64, rig.record->closed_announced, 2));
    cr_expect(eq(u64, rig.record->opened, 3));
    rig_done(&rig);
}

/* --- other ends --------------------------------------------------------------------------------------------------- */

static void close_at(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    if (s->pings == s->at)
        peer_close(p);
    else
        server_answer(s, p, ping);
}

Test(http1, only_what_was_written_is_lost_with_its_connection)
{
    init_open(close_at);
    rig.plan.rate_per_s = 100000;
    rig_run(&rig);
    expect_answered(999);
    cr_expect(eq(u64, lost_by(MF_CAUSE_INFLIGHT_FIN), 1));
    cr_expect(eq(u64, rig.record->closed_inflight, 1));
    rig_done(&rig);
}

Test(http1, a_closed_loop_keeps_its_window_over_that)
{
    init(close_at, 4);
    rig_run(&rig);
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_LOST],
                 lost_by(MF_CAUSE_INFLIGHT_FIN) + lost_by(MF_CAUSE_INFLIGHT_RST) + lost_by(MF_CAUSE_UNSENT)));
    cr_expect(ge(u64, rig.record->outcome[MF_OUTCOME_LOST], 1));
    cr_expect(le(u64, rig.record->outcome[MF_OUTCOME_LOST], 4));
    cr_expect(le(u64, rig.server.unanswered_max, 8));
    rig_done(&rig);
}

static void cut_at(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    uint8_t out[1024];

    if (s->pings != s->at) {
        server_answer(s, p, ping);
        return;
    }
    server_send(p, out, server_encode(s, out, ping) - 1);
    peer_close(p);
}

Test(http1, an_answer_cut_short_is_partial)
{
    init(cut_at, 1);
    rig_run(&rig);
    expect_answered(999);
    cr_expect(eq(u64, lost_by(MF_CAUSE_PARTIAL), 1));
    rig_done(&rig);
}

/* --- what answers say --------------------------------------------------------------------------------------------- */

static void answers_of_all_kinds(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    static const char *const texts[] = {
        "HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 302 Found\r\nX-Version: 1\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-Version: one\r\nContent-Length: 19\r\n\r\ninstance=1\ncount=1\n",
    };

    if (ping->seq % 10 >= sizeof texts / sizeof *texts) {
        server_answer(s, p, ping);
        return;
    }
    server_send(p, texts[ping->seq % 10], strlen(texts[ping->seq % 10]));
    s->unanswered--;
}

Test(http1, errors_and_wrong_answers)
{
    init(answers_of_all_kinds, 4);
    rig_run(&rig);
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_ANSWERED], 500));
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_ERROR], 200));
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_WRONG], 300));
    cr_expect(eq(u64, rig.record->opened, 1));
    rig_done(&rig);
}

static void unasked_and_broken(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    static const char unasked[] = "HTTP/1.1 408 Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

    if (s->pings == 2 * s->at) {
        server_send(p, "nonsense\r\n", 10);
        return;
    }
    server_answer(s, p, ping);
    if (s->pings == s->at) { /* in one piece with the answer, so that no ping can come in between */
        server_send(p, unasked, sizeof unasked - 1);
        peer_close(p);
    }
}

Test(http1, a_stream_that_makes_no_sense_is_broken)
{
    init(unasked_and_broken, 1);
    rig.server.at = 1000;
    rig.plan.messages = 2500;
    rig_run(&rig);
    cr_expect(ge(u64, rig.record->extra[MF_EXTRA_PHANTOM], 1));
    cr_expect(ge(u64, lost_by(MF_CAUSE_INFLIGHT_RST), 1));
    cr_expect(eq(u64,
                 rig.record->outcome[MF_OUTCOME_ANSWERED] + rig.record->outcome[MF_OUTCOME_LOST] +
                     rig.record->outcome[MF_OUTCOME_ERROR],
                 2500));
    rig_done(&rig);
}

/* --- connections of the load's own making ------------------------------------------------------------------------- */

static void count_closing(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    s->at += ping->closes;
    s->closes = ping->closes;
    server_answer(s, p, ping);
    s->closes = false;
}

Test(http1, one_connection_per_request)
{
    for (int says = 0; says < 2; says++) {
        init(count_closing, 1);
        strcat(rig.plan.codec_conf, says ? "say_close yes\n" : "say_close no\n");
        rig.server.at = 0;
        rig.plan.pings_per_connection = 1;
        rig.plan.messages = 100;
        rig_run(&rig);
        expect_answered(100);
        cr_expect(ge(u64, rig.record->opened, 100)); /* and perhaps one for a ping that does not come any more */
        cr_expect(eq(u64, rig.record->closed_by_load, 100));
        cr_expect(eq(u64, rig.record->closed_announced + rig.record->reconnects, 0));
        cr_expect(eq(u64, rig.server.at, says ? 100 : 0));
        rig_done(&rig);
    }
}

static void swallow_at(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    if (s->pings != s->at)
        server_answer(s, p, ping);
}

/* One request that is never answered does not take all pings behind it along. */
Test(http1, a_connection_that_is_stuck_is_given_up)
{
    init_open(swallow_at);
    rig.plan.timeout_ns = rig.plan.drain_ns = 40 * MF_NS_PER_MS;
    rig_run(&rig);
    cr_expect(eq(u64, lost_by(MF_CAUSE_UNANSWERED), 1));
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_LOST], 1));
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_ANSWERED] + rig.record->outcome[MF_OUTCOME_LATE], 999));
    cr_expect(ge(u64, rig.record->outcome[MF_OUTCOME_LATE], 1));
    cr_expect(eq(u64, rig.record->closed_by_load, 1));
    rig_done(&rig);
}
