/* Each way in which a ping can end is planted in a known number, over both transports, and exactly that must be
 * reported. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "rig.h"

#define WINDOW 4
#define AT     101

/* What a run is expected to show; everything that is not named is expected to be 0. */
struct expected {
    uint64_t outcome[MF_OUTCOME_COUNT], extra[MF_EXTRA_COUNT], cause[MF_CAUSE_COUNT];
};

static void expect_counts(const struct rig *rig, struct expected e)
{
    const struct mf_worker_record *r = rig->record;

    for (int i = 0; i < MF_CAUSE_COUNT; i++)
        e.outcome[MF_OUTCOME_LOST] += e.cause[i];
    for (int i = 0; i < MF_OUTCOME_COUNT; i++)
        cr_expect(eq(u64, r->outcome[i], e.outcome[i]), "outcome %s", mf_outcome_keys[i]);
    for (int i = 0; i < MF_CAUSE_COUNT; i++)
        cr_expect(eq(u64, r->lost_by_cause[i], e.cause[i]), "cause %s", mf_cause_keys[i]);
    for (int i = 0; i < MF_EXTRA_COUNT; i++)
        cr_expect(eq(u64, r->extra[i], e.extra[i]), "extra %s", mf_extra_keys[i]);
}

static void run(struct rig *rig, const char *transport, const char *codec,
                void (*on_ping)(struct server *s, struct peer *p, const struct mf_msg *ping))
{
    rig_init(rig, transport, codec);
    rig->plan.window = WINDOW;
    rig->server.at = AT;
    rig->server.on_ping = on_ping;
    rig_run(rig);
}

/* A test over both transports. */
#define BOTH(suite, name)                                                                                              \
    static void suite##_##name(const char *transport);                                                                 \
    Test(suite, name##_unix)                                                                                           \
    {                                                                                                                  \
        suite##_##name("unix");                                                                                        \
    }                                                                                                                  \
    Test(suite, name##_tcp)                                                                                            \
    {                                                                                                                  \
        suite##_##name("tcp");                                                                                         \
    }                                                                                                                  \
    static void suite##_##name(const char *transport)

BOTH(answers, all_right)
{
    static struct rig rig;

    run(&rig, transport, "frame", NULL);
    expect_counts(&rig, (struct expected){.outcome[MF_OUTCOME_ANSWERED] = 1000});
    cr_expect(eq(u64, rig.record->opened, 1));
    cr_expect(eq(u64, rig.server.pings, 1000));
    cr_expect(le(u64, rig.server.unanswered_max, WINDOW));
    rig_done(&rig);
}

Test(answers, by_line)
{
    static struct rig rig;

    run(&rig, "unix", "line", NULL);
    expect_counts(&rig, (struct expected){.outcome[MF_OUTCOME_ANSWERED] = 1000});
    rig_done(&rig);
}

static void never_every_tenth(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    if (ping->seq % 10 == 9)
        return;
    server_answer(s, p, ping);
}

BOTH(answers, never)
{
    static struct rig rig;

    rig_init(&rig, transport, "frame");
    rig.plan.messages = 100;
    rig.plan.timeout_ns = 20 * MF_NS_PER_MS;
    rig.plan.drain_ns = 100 * MF_NS_PER_MS;
    rig.server.on_ping = never_every_tenth;
    rig_run(&rig);
    expect_counts(&rig, (struct expected){.outcome[MF_OUTCOME_ANSWERED] = 90, .cause[MF_CAUSE_UNANSWERED] = 10});
    rig_done(&rig);
}

static void twice_every_tenth(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    server_answer(s, p, ping);
    if (ping->seq % 10 != 9)
        return;
    s->unanswered++;
    server_answer(s, p, ping);
}

BOTH(answers, twice)
{
    static struct rig rig;

    run(&rig, transport, "frame", twice_every_tenth);
    expect_counts(&rig, (struct expected){.outcome[MF_OUTCOME_ANSWERED] = 1000, .extra[MF_EXTRA_DUPLICATED] = 100});
    cr_expect(le(u64, rig.server.unanswered_max, WINDOW)); /* a second answer frees no slot */
    rig_done(&rig);
}

static void phantoms(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    struct mf_msg other = *ping;

    if (ping->seq % 10 == 9) {
        other.seq += 1000000;
        s->unanswered += 3;
        server_answer(s, p, &other);
        other = *ping;
        other.stream = 77;
        server_answer(s, p, &other);
        other = *ping;
        other.process = 5;
        server_answer(s, p, &other);
    }
    server_answer(s, p, ping);
}

BOTH(answers, to_pings_never_sent)
{
    static struct rig rig;

    run(&rig, transport, "frame", phantoms);
    expect_counts(&rig, (struct expected){.outcome[MF_OUTCOME_ANSWERED] = 1000, .extra[MF_EXTRA_PHANTOM] = 300});
    cr_expect(le(u64, rig.server.unanswered_max, WINDOW + 3));
    rig_done(&rig);
}

/* Four in a row, the last one first. */
static void backwards(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    server_hold(s, p, ping);
    if (s->held_count < WINDOW)
        return;
    for (uint32_t i = 0; i < WINDOW / 2; i++) {
        struct held swap = s->held[i];
        s->held[i] = s->held[WINDOW - 1 - i];
        s->held[WINDOW - 1 - i] = swap;
    }
    server_release(s);
}

BOTH(answers, out_of_order)
{
    static struct rig rig;

    run(&rig, transport, "frame", backwards);
    expect_counts(&rig, (struct expected){.outcome[MF_OUTCOME_ANSWERED] = 1000, .extra[MF_EXTRA_REORDERED] = 750});
    rig_done(&rig);
}

static void errors_and_lies(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    uint8_t out[1024], payload[64];
    size_t n = server_encode(s, out, ping);
    struct mf_msg other = *ping;

    s->unanswered--;
    switch (ping->seq % 10) {
    case 0: /* damaged on its way */
        out[n - 1] ^= 1;
        break;
    case 1: /* another ping's payload, rightly sealed */
        mf_payload_fill(payload, s->payload_bytes, s->seed, ping->stream, ping->seq + 1);
        other.payload = payload;
        other.kind = MF_MSG_PONG;
        other.has = 7;
        other.version = 1;
        n = s->codec->encode(NULL, out, &other);
        break;
    case 2: /* nothing but an echo */
        n = s->codec->encode(NULL, out, ping);
        break;
    case 3:
        other.kind = MF_MSG_ERROR;
        other.text = "no";
        other.text_bytes = 2;
        n = s->codec->encode(NULL, out, &other);
        break;
    }
    server_send(p, out, n);
}

BOTH(answers, wrong_and_errors)
{
    static struct rig rig;

    run(&rig, transport, "frame", errors_and_lies);
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_ANSWERED], 600));
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_WRONG], 300));
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_ERROR], 100));
    cr_expect(eq(u64, rig.record->extra[MF_EXTRA_PHANTOM], 0));
    rig_done(&rig);
}

