/* handoff and reuseport: what their rows in the list do not say. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <string.h>

#include "fixture.h"

#define BROKEN(name) MIDFLIGHT_BINARY_DIR "/modules/broken/" name ".so"

static void ping_all(struct client *c, int n)
{
    for (int i = 0; i < n; i++)
        for (uint32_t s = 0; s < STREAMS; s++)
            client_ping(c, s, 64);
}

/* A newcomer that cannot take over, after one that could: the one that serves goes on, and nobody has noticed. */
static void check_unnoticed(const char *strategy, const char *module)
{
    struct node n;
    if (MIDFLIGHT_SANITIZE[0] && strstr(module, "crashes"))
        return; /* a sanitizer tells of each crash, and ctest takes that for one of ours */
    struct node_setup setup = {
        .strategy = strategy, .modules = {MODULE_V1, MODULE_V2, module}, .upgrades = 3, .to = {1, 2, 0}};
    node_start(&n, &setup);
    struct client *c = client_open(&n);
    ping_all(c, 10);
    cr_assert(eq(int, (int)client_exchange(c, &n, 0), MF_UPGRADE_COMMITTED), "%s", n.rec.log[0].reason);
    client_fence(c);
    uint64_t closed = c->closed, lost = client_lost(c);
    uint32_t pid = node_worker(&n);
    cr_expect(eq(int, (int)client_exchange(c, &n, 1), MF_UPGRADE_ROLLED_BACK), "%s", n.rec.log[1].reason);
    cr_expect(ne(chr, n.rec.log[1].reason[0], 0));
    cr_expect(eq(u32, node_worker(&n), pid));
    cr_expect(eq(u32, n.rec.log[1].converted, 0));
    client_fence(c);
    cr_expect(eq(u64, c->closed, closed));
    cr_expect(eq(u64, client_lost(c), lost));
    cr_expect(eq(int, (int)client_exchange(c, &n, 2), MF_UPGRADE_COMMITTED), "%s", n.rec.log[2].reason);
    client_fence(c);
    cr_expect(eq(u32, c->stream[0].asked[0].version, 1));
    client_close(c);
    node_stop(&n);
}

#define UNNOTICED(strategy, id, module)                                                                                \
    Test(strategy, module, .timeout = 120)                                                                             \
    {                                                                                                                  \
        check_unnoticed(id, BROKEN(#module));                                                                          \
    }
UNNOTICED(handoff_from, "handoff", init_crashes)
UNNOTICED(handoff_from, "handoff", init_hangs)
UNNOTICED(handoff_from, "handoff", convert_fails)
UNNOTICED(handoff_from, "handoff", convert_crashes)
UNNOTICED(handoff_from, "handoff", convert_hangs)
UNNOTICED(reuseport_from, "reuseport", init_crashes)
UNNOTICED(reuseport_from, "reuseport", init_hangs)

/* More descriptors than one packet carries. */
Test(handoff_from, many_connections, .timeout = 120)
{
    struct node n;
    struct node_setup setup = {.strategy = "handoff", .modules = {MODULE_V1, MODULE_V2}, .upgrades = 2, .to = {1, 0}};
    struct client *crowd[300];
    node_start(&n, &setup);
    for (size_t i = 0; i < sizeof crowd / sizeof *crowd; i++)
        crowd[i] = client_open(&n);
    for (uint32_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < sizeof crowd / sizeof *crowd; i++)
            client_ping(crowd[i], i % STREAMS, 64);
        cr_expect(eq(int, (int)client_exchange(crowd[0], &n, k), MF_UPGRADE_COMMITTED), "%s", n.rec.log[k].reason);
        for (size_t i = 0; i < sizeof crowd / sizeof *crowd; i++) {
            client_ping(crowd[i], STREAMS - 1, 64);
            client_drain(crowd[i]);
            cr_expect(eq(u64, crowd[i]->closed, 0));
            cr_expect(eq(u64, client_lost(crowd[i]), 0));
        }
    }
    for (size_t i = 0; i < sizeof crowd / sizeof *crowd; i++)
        client_close(crowd[i]);
    node_stop(&n);
}
