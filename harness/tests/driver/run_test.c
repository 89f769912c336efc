/* End to end: `midflight run` with the real programs, and with a node that cannot be started. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/driver/help.h"

static struct help_midflight said;
static char home[PATH_MAX], scenario[PATH_MAX], out[PATH_MAX + 8];

static void setup(void)
{
    help_folder_make(home);
    snprintf(out, sizeof out, "%s/out", home);
    setenv("MIDFLIGHT_LIBEXEC", MIDFLIGHT_BINARY_DIR, 1);
    /* orphans of a killed midflight become ours, and so can be counted */
    cr_assert(eq(int, prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0));
}

static void teardown(void)
{
    help_folder_remove(home);
}
TestSuite(run, .init = setup, .fini = teardown, .timeout = 120);

/* No process that was started here lives: waits for the end of those that are on their way out. */
static void expect_nobody_left(void)
{
    while (waitpid(-1, NULL, 0) > 0)
        ;
    cr_expect(eq(int, errno, ECHILD));
}

static void expect_whole_report(const char *part)
{
    static char text[1 << 18];
    help_read(out, "report.json", text, sizeof text);
    cr_expect(eq(int, help_has(text, part), 1), "wanted %s in report.json: %.2000s", part, text);
    cr_expect(eq(int, help_exists(out, "plan.txt"), 1));
    cr_expect(eq(int, help_exists(out, "junit.xml"), 1));
    cr_expect(eq(int, help_exists(out, "scenario.json"), 1));
}

/* Sockets, saved state and copies of modules are gone; what is left of a run are its results. */
static void expect_no_scratch(void)
{
    cr_expect(eq(int, help_exists(out, "cells/all/run-1/node"), 0));
    cr_expect(eq(int, help_exists(out, "plot.log"), 0));
}

Test(run, of_a_scenario)
{
    help_scenario(home, "swap", 600, scenario);
    help_midflight(&said, (const char *const[]){"run", scenario, "--out", out, "--no-plot", "--repeat", "2", NULL});
    cr_expect(eq(int, said.status, 0), "%s%s", said.out, said.err);
    expect_whole_report("\"verdict\": \"pass\"");
    cr_expect(eq(int, help_exists(out, "cells/all/run-1/run.json"), 1));
    cr_expect(eq(int, help_exists(out, "cells/all/run-2/run.json"), 1));
    cr_expect(eq(int, help_has(said.err, "1/1 all run 2/2: pass"), 1), "%s", said.err);
    expect_no_scratch();
    expect_nobody_left();
}

Test(run, with_message_points_and_two_workers)
{
    help_scenario(home, "two-version", 800, scenario);
    help_midflight(&said, (const char *const[]){
                              "run", scenario, "--out", out, "--no-plot", "--set", "load.workers=2", "--set",
                              "load.transport=\"tcp\"", "--set", "load.codec=\"line\"", "--set",
                              "upgrades=[{\"message\": 200, \"every\": 100, \"count\": 3}]", "--set",
                              "expect={\"upgrades.committed\": 3, \"lost\": 0, \"questions.trigger\": \"yes\"}", NULL});
    cr_expect(eq(int, said.status, 0), "%s%s", said.out, said.err);
    expect_whole_report("\"verdict\": \"pass\"");
    expect_nobody_left();
}

Test(run, quietly)
{
    help_scenario(home, "none", 600, scenario);
    help_midflight(&said, (const char *const[]){"run", scenario, "--out", out, "--no-plot", "--quiet", "--set",
                                                "upgrades=[{\"time_ms\": 50}]", NULL});
    cr_expect(eq(int, said.status, 0), "%s%s", said.out, said.err);
    cr_expect(eq(int, said.err[0], 0), "%s", said.err);
    expect_nobody_left();
}

Test(run, into_a_folder_that_holds_something)
{
    help_scenario(home, "swap", 600, scenario);
    help_midflight(&said, (const char *const[]){"run", scenario, "--out", home, NULL});
    cr_expect(eq(int, said.status, 2));
    cr_expect(eq(int, help_has(said.err, "must be new or empty"), 1), "%s", said.err);
    expect_nobody_left();
}

static void fake_programs(const char *body)
{
    char link[PATH_MAX + 32];
    help_fake_node(home, body);
    snprintf(link, sizeof link, "%s/midflight-load", home);
    cr_assert(eq(int, symlink(MIDFLIGHT_BINARY_DIR "/midflight-load", link), 0));
    snprintf(link, sizeof link, "%s/modules", home);
    cr_assert(eq(int, symlink(MIDFLIGHT_BINARY_DIR "/modules", link), 0));
    setenv("MIDFLIGHT_LIBEXEC", home, 1);
}

Test(run, of_a_target_that_dies_at_start)
{
    fake_programs("echo 'out of luck' >&2; exit 9");
    help_scenario(home, "swap", 600, scenario);
    help_midflight(&said, (const char *const[]){"run", scenario, "--out", out, "--no-plot", "--repeat", "3", NULL});
    cr_expect(eq(int, said.status, 3), "%s%s", said.out, said.err);
    cr_expect(eq(int, help_has(said.err, "out of luck"), 1), "%s", said.err);
    expect_whole_report("out of luck");
    cr_expect(eq(int, help_exists(out, "cells/all/run-2"), 0)); /* it would not be luckier */
    expect_no_scratch();
    expect_nobody_left();
}

Test(run, goes_on_with_the_other_cells)
{
    help_scenario(home, "swap", 600, scenario);
    help_midflight(&said,
                   (const char *const[]){
                       "run", scenario, "--out", out, "--no-plot", "--set",
                       "sweep={\"target.node.modules\": [[\"pingpong/v9\"], [\"pingpong/v1\", \"pingpong/v2\"]]}",
                       "--set", "upgrades=[{\"time_ms\": 50}]", NULL});
    cr_expect(eq(int, said.status, 3), "%s%s", said.out, said.err);
    cr_expect(eq(int, help_has(said.err, "module pingpong/v9"), 1), "%s", said.err);
    cr_expect(eq(int, help_has(said.err, "run 1/1: pass"), 1), "%s", said.err);
    expect_nobody_left();
}

static void interrupt(int signal, int times)
{
    help_scenario(home, "swap", 60000, scenario);
    help_midflight_start(&said, (const char *const[]){"run", scenario, "--out", out, "--no-plot", NULL});
    help_wait_for(&said, out, "cells/all/run-1/load-1.log");
    for (int i = 0; i < times; i++)
        kill(said.pid, signal);
    help_midflight_end(&said);
    expect_nobody_left();
}

Test(run, interrupted)
{
    interrupt(SIGINT, 1);
    cr_expect(eq(int, said.status, 130), "%s%s", said.out, said.err);
    expect_whole_report("interrupted");
    expect_no_scratch();
}

Test(run, terminated_twice)
{
    interrupt(SIGTERM, 2);
    cr_expect(eq(int, said.status, 130), "%s%s", said.out, said.err);
    expect_whole_report("interrupted");
    expect_no_scratch();
}

Test(run, of_a_killed_driver_ends_by_itself)
{
    /* node and load see the end of their control lines */
    interrupt(SIGKILL, 1);
    cr_expect(eq(int, said.status, 128 + SIGKILL));
}
