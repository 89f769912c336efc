/* Command targets, end to end: `midflight run` drives modules/server as a file says, and what goes wrong with it is
 * told in time, with the right exit status, and leaves nothing behind. */
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
static char home[PATH_MAX], out[PATH_MAX + 8], scenario[PATH_MAX + 32];
static char text[1 << 18];

static void setup(void)
{
    help_folder_make(home);
    snprintf(out, sizeof out, "%s/out", home);
    snprintf(scenario, sizeof scenario, "%s/scenario.json", home);
    setenv("MIDFLIGHT_LIBEXEC", MIDFLIGHT_BINARY_DIR, 1);
    setenv("TMPDIR", home, 1); /* a folder left behind there is seen */
    /* orphans of a killed midflight become ours, and so can be counted */
    cr_assert(eq(int, prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0));
}

static void teardown(void)
{
    help_folder_remove(home);
}
TestSuite(command, .init = setup, .fini = teardown, .timeout = 120);

/* A scenario whose target is the server with `words` behind its own, and `more` keys of target.command; `rest` are keys
 * of the scenario. */
static void scenario_write(const char *words, const char *more, const char *rest)
{
    static char json[8192];
    snprintf(json, sizeof json,
             "{ \"schema\": \"midflight.scenario/1\", \"name\": \"test\", \"seed\": 3,\n"
             "  \"target\": { \"name\": \"mine\", \"command\": {\n"
             "    \"files\": { \"version\": [\"{n}\"] },\n"
             "    \"start\": [\"{modules}/server/midflight-server\", \"unix:{dir}/s.sock\", \"version\"%s],\n"
             "    \"endpoint\": \"unix:{dir}/s.sock\",\n"
             "    %s } },\n"
             "  \"load\": { \"connections\": 2, \"rate_per_s\": 1000, \"warmup_ms\": 50, \"duration_ms\": 600 },\n"
             "  \"proof\": { \"in_flight_min\": 0, \"rate_min_share\": 0, \"tainted_max_share\": 1 },\n"
             "  %s }\n",
             words, more, rest);
    help_write(home, "scenario.json", json, false);
}

#define READY "\"ready\": { \"connect\": true }, "
#define HUP   "\"upgrade\": [ { \"write\": \"version\", \"text\": [\"{n}\"] }, { \"signal\": \"HUP\" } ]"
#define TWO   "\"upgrades\": [ { \"every_ms\": 200, \"count\": 2 } ]"

/* Runs it; wants this exit status, and nobody and nothing left. */
static void run_wanted(int status)
{
    help_midflight(&said, (const char *const[]){"run", scenario, "--out", out, "--no-plot", NULL});
    cr_expect(eq(int, said.status, status), "%s%s", said.out, said.err);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    cr_expect(eq(int, errno, ECHILD));
    cr_expect(eq(int, help_exists(out, "cells/all/run-1/target"), 0));
    cr_expect(eq(int, help_entries(home), 2), "something was left in TMPDIR: scenario.json and out should be alone");
}

static void expect_said(const char *part)
{
    cr_expect(eq(int, help_has(said.err, part), 1), "wanted \"%s\" in: %s", part, said.err);
}

static void expect_in(const char *file, const char *part)
{
    help_read(out, file, text, sizeof text);
    cr_expect(eq(int, help_has(text, part), 1), "wanted \"%s\" in %s: %.3000s", part, file, text);
}

Test(command, takes_new_versions)
{
    scenario_write("", READY HUP,
                   TWO ", \"expect\": { \"lost\": 0, \"upgrades.committed\": 2,"
                       " \"questions.processes\": \"yes\", \"questions.state\": \"yes\", \"stale\": 0 }");
    run_wanted(0);
    expect_in("plan.txt", "version 2 to 3: fired at");
    expect_in("cells/all/run-1/steps.log", "upgrade[1]: signal HUP: done");
}

