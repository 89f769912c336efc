/* A run with a history, judged again: the same words, other expectations, and what is missing is said. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/driver/help.h"

static struct help_midflight said;
static char home[PATH_MAX], scenario[PATH_MAX], out[PATH_MAX + 8], run[PATH_MAX + 32], part[PATH_MAX + 64];

static void setup(void)
{
    help_folder_make(home);
    snprintf(out, sizeof out, "%s/out", home);
    snprintf(run, sizeof run, "%s/cells/all/run-1", out);
    setenv("MIDFLIGHT_LIBEXEC", MIDFLIGHT_BINARY_DIR, 1);
}

static void teardown(void)
{
    help_folder_remove(home);
}
TestSuite(judge, .init = setup, .fini = teardown, .timeout = 120);

#define MIDFLIGHT(...) help_midflight(&said, (const char *const[]){__VA_ARGS__, NULL})

static void run_it(const char *option)
{
    help_scenario(home, "swap", 500, scenario);
    MIDFLIGHT("run", scenario, "--out", out, "--no-plot", "--quiet", option ? option : "--quiet");
    cr_assert(eq(int, said.status, 0), "%s%s", said.out, said.err);
}

static void expect_said(int status, const char *text)
{
    cr_expect(eq(int, said.status, status), "%s%s", said.out, said.err);
    cr_expect(eq(int, help_has(said.out, text) || help_has(said.err, text), 1), "wanted \"%s\" in: %s%s", text,
              said.out, said.err);
}

Test(judge, says_what_the_run_said)
{
    static char first[HELP_OUTPUT_BYTES];
    run_it("--history");
    strcpy(first, said.out);
    *strstr(first, "pass: ") = 0; /* the table; the last line names the folder */
    MIDFLIGHT("judge", out);
    expect_said(0, first);
    expect_said(0, "all run 1: pass");
    MIDFLIGHT("judge", run, "--quiet");
    expect_said(0, "judged again");
    snprintf(part, sizeof part, "%s/again", home);
    MIDFLIGHT("judge", out, "--out", part, "--quiet");
    expect_said(0, first);
    cr_expect(eq(int, help_exists(part, "cells/all/run-1/run.json"), 1));
    cr_expect(eq(int, help_exists(part, "report.json"), 1));
}

Test(judge, export_has_a_row_for_each_message)
{
    static char text[1 << 20];
    run_it("--history");
    MIDFLIGHT("export", out);
    expect_said(0, "cell,run,worker,stream,seq,process,due_us,written_us,done_us,outcome,cause,stage,version,instance,"
                   "count,upgrade,extras\n");
    expect_said(0, "all,1,1,0,0,0,0.000,");
    cr_expect(eq(str, said.err, (char *)""));
    help_read(out, "report.json", text, sizeof text);
    const char *due = strstr(text, "\"due\": ");
    unsigned rows = 0;
    for (const char *at = said.out; (at = strchr(at, '\n')) != NULL; at++)
        rows++;
    if (strlen(said.out) < HELP_OUTPUT_BYTES - 1)
        cr_expect(eq(u32, rows - 1, (uint32_t)atoi(due + 7)));
    MIDFLIGHT("export");
    expect_said(2, "a history is missing");
    MIDFLIGHT("export", home);
    expect_said(2, "has no history");
}

Test(judge, by_other_expectations)
{
    run_it("--history");
    MIDFLIGHT("judge", out, "--set", "expect={\"lost\": {\"min\": 1}}");
    expect_said(1, "lost");
    MIDFLIGHT("judge", out, "--set", "proof.in_flight_min=1000000");
    expect_said(4, "in flight");
    MIDFLIGHT("judge", out, "--set", "load.timeout_ms=1");
    expect_said(2, "allowed: expect, proof");
    MIDFLIGHT("judge", out, "--set", "expected.lost=1");
    expect_said(2, "allowed: expect, proof");
}

Test(judge, a_history_that_is_cut_off_is_unknown)
{
    struct stat st;
    run_it("--history");
    snprintf(part, sizeof part, "%s/history-1.bin", run);
    cr_assert(eq(int, stat(part, &st), 0));
    cr_assert(eq(int, truncate(part, st.st_size / 2), 0));
    MIDFLIGHT("judge", out);
    expect_said(4, "it is cut off after");
    unlink(part);
    MIDFLIGHT("judge", out);
    expect_said(2, "history-1.bin");
}

Test(judge, what_is_there_and_what_is_no_history)
{
    run_it(NULL);
    MIDFLIGHT("judge", out);
    expect_said(2, "--history");
    MIDFLIGHT("judge", run);
    expect_said(2, "is no result folder");
    MIDFLIGHT("judge", home);
    expect_said(2, "has no history");
    snprintf(part, sizeof part, "%s/nowhere", home);
    MIDFLIGHT("judge", part);
    expect_said(2, "nowhere");
    MIDFLIGHT("judge");
    expect_said(2, "a history is missing");
    MIDFLIGHT("judge", out, out);
    expect_said(2, "one history at a time");
}

Test(judge, a_recorder_that_is_damaged_is_refused)
{
    run_it("--history");
    snprintf(part, sizeof part, "%s/history-recorder.bin", run);
    struct stat st;
    cr_assert(eq(int, stat(part, &st), 0));
    cr_assert(eq(int, truncate(part, st.st_size - 100), 0));
    MIDFLIGHT("judge", out);
    expect_said(2, "is cut off, or damaged");
}
