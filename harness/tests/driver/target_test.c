/* The node as a target, with a node that misbehaves: each way gives its error, and nothing of it is left. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver/shape.h"
#include "targets/group.h"
#include "targets/target.h"
#include "tests/driver/help.h"

static struct help_cell c;
static char home[PATH_MAX], run_dir[PATH_MAX + 8], log_path[PATH_MAX + 32], program[PATH_MAX + 32];
static uv_loop_t loop;
static struct mf_recorder rec;
static struct mf_target *target;
static int readys, stoppeds, ends, deaths;
static bool upgrade_when_ready, stop_when_ready;
static struct mf_error failure;

static void on_ready(void *ctx, const char *endpoint)
{
    (void)ctx;
    (void)endpoint;
    readys++;
    if (upgrade_when_ready)
        target->ops->upgrade(target, 0);
    if (stop_when_ready)
        target->ops->stop(target);
}

static void on_number(void *ctx, uint32_t k)
{
    (void)ctx;
    (void)k;
}

static void on_ended(void *ctx, uint32_t k)
{
    (void)ctx;
    (void)k;
    ends++;
    target->ops->stop(target);
}

static void on_nothing(void *ctx)
{
    (void)ctx;
}

static void on_died(void *ctx, const char *text)
{
    (void)ctx;
    (void)text;
    deaths++;
}

static void on_failed(void *ctx, const struct mf_error *err)
{
    (void)ctx;
    if (!failure.text[0])
        failure = *err;
    target->ops->stop(target);
}

static void on_stopped(void *ctx)
{
    (void)ctx;
    stoppeds++;
}

static void setup(void)
{
    struct mf_error err = {0};
    help_folder_make(home);
    snprintf(run_dir, sizeof run_dir, "%s/run", home);
    snprintf(log_path, sizeof log_path, "%s/target.log", home);
    snprintf(program, sizeof program, "%s/midflight-node", home);
    cr_assert(eq(int, mkdir(run_dir, 0755), 0));
    help_cell(&c);
    struct mf_recorder_shape shape = mf_shape_recorder(&c.cell);
    cr_assert(eq(int, mf_recorder_create(&rec, &shape, &err), 0), "%s", err.text);
    cr_assert(eq(int, mf_group_adopt_orphans(), 0));
    cr_assert(eq(int, uv_loop_init(&loop), 0));
}

static void teardown(void)
{
    cr_expect(eq(int, uv_loop_close(&loop), 0)); /* no handle was forgotten */
    mf_recorder_close(&rec);
    help_folder_remove(home);
}
TestSuite(target, .init = setup, .fini = teardown, .timeout = 60);

static void target_make(void)
{
    struct mf_error err = {0};
    struct mf_node_options options = {.cell = &c.cell,
                                      .recorder = &rec,
                                      .run_dir = run_dir,
                                      .log_path = log_path,
                                      .program = program,
                                      .modules_dir = home};
    struct mf_target_events events = {.ready = on_ready,
                                      .fired = on_number,
                                      .ended = on_ended,
                                      .finished = on_nothing,
                                      .died = on_died,
                                      .failed = on_failed,
                                      .stopped = on_stopped};
    target = mf_target_new_node(&loop, &options, &events, &err);
    cr_assert(ne(ptr, target, NULL), "%s", err.text);
}

/* Starts it and turns the loop until all is over. */
static void target_run(const char *body)
{
    struct mf_error err = {0};
    help_fake_node(home, body);
    target_make();
    cr_assert(eq(int, target->ops->start(target, &err), 0), "%s", err.text);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_expect(eq(int, stoppeds, 1));
    if (help_fake_pid(home) > 0)
        cr_expect(eq(u32, mf_group_left(help_fake_pid(home)), 0));
    cr_expect(eq(int, help_entries(run_dir), 0)); /* its folder, socket and all, is gone */
    target->ops->free(target);
}

#define SAY_READY "echo 'ready endpoint=unix:/nowhere pid=1' >&4\n"

static void expect_failure(enum mf_status status, const char *part)
{
    cr_expect(eq(int, (int)failure.status, (int)status));
    cr_expect(eq(int, help_has(failure.text, part), 1), "wanted \"%s\" in: %s", part, failure.text);
}