Test(command, by_tcp_at_a_port_of_its_own)
{
    scenario_write("", READY HUP, TWO ", \"expect\": { \"lost\": 0, \"upgrades.committed\": 2 }");
    help_midflight(&said, (const char *const[]){"run", scenario, "--out", out, "--no-plot", "--set",
                                                "target.command.endpoint=\"tcp:127.0.0.1:{port}\"", "--set",
                                                "target.command.start[1]=\"tcp:127.0.0.1:{port}\"", NULL});
    cr_expect(eq(int, said.status, 0), "%s%s", said.out, said.err);
    expect_in("cells/all/run-1/run.json", "\"committed\": 2");
}

/* A server that forks or starts itself anew while it gets ready: for a while nobody seems to have the socket that takes
 * connections. (Here it is on its way in a message.) */
Test(command, whose_socket_is_on_its_way_is_no_stranger)
{
    scenario_write("", READY HUP, "\"upgrades\": []");
    help_midflight(&said,
                   (const char *const[]){"run", scenario, "--out", out, "--no-plot", "--set",
                                         "target.command.endpoint=\"tcp:127.0.0.1:{port}\"", "--set",
                                         "target.command.start=[\"/usr/bin/python3\", \"-c\", \""
                                         "import socket, time; s = socket.create_server(('127.0.0.1', {port})); "
                                         "a, b = socket.socketpair(); socket.send_fds(a, [b'x'], [s.fileno()]); "
                                         "s.close(); time.sleep(0.1); f = socket.recv_fds(b, 1, 1); time.sleep(30)"
                                         "\"]",
                                         "--set", "load.duration_ms=100", NULL});
    expect_in("cells/all/run-1/steps.log", "ready at tcp:127.0.0.1:");
}

Test(command, with_an_overlap_is_complete_when_the_old_is_silent)
{
    scenario_write(", \"overlap\", \"60\"", READY HUP ", \"complete\": { \"witness\": true, \"old_silent_ms\": 40 }",
                   TWO ", \"expect\": { \"lost\": 0, \"upgrades.committed\": 2, \"stale\": 0, \"regressed\": { "
                       "\"min\": 1 }, \"questions.code\": \"no\","
                       " \"last_old_ms.max\": { \"min\": 1 } }");
    run_wanted(0);
}

/* Said to be complete too early, what the old version answers afterwards is stale. */
Test(command, with_an_overlap_that_is_not_waited_for)
{
    scenario_write(", \"overlap\", \"60\"", READY HUP, TWO ", \"expect\": { \"lost\": 0, \"stale\": { \"min\": 10 } }");
    help_midflight(&said, (const char *const[]){"run", scenario, "--out", out, "--no-plot", NULL});
    cr_expect(eq(int, said.status, 4), "%s%s", said.out, said.err);
    expect_in("plan.txt", "the new code is not proved to run");
}

Test(command, without_witnesses_leaves_open_what_they_would_tell)
{
    scenario_write(", \"plain\"", READY HUP ", \"complete\": { \"log\": \"output\", \"text\": \"version {n}\" }",
                   TWO ", \"expect\": { \"lost\": 0, \"upgrades.committed\": 2 }");
    run_wanted(0);
    expect_in("report.json", "the target's answers carry no version");
    expect_in("report.json", "the target's answers carry no count");
}

Test(command, that_is_not_there_is_skipped)
{
    scenario_write(
        "", READY HUP ", \"needs\": [ { \"program\": \"no-such-program\", \"package\": \"no-such-package\" } ]", TWO);
    run_wanted(77);
    expect_said("no-such-program is missing: apt-get install no-such-package");
}

Test(command, that_never_gets_ready)
{
    scenario_write(", \"deaf\"", READY HUP ", \"ready_ms\": 300", TWO);
    run_wanted(3);
    expect_said("not ready after 300 ms (target.command.ready_ms)");
    expect_said("version 1"); /* what it printed */
}

Test(command, that_ends_at_its_start)
{
    scenario_write(", \"nonsense\"", READY HUP, TWO);
    run_wanted(3);
    expect_said("ended before it was ready: exit 2; its last lines: midflight-server: nonsense: no such word");
}