static void nonsense_by_line(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    char text[100];

    if (ping->seq % 10 == 0) {
        server_send(p, "hello\n", 6);
    } else if (ping->seq % 10 == 1) {
        snprintf(text, sizeof text, "PONG %u %llu %u v2 - -\n", ping->stream, (unsigned long long)ping->seq,
                 ping->process);
        server_send(p, text, strlen(text));
        s->unanswered--;
        return;
    } else if (ping->seq % 10 == 2) {
        snprintf(text, sizeof text, "ERROR %u %llu too busy\n", ping->stream, (unsigned long long)ping->seq);
        server_send(p, text, strlen(text));
        s->unanswered--;
        return;
    }
    server_answer(s, p, ping);
}

Test(answers, nonsense_by_line)
{
    static struct rig rig;

    run(&rig, "unix", "line", nonsense_by_line);
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_ANSWERED], 800));
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_WRONG], 100));
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_ERROR], 100));
    cr_expect(eq(u64, rig.record->extra[MF_EXTRA_PHANTOM], 100));
    cr_expect(eq(u64, rig.record->opened, 1));
    rig_done(&rig);
}

/* With a window of one, the next ping comes only because the one before has passed its time-out. */
static void too_late(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    if (ping->seq % 10 == 8) {
        server_hold(s, p, ping);
        return;
    }
    server_release(s);
    if (ping->seq % 10 == 9)
        s->unanswered_max = 0; /* from here on a slot that was freed twice would show */
    server_answer(s, p, ping);
}

BOTH(answers, late)
{
    static struct rig rig;

    rig_init(&rig, transport, "frame");
    rig.plan.window = 1;
    rig.plan.messages = 100;
    rig.plan.timeout_ns = 30 * MF_NS_PER_MS;
    rig.server.on_ping = too_late;
    rig_run(&rig);
    cr_expect(ge(u64, rig.record->outcome[MF_OUTCOME_LATE], 10)); /* a stalled machine adds some of its own */
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_LATE] + rig.record->outcome[MF_OUTCOME_ANSWERED], 100));
    cr_expect(le(u64, rig.server.unanswered_max, 1));
    rig_done(&rig);
}

