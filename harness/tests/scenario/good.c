#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "strategies/flags.h"
#include "tests/scenario/helper.h"

Test(scenario, defaults)
{
    struct mf_scenario *s = test_load(GOOD("minimal.json"), NULL);
    cr_assert(eq(u32, s->cells_count, 1));
    const struct mf_cell *c = &s->cells[0];
    expect_text(s->name, "minimal");
    cr_expect(eq(u32, s->repeat, 1));
    cr_expect(eq(u32, s->parameter_paths_count, 0));
    expect_text(c->name, "all");
    cr_expect(eq(u32, c->node.processes, 64));
    cr_expect(eq(u32, c->node.schedulers, 1));
    cr_expect(eq(dbl, c->node.upgrade_ms, 5000));
    cr_expect(eq(uint, c->node.flags & KEEPS_MESSAGES, KEEPS_MESSAGES));
    cr_expect(eq(int, (int)c->load.transport, MF_TRANSPORT_UNIX));
    expect_text(c->load.codec, "frame");
    cr_expect(eq(int, c->load.open, true));
    cr_expect(eq(int, c->load.poisson, false));
    cr_expect(eq(u32, c->load.workers, 1));
    cr_expect(eq(u32, c->load.connections, 1));
    cr_expect(eq(u32, c->load.streams_per_connection, 1));
    cr_expect(eq(u64, c->load.messages, 0));
    cr_expect(eq(u32, c->load.payload_bytes, 64));
    cr_expect(eq(dbl, c->load.timeout_ms, 1000));
    cr_expect(eq(dbl, c->load.warmup_ms, 500));
    cr_expect(eq(dbl, c->load.duration_ms, 4000));
    cr_expect(eq(dbl, c->load.drain_ms, 1000));
    cr_expect(eq(dbl, c->load.window_ms, 100));
    cr_expect(eq(u64, c->proof.in_flight_min, 1));
    cr_expect(eq(dbl, c->proof.rate_min_share, 0.95));
    cr_expect(eq(dbl, c->proof.asked_rate_per_s, 5000));
    cr_expect(eq(dbl, c->proof.tainted_max_share, 0.2));
    cr_expect(eq(u32, c->upgrades_planned, 0));
    cr_expect(eq(u32, c->expect_count, 0));
    mf_scenario_free(s);
}

static void full_target_and_load_check(const struct mf_cell *c)
{
    expect_text(c->node.strategy, "drain-restart");
    cr_expect(eq(u32, c->node.processes, 1000000));
    cr_expect(eq(u32, c->node.schedulers, 2));
    cr_assert(eq(u32, c->node.modules_count, 2));
    expect_text(c->node.modules[1], "/opt/mine v2.so");
    cr_expect(eq(dbl, c->node.ready_ms, 1000));
    cr_expect(eq(dbl, c->node.stop_ms, 3000.5));
    cr_expect(eq(int, (int)c->load.transport, MF_TRANSPORT_TCP));
    cr_expect(eq(int, c->load.poisson, true));
    cr_expect(eq(u32, c->load.workers, 2));
    cr_expect(eq(u32, c->load.connections, 6));
    cr_expect(eq(u32, c->load.streams_per_connection, 3));
    cr_expect(eq(dbl, c->load.rate_per_s, 12345.5));
    cr_expect(eq(u64, c->load.messages, 100000));
    cr_expect(eq(u32, c->load.payload_bytes, 256));
    cr_expect(eq(dbl, c->load.timeout_ms, 1500));
    cr_expect(eq(dbl, c->load.connect_timeout_ms, 700));
    cr_expect(eq(dbl, c->load.warmup_ms, 250));
    cr_expect(eq(dbl, c->load.drain_ms, 1600));
    cr_expect(eq(dbl, c->load.window_ms, 50));
}

static void full_upgrades_check(const struct mf_cell *c)
{
    cr_assert(eq(u32, c->upgrades_count, 5));
    cr_expect(eq(u32, c->upgrades_planned, 20));
    const struct mf_upgrade_plan *u = c->upgrades;
    cr_expect(eq(int, (int)u[0].kind, MF_POINT_TIME));
    cr_expect(eq(u32, u[0].count, 1));
    cr_expect(eq(int, (int)u[1].kind, MF_POINT_EVERY));
    cr_expect(eq(dbl, u[1].every_ms, 300));
    cr_expect(eq(dbl, u[1].from_ms, 400));
    cr_expect(eq(dbl, u[1].jitter_ms, 20));
    cr_expect(eq(int, (int)u[2].kind, MF_POINT_MESSAGE));
    cr_expect(eq(u64, u[2].message, 1000));
    cr_expect(eq(u64, u[2].every, 500));
    cr_expect(eq(int, (int)u[3].kind, MF_POINT_VALUE));
    cr_expect(eq(u64, u[3].value, 4));
    cr_expect(eq(int, u[3].hold, true));
    cr_expect(eq(dbl, u[3].hold_ms, 100));
    cr_expect(eq(int, (int)u[4].kind, MF_POINT_STAGE));
    cr_expect(eq(int, (int)u[4].stage, MF_STAGE_HANDLED));
    cr_expect(eq(u32, u[4].count, 5));
    cr_expect(eq(dbl, u[4].hold_ms, 20));
}

