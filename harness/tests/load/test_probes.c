/* Probes in wire states, against a server that misbehaves when the upgrade comes: what becomes of each is known
 * beforehand. And pings of which a part only is written. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "rig.h"

#define ALL_STATES ((1u << MF_WIRE_STATE_COUNT) - 1)
/* Those that are placed once. `connecting` and `sent` are placed anew until the upgrade is requested: whether the last
 * one came before or after the server changed its ways is a race that no test can decide. */
#define LASTING_STATES (ALL_STATES & ~(1u << MF_WIRE_STATE_CONNECTING | 1u << MF_WIRE_STATE_SENT))

/* What the server does at the upgrade, in its own thread, on the next ordinary ping. */
enum mischief { NOTHING, CLOSE, CLOSE_AND_UNLISTEN, SILENCE, SWALLOW };

static struct rig rig;
static _Atomic int mischief; /* enum mischief; wanted */
static bool upgraded, silent, closes;
static uint32_t swallows; /* bits of the streams whose next ping is taken and never answered */
static sem_t done;

/* The streams of the probes are 1 and on, by state. */
static enum mf_wire_state state_of(const struct mf_msg *ping)
{
    return (enum mf_wire_state)(ping->stream - 1);
}

/* The one that is connecting too, whether it has been accepted by now or not. */
static void others_close(struct server *s, const struct peer *but)
{
    server_accept_all(s);
    for (int i = 0; i < PEERS_MAX; i++)
        if (s->peer[i].fd >= 0 && &s->peer[i] != but)
            peer_close(&s->peer[i]);
}

/* Before the upgrade the pings that stand for `sent` and `connecting` are left unanswered. */
static void on_ping(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    int wanted = ping->stream == 0 ? atomic_exchange(&mischief, -1) : -1;

    if (wanted == CLOSE || wanted == CLOSE_AND_UNLISTEN)
        others_close(s, p);
    if (wanted == CLOSE_AND_UNLISTEN)
        server_unlisten(s);
    if (wanted >= 0) {
        upgraded = true;
        silent = wanted == SILENCE;
        swallows = wanted == SWALLOW ? ~0u : 0;
        for (uint32_t i = 0; wanted == NOTHING && i < s->held_count; i++)
            server_answer(s, s->held[i].peer, &s->held[i].msg);
        s->held_count = 0;
        sem_post(&done);
    }
    if (ping->stream > 0 && (silent || swallows & 1u << ping->stream)) {
        swallows &= ~(1u << ping->stream);
        return;
    }
    bool waits = ping->stream > 0 && (state_of(ping) == MF_WIRE_STATE_CONNECTING ||
                                      (state_of(ping) == MF_WIRE_STATE_SENT && ping->seq > 0));
    if (waits && !upgraded)
        server_hold(s, p, ping);
    else
        server_answer(s, p, ping);
}

static void round_open(const char *transport, const char *codec, uint32_t states)
{
    rig_init(&rig, transport, codec);
    rig.plan.mode = MF_MODE_OPEN;
    rig.plan.rate_per_s = 500;
    rig.plan.messages = 0;
    rig.plan.probes = states;
    rig.plan.streams = 1 + (uint32_t)__builtin_popcount(states);
    rig.plan.timeout_ns = 100 * MF_NS_PER_MS;
    rig.plan.connect_timeout_ns = 200 * MF_NS_PER_MS;
    rig.plan.pipeline = rig.plan.pipeline > 0; /* http1: one at a time */
    rig.server.closes = closes;
    rig.server.on_ping = on_ping;
    atomic_store(&mischief, -1);
    upgraded = silent = false;
    sem_init(&done, 0, 0);
    rig_start(&rig);
    rig_expect_line(&rig, "ready");
    rig_go(&rig);
    rig_say_k(&rig, "probe", 0);
    rig_expect_line(&rig, "placed");
}

static void upgrade(enum mischief wanted)
{
    atomic_store(&mischief, wanted);
    while (sem_wait(&done) != 0)
        ;
}

/* The next order is answered when the probes of this one are judged. */
static const struct mf_worker_record *round_close(void)
{
    const struct mf_worker_record *probes = mf_recorder_worker(&rig.recorder, 1);

    rig_say_k(&rig, "release", 0);
    rig_say_k(&rig, "probe", 1);
    rig_expect_line(&rig, "placed");
    rig_say(&rig, "stop");
    rig_expect_line(&rig, "finished");
    rig_join_worker(&rig);
    cr_assert(eq(int, rig.worker_result, 0), "%s", rig.worker_error.text);
    rig_expect_balance(&rig);
    rig_expect_books(probes);
    for (int i = 0; i < MF_WIRE_STATE_COUNT; i++) {
        uint64_t outcomes = 0;
        for (int o = 0; o < MF_OUTCOME_COUNT; o++)
            outcomes += probes->wire[i].outcome[o];
        cr_expect(eq(u64, probes->wire[i].placed, outcomes), "%s", mf_wire_state_keys[i]);
    }
    return probes;
}