static void hold_every_tenth(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    if (ping->seq % 10 == 9)
        server_hold(s, p, ping); /* never answered: given up with its connection */
    else
        server_answer(s, p, ping);
}

BOTH(pings_per_connection, are_the_load_s_own_doing)
{
    static struct rig rig;

    rig_init(&rig, transport, "frame");
    rig.plan.pings_per_connection = 5;
    rig.plan.messages = 100;
    rig_run(&rig);
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_ANSWERED], 100));
    cr_expect(eq(u64, rig.record->closed_by_load, 20));
    cr_expect(ge(u64, rig.record->opened, 20)); /* and perhaps one more that carries nothing */
    cr_expect(eq(u64, rig.record->reconnects, 0));
    cr_expect(eq(u64, rig.record->closed_idle + rig.record->closed_inflight, 0));
    rig_expect_balance(&rig);
    rig_done(&rig);
}

BOTH(pings_per_connection, give_up_what_is_late)
{
    static struct rig rig;

    rig_init(&rig, transport, "frame");
    rig.plan.pings_per_connection = 1;
    rig.plan.window = 1;
    rig.plan.messages = 50;
    rig.plan.timeout_ns = 200 * MF_NS_PER_MS;
    rig.server.on_ping = hold_every_tenth;
    rig_run(&rig);
    cr_expect(eq(u64, rig.record->lost_by_cause[MF_CAUSE_UNANSWERED], 5));
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_LOST], 5));
    cr_expect(eq(u64, rig.record->closed_by_load, 50));
    rig_expect_balance(&rig);
    rig_done(&rig);
}

/* Holds back from ping AT on, until the whole window is held; then calls `then` once. */
static bool hold_window(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    if (s->has_misbehaved || s->pings < s->at) {
        server_answer(s, p, ping);
        return false;
    }
    server_hold(s, p, ping);
    if (s->held_count < s->window)
        return false;
    s->has_misbehaved = true;
    s->held_count = 0;
    s->unanswered = 0;
    return true;
}

static void fin(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    if (hold_window(s, p, ping))
        peer_close(p);
}

BOTH(ends, with_fin)
{
    static struct rig rig;

    run(&rig, transport, "frame", fin);
    expect_counts(
        &rig, (struct expected){.outcome[MF_OUTCOME_ANSWERED] = 1000 - WINDOW, .cause[MF_CAUSE_INFLIGHT_FIN] = WINDOW});
    cr_expect(eq(u64, rig.record->opened, 2));
    cr_expect(eq(u64, rig.record->reconnects, 1));
    cr_expect(gt(u64, rig.record->reconnect_ns_max, 0));
    cr_expect(eq(u64, rig.record->closed_inflight, 1));
    cr_expect(eq(u64, rig.record->closed_idle, 0));
    cr_expect(eq(u64, rig.record->refused, 0));
    cr_expect(le(u64, rig.server.unanswered_max, WINDOW));
    rig_done(&rig);
}

static void rst(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};

    if (!hold_window(s, p, ping))
        return;
    setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    peer_close(p);
}

Test(ends, with_rst_tcp)
{
    static struct rig rig;

    run(&rig, "tcp", "frame", rst);
    expect_counts(
        &rig, (struct expected){.outcome[MF_OUTCOME_ANSWERED] = 1000 - WINDOW, .cause[MF_CAUSE_INFLIGHT_RST] = WINDOW});
    cr_expect(eq(u64, rig.record->closed_inflight, 1));
    rig_done(&rig);
}

/* A UNIX socket resets when it is closed with something unread: here the ping that took the slot of the one answer. */
static void rst_unread(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    struct mf_msg first = s->held_count ? s->held[0].msg : *ping;

    if (!hold_window(s, p, ping))
        return;
    s->unanswered++;
    server_answer(s, p, &first);
    for (int unread = 0; unread < 64;)
        ioctl(p->fd, FIONREAD, &unread);
    peer_close(p);
}

Test(ends, with_rst_unix)
{
    static struct rig rig;

    run(&rig, "unix", "frame", rst_unread);
    expect_counts(
        &rig, (struct expected){.outcome[MF_OUTCOME_ANSWERED] = 1000 - WINDOW, .cause[MF_CAUSE_INFLIGHT_RST] = WINDOW});
    rig_done(&rig);
}