static void full_expect_check(const struct mf_cell *c)
{
    cr_assert(eq(u32, c->expect_count, 5));
    cr_expect(eq(int, c->expect[0].has_equal, true));
    cr_expect(eq(dbl, c->expect[0].equal, 0));
    const struct mf_expect *spike = test_expect(c, "spike_ms.p95"), *answered = test_expect(c, "answered");
    cr_assert(ne(ptr, (void *)spike, NULL));
    cr_expect(eq(int, spike->has_max && !spike->has_min && !spike->has_equal, true));
    cr_expect(eq(dbl, spike->max, 20));
    cr_assert(ne(ptr, (void *)answered, NULL));
    cr_expect(eq(int, answered->has_max && answered->has_min, true));
    cr_expect(eq(dbl, answered->max, 1e9));
    expect_text(test_expect(c, "questions.queue")->word, "n/a");
    expect_text(test_expect(c, "delivery")->word, "exactly-once");
    cr_expect(eq(u64, c->proof.in_flight_min, 5));
    cr_expect(eq(dbl, c->proof.rate_min_share, 0.5));
    cr_expect(eq(dbl, c->proof.tainted_max_share, 0.25));
}

Test(scenario, every_key)
{
    struct mf_scenario *s = test_load(GOOD("full.json"), NULL);
    cr_expect(eq(u32, s->repeat, 3));
    cr_expect(eq(u64, s->seed, 9007199254740991));
    full_target_and_load_check(&s->cells[0]);
    full_upgrades_check(&s->cells[0]);
    full_expect_check(&s->cells[0]);
    mf_scenario_free(s);
}

Test(scenario, closed_local_line)
{
    struct mf_scenario *s = test_load(GOOD("closed-line.json"), NULL);
    const struct mf_cell *c = &s->cells[0];
    cr_expect(eq(int, c->load.open, false));
    cr_expect(eq(u32, c->load.window, 64));
    cr_expect(eq(u32, c->load.workers, 4), "one pinger for each scheduler");
    cr_expect(eq(u32, c->load.connections, 4));
    cr_expect(eq(u32, c->load.payload_bytes, 0));
    cr_expect(eq(dbl, c->load.drain_ms, 3000), "no ping is called lost before its timeout");
    cr_expect(eq(dbl, c->proof.rate_min_share, 0));
    cr_expect(eq(dbl, c->proof.asked_rate_per_s, 0));
    mf_scenario_free(s);
}

Test(scenario, a_command_brings_its_load)
{
    const char *set[] = {"sweep.target=[\"targets/command.json\"]", "load={\"connections\": 4, \"rate_per_s\": 10}"};
    struct mf_scenario_options options = {.set = set, .set_count = 2};
    struct mf_scenario *s = test_load(GOOD("commands.json"), &options);
    const struct mf_cell *c = &s->cells[0];
    cr_assert(ne(ptr, (void *)c->command, NULL));
    expect_text(c->command->name, "command");
    cr_expect(eq(u32, c->node.processes, 3));
    cr_expect(eq(u32, c->node.modules_count, 0));
    expect_text(c->load.codec, "frame");
    cr_expect(eq(int, (int)c->load.transport, MF_TRANSPORT_TCP), "as its endpoint says");
    cr_expect(eq(u32, c->load.payload_bytes, 16));
    cr_expect(eq(u32, c->load.connections, 4), "the scenario's own word counts");
    cr_expect(eq(u32, mf_command_version(c->command, -1), 1));
    cr_expect(eq(u32, mf_command_version(c->command, 5), 7));
    cr_expect(eq(u32, c->command->needs_count, 2));
    mf_scenario_free(s);
}