struct wanted {
    int placed, answered, lost_by[MF_CAUSE_COUNT], renewed, renewed_answered;
};

static void expect(const struct mf_worker_record *probes, const struct wanted wanted[MF_WIRE_STATE_COUNT])
{
    for (int i = 0; i < MF_WIRE_STATE_COUNT; i++) {
        const struct mf_wire_tally *t = &probes->wire[i];
        const char *key = mf_wire_state_keys[i];
        cr_expect(eq(int, (int)t->placed, wanted[i].placed), "%s placed", key);
        cr_expect(eq(int, (int)t->outcome[MF_OUTCOME_ANSWERED], wanted[i].answered), "%s answered", key);
        /* FIN or RST? A server that closes before it has read the ping resets: for the two that are placed last, that
         * is a race, and the sum is what is known. */
        bool races = i == MF_WIRE_STATE_CONNECTING || i == MF_WIRE_STATE_SENT;
        cr_expect(eq(int, (int)(t->lost_by_cause[MF_CAUSE_INFLIGHT_FIN] + t->lost_by_cause[MF_CAUSE_INFLIGHT_RST]),
                     wanted[i].lost_by[MF_CAUSE_INFLIGHT_FIN] + wanted[i].lost_by[MF_CAUSE_INFLIGHT_RST]),
                  "%s ended", key);
        for (int c = 0; c < MF_CAUSE_COUNT; c++)
            if (!races || (c != MF_CAUSE_INFLIGHT_FIN && c != MF_CAUSE_INFLIGHT_RST))
                cr_expect(eq(int, (int)t->lost_by_cause[c], wanted[i].lost_by[c]), "%s %s", key, mf_cause_keys[c]);
        cr_expect(eq(int, (int)t->new_connection, wanted[i].renewed), "%s renewed", key);
        cr_expect(eq(int, (int)t->new_connection_answered, wanted[i].renewed_answered), "%s renewed, answered", key);
    }
}

#define LOST(cause) .lost_by[MF_CAUSE_##cause] = 1

static void nothing_happens(const char *transport, const char *codec)
{
    static const struct wanted good[MF_WIRE_STATE_COUNT] = {{1, 1, {0}, 0, 0}, {1, 1, {0}, 0, 0}, {1, 1, {0}, 0, 0},
                                                            {1, 1, {0}, 0, 0}, {1, 1, {0}, 0, 0}, {1, 1, {0}, 0, 0}};
    round_open(transport, codec, ALL_STATES);
    atomic_store(&rig.recorder.header->requested, 1);
    upgrade(NOTHING);
    const struct mf_worker_record *probes = round_close();
    expect(probes, good);
    cr_expect(eq(u64, probes->extra[MF_EXTRA_PHANTOM] + probes->extra[MF_EXTRA_DUPLICATED], 0));
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_LOST], rig.record->lost_by_cause[MF_CAUSE_UNANSWERED]));
    rig_done(&rig);
}

Test(probes, all_answered_where_nothing_happens)
{
    nothing_happens("unix", "frame");
    nothing_happens("tcp", "frame");
    nothing_happens("unix", "line");
    nothing_happens("tcp", "http1");
}

static void connections_end(const char *transport, const char *codec)
{
    static const struct wanted ended[MF_WIRE_STATE_COUNT] = {
        [MF_WIRE_STATE_CONNECTING] = {1, 0, LOST(INFLIGHT_FIN), .renewed = 1, .renewed_answered = 1},
        [MF_WIRE_STATE_CONNECTED_IDLE] = {1, 1, .renewed = 1, .renewed_answered = 1},
        [MF_WIRE_STATE_HALF_SENT] = {1, 0, LOST(UNSENT), .renewed = 1, .renewed_answered = 1},
        [MF_WIRE_STATE_SENT] = {1, 0, LOST(INFLIGHT_FIN), .renewed = 1, .renewed_answered = 1},
        [MF_WIRE_STATE_HALF_ANSWERED] = {1, 1, .renewed = 1, .renewed_answered = 1},
        [MF_WIRE_STATE_ANSWERED_IDLE] = {1, 1, .renewed = 1, .renewed_answered = 1},
    };
    round_open(transport, codec, ALL_STATES);
    atomic_store(&rig.recorder.header->requested, 1);
    upgrade(CLOSE);
    expect(round_close(), ended);
    rig_done(&rig);
}