static void cut(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    uint8_t out[1024];
    struct mf_msg first = s->held_count ? s->held[0].msg : *ping;

    if (!hold_window(s, p, ping))
        return;
    server_encode(s, out, &first);
    server_send(p, out, s->cut_bytes);
    peer_close(p);
}

static void ends_in_the_middle(const char *transport, const char *codec, size_t cut_bytes)
{
    static struct rig rig;

    rig_init(&rig, transport, codec);
    rig.plan.window = WINDOW;
    rig.server.at = AT;
    rig.server.cut_bytes = cut_bytes;
    rig.server.on_ping = cut;
    rig_run(&rig);
    expect_counts(&rig, (struct expected){.outcome[MF_OUTCOME_ANSWERED] = 1000 - WINDOW,
                                          .cause[MF_CAUSE_PARTIAL] = 1,
                                          .cause[MF_CAUSE_INFLIGHT_FIN] = WINDOW - 1});
    rig_done(&rig);
}

BOTH(ends, in_the_middle_of_an_answer)
{
    ends_in_the_middle(transport, "frame", 40);
}

BOTH(ends, at_an_answers_first_bytes)
{
    ends_in_the_middle(transport, "frame", 3);
}

BOTH(ends, in_the_middle_of_a_line)
{
    ends_in_the_middle(transport, "line", 12);
}

static void broken(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    if (hold_window(s, p, ping))
        server_send(p, "HTTP/1.1 200 OK\r\n", 17);
}

BOTH(ends, with_broken_framing)
{
    static struct rig rig;

    run(&rig, transport, "frame", broken);
    expect_counts(&rig, (struct expected){.outcome[MF_OUTCOME_ANSWERED] = 1000 - WINDOW,
                                          .extra[MF_EXTRA_PHANTOM] = 1,
                                          .cause[MF_CAUSE_INFLIGHT_RST] = WINDOW});
    rig_done(&rig);
}

/* Answers that were sent before the end count, also where the end is a reset. */
static void answers_then_end(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    struct held held[WINDOW];
    memcpy(held, s->held, sizeof held);
    uint32_t had = s->held_count;

    if (!hold_window(s, p, ping))
        return;
    for (uint32_t i = 0; i < had && i < WINDOW - 1; i++) {
        s->unanswered++;
        server_answer(s, p, &held[i].msg);
    }
    peer_close(p);
}

BOTH(ends, after_some_answers)
{
    static struct rig rig;

    run(&rig, transport, "frame", answers_then_end);
    /* The last of the window is lost; those that took the freed slots before the end was seen may be. */
    cr_expect(ge(u64, rig.record->outcome[MF_OUTCOME_LOST], 1));
    cr_expect(le(u64, rig.record->outcome[MF_OUTCOME_LOST], WINDOW));
    cr_expect(eq(u64, rig.server.pings + rig.record->lost_by_cause[MF_CAUSE_UNSENT],
                 1000 - (rig.record->outcome[MF_OUTCOME_LOST] - 1 - rig.record->lost_by_cause[MF_CAUSE_UNSENT])));
    rig_done(&rig);
}

static void fin_and_gone(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    if (!hold_window(s, p, ping))
        return;
    server_unlisten(s);
    peer_close(p);
}

/* A closed loop's pings wait through refusals, and no more are made, until the connection has been down for the connect
 * time-out; then each attempt refuses a window. */
BOTH(ends, with_nobody_listening)
{
    static struct rig rig;

    rig_init(&rig, transport, "frame");
    rig.plan.window = WINDOW;
    rig.plan.messages = AT - 1 + WINDOW + 2 * WINDOW;
    rig.plan.connect_timeout_ns = 50 * MF_NS_PER_MS;
    rig.server.at = AT;
    rig.server.on_ping = fin_and_gone;
    rig_run(&rig);
    expect_counts(&rig, (struct expected){.outcome[MF_OUTCOME_ANSWERED] = AT - 1,
                                          .cause[MF_CAUSE_INFLIGHT_FIN] = WINDOW,
                                          .cause[MF_CAUSE_REFUSED] = 2 * WINDOW});
    cr_expect(eq(u64, rig.record->opened, 1));
    cr_expect(ge(u64, rig.record->refused, 4)); /* at 0, 1, 3, 7, 15 ... ms, the last two after the time-out */
    rig_done(&rig);
}

/* All of the test's descriptors lie above this number, so that with this limit no new one can be had. */
#define FEW_DESCRIPTORS 100

