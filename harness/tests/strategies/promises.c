/* The promises about messages, state, processes and code. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "conformance.h"
#include "fixture.h"
#include "strategies/flags.h"

static uint64_t sum(const struct client *c, size_t at, size_t of_asked)
{
    uint64_t total = 0;
    for (uint32_t s = 0; s < STREAMS; s++) {
        if (of_asked == SIZE_MAX)
            total += *(const uint64_t *)((const char *)&c->stream[s] + at);
        for (int i = 0; of_asked != SIZE_MAX && i < ASKED; i++)
            total += *(const uint64_t *)((const char *)&c->stream[s].asked[i] + of_asked);
    }
    return total;
}
#define OF_STREAMS(c, member)   sum(c, offsetof(struct stream, member), SIZE_MAX)
#define OF_PROCESSES(c, member) sum(c, 0, offsetof(struct asked, member))

/* Whatever a strategy does, no answer may be wrong, double or out of its process's order. */
static void check_answers(const struct client *c)
{
    cr_expect(eq(u64, OF_STREAMS(c, wrong), 0));
    cr_expect(eq(u64, OF_STREAMS(c, duplicated), 0));
    cr_expect(eq(u64, OF_PROCESSES(c, reordered), 0));
}

static void check_versions(const struct client *c, uint32_t version)
{
    for (uint32_t s = 0; s < STREAMS; s++)
        for (int i = 0; i < ASKED; i++)
            cr_expect(eq(u32, c->stream[s].asked[i].version, version), "stream %u", s);
}

static void check_kept(const struct client *c, unsigned flags)
{
    if (!(flags & KEEPS_MESSAGES))
        return;
    cr_expect(eq(u64, client_lost(c), 0));
    cr_expect(eq(u64, c->closed, 0), "a connection ended");
}

/* With every answer counted, a process's count is how many it has given in its life. */
static bool counts_go_on(const struct client *c)
{
    for (uint32_t s = 0; s < STREAMS; s++)
        for (int i = 0; i < ASKED; i++)
            if (c->stream[s].asked[i].count != c->stream[s].asked[i].answered)
                return false;
    return OF_PROCESSES(c, went_back) == 0;
}

static void check_log(const struct node *n, uint32_t k, unsigned flags)
{
    const struct mf_upgrade_log *log = &n->rec.log[k];
    cr_expect(eq(u32, atomic_load(&log->outcome), MF_UPGRADE_COMMITTED), "%s", log->reason);
    cr_expect(eq(u32, atomic_load(&n->rec.header->committed), k + 1));
    cr_expect(
        ge(u64, atomic_load(&log->phase_ns[MF_PHASE_COMMITTED]), atomic_load(&log->phase_ns[MF_PHASE_REQUESTED])));
    cr_expect(eq(u64, atomic_load(&log->phase_ns[MF_PHASE_ROLLED_BACK]), 0));
    cr_expect(eq(u64, atomic_load(&log->phase_ns[MF_PHASE_FAILED]), 0));
    cr_expect(ne(u32, log->pid_before, 0));
    cr_expect(eq(u32, log->pid_after, node_worker(n)));
    cr_expect(eq(int, log->made_anew == 0, (flags & KEEPS_PROCESSES) != 0));
    if (flags & KEEPS_OS_PROCESS) {
        cr_expect(eq(u32, log->pid_before, log->pid_after));
        cr_expect(eq(u32, log->threads_ended, 0));
    }
    cr_expect(eq(u32, log->threads_before, 3), "two schedulers and the I/O thread");
    cr_expect(eq(u32, log->threads_after, 3));
    cr_expect(eq(int, log->threads_id_before == log->threads_id_after, log->threads_ended == 0), "who they are");
    if (flags & KEEPS_MESSAGES)
        cr_expect(ge(u32, log->queued, 1), "a message was held, and others stood behind it");
}

static void rounds(struct client *c, int n)
{
    for (int i = 0; i < n; i++)
        for (uint32_t s = 0; s < STREAMS; s++)
            client_ping(c, s, 64);
}