Test(command, whose_program_is_missing)
{
    scenario_write("", READY HUP, TWO);
    help_midflight(&said, (const char *const[]){"run", scenario, "--out", out, "--no-plot", "--set",
                                                "target.command.start[0]=\"no-such-program\"", NULL});
    cr_expect(eq(int, said.status, 3), "%s%s", said.out, said.err);
    expect_said("cannot be started: no such file or directory");
}

Test(command, whose_preparation_fails)
{
    scenario_write("", READY HUP ", \"prepare\": [ { \"run\": [\"ls\", \"no-such-file\"] } ]", TWO);
    run_wanted(3);
    expect_said("prepare[0]: run ls no-such-file: exit 2; its last lines:");
    expect_said("No such file or directory");
}

Test(command, whose_trigger_fails)
{
    scenario_write("", READY "\"upgrade\": [ { \"run\": [\"ls\", \"no-such-file\"] } ]", TWO);
    run_wanted(3);
    expect_said("upgrade 1 failed: upgrade[0]: run ls no-such-file: exit 2");
    expect_in("plan.txt", "<-- failed here: upgrade[0]: run ls no-such-file: exit 2");
}

Test(command, whose_trigger_hangs)
{
    scenario_write("", READY "\"upgrade\": [ { \"run\": [\"sleep\", \"60\"], \"within_ms\": 150 } ]", TWO);
    run_wanted(3);
    expect_said("had not ended after 150 ms (its within_ms)");
}

Test(command, whose_version_never_comes)
{
    scenario_write(", \"stubborn\"", READY HUP ", \"upgrade_ms\": 150, \"stop_ms\": 100", TWO);
    run_wanted(3);
    expect_said("not complete after 150 ms (target.command.upgrade_ms): no answer of version 2 has come");
    expect_in("cells/all/run-1/steps.log", "SIGKILL to 1 processes");
}

/* Where the scenario says what it expects of failures, one is a finding. */
Test(command, whose_version_never_comes_as_expected)
{
    scenario_write(", \"stubborn\"", READY HUP ", \"upgrade_ms\": 150, \"stop_ms\": 100",
                   TWO ", \"expect\": { \"upgrades.failed\": 2, \"lost\": 0 }");
    run_wanted(0);
}

Test(command, that_refuses_rolls_back)
{
    scenario_write("",
                   READY "\"upgrade\": [ { \"write\": \"version\", \"text\": [\"none\"] }, { \"signal\": \"HUP\" } ],"
                         " \"failed\": { \"log\": \"output\", \"text\": \"refused:\" }",
                   TWO ", \"expect\": { \"upgrades.rolled_back\": 2, \"lost\": 0 }");
    run_wanted(0);
    expect_in("plan.txt", "failed here: refused: version holds no version");
}

Test(command, that_becomes_a_daemon)
{
    scenario_write(", \"daemon\", \"pid\", \"child\"",
                   READY "\"upgrade\": [ { \"write\": \"version\", \"text\": [\"{n}\"] }, { \"signal\": \"HUP\", "
                         "\"pid_file\": \"pid\" } ]",
                   TWO ", \"expect\": { \"lost\": 0, \"upgrades.committed\": 2 }");
    run_wanted(0);
}

Test(command, that_prints_a_hundred_megabytes)
{
    struct stat st;
    scenario_write(", \"chatty\", \"100\"", READY HUP,
                   "\"upgrades\": [ { \"time_ms\": 200 } ], \"expect\": { \"lost\": 0 }");
    run_wanted(0);
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/cells/all/run-1/target.log", out);
    cr_assert(eq(int, stat(path, &st), 0));
    cr_expect(lt(i64, (int64_t)st.st_size, 8 << 20));
    cr_expect(gt(i64, (int64_t)st.st_size, 2 << 20));
    help_read(out, "cells/all/run-1/target.log", text, sizeof text);
    cr_expect(eq(int, help_has(text, "xxxxxxxx"), 1));
}