static void fin_and_no_descriptors(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    struct rlimit limit;

    if (!hold_window(s, p, ping))
        return;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = FEW_DESCRIPTORS;
    setrlimit(RLIMIT_NOFILE, &limit);
    peer_close(p);
}

BOTH(ends, with_no_descriptor_left)
{
    static struct rig rig;

    rig_init(&rig, transport, "frame");
    rig.plan.window = WINDOW;
    rig.plan.messages = AT - 1 + WINDOW + 2 * WINDOW;
    rig.plan.connect_timeout_ns = 50 * MF_NS_PER_MS;
    rig.server.at = AT;
    rig.server.on_ping = fin_and_no_descriptors;
    while (dup(0) < FEW_DESCRIPTORS)
        continue;
    rig_run(&rig);
    expect_counts(&rig, (struct expected){.outcome[MF_OUTCOME_ANSWERED] = AT - 1,
                                          .outcome[MF_OUTCOME_NOT_SENT] = 2 * WINDOW,
                                          .cause[MF_CAUSE_INFLIGHT_FIN] = WINDOW});
    rig_done(&rig);
}

/* Nobody accepts any more, and the accept queue is full. */
static void fin_and_queue_full(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (!hold_window(s, p, ping))
        return;
    memcpy(address.sun_path, s->path, strlen(s->path));
    listen(s->listener, 1);
    for (int code = 0; code == 0;) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        code = connect(fd, (struct sockaddr *)&address, sizeof address);
        s->plug[s->plugs++] = fd;
    }
    peer_close(p);
}

Test(ends, with_a_full_accept_queue)
{
    static struct rig rig;

    rig_init(&rig, "unix", "frame");
    rig.plan.window = WINDOW;
    rig.plan.messages = AT - 1 + WINDOW + WINDOW;
    rig.plan.connect_timeout_ns = 50 * MF_NS_PER_MS;
    rig.server.at = AT;
    rig.server.on_ping = fin_and_queue_full;
    rig_run(&rig);
    expect_counts(&rig, (struct expected){.outcome[MF_OUTCOME_ANSWERED] = AT - 1,
                                          .cause[MF_CAUSE_INFLIGHT_FIN] = WINDOW,
                                          .cause[MF_CAUSE_CONNECT_TIMEOUT] = WINDOW});
    cr_expect(eq(u64, rig.record->connect_timeouts, 1));
    cr_expect(eq(u64, rig.record->refused, 0));
    rig_done(&rig);
}

/* Reads no further; the end comes when the kernel takes no more from the worker. */
static void deaf(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    int unread = -1, before;

    (void)ping;
    if (s->has_misbehaved)
        return;
    s->has_misbehaved = true;
    do {
        before = unread;
        usleep(20000); /* the worker needs some time to run against the wall; that it has is asserted below */
        ioctl(p->fd, FIONREAD, &unread);
    } while (unread != before);
    peer_close(p);
}

BOTH(ends, before_the_kernel_took_all)
{
    static struct rig rig;

    rig_init(&rig, transport, "frame");
    rig.plan.window = 2000;
    rig.plan.messages = 2000;
    rig.plan.payload_bytes = 10000;
    rig.server.on_ping = deaf;
    rig_run(&rig);
    const struct mf_worker_record *r = rig.record;
    uint64_t unsent = r->lost_by_cause[MF_CAUSE_UNSENT];
    cr_expect(gt(u64, unsent, 0));
    cr_expect(eq(u64, r->lost_by_cause[MF_CAUSE_INFLIGHT_RST], 2000 - unsent));
    cr_expect(eq(u64, atomic_load(&r->written), 2000 - unsent));
    rig_done(&rig);
}

/* With nothing open, a connection's end loses nothing. */
static void answer_then_close(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    server_answer(s, p, ping);
    if (s->pings == 1)
        peer_close(p);
}

BOTH(ends, idle)
{
    static struct rig rig;

    rig_init(&rig, transport, "frame");
    rig.plan.mode = MF_MODE_OPEN;
    rig.plan.rate_per_s = 20;
    rig.plan.messages = 2;
    rig.server.on_ping = answer_then_close;
    rig_run(&rig);
    expect_counts(&rig, (struct expected){.outcome[MF_OUTCOME_ANSWERED] = 2});
    cr_expect(eq(u64, rig.record->closed_idle, 1));
    cr_expect(eq(u64, rig.record->closed_inflight, 0));
    cr_expect(eq(u64, rig.record->reconnects, 1));
    rig_done(&rig);
}