void check_held(const char *strategy, unsigned flags)
{
    struct node n;
    struct node_setup setup = {.strategy = strategy,
                               .modules = {MODULE_V1, MODULE_V2},
                               .point = "stage:0:dequeued:20:0:1:1:100",
                               .upgrades = 1,
                               .to = {1}};
    node_start(&n, &setup);
    struct client *c = client_open(&n);
    rounds(c, ASKED);
    client_drain(c); /* each process has shown who it is */
    check_versions(c, 1);
    rounds(c, 10);
    node_await(&n, "fired", 0, NULL, NULL, 0);
    node_await(&n, "ended", 0, NULL, NULL, 0);
    client_fence(c);

    const struct mf_upgrade_log *log = &n.rec.log[0];
    check_answers(c);
    check_kept(c, flags);
    check_versions(c, flags & EXCHANGES ? 2 : 1);
    check_log(&n, 0, flags);
    cr_expect(eq(int, counts_go_on(c), (flags & KEEPS_STATE) != 0), "state");
    cr_expect(eq(int, OF_PROCESSES(c, remade) == 0, (flags & KEEPS_PROCESSES) != 0), "instances");
    cr_assert(log->has_trigger && log->trigger_held);
    cr_expect(eq(int, c->stream[log->trigger_stream].seen[log->trigger_seq], (flags & ANSWERS_TRIGGER) != 0),
              "trigger");
    client_close(c);
    node_stop(&n);
}

void check_value(const char *strategy, unsigned flags)
{
    struct node n;
    struct node_setup setup = {.strategy = strategy,
                               .modules = {MODULE_V1, MODULE_V2},
                               .point = "value:0:dequeued:4:0:1:1:100",
                               .upgrades = 1,
                               .to = {1}};
    node_start(&n, &setup);
    struct client *c = client_open(&n);
    for (int i = 0; i < 4; i++) {
        client_ping(c, 0, 0);
        client_drain(c);
    }
    uint64_t trigger = client_ping(c, 0, 0);
    cr_assert(eq(u64, trigger, 4));
    node_await(&n, "fired", 0, NULL, NULL, 0);
    node_await(&n, "ended", 0, NULL, NULL, 0);
    if (flags & ANSWERS_TRIGGER) {
        client_drain(c);
        cr_expect(eq(u32, c->stream[0].seen[trigger], 1));
        /* where the OS process is replaced by another the old one answers before it goes */
        uint32_t version = (flags & EXCHANGES) && (flags & KEEPS_MESSAGES) ? 2 : 1;
        cr_expect(eq(u32, c->stream[0].asked[trigger % ASKED].version, version));
    }
    client_fence(c);
    cr_expect(eq(int, c->stream[0].seen[trigger], (flags & ANSWERS_TRIGGER) != 0));
    check_answers(c);
    check_kept(c, flags);
    check_versions(c, flags & EXCHANGES ? 2 : 1);
    client_close(c);
    node_stop(&n);
}

#define LOAD_UPGRADES 20
#define LOAD_BETWEEN  500
#define LOAD_WINDOW   64
#define PATIENCE_MS   30000

void check_load(const char *strategy, unsigned flags)
{
    struct node n;
    struct node_setup setup = {
        .strategy = strategy, .modules = {MODULE_V1, MODULE_V2, MODULE_V3}, .upgrades = LOAD_UPGRADES};
    uint32_t modules = flags & SAME_LAYOUT ? 2 : 3;
    for (uint32_t k = 0; k < LOAD_UPGRADES; k++)
        setup.to[k] = (k + 1) % modules;
    node_start(&n, &setup);
    struct client *c = client_open(&n);
    for (uint32_t k = 0, s = 0; k < LOAD_UPGRADES; k++) {
        uint64_t until = OF_STREAMS(c, sent) + LOAD_BETWEEN;
        for (; OF_STREAMS(c, sent) < until; s = (s + 1) % STREAMS) {
            while (client_outstanding(c) >= LOAD_WINDOW)
                cr_assert(client_read(c, PATIENCE_MS), "no answer comes any more");
            client_ping(c, s, 64);
        }
        if (flags & KEEPS_MESSAGES) { /* nobody waits for it */
            node_upgrade(&n, k);
        } else {
            client_exchange(c, &n, k);
            client_fence(c);
        }
    }
    if (flags & KEEPS_MESSAGES)
        node_await(&n, "ended", LOAD_UPGRADES - 1, NULL, NULL, 0);
    client_fence(c);
    for (uint32_t k = 0; k < LOAD_UPGRADES; k++)
        cr_expect(eq(u32, atomic_load(&n.rec.log[k].outcome), MF_UPGRADE_COMMITTED), "%u: %s", k, n.rec.log[k].reason);
    check_answers(c);
    check_kept(c, flags);
    check_versions(c, flags & EXCHANGES ? 1 + LOAD_UPGRADES % modules : 1);
    if (flags & KEEPS_MESSAGES)
        cr_expect(eq(u64, OF_STREAMS(c, overtaken), 0));
    if ((flags & KEEPS_STATE) && (flags & KEEPS_MESSAGES))
        cr_expect(counts_go_on(c));
    client_close(c);
    node_stop(&n);
}

