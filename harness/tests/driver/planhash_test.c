/* The same scenario and seed: the same plan, in number and in deed. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/planhash.h"
#include "driver/shape.h"
#include "tests/driver/help.h"

static char home[PATH_MAX], scenario[PATH_MAX + 16];
static struct help_midflight said;

/* Something of everything that is random, or fires. */
static const char busy[] =
    "{ \"schema\": \"midflight.scenario/1\", \"name\": \"busy\", \"seed\": 3, \"repeat\": 2,"
    "  \"target\": { \"node\": { \"processes\": 8, \"modules\": [\"pingpong/v1\", \"pingpong/v2\"] } },"
    "  \"load\": { \"transport\": \"unix\", \"codec\": \"frame\", \"connections\": 2, \"arrivals\": \"poisson\","
    "              \"rate_per_s\": 1000, \"payload_bytes\": 16, \"warmup_ms\": 100, \"duration_ms\": 400, "
    "\"drain_ms\": 1000 },"
    "  \"upgrades\": [ { \"every_ms\": 100, \"count\": 3, \"jitter_ms\": 20 } ],"
    "  \"faults\": [ { \"fault\": \"stop\", \"whom\": \"old\", \"time_ms\": 50, \"duration_ms\": 1 } ],"
    "  \"sweep\": { \"target.node.strategy\": [\"none\", \"swap\"] },"
    "  \"proof\": { \"in_flight_min\": 0, \"rate_min_share\": 0, \"tainted_max_share\": 1 } }";

static void setup(void)
{
    help_folder_make(home);
    setenv("MIDFLIGHT_LIBEXEC", MIDFLIGHT_BINARY_DIR, 1);
    help_write(home, "busy.json", busy, false);
    snprintf(scenario, sizeof scenario, "%s/busy.json", home);
}

static void teardown(void)
{
    help_folder_remove(home);
}
TestSuite(planhash, .init = setup, .fini = teardown, .timeout = 120);

/* `set`: NULL, nothing is changed. */
static uint64_t hash_of(const char *set)
{
    struct mf_error err = {0};
    const struct mf_scenario_options options = {.set = &set, .set_count = set != NULL};
    struct mf_scenario *s = mf_scenario_load(scenario, &options, &err);
    uint64_t hash = 0;
    cr_assert(ne(ptr, s, NULL), "%s: %s: %s", set ? set : "", err.place, err.text);
    cr_assert(eq(int, mf_plan_hash(s, &hash, &err), 0), "%s", err.text);
    mf_scenario_free(s);
    return hash;
}

Test(planhash, is_of_all_that_is_planned_and_of_nothing_else)
{
    static const char *const others[] = {
        "seed=8",
        "repeat=3",
        "load.rate_per_s=1001",
        "load.payload_bytes=17",
        "load.arrivals=\"uniform\"",
        "load.connections=3",
        "load.timeout_ms=777",
        "target.node.processes=5",
        "target.node.modules=[\"pingpong/v1\", \"pingpong/v3\"]",
        "sweep={\"target.node.strategy\": [\"swap\", \"none\"]}",
        "upgrades=[{\"every_ms\": 100, \"count\": 3, \"jitter_ms\": 21}]",
        "upgrades=[{\"every_ms\": 100, \"count\": 2, \"jitter_ms\": 20}]",
        "faults=[{\"fault\": \"stop\", \"whom\": \"old\", \"time_ms\": 51, \"duration_ms\": 1}]",
        "faults=[{\"fault\": \"stop\", \"whom\": \"old\", \"time_ms\": 50, \"duration_ms\": 2}]",
        "faults=[]"};
    static const char *const same[] = {"name=\"another\"", "description=\"another\"", "expect={\"lost\": 5}",
                                       "proof.in_flight_min=3", "seed=3"};
    uint64_t hash = hash_of(NULL), seen[sizeof others / sizeof *others];
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        cr_expect(eq(u64, hash_of(same[i]), hash), "%s", same[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        seen[i] = hash_of(others[i]);
        cr_expect(ne(u64, seen[i], hash), "%s", others[i]);
        for (size_t k = 0; k < i; k++)
            cr_expect(ne(u64, seen[i], seen[k]), "%s and %s", others[i], others[k]);
    }
}

Test(planhash, rounds_go_forth_and_back)
{
    static const uint32_t wanted[3][3] = {{0, 1, 2}, {2, 1, 0}, {0, 1, 2}};
    for (uint32_t n = 1; n <= 3; n++)
        for (uint32_t turn = 0; turn < 3; turn++)
            cr_expect(eq(u32, mf_shape_turn(3, n, turn), wanted[n - 1][turn]));
}

static int line_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What was asked when, of whom, in whichever order it was answered: the columns cell to due_us of all messages, sorted.
 */
static char *deeds(const char *out)
{
    static char *line[4096];
    size_t n = 0, size = 0;
    char *text = NULL;
    FILE *all = open_memstream(&text, &size);
    help_midflight(&said, (const char *const[]){"export", out, NULL});
    cr_assert(eq(int, said.status, 0), "%s", said.err);
    for (char *at = strtok(said.out, "\n"); at && n < 4096; at = strtok(NULL, "\n")) {
        char *end = at;
        for (int commas = 0; *end && commas < 7; end++)
            commas += *end == ',';
        *end = 0;
        line[n++] = at;
    }
    qsort(line, n, sizeof *line, line_compare);
    for (size_t i = 0; i < n; i++)
        fprintf(all, "%s\n", line[i]);
    fclose(all);
    cr_assert(gt(sz, n, 400));
    return text;
}

/* Runs one cell of it, short of rounds; gives the report's hash and what was asked. */
static char *run_it(const char *name, const char *seed, char *hash)
{
    char out[PATH_MAX + 16];
    static char report[1 << 18], plan[1 << 16];
    snprintf(out, sizeof out, "%s/%s", home, name);
    help_midflight(&said, (const char *const[]){"run", scenario, "--out", out, "--no-plot", "--quiet", "--history",
                                                "--seed", seed, "--repeat", "1", "--cell", "strategy=swap", NULL});
    cr_assert(eq(int, said.status, 0), "%s%s", said.out, said.err);
    help_read(out, "report.json", report, sizeof report);
    help_read(out, "plan.txt", plan, sizeof plan);
    const char *at = strstr(report, "\"plan_hash\": \"");
    cr_assert(ne(ptr, (void *)at, NULL));
    snprintf(hash, 17, "%s", at + strlen("\"plan_hash\": \""));
    cr_expect(eq(int, help_has(plan, hash), 1), "%s is not in %s", hash, plan);
    return deeds(out);
}

Test(planhash, two_runs_of_one_plan_ask_the_same_at_the_same_instants)
{
    char hash[3][17];
    char *asked[3] = {run_it("a", "5", hash[0]), run_it("b", "5", hash[1]), run_it("c", "6", hash[2])};
    cr_expect(eq(str, hash[0], hash[1]));
    cr_expect(eq(int, strcmp(asked[0], asked[1]), 0), "the same plan, and other pings");
    cr_expect(ne(str, hash[0], hash[2]));
    cr_expect(ne(int, strcmp(asked[0], asked[2]), 0), "another seed, and the same pings");
    for (int i = 0; i < 3; i++)
        free(asked[i]);
}