Test(command, that_dies)
{
    scenario_write(", \"crash\", \"300\"", READY HUP, "\"upgrades\": [ { \"time_ms\": 500 } ]");
    run_wanted(3);
    expect_said("died in the middle of the run: signal 11 (Segmentation fault)");
}

Test(command, that_dies_of_its_upgrade)
{
    scenario_write("", READY "\"upgrade\": [ { \"signal\": \"KILL\" } ]",
                   "\"upgrades\": [ { \"time_ms\": 200 } ], \"expect\": "
                   "{ \"upgrades.failed\": 1, \"lost\": { \"min\": 1 }, \"lost_by_cause.refused\": { \"min\": 1 } }");
    run_wanted(0);
    expect_in("plan.txt", "no process of the target lives any more: signal 9 (Killed)");
}

/* A message among the pings makes it upgrade; its answer is no phantom. */
Test(command, told_by_a_message_among_the_pings)
{
    scenario_write("",
                   READY "\"upgrade\": [ { \"write\": \"version\", \"text\": [\"{n}\"] },"
                         " { \"ping\": \"RELOAD {n}\\n\", \"expect\": \"RELOADED {n}\" } ]",
                   TWO ", \"expect\": { \"upgrades.committed\": 2, \"lost\": 0, \"phantom\": 0, \"wrong\": 0 }");
    run_wanted(0);
}

/* The target upgrades on a ping of its own choice, and says which. */
Test(command, that_names_its_trigger)
{
    scenario_write("",
                   READY "\"upgrade\": [ { \"write\": \"version\", \"text\": [\"{n}\"] },"
                         " { \"send\": \"unix:{dir}/s.sock\", \"text\": \"RELOAD-ON-PING\\n\", \"expect\": \"RELOADED "
                         "{n}\", \"trigger\": true } ]",
                   TWO ", \"expect\": { \"upgrades.committed\": 2, \"lost\": 0, \"questions.trigger\": \"yes\" }");
    run_wanted(0);
    expect_in("plan.txt", "for process 0, which ended answered");
}

Test(command, that_names_no_trigger)
{
    scenario_write("",
                   READY "\"upgrade\": [ { \"write\": \"version\", \"text\": [\"{n}\"] },"
                         " { \"send\": \"unix:{dir}/s.sock\", \"text\": \"RELOAD\\n\", \"expect\": \"RELOADED {n}\", "
                         "\"trigger\": true } ]",
                   TWO);
    run_wanted(3);
    expect_said("the answer names no ping (trigger STREAM SEQ PROCESS)");
}

/* Where nobody has said that an answer comes, it is none to any ping. */
Test(command, told_by_a_message_whose_answer_is_not_expected)
{
    scenario_write(
        "", READY "\"upgrade\": [ { \"write\": \"version\", \"text\": [\"{n}\"] }, { \"ping\": \"RELOAD {n}\\n\" } ]",
        TWO ", \"expect\": { \"upgrades.committed\": 2, \"lost\": 0, \"phantom\": 2 }");
    run_wanted(0);
}

/* It says that it has failed, and takes the target with it: what comes of that is measured to the end. */
Test(command, whose_failed_upgrade_is_an_outage)
{
    scenario_write(
        "", READY "\"upgrade\": [ { \"signal\": \"KILL\" } ], \"failed\": { \"gone\": \"all\" }",
        "\"upgrades\": [ { \"time_ms\": 100 } ], \"expect\": { \"upgrades.failed\": 1, \"lost\": { \"min\": 1 },"
        " \"resources.target_dead\": 1 }");
    run_wanted(0);
}

/* The successor is there before the old one is told to go: `gone` means who was there at the request, and not who came
 * since. */
