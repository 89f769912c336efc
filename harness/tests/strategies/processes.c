/* Who dies with whom, who lingers, who stays out of it: the command line's options about processes. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "fixture.h"

#define MODULES        MIDFLIGHT_BINARY_DIR "/harness/tests/"
#define MODULE_CRASHER MODULES "strategies-crasher.so"
#define MODULE_LISTER  MODULES "strategies-lister-1.so"

static struct node n;

static void rounds(struct client *c, int times)
{
    for (int i = 0; i < times; i++)
        for (uint32_t s = 0; s < STREAMS; s++)
            client_ping(c, s, 64);
}

/* Stream s asks the processes s and s + STREAMS. */
static const struct asked *asked_of(const struct client *c, uint32_t process)
{
    return &c->stream[process % STREAMS].asked[process / STREAMS];
}

/* Bit p: process p has been made anew. */
static unsigned made_anew(const struct client *c)
{
    unsigned processes = 0;
    for (uint32_t p = 0; p < STREAMS * ASKED; p++) {
        cr_expect(le(u64, asked_of(c, p)->remade, 1), "process %u", p);
        processes |= (asked_of(c, p)->remade > 0) << p;
    }
    return processes;
}

static void stop(struct client *c)
{
    client_close(c);
    node_stop(&n);
}

/* --- deaths --- */

/* Process 4 crashes (stream 0's ping number 5 is for it). */
static void crash(const char *const options[], unsigned expected)
{
    struct node_setup setup = {.strategy = "none", .modules = {MODULE_CRASHER}, .upgrades = 1};
    memcpy(setup.options, options, sizeof setup.options);
    node_start(&n, &setup);
    struct client *c = client_open(&n);
    rounds(c, 4);
    client_drain(c);
    client_ping(c, 0, 64);
    client_ping(c, 0, 13);
    node_await_reached(&n, MF_STAGE_DEQUEUED, 4 * STREAMS + 2); /* so that nothing queues behind it */
    rounds(c, ASKED);                                           /* each shows who it is */
    client_fence(c);
    cr_expect(eq(u64, client_lost(c), 1), "the ping that it crashed over");
    cr_expect(eq(u64, c->closed, 0));
    cr_expect(eq(uint, made_anew(c), expected));
    stop(c);
}

Test(processes, one_crashes_alone)
{
    crash((const char *const[8]){"--group", "4"}, 1u << 4);
}

/* Two neighbours on a scheduler: 0 and 2, 4 and 6, 1 and 3, 5 and 7. */
Test(processes, one_for_all_takes_the_group)
{
    crash((const char *const[8]){"--group", "2", "--supervision", "one-for-all"}, 1u << 4 | 1u << 6);
}

Test(processes, links_take_their_neighbours)
{
    crash((const char *const[8]){"--group", "4", "--links"}, 1u << 0 | 1u << 2 | 1u << 4 | 1u << 6);
}

Test(processes, the_control_group_dies_with_nobody)
{
    crash((const char *const[8]){"--group", "4", "--links", "--control-group", "2"}, 1u << 0 | 1u << 2 | 1u << 4);
}

/* --- lingering --- */

Test(processes, soft_purge_leaves_lingerers_and_refuses_a_third_version)
{
    struct node_setup setup = {.strategy = "two-version",
                               .modules = {MODULE_V1, MODULE_V2, MODULE_V3},
                               .options = {"--lingerers", "2"},
                               .upgrades = 2,
                               .to = {1, 2}};
    node_start(&n, &setup);
    struct client *c = client_open(&n);
    for (uint32_t k = 0; k < 2; k++) {
        rounds(c, 4);
        enum mf_upgrade_outcome outcome = client_exchange(c, &n, k);
        cr_expect(eq(int, (int)outcome, k ? MF_UPGRADE_ROLLED_BACK : MF_UPGRADE_COMMITTED), "%s", n.rec.log[k].reason);
        client_fence(c);
        for (uint32_t p = 0; p < STREAMS * ASKED; p++)
            cr_expect(eq(u32, asked_of(c, p)->version, p < 2 ? 1 : 2), "process %u", p);
    }
    cr_expect(ne(ptr, strstr(n.rec.log[1].reason, "not purged: 2 processes still run version 1"), NULL), "%s",
              n.rec.log[1].reason);
    cr_expect(eq(u64, atomic_load(&n.rec.log[0].phase_ns[MF_PHASE_RETIRED]), 0));
    cr_expect(eq(u64, client_lost(c), 0));
    cr_expect(eq(uint, made_anew(c), 0));
    stop(c);
}

/* Ping 4 is for process 0 and held there; 5 is for process 4, 6 for process 0 again: a lingerer's mailbox dies with it.
 */