Test(probes, each_by_its_cause_where_connections_end)
{
    connections_end("unix", "frame");
    connections_end("tcp", "frame");
    connections_end("unix", "http1");
    connections_end("tcp", "http1");
}

/* A server that ends every connection behind its answer: nothing can stand idle behind one, and all the others can be
 * placed. */
Test(probes, where_every_answer_is_its_connections_last)
{
    static const struct wanted closing[MF_WIRE_STATE_COUNT] = {
        [MF_WIRE_STATE_CONNECTING] = {1, 1, .renewed = 1, .renewed_answered = 1},
        [MF_WIRE_STATE_CONNECTED_IDLE] = {1, 1, .renewed = 0},
        [MF_WIRE_STATE_HALF_SENT] = {1, 1, .renewed = 1, .renewed_answered = 1},
        [MF_WIRE_STATE_SENT] = {1, 1, .renewed = 1, .renewed_answered = 1},
        [MF_WIRE_STATE_HALF_ANSWERED] = {1, 1, .renewed = 1, .renewed_answered = 1},
    };
    closes = true;
    round_open("tcp", "http1", ALL_STATES);
    atomic_store(&rig.recorder.header->requested, 1);
    upgrade(NOTHING);
    expect(round_close(), closing);
    closes = false;
    rig_done(&rig);
}

Test(probes, nobody_listens_any_more)
{
    static const struct wanted gone[MF_WIRE_STATE_COUNT] = {
        [MF_WIRE_STATE_CONNECTING] = {1, 0, LOST(INFLIGHT_FIN), .renewed = 1},
        [MF_WIRE_STATE_CONNECTED_IDLE] = {1, 0, LOST(REFUSED), .renewed = 1},
        [MF_WIRE_STATE_HALF_SENT] = {1, 0, LOST(UNSENT), .renewed = 1},
        [MF_WIRE_STATE_SENT] = {1, 0, LOST(INFLIGHT_FIN), .renewed = 1},
        [MF_WIRE_STATE_HALF_ANSWERED] = {1, 1, .renewed = 1},
        [MF_WIRE_STATE_ANSWERED_IDLE] = {1, 0, LOST(REFUSED), .renewed = 1},
    };
    round_open("unix", "frame", ALL_STATES);
    atomic_store(&rig.recorder.header->requested, 1);
    upgrade(CLOSE_AND_UNLISTEN);
    expect(round_close(), gone);
    rig_done(&rig);
}

Test(probes, silence_is_unanswered)
{
    static const struct wanted silence[MF_WIRE_STATE_COUNT] = {
        [MF_WIRE_STATE_CONNECTING] = {1, 0, LOST(UNANSWERED), .renewed = 1},
        [MF_WIRE_STATE_CONNECTED_IDLE] = {1, 0, LOST(UNANSWERED), .renewed = 1},
        [MF_WIRE_STATE_HALF_SENT] = {1, 0, LOST(UNANSWERED), .renewed = 1},
        [MF_WIRE_STATE_SENT] = {1, 0, LOST(UNANSWERED), .renewed = 1},
        [MF_WIRE_STATE_HALF_ANSWERED] = {1, 1, .renewed = 1},
        [MF_WIRE_STATE_ANSWERED_IDLE] = {1, 0, LOST(UNANSWERED), .renewed = 1},
    };
    round_open("unix", "frame", ALL_STATES);
    atomic_store(&rig.recorder.header->requested, 1);
    upgrade(SILENCE);
    expect(round_close(), silence);
    rig_done(&rig);
}

/* The first ping after the upgrade gets lost in the target, the connection does not: nobody needs a new one. */
Test(probes, a_lost_ping_is_no_lost_connection)
{
    static const struct wanted lost[MF_WIRE_STATE_COUNT] = {
        [MF_WIRE_STATE_CONNECTED_IDLE] = {1, 0, LOST(UNANSWERED)},
        [MF_WIRE_STATE_HALF_SENT] = {1, 0, LOST(UNANSWERED)},
        [MF_WIRE_STATE_HALF_ANSWERED] = {1, 1, {0}, 0, 0},
        [MF_WIRE_STATE_ANSWERED_IDLE] = {1, 0, LOST(UNANSWERED)},
    };
    round_open("unix", "frame", LASTING_STATES);
    atomic_store(&rig.recorder.header->requested, 1);
    upgrade(SWALLOW);
    expect(round_close(), lost);
    rig_done(&rig);
}

static uint64_t seen(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED); /* the worker's thread writes it */
}

/* What ended a connection before the request was not the upgrade: nothing is claimed of these. (Of half_answered it
 * can't be known: nothing more is read there.) */