Test(command, whose_successor_comes_first)
{
    scenario_write(
        "",
        READY "\"upgrade\": [ { \"write\": \"version\", \"text\": [\"{n}\"] }, { \"run\": [\"rm\", \"s.sock\"] },"
              " { \"spawn\": [\"{modules}/server/midflight-server\", \"unix:{dir}/s.sock\", \"version\"] },"
              " { \"wait\": { \"connect\": true } }, { \"signal\": \"TERM\" }, { \"wait\": { \"gone\": \"all\" }, "
              "\"within_ms\": 2000 } ]",
        TWO
        ", \"expect\": { \"upgrades.committed\": 2, \"questions.processes\": \"no\", \"questions.code\": \"yes\" }");
    run_wanted(0);
}

/* One that takes over: a further process, and the old one told to go. */
Test(command, that_is_replaced_by_another_process)
{
    scenario_write(
        "",
        READY "\"upgrade\": [ { \"write\": \"version\", \"text\": [\"{n}\"] }, { \"signal\": \"TERM\" },"
              " { \"wait\": { \"gone\": \"all\" } }, { \"run\": [\"rm\", \"s.sock\"] },"
              " { \"spawn\": [\"{modules}/server/midflight-server\", \"unix:{dir}/s.sock\", \"version\"] } ]",
        TWO ", \"expect\": { \"upgrades.committed\": 2, \"questions.processes\": \"no\", \"questions.state\": \"no\","
            " \"questions.code\": \"yes\" }");
    help_midflight(&said, (const char *const[]){"run", scenario, "--out", out, "--no-plot", NULL});
    cr_expect(eq(int, said.status, 0), "%s%s", said.out, said.err);
    expect_in("report.json", "2 OS processes of those that lived at the request had ended");
}

Test(command, that_is_killed_by_a_fault)
{
    scenario_write(
        "", READY HUP,
        "\"upgrades\": [ { \"time_ms\": 100 } ], \"faults\": [ { \"fault\": \"kill\", \"whom\": \"old\", "
        "\"time_ms\": 400 } ],"
        " \"expect\": { \"upgrades.committed\": 1, \"lost\": { \"min\": 1 }, \"resources.target_dead\": 1 }");
    run_wanted(0);
    expect_in("cells/all/run-1/run.json", "killed process ");
}

Test(command, that_is_stopped_by_a_fault_for_a_while)
{
    scenario_write(
        "", READY HUP ", \"complete\": { \"witness\": true, \"old_silent_ms\": 5 }",
        "\"upgrades\": [ { \"time_ms\": 200 } ], \"faults\": [ { \"fault\": \"stop\", \"whom\": \"both\", \"phase\": "
        "\"requested\", \"upgrade\": 1, \"duration_ms\": 60 } ],"
        " \"expect\": { \"upgrades.committed\": 1, \"lost\": 0, \"first_new_ms.max\": { \"min\": 59 } }");
    run_wanted(0);
}

/* A relay between the load and a command. */
Test(command, whose_connections_are_reset_by_a_fault)
{
    scenario_write("", READY HUP,
                   "\"upgrades\": [ { \"time_ms\": 100 } ], \"faults\": [ { \"fault\": \"connections_reset\", "
                   "\"time_ms\": 300 } ],"
                   " \"expect\": { \"upgrades.committed\": 1 }");
    run_wanted(0);
    expect_in("cells/all/run-1/run.json", "2 connections");
}