Test(processes, hard_purge_kills_lingerers_with_their_mailbox)
{
    struct node_setup setup = {.strategy = "two-version",
                               .modules = {MODULE_V1, MODULE_V2, MODULE_V3},
                               .options = {"--lingerers", "2", "--purge", "hard"},
                               .point = "value:0:dequeued:4:0:1:1:100",
                               .upgrades = 2,
                               .to = {1, 2}};
    node_start(&n, &setup);
    struct client *c = client_open(&n);
    rounds(c, 4);
    client_drain(c);
    for (int i = 0; i < 3; i++)
        client_ping(c, 0, 64);
    node_await(&n, "ended", 0, NULL, NULL, 0);
    client_fence(c);
    cr_expect(eq(u32, c->stream[0].seen[4], 0));
    cr_expect(eq(u32, c->stream[0].seen[5], 1));
    cr_expect(eq(u32, c->stream[0].seen[6], 0));
    cr_expect(eq(u64, client_lost(c), 2));
    cr_expect(eq(u32, n.rec.log[0].made_anew, 2));
    cr_expect(eq(uint, made_anew(c), 3));
    cr_expect(eq(int, (int)client_exchange(c, &n, 1), MF_UPGRADE_COMMITTED), "a third version: %s",
              n.rec.log[1].reason);
    client_fence(c);
    for (uint32_t p = 0; p < STREAMS * ASKED; p++)
        cr_expect(eq(u32, asked_of(c, p)->version, 3), "process %u", p);
    stop(c);
}

/* --- the control group --- */

static void control_group(const char *strategy, const char *module, uint32_t version)
{
    struct node_setup setup = {.strategy = strategy,
                               .modules = {MODULE_V1, module},
                               .options = {"--control-group", "3"},
                               .upgrades = 3,
                               .to = {1, 0, 1}};
    node_start(&n, &setup);
    struct client *c = client_open(&n);
    for (uint32_t k = 0; k < 3; k++) {
        rounds(c, 4);
        cr_assert(eq(int, (int)client_exchange(c, &n, k), MF_UPGRADE_COMMITTED), "%s", n.rec.log[k].reason);
        client_fence(c);
        for (uint32_t p = 0; p < STREAMS * ASKED; p++)
            cr_expect(eq(u32, asked_of(c, p)->version, p >= 5 || k % 2 ? 1 : version), "%s: process %u", strategy, p);
    }
    for (uint32_t p = 5; p < STREAMS * ASKED; p++) {
        cr_expect(eq(u64, asked_of(c, p)->remade, 0));
        cr_expect(eq(u64, asked_of(c, p)->count, asked_of(c, p)->answered), "nothing of it was lost");
    }
    stop(c);
}

#define CONTROL_GROUP(id, strategy, module, version)                                                                   \
    Test(processes, control_group_##id, .timeout = 60)                                                                 \
    {                                                                                                                  \
        control_group(strategy, module, version);                                                                      \
    }
CONTROL_GROUP(swap, "swap", MODULE_V3, 3)
CONTROL_GROUP(two_version, "two-version", MODULE_V3, 3)
CONTROL_GROUP(let_it_crash, "let-it-crash", MODULE_V3, 3)
CONTROL_GROUP(patch, "patch", MODULE_V2, 2)
CONTROL_GROUP(reboot, "reboot", MODULE_V3, 3)

/* --- what can't be redirected --- */

static void patch_refuses(const char *first, const char *second, const char *why)
{
    struct node_setup setup = {.strategy = "patch", .modules = {first, second}, .upgrades = 1, .to = {1}};
    node_start(&n, &setup);
    struct client *c = client_open(&n);
    rounds(c, 4);
    cr_expect(eq(int, (int)client_exchange(c, &n, 0), MF_UPGRADE_ROLLED_BACK));
    cr_expect(ne(ptr, strstr(n.rec.log[0].reason, why), NULL), "%s", n.rec.log[0].reason);
    client_fence(c);
    cr_expect(eq(u64, client_lost(c), 0));
    stop(c);
}

Test(processes, patch_refuses_another_layout)
{
    patch_refuses(MODULE_V2, MODULE_V3, "have layout 2");
}

Test(processes, patch_refuses_where_there_is_no_room)
{
    patch_refuses(MODULE_CRASHER, MODULE_V2, "no room for a jump");
}

Test(processes, patch_refuses_where_a_function_is_gone)
{
    patch_refuses(MODULE_LISTER, MODULE_V2, "handle_pong");
    patch_refuses(MODULE_LISTER, MODULE_CRASHER, "no lister_number");
}