#define LONG_PINGS         12
#define LONG_PAYLOAD_BYTES 60000 /* together more than a UNIX socket buffers */

void check_partial(const char *strategy, unsigned flags)
{
    struct node n;
    struct node_setup setup = {.strategy = strategy,
                               .modules = {MODULE_V1, flags & SAME_LAYOUT ? MODULE_V2 : MODULE_V3},
                               .upgrades = 2,
                               .to = {1, 0}};
    if (!(flags & KEEPS_MESSAGES))
        return; /* nothing is promised for either half */
    node_start(&n, &setup);
    struct client *c = client_open(&n);
    for (uint32_t k = 0; k < 2; k++) {
        /* the node has answers that the kernel does not take, on the connection of stream 0, and half a ping on the
         * other */
        uint64_t flushed = atomic_load(&n.rec.node->reached[MF_STAGE_REPLIED]);
        for (int i = 0; i < LONG_PINGS; i++)
            client_ping(c, 0, LONG_PAYLOAD_BYTES);
        client_ping_begin(c, STREAMS - 1, k ? 5 : 30);
        node_await_reached(&n, MF_STAGE_REPLIED, flushed + LONG_PINGS);
        cr_expect(lt(u64, atomic_load(&n.rec.node->reached[MF_STAGE_FLUSHED]), flushed + LONG_PINGS));
        node_upgrade(&n, k);
        node_await(&n, "ended", k, NULL, NULL, 0);
        cr_expect(eq(u32, atomic_load(&n.rec.log[k].outcome), MF_UPGRADE_COMMITTED), "%s", n.rec.log[k].reason);
        client_ping_finish(c, STREAMS - 1, k ? 5 : 30);
        client_drain(c);
    }
    client_fence(c);
    check_answers(c);
    check_kept(c, flags);
    cr_expect(counts_go_on(c));
    client_close(c);
    node_stop(&n);
}

void check_layouts(const char *strategy, unsigned flags)
{
    struct node n;
    struct node_setup setup = {
        .strategy = strategy, .modules = {MODULE_V1, MODULE_V2, MODULE_V3}, .upgrades = 3, .to = {1, 2, 0}};
    node_start(&n, &setup);
    struct client *c = client_open(&n);
    for (uint32_t k = 0; k < 3; k++) {
        rounds(c, 5);
        client_drain(c);
        rounds(c, 1); /* under way, or queued */
        bool refused = (flags & SAME_LAYOUT) && k == 1;
        cr_expect(eq(int, (int)client_exchange(c, &n, k), refused ? MF_UPGRADE_ROLLED_BACK : MF_UPGRADE_COMMITTED),
                  "%s", n.rec.log[k].reason);
        client_fence(c);
        check_versions(c, !(flags & EXCHANGES) ? 1 : refused ? 2 : 1 + (k + 1) % 3);
        if (flags & KEEPS_STATE)
            cr_expect(eq(u64, OF_PROCESSES(c, went_back), 0));
        if ((flags & KEEPS_STATE) && (flags & EXCHANGES) && !(flags & SAME_LAYOUT) && k > 0) /* to v3, and back */
            cr_expect(eq(u32, n.rec.log[k].converted, 8));
    }
    check_answers(c);
    check_kept(c, flags);
    client_close(c);
    node_stop(&n);
}

void check_back_to_back(const char *strategy, unsigned flags)
{
    struct node n;
    struct node_setup setup = {.strategy = strategy, .modules = {MODULE_V1, MODULE_V2}, .upgrades = 3, .to = {1, 0, 1}};
    node_start(&n, &setup);
    struct client *c = client_open(&n);
    rounds(c, 5);
    client_drain(c);
    node_upgrade(&n, 0);
    node_upgrade(&n, 1);
    cr_expect(eq(int, (int)client_exchange(c, &n, 2), MF_UPGRADE_COMMITTED), "%s", n.rec.log[2].reason);
    client_fence(c);
    for (uint32_t k = 0; k < 2; k++) {
        const struct mf_upgrade_log *log = &n.rec.log[k];
        cr_expect(eq(u32, atomic_load(&log->outcome), MF_UPGRADE_COMMITTED), "%u: %s", k, log->reason);
        cr_expect(le(u64, atomic_load(&log->phase_ns[MF_PHASE_COMMITTED]),
                     atomic_load(&n.rec.log[k + 1].phase_ns[MF_PHASE_COMMITTED])));
    }
    check_answers(c);
    check_kept(c, flags);
    check_versions(c, flags & EXCHANGES ? 2 : 1);
    client_close(c);
    node_stop(&n);
}