Test(target, never_ready)
{
    c.cell.node.ready_ms = 300;
    target_run("sleep 1000");
    cr_expect(eq(int, readys, 0));
    expect_failure(MF_STATUS_TARGET, "not ready after 300 ms");
}

Test(target, dies_at_start_with_its_last_words)
{
    target_run("echo something else >&2; echo 'no such thing as luck' >&2; exit 9");
    expect_failure(MF_STATUS_TARGET, "ended before it was ready: exit 9; its last words: no such thing as luck");
}

Test(target, says_why_it_ends)
{
    /* a line right before its end must not be lost to the end */
    target_run("echo 'error text=no%20module status=3' >&4; exit 3");
    expect_failure(MF_STATUS_TARGET, "no module");
}

Test(target, dies_in_the_middle)
{
    target_run(SAY_READY "kill -SEGV $$");
    cr_expect(eq(int, readys, 1));
    cr_expect(eq(int, deaths, 1));
    expect_failure(MF_STATUS_TARGET, "died in the middle of the run: signal 11");
}

Test(target, talks_garbage)
{
    target_run("printf '!!! \\001\\n' >&4; sleep 1000");
    expect_failure(MF_STATUS_TARGET, "no control line: \"!!! ?\"");
}

Test(target, talks_without_end)
{
    target_run("head -c 20000 /dev/zero | tr '\\0' x >&4; sleep 1000");
    expect_failure(MF_STATUS_TARGET, "a line that is too long");
}

Test(target, ready_without_a_place)
{
    target_run("echo ready >&4; sleep 1000");
    expect_failure(MF_STATUS_TARGET, "but not where");
}

Test(target, floods_its_output)
{
    /* 10 MB that nobody reads must hold nobody up */
    stop_when_ready = true;
    target_run("head -c 10000000 /dev/zero | tr '\\0' x\n" SAY_READY "read line <&4; exit 0");
    cr_expect(eq(int, readys, 1));
    cr_expect(eq(int, failure.text[0], 0), "%s", failure.text);
}

Test(target, stops_when_told)
{
    stop_when_ready = true;
    target_run(SAY_READY "read line <&4; echo $line; [[ $line == stop ]] && exit 0; sleep 1000");
    cr_expect(eq(int, failure.text[0], 0), "%s", failure.text);
    char text[64];
    cr_expect(eq(int, help_has(help_read(home, "target.log", text, sizeof text), "stop"), 1), "%s", text);
}

Test(target, hangs_on_stop_and_refuses_signals)
{
    stop_when_ready = true;
    target_run("trap '' TERM INT HUP; (trap '' TERM; sleep 1000) & setsid --fork sleep 1000 & wait -n\n" SAY_READY
               "while :; do sleep 0.1; done");
    cr_expect(eq(int, readys, 1));
    cr_expect(eq(int, failure.text[0], 0), "%s", failure.text);
}

Test(target, leaves_children_behind)
{
    stop_when_ready = true;
    target_run("(trap '' TERM HUP; sleep 1000) & (trap '' TERM HUP; sleep 1000) &\n" SAY_READY "read line <&4; exit 0");
    cr_expect(eq(int, failure.text[0], 0), "%s", failure.text);
}

Test(target, never_ends_an_upgrade)
{
    upgrade_when_ready = true;
    c.cell.node.upgrade_ms = 300;
    atomic_store(&rec.header->requested, 1);
    target_run(SAY_READY "sleep 1000");
    expect_failure(MF_STATUS_TARGET, "upgrade 1 had not ended after 300 ms");
    cr_expect(eq(u32, atomic_load(&rec.log[0].outcome), MF_UPGRADE_FAILED));
    cr_expect(eq(int, help_has(rec.log[0].reason, "had not ended"), 1), "%s", rec.log[0].reason);
    cr_expect(ne(u64, atomic_load(&rec.log[0].phase_ns[MF_PHASE_FAILED]), 0));
}

Test(target, claims_an_upgrade_that_the_log_does_not_know)
{
    upgrade_when_ready = true;
    target_run(SAY_READY "read line <&4; echo 'ended k=0 outcome=committed' >&4; sleep 1000");
    cr_expect(eq(int, ends, 0));
    expect_failure(MF_STATUS_TARGET, "the log has no outcome of it");
}