Test(command, targets_that_are_shipped_are_listed_by_doctor)
{
    char targets[PATH_MAX + 64];
    help_midflight(&said, (const char *const[]){"doctor", NULL});
    cr_expect(eq(int, help_has(said.out, "  server                       ready"), 1), "%s", said.out);
    snprintf(targets, sizeof targets, "%s/scenarios", home);
    cr_assert(eq(int, mkdir(targets, 0755), 0));
    snprintf(targets, sizeof targets, "%s/scenarios/targets", home);
    cr_assert(eq(int, mkdir(targets, 0755), 0));
    help_write(targets, "server.json",
               "{ \"command\": { \"needs\": [{ \"program\": \"no-such\", \"package\": \"such\" }],"
               " \"start\": [\"a\"], \"endpoint\": \"tcp:127.0.0.1:{port}\", \"ready\": { \"connect\": true },"
               " \"upgrade\": [] } }",
               false);
    help_write(targets, "wrong.json", "{ \"command\": {} }", false);
    setenv("MIDFLIGHT_LIBEXEC", home, 1);
    help_midflight(&said, (const char *const[]){"doctor", NULL});
    cr_expect(eq(int, help_has(said.out, "no-such is missing: apt-get install such"), 1), "%s", said.out);
    cr_expect(eq(int, help_has(said.out, "is missing; allowed: an array: the program and its arguments"), 1), "%s",
              said.out);
    cr_expect(eq(int, help_has(said.out, "0 of 2 ready"), 1), "%s", said.out);
}

/* What init writes is right, and runs. */
Test(command, of_init)
{
    char made[PATH_MAX + 8];
    snprintf(made, sizeof made, "%s/made", home);
    snprintf(scenario, sizeof scenario, "%s/made/scenario.json", home);
    help_midflight(&said, (const char *const[]){"init", made, "--protocol", "line", "--address", "unix:{dir}/s.sock",
                                                "--start",
                                                "{modules}/server/midflight-server 'unix:{dir}/s.sock' version", NULL});
    cr_assert(eq(int, said.status, 0), "%s%s", said.out, said.err);
    help_midflight(&said, (const char *const[]){"run", scenario, "--out", out, "--no-plot", "--set",
                                                "load.duration_ms=700", "--set", "upgrades=[{\"time_ms\": 200}]",
                                                "--set", "proof={\"tainted_max_share\": 1}", "--set",
                                                "proof.in_flight_min=0", "--set", "proof.rate_min_share=0", NULL});
    cr_expect(eq(int, said.status, 0), "%s%s", said.out, said.err);
}

Test(command, of_init_for_a_server_with_a_trigger_that_is_a_program)
{
    char made[PATH_MAX + 8];
    snprintf(made, sizeof made, "%s/made", home);
    snprintf(scenario, sizeof scenario, "%s/made/scenario.json", home);
    help_midflight(&said, (const char *const[]){"init", made, "--start", "python3 server.py {port}", "--trigger",
                                                "python3 reload.py --port '{port}'", "--name", "mine", NULL});
    cr_assert(eq(int, said.status, 0), "%s%s", said.out, said.err);
    help_midflight(&said, (const char *const[]){"check", scenario, NULL});
    cr_expect(eq(int, said.status, 0), "%s", said.err);
    cr_expect(eq(int, help_has(said.out, "upgrade 2. run python3 reload.py --port {port}"), 1), "%s", said.out);
    cr_expect(eq(int, help_has(said.out, "codec http1"), 1), "%s", said.out);
}

Test(command, of_init_that_is_told_too_little_or_wrong)
{
    help_midflight(&said, (const char *const[]){"init", out, NULL});
    cr_expect(eq(int, said.status, 2), "%s", said.err);
    expect_said("--start is missing");
    help_midflight(&said, (const char *const[]){"init", out, "--start", "x", "--address", "tcp:0.0.0.0:80", NULL});
    cr_expect(eq(int, said.status, 2), "%s", said.err);
    expect_said("target.command.endpoint: is \"tcp:0.0.0.0:80\"");
}

Test(command, interrupted_leaves_nothing)
{
    scenario_write(", \"daemon\", \"pid\", \"child\"", READY HUP, TWO);
    help_midflight_start(&said, (const char *const[]){"run", scenario, "--out", out, "--no-plot", "--set",
                                                      "load.duration_ms=60000", NULL});
    help_wait_for(&said, out, "cells/all/run-1/load-1.log");
    kill(said.pid, SIGINT);
    help_midflight_end(&said);
    cr_expect(eq(int, said.status, 130), "%s%s", said.out, said.err);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    cr_expect(eq(int, errno, ECHILD));
    cr_expect(eq(int, help_entries(home), 2));
}
