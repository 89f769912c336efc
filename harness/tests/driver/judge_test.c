/* A run with a history, judged again: the same words, other expectations, and what is missing is said. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver/history.h"
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

Test(judge, what_the_driver_saw_of_the_target_is_kept_whole)
{
    const struct mf_recorder_shape shape = {.workers = 1, .upgrades = 1, .bins = 1, .streams = 1, .bin_ns = 1000000};
    struct mf_fault_result fault = {.run = 2,
                                    .row = 3,
                                    .fault = "kill",
                                    .whom = "old",
                                    .upgrade = UINT32_MAX,
                                    .phase = 1,
                                    .noop = true,
                                    .fired = true,
                                    .fired_ns = -1,
                                    .undone_ns = 5,
                                    .what = "what was done"};
    struct mf_history_kept kept = {.number = 2, .interrupted = true}, back;
    struct mf_recorder rec, again;
    struct mf_error err = {0};
    uint32_t n = 0;
    cr_assert(eq(int, mf_recorder_create(&rec, &shape, &err), 0));
    rec.header->start_ns = 17;
#define MF_WITNESS(type, member, text) kept.witness.member = (type)++n;
#include "checker/witness.def"
#undef MF_WITNESS
    strcpy(kept.witness.died_text, "signal 11");
    kept.witness.faults = &fault;
    kept.witness.faults_count = 1;
    for (uint32_t i = 0; i < MF_FOOTPRINT_COUNT; i++) {
        kept.witness.sampled_first.of[i] = ++n;
        kept.witness.sampled_last.of[i] = ++n;
    }
    mf_error_set(&kept.trouble, MF_STATUS_TARGET, "a place", "a text");
    cr_assert(eq(int, mf_history_keep(home, &rec, &kept, &err), 0), "%s", err.text);
    cr_assert(eq(int, mf_history_fetch(home, &again, &back, &err), 0), "%s", err.text);
#define MF_WITNESS(type, member, text) cr_expect(eq(int, back.witness.member == kept.witness.member, 1), #member);
#include "checker/witness.def"
#undef MF_WITNESS
    cr_expect(eq(str, back.witness.died_text, kept.witness.died_text));
    cr_expect(
        eq(int, memcmp(&back.witness.sampled_first, &kept.witness.sampled_first, sizeof(struct mf_footprint)), 0));
    cr_expect(eq(int, memcmp(&back.witness.sampled_last, &kept.witness.sampled_last, sizeof(struct mf_footprint)), 0));
    cr_expect(eq(u32, back.number, 2));
    cr_expect(eq(int, back.interrupted, 1));
    cr_expect(eq(int, (int)back.trouble.status, MF_STATUS_TARGET));
    cr_expect(eq(str, back.trouble.place, kept.trouble.place));
    cr_expect(eq(str, back.trouble.text, kept.trouble.text));
    cr_assert(eq(u32, back.witness.faults_count, 1));
    const struct mf_fault_result *f = back.witness.faults;
    cr_expect(eq(str, (char *)f->fault, (char *)fault.fault));
    cr_expect(eq(str, (char *)f->whom, (char *)fault.whom));
    cr_expect(eq(str, (char *)f->what, fault.what));
    cr_expect(f->run == fault.run && f->row == fault.row && f->upgrade == fault.upgrade && f->phase == fault.phase &&
              f->noop && f->fired && f->fired_ns == -1 && f->undone_ns == 5);
    cr_expect(eq(int, memcmp(rec.base, again.base, rec.header->stages_at), 0));
    mf_history_kept_done(&back);
    mf_recorder_close(&rec);
    mf_recorder_close(&again);
}