Test(target, ends_an_upgrade_that_is_not_planned)
{
    target_run(SAY_READY "echo 'ended k=7 outcome=committed' >&4; sleep 1000");
    expect_failure(MF_STATUS_TARGET, "an upgrade that is not planned");
}

Test(target, is_no_program)
{
    struct mf_error err = {0};
    target_make();
    cr_expect(eq(int, target->ops->start(target, &err), -1));
    cr_expect(eq(int, (int)err.status, MF_STATUS_TARGET));
    cr_expect(eq(int, help_has(err.text, "no such file"), 1), "%s", err.text);
    uv_run(&loop, UV_RUN_DEFAULT);
    cr_expect(eq(int, help_entries(run_dir), 0));
    target->ops->free(target);
}

Test(target, a_long_path_gets_a_short_folder)
{
    char argv[8192];
    size_t used = strlen(run_dir);
    while (used < 120) {
        used += (size_t)snprintf(run_dir + used, sizeof run_dir - used, "/a-rather-long-name-for-a-folder");
        cr_assert(eq(int, mkdir(run_dir, 0755), 0));
    }
    stop_when_ready = true;
    target_run("echo \"$@\"\n" SAY_READY "read line <&4; exit 0");
    help_read(home, "target.log", argv, sizeof argv);
    const char *listen = strstr(argv, "--listen unix:");
    cr_assert(ne(ptr, (void *)(uintptr_t)listen, NULL), "%s", argv);
    listen += strlen("--listen unix:");
    cr_expect(lt(sz, strcspn(listen, " "), 108), "%s", argv);
    char folder[256];
    snprintf(folder, sizeof folder, "%.*s", (int)strcspn(listen, " "), listen);
    *strrchr(folder, '/') = 0;
    cr_expect(eq(int, help_entries(folder), -1), "%s is still there", folder);
}

/* --- what the modules are -------------------------------------------------------------------------------------------
 */

static int describe(uint32_t *versions, struct mf_error *err)
{
    help_write(home, "a.so", "", false);
    help_write(home, "b c.so", "", false);
    c.modules[0] = "a";
    c.modules[1] = "b c";
    c.cell.node.modules_count = 2;
    return mf_node_describe(program, home, &c.cell.node, versions, err);
}

Test(target, describes_its_modules)
{
    uint32_t versions[3] = {0};
    struct mf_error err = {0};
    help_fake_node(home, "exit 1");
    cr_assert(eq(int, describe(versions, &err), 0), "%s", err.text);
    cr_expect(eq(u32, versions[0], 1));
    cr_expect(eq(u32, versions[1], 2));
}

static void expect_undescribed(const char *script, const char *part)
{
    uint32_t versions[3] = {0};
    struct mf_error err = {0};
    help_write(home, "midflight-node", script, true);
    cr_expect(eq(int, describe(versions, &err), -1));
    cr_expect(eq(int, (int)err.status, MF_STATUS_TARGET));
    cr_expect(eq(int, help_has(err.text, part), 1), "wanted \"%s\" in: %s", part, err.text);
}

Test(target, cannot_describe_them)
{
    expect_undescribed("#!/bin/sh\necho 'midflight-node: a.so: no symbol' >&2\nexit 3\n", "a.so: no symbol");
    expect_undescribed("#!/bin/sh\nkill -SEGV $$\n", "signal 11");
    expect_undescribed("#!/bin/sh\necho hello\n", "did not say the modules' versions");
    expect_undescribed("#!/bin/sh\nexit 3\n", "did not say why");
    expect_undescribed("#!/bin/sh\nhead -c 1000000 /dev/zero\nexit 0\n", "did not say the modules' versions");
}

Test(target, a_module_is_missing)
{
    uint32_t versions[3];
    struct mf_error err = {0};
    help_fake_node(home, "exit 1");
    cr_expect(eq(int, mf_node_describe(program, home, &c.cell.node, versions, &err), -1));
    cr_expect(eq(int, (int)err.status, MF_STATUS_TARGET));
    cr_expect(eq(int, help_has(err.text, "module a.so"), 1), "%s", err.text);
    cr_expect(eq(int, help_has(err.text, "No such file"), 1), "%s", err.text);
}
