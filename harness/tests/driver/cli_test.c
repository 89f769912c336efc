/* What a person gets for a wrong command line: status 2, one line, the near miss. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "tests/driver/help.h"

static struct help_midflight said;

static void expect_usage(const char *const *words, const char *part)
{
    help_midflight(&said, words);
    cr_expect(eq(int, said.status, 2));
    cr_expect(eq(int, help_has(said.err, part), 1), "wanted \"%s\" in: %s", part, said.err);
    cr_expect(eq(int, strncmp(said.err, "midflight: ", 11), 0), "%s", said.err);
    cr_expect(eq(ptr, strchr(said.err, '\n'), said.err + strlen(said.err) - 1), "not one line: %s", said.err);
    cr_expect(eq(int, said.out[0], 0), "%s", said.out);
}
#define USAGE(part, ...) expect_usage((const char *const[]){__VA_ARGS__, NULL}, part)

Test(cli, nothing_is_not_enough)
{
    expect_usage((const char *const[]){NULL}, "a subcommand is missing");
}

Test(cli, unknown_names_get_their_near_miss)
{
    USAGE("did you mean compare?", "compar", "x");
    USAGE("there are: run, compare, check, judge, export, list, init, doctor, help", "frobnicate", "x");
    USAGE("did you mean --out?", "run", "s.json", "--otu", "x");
    USAGE("allowed: --set, --out, --repeat, --seed, --cell, --history, --no-plot, --quiet", "run", "s.json", "--hurry");
    USAGE("did you mean strategies?", "list", "strategys");
    USAGE("did you mean markdown?", "compare", "x", "--format", "markdwon");
    USAGE("before a subcommand there are --help and --version only", "--quiet", "run");
}

Test(cli, values_are_wanted_refused_and_checked)
{
    USAGE("a value is missing: --out DIR", "run", "s.json", "--out");
    USAGE("takes no value", "run", "s.json", "--quiet=1");
    USAGE("--repeat 0: a whole number from 1 to 10000 is wanted", "run", "s.json", "--repeat", "0");
    USAGE("--seed -1: a whole number", "run", "s.json", "--seed=-1");
    USAGE("--seed 12x: a whole number", "run", "s.json", "--seed", "12x");
    USAGE("no such option; all have two dashes", "run", "-q", "s.json");
}

Test(cli, arguments_are_counted)
{
    USAGE("a scenario is missing", "run");
    USAGE("one scenario at a time, and b.json is another", "run", "a.json", "b.json");
    USAGE("a scenario is missing", "check");
    USAGE("a result folder is missing", "compare");
    USAGE("takes no argument", "doctor", "me");
    USAGE("of what is missing", "list");
}

Test(cli, a_dash_dash_ends_the_options)
{
    USAGE("--quiet", "run", "--", "--quiet");
}

Test(cli, a_scenario_that_is_not_there)
{
    USAGE("no-such-scenario.json", "run", "no-such-scenario.json");
    USAGE("no-such-scenario.json", "check", "no-such-scenario.json");
}

static void expect_good(const char *const *words, const char *part)
{
    help_midflight(&said, words);
    cr_expect(eq(int, said.status, 0), "%s", said.err);
    cr_expect(eq(int, help_has(said.out, part), 1), "wanted \"%s\" in: %s", part, said.out);
    cr_expect(eq(int, said.err[0], 0), "%s", said.err);
}
#define GOOD(part, ...) expect_good((const char *const[]){__VA_ARGS__, NULL}, part)

Test(cli, help_and_version)
{
    GOOD("midflight compare", "--help");
    GOOD("midflight compare", "help");
    GOOD("--no-plot", "help", "run");
    GOOD("--no-plot", "run", "--help");
    GOOD("midflight " MIDFLIGHT_VERSION, "--version");
}

Test(cli, every_list_has_its_rows)
{
#define MF_STRATEGY(id, name, flags, text) GOOD(text, "list", "strategies");
#include "strategies/strategies.def"
#undef MF_STRATEGY
#define MF_OUTCOME(id, key, text) GOOD(text, "list", "outcomes");
#include "recorder/outcomes.def"
#undef MF_OUTCOME
    GOOD("every_ms", "list", "points");
#define MF_FAULT(id, name, kind, keys, text) GOOD(text, "list", "faults");
#include "faults/faults.def"
#undef MF_FAULT
    GOOD("frame", "list", "codecs");
    GOOD("spike_ms.p95", "list", "metrics");
    GOOD("unanswered", "list", "causes");
    GOOD("dequeued", "list", "stages", "phases");
    GOOD("committed", "list", "stages", "phases");
    GOOD("siblings", "list", "questions");
    GOOD("local", "list", "transports");
}

Test(cli, a_full_stdout_is_an_error)
{
    /* what was cut off must not look whole */
    help_midflight_start_to(&said, "/dev/full", (const char *const[]){"list", "strategies", NULL});
    help_midflight_end(&said);
    cr_expect(eq(int, said.status, 70));
    cr_expect(eq(int, help_has(said.err, "cannot write the results to stdout"), 1), "%s", said.err);
}

Test(cli, check_prints_cells_and_plan)
{
    char folder[PATH_MAX], path[PATH_MAX];
    help_folder_make(folder);
    help_scenario(folder, "swap", 600, path);
    GOOD("1. upgrade every 100 ms from 100 ms after the warm-up on: 4 times", "check", path);
    GOOD("strategy swap, 8 processes on 1 schedulers, modules pingpong/v1 pingpong/v2", "check", path);
    help_folder_remove(folder);
}

Test(cli, check_tells_every_wrong_scenario)
{
    char folder[PATH_MAX], good[PATH_MAX], bad[PATH_MAX + 16], worse[PATH_MAX + 16];
    help_folder_make(folder);
    help_scenario(folder, "swap", 600, good);
    help_write(folder, "bad.json", "{", false);
    help_write(folder, "worse.json", "[]", false);
    snprintf(bad, sizeof bad, "%s/bad.json", folder);
    snprintf(worse, sizeof worse, "%s/worse.json", folder);
    help_midflight(&said, (const char *const[]){"check", bad, good, worse, NULL});
    cr_expect(eq(int, said.status, 2));
    cr_expect(eq(int, help_has(said.err, "bad.json:1:"), 1), "%s", said.err);
    cr_expect(eq(int, help_has(said.err, "worse.json"), 1), "%s", said.err);
    cr_expect(eq(int, help_has(said.out, "cell all"), 1), "%s", said.out);
    help_folder_remove(folder);
}
