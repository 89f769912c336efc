/* Sweeps: which cells there are, what they are called, what is expected of which. */
#include <string.h>

#include "tests/scenario/helper.h"

Test(scenario, sweep_is_a_product)
{
    static const char *const names[] = {
        "strategy=swap,rate_per_s=1000",         "strategy=swap,rate_per_s=2500.5",
        "strategy=exec,rate_per_s=1000",         "strategy=exec,rate_per_s=2500.5",
        "strategy=cold-restart,rate_per_s=1000", "strategy=cold-restart,rate_per_s=2500.5"};
    struct mf_scenario *s = test_load(GOOD("sweep.json"), NULL);
    cr_assert(eq(u32, s->cells_count, 6));
    cr_assert(eq(u32, s->parameter_paths_count, 2));
    expect_text(s->parameter_paths[0], "target.node.strategy");
    expect_text(s->parameter_paths[1], "load.rate_per_s");
    for (uint32_t i = 0; i < 6; i++)
        expect_text(s->cells[i].name, names[i]);
    const struct mf_cell *c = &s->cells[3];
    expect_text(c->node.strategy, "exec");
    cr_expect(eq(dbl, c->load.rate_per_s, 2500.5));
    cr_assert(eq(u32, c->parameters_count, 2));
    expect_text(c->parameters[0].path, "target.node.strategy");
    expect_text(c->parameters[0].value, "exec");
    expect_text(c->parameters[1].value, "2500.5");
    cr_expect(eq(ptr, strstr(c->json, "\"sweep\":"), NULL));
    mf_scenario_free(s);
}

Test(scenario, a_value_may_bring_company)
{
    struct mf_scenario *s = test_load(GOOD("company.json"), NULL);
    cr_assert(eq(u32, s->cells_count, 2));
    expect_text(s->cells[0].name, "strategy=swap");
    cr_expect(eq(int, (int)s->cells[0].load.transport, MF_TRANSPORT_UNIX));
    expect_text(s->cells[1].name, "strategy=reuseport");
    expect_text(s->cells[1].parameters[0].value, "reuseport");
    cr_expect(eq(int, (int)s->cells[1].load.transport, MF_TRANSPORT_TCP));
    expect_text(s->cells[1].node.retire, "exit");
    cr_expect(eq(ptr, (void *)test_expect(&s->cells[0], "lost"), NULL));
    cr_expect(ne(ptr, (void *)test_expect(&s->cells[1], "lost"), NULL));
    mf_scenario_free(s);
}

Test(scenario, when_chooses_cells)
{
    struct mf_scenario *s = test_load(GOOD("sweep.json"), NULL);
    static const uint32_t counts[] = {4, 3, 3, 3, 1, 1};
    for (uint32_t i = 0; i < 6; i++) {
        cr_expect(eq(u32, s->cells[i].expect_count, counts[i]), "%s", s->cells[i].name);
        cr_expect(ne(ptr, (void *)test_expect(&s->cells[i], "duplicated"), NULL));
    }
    cr_expect(ne(ptr, (void *)test_expect(&s->cells[0], "spike_ms.max"), NULL));
    cr_expect(eq(ptr, (void *)test_expect(&s->cells[4], "lost"), NULL));
    mf_scenario_free(s);
}

Test(scenario, when_survives_a_narrower_sweep)
{
    const char *set[] = {"sweep.target.node.strategy=[\"exec\"]"};
    struct mf_scenario_options options = {.set = set, .set_count = 1};
    struct mf_scenario *s = test_load(GOOD("sweep.json"), &options);
    cr_assert(eq(u32, s->cells_count, 2));
    cr_expect(eq(u32, test_cell(s, "strategy=exec,rate_per_s=1000")->expect_count, 3));
    mf_scenario_free(s);
}

Test(scenario, when_fits_what_replaces_the_sweep)
{
    const char *set[] = {"sweep={}", "target.node.strategy=\"swap\"", "load.rate_per_s=1000"};
    struct mf_scenario_options options = {.set = set, .set_count = 3};
    struct mf_scenario *s = test_load(GOOD("sweep.json"), &options);
    cr_expect(eq(u32, test_cell(s, "all")->expect_count, 4));
    mf_scenario_free(s);
}