Test(scenario, a_command_with_every_key)
{
    const char *set[] = {"upgrades=[]"}, *cell[] = {"target=inline"};
    struct mf_scenario_options options = {.set = set, .set_count = 1, .cell = cell, .cell_count = 1};
    struct mf_scenario *s = test_load(GOOD("commands.json"), &options);
    const struct mf_command_target *c = s->cells[0].command;
    cr_assert(ne(ptr, (void *)c, NULL));
    expect_text(c->files[1].text, "{{not} { a }\n{dir}\n");
    cr_expect(eq(int, strncmp(c->files[2].copy, c->here, strlen(c->here)), 0), "%s", c->files[2].copy);
    cr_expect(eq(u32, c->prepare.step[0].status, 1));
    cr_expect(eq(int, c->upgrade.step[5].signal, SIGUSR2));
    cr_expect(eq(u32, mf_command_version(c, 0), 2));
    cr_expect(eq(u32, mf_command_version(c, 1), 1), "around and around");
    expect_text(c->ready.connect_to, "unix:{dir}/b.sock");
    cr_expect(eq(dbl, c->complete.old_silent_ms, 20));
    mf_scenario_free(s);
}

Test(scenario, overrides)
{
    const char *set[] = {"load.rate_per_s=250",           "target.node.strategy=\"exec\"",
                         "upgrades[0]={\"every_ms\":10}", "expect.spike_ms.p95=3",
                         "upgrades[0].count=7",           "sweep.load.duration_ms=[1000,2000]"};
    struct mf_scenario_options options = {
        .set = set, .set_count = 6, .has_repeat = true, .repeat = 9, .has_seed = true, .seed = 42};
    struct mf_scenario *s = test_load(GOOD("minimal.json"), &options);
    cr_expect(eq(u32, s->repeat, 9));
    cr_expect(eq(u64, s->seed, 42));
    cr_assert(eq(u32, s->cells_count, 2));
    const struct mf_cell *c = test_cell(s, "duration_ms=2000");
    cr_expect(eq(dbl, c->load.rate_per_s, 250));
    cr_expect(eq(dbl, c->load.duration_ms, 2000));
    expect_text(c->node.strategy, "exec");
    cr_expect(eq(u32, c->upgrades_planned, 7));
    cr_expect(eq(dbl, test_expect(c, "spike_ms.p95")->equal, 3));
    cr_expect(ne(ptr, strstr(s->json, "\"seed\": 42"), NULL));
    cr_expect(ne(ptr, strstr(s->json, "\"repeat\": 9"), NULL));
    mf_scenario_free(s);
}

Test(scenario, a_seed_is_drawn_and_kept)
{
    struct mf_scenario *a = test_load(GOOD("minimal.json"), NULL), *b = test_load(GOOD("minimal.json"), NULL);
    char kept[64];
    snprintf(kept, sizeof kept, "\"seed\": %llu", (unsigned long long)a->seed);
    cr_expect(lt(u64, a->seed, 1ULL << 53));
    cr_expect(ne(u64, a->seed, b->seed));
    cr_expect(ne(ptr, strstr(a->json, kept), NULL));
    cr_expect(ne(ptr, strstr(a->cells[0].json, kept), NULL));
    mf_scenario_free(b);
    mf_scenario_free(a);
}

/* Loads `json` from a file of its own. */
static struct mf_scenario *load_text(const char *json)
{
    char path[] = "/tmp/midflight-test-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(ge(int, fd, 0));
    size_t bytes = strlen(json);
    cr_assert(eq(i64, write(fd, json, bytes), (ssize_t)bytes));
    close(fd);
    struct mf_error err = {0};
    struct mf_scenario *s = mf_scenario_load(path, NULL, &err);
    unlink(path);
    cr_assert(ne(ptr, s, NULL), "%s: %s", err.place, err.text);
    return s;
}

/* The whole as resolved gives the same cells again; a cell as resolved is a scenario of that one cell, and resolves to
 * itself. */
Test(scenario, resolved_scenarios_resolve_to_themselves)
{
    static const char *const paths[] = {GOOD("minimal.json"), GOOD("full.json"),         GOOD("closed-line.json"),
                                        GOOD("sweep.json"),   GOOD("sweep-values.json"), GOOD("targets.json"),
                                        GOOD("commands.json")};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct mf_scenario *s = test_load(paths[i], NULL), *again = load_text(s->json);
        expect_text(again->json, s->json, "%s", paths[i]);
        cr_assert(eq(u32, again->cells_count, s->cells_count));
        for (uint32_t j = 0; j < s->cells_count; j++) {
            expect_text(again->cells[j].name, s->cells[j].name, "%s", paths[i]);
            expect_text(again->cells[j].json, s->cells[j].json, "%s", paths[i]);
            struct mf_scenario *one = load_text(s->cells[j].json);
            expect_text(one->cells[0].json, s->cells[j].json, "%s", paths[i]);
            cr_expect(eq(u32, one->cells[0].expect_count, s->cells[j].expect_count));
            mf_scenario_free(one);
        }
        mf_scenario_free(again);
        mf_scenario_free(s);
    }
}