Test(probes, what_ended_too_early_was_not_placed)
{
    static const struct wanted early[MF_WIRE_STATE_COUNT] = {
        [MF_WIRE_STATE_HALF_ANSWERED] = {1, 1, .renewed = 1, .renewed_answered = 1}};

    round_open("unix", "frame", ALL_STATES);
    const struct mf_worker_record *section = mf_recorder_worker(&rig.recorder, 1);
    upgrade(CLOSE);
    while (seen(&section->closed_idle) + seen(&section->closed_inflight) < MF_WIRE_STATE_COUNT - 1)
        sched_yield();
    /* the last end has been counted; when the worker has woken up since, it has been drawn a conclusion from, too */
    for (uint64_t wakeups = seen(&rig.record->wakeups); seen(&rig.record->wakeups) < wakeups + 2;)
        sched_yield();
    atomic_store(&rig.recorder.header->requested, 1);
    expect(round_close(), early);
    rig_done(&rig);
}

Test(probes, only_those_that_are_wanted)
{
    round_open("unix", "frame", 1u << MF_WIRE_STATE_CONNECTING);
    atomic_store(&rig.recorder.header->requested, 1);
    upgrade(NOTHING);
    const struct mf_worker_record *probes = round_close();
    cr_expect(eq(u64, probes->wire[MF_WIRE_STATE_CONNECTING].placed, 1));
    cr_expect(eq(u64, probes->wire[MF_WIRE_STATE_CONNECTED_IDLE].placed, 0));
    rig_done(&rig);
}

Test(probes, an_order_without_probes_is_refused)
{
    rig_init(&rig, "unix", "frame");
    rig.server.on_ping = NULL;
    rig.plan.messages = 1000000;
    rig_start(&rig);
    rig_expect_line(&rig, "ready");
    rig_go(&rig);
    rig_say_k(&rig, "probe", 0);
    rig_expect_line(&rig, "error");
    rig_join_worker(&rig);
    cr_expect(eq(int, rig.worker_result, -1));
    rig_done(&rig);
}

/* --- a part of a ping --------------------------------------------------------------------------------------------- */

static void half_open(const char *codec)
{
    rig_init(&rig, "unix", codec);
    rig.plan.messages = 50;
    rig.plan.window = 3;
    rig.plan.points = 1;
    rig.plan.point[0] = (struct mf_plan_point){.kind = MF_PLAN_POINT_HALF, .point = 4, .first = 20, .count = 1};
    rig_start(&rig);
    rig_expect_line(&rig, "ready");
    rig_go(&rig);
}

static void half_goes_on_when_its_upgrade_has_ended(const char *codec)
{
    half_open(codec);
    struct mf_half_mark *mark = &rig.record->half;
    while (atomic_load(&mark->armed) != 1)
        sched_yield();
    /* those that were sent before it are answered, and none goes by it */
    while (atomic_load(&rig.record->resolved) < 19)
        sched_yield();
    cr_expect(eq(u32, mark->point, 4));
    cr_expect(eq(u64, mark->seq, 19));
    cr_expect(eq(u64, atomic_load(&rig.record->written), 19));
    struct mf_upgrade_log *log = &rig.recorder.log[0];
    log->has_trigger = true;
    log->trigger_stage = MF_POINT_STAGE_HALF_RECEIVED;
    log->trigger_seq = mark->seq;
    atomic_store(&rig.recorder.header->requested, 1);
    atomic_store(&mark->armed, 2);
    /* whoever looks at it twice has seen that the upgrade is under way */
    uint64_t wakeups = seen(&rig.record->wakeups);
    while (seen(&rig.record->wakeups) < wakeups + 3)
        sched_yield();
    cr_expect(eq(u64, atomic_load(&rig.record->written), 19));
    atomic_store(&log->outcome, MF_UPGRADE_COMMITTED);
    rig_expect_line(&rig, "finished");
    rig_stop(&rig);
    rig_expect_balance(&rig);
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_ANSWERED], 50));
    rig_done(&rig);
}

Test(half, goes_on_when_its_upgrade_has_ended)
{
    half_goes_on_when_its_upgrade_has_ended("frame");
    half_goes_on_when_its_upgrade_has_ended("line");
}

Test(half, goes_on_where_nothing_is_fired)
{
    half_open("frame");
    rig_stop(&rig); /* the time-out of the rig is long: stop is what ends it */
    rig_done(&rig);

    rig_init(&rig, "unix", "frame");
    rig.plan.timeout_ns = 100 * MF_NS_PER_MS;
    rig.plan.messages = 50;
    rig.plan.points = 1;
    rig.plan.point[0] = (struct mf_plan_point){.kind = MF_PLAN_POINT_HALF, .point = 4, .first = 20, .count = 1};
    rig_run(&rig);
    cr_expect(eq(u64, rig.record->due, 50));
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_LOST], 0));
    rig_done(&rig);
}