Test(scenario, cells_are_chosen_by_name)
{
    const char *cell[] = {"strategy=cold-restart,rate_per_s=1000", "strategy=swap,rate_per_s=2500.5"};
    struct mf_scenario_options options = {.cell = cell, .cell_count = 2};
    struct mf_scenario *s = test_load(GOOD("sweep.json"), &options);
    cr_assert(eq(u32, s->cells_count, 2));
    expect_text(s->cells[0].name, "strategy=swap,rate_per_s=2500.5");
    expect_text(s->cells[1].name, "strategy=cold-restart,rate_per_s=1000");
    mf_scenario_free(s);
}

/* Values of any kind, last parts that clash, and labels that come out equal: the names stay unique and safe. */
Test(scenario, cell_names_are_unique_and_safe)
{
    struct mf_scenario *s = test_load(GOOD("sweep-values.json"), NULL);
    cr_assert(eq(u32, s->cells_count, 8));
    expect_text(s->cells[0].name,
                "upgrades0.time_ms=10,upgrades1.time_ms=30,modules=pingpong-v1+pingpong-v2,proof=in_flight_min-3");
    expect_text(s->cells[3].name,
                "upgrades0.time_ms=10,upgrades1.time_ms=30,modules=pingpong-v1+pingpong-v2,proof=empty~2");
    cr_expect(eq(dbl, s->cells[4].upgrades[0].time_ms, 20));
    cr_expect(eq(u64, s->cells[0].proof.in_flight_min, 3));
    cr_expect(eq(u64, s->cells[1].proof.in_flight_min, 1));
    for (uint32_t i = 0; i < 8; i++) {
        cr_expect(eq(sz, strcspn(s->cells[i].name, "/ \\\"'\n"), strlen(s->cells[i].name)));
        for (uint32_t j = 0; j < i; j++)
            cr_expect(ne(str, (char *)s->cells[i].name, (char *)s->cells[j].name));
    }
    mf_scenario_free(s);
}

Test(scenario, targets_from_files)
{
    struct mf_scenario *s = test_load(GOOD("targets.json"), NULL);
    cr_assert(eq(u32, s->cells_count, 2));
    const struct mf_cell *small = test_cell(s, "target=small"), *big = test_cell(s, "target=big-one");
    cr_expect(eq(u32, small->node.processes, 2));
    cr_expect(eq(u32, big->node.processes, 2000));
    expect_text(small->parameters[0].value, "small", "named after its file");
    expect_text(big->parameters[0].value, "big-one", "its own name");
    cr_expect(eq(dbl, test_expect(small, "lost")->equal, 0));
    cr_expect(eq(dbl, test_expect(big, "lost")->equal, 1));
    cr_expect(eq(dbl, big->load.rate_per_s, 500), "it brings company");
    cr_expect(eq(ptr, strstr(s->json, "small.json"), NULL), "all is inlined");
    cr_expect(eq(ptr, strstr(s->json, "big.json"), NULL), "and what has company");
    mf_scenario_free(s);
}

Test(scenario, a_strategy_brings_what_belongs_to_it)
{
    const char *set[] = {
        "sweep={\"target.node.strategy\": [\"swap\", {\"name\": \"hard\", \"strategy\": \"two-version\", "
        "\"purge\": \"hard\", \"lingerers\": 2, \"modules\": [\"pingpong/v3\"]}]}",
        "expect=[{\"when\": {\"target.node.strategy\": \"hard\"}, \"stale\": 0}]"};
    struct mf_scenario_options options = {.set = set, .set_count = 2};
    struct mf_scenario *s = test_load(GOOD("minimal.json"), &options);
    const struct mf_cell *swap = test_cell(s, "strategy=swap"), *hard = test_cell(s, "strategy=hard");
    expect_text(swap->node.purge, "soft");
    cr_expect(eq(u32, swap->expect_count, 0));
    expect_text(hard->node.strategy, "two-version");
    expect_text(hard->node.purge, "hard");
    expect_text(hard->node.modules[0], "pingpong/v3");
    expect_text(hard->parameters[0].value, "hard");
    cr_expect(eq(u32, hard->node.lingerers, 2));
    cr_expect(eq(u32, hard->node.modules_count, 1));
    cr_expect(ne(ptr, (void *)test_expect(hard, "stale"), NULL));
    mf_scenario_free(s);
}
