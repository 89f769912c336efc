/* Whole runs in which things go wrong on purpose, with the real programs; and what the ledger says of modules that
 * misbehave in known numbers. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/driver/help.h"

static struct help_midflight said;
static char home[PATH_MAX], scenario[PATH_MAX + 16], out[PATH_MAX + 8];
static json_t *run;

static void setup(void)
{
    help_folder_make(home);
    snprintf(out, sizeof out, "%s/out", home);
    snprintf(scenario, sizeof scenario, "%s/scenario.json", home);
    setenv("MIDFLIGHT_LIBEXEC", MIDFLIGHT_BINARY_DIR, 1);
    cr_assert(eq(int, prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0));
}

static void teardown(void)
{
    json_decref(run);
    help_folder_remove(home);
}
TestSuite(faults, .init = setup, .fini = teardown, .timeout = 120);
TestSuite(broken, .init = setup, .fini = teardown, .timeout = 120);

/* One cell, one run of it; what is left behind is nothing. */
static void run_it(const char *node, const char *load, const char *upgrades, const char *faults)
{
    char text[4096], path[PATH_MAX + 64];
    json_error_t error;
    snprintf(text, sizeof text,
             "{ \"schema\": \"midflight.scenario/1\", \"name\": \"test\", \"seed\": 7,"
             " \"target\": { \"node\": { \"processes\": 8, %s } },"
             " \"load\": { \"transport\": \"unix\", \"connections\": 2, \"timeout_ms\": 1000, \"drain_ms\": 1000,"
             " \"warmup_ms\": 50, \"duration_ms\": 500, %s },"
             " \"proof\": { \"tainted_max_share\": 1, \"in_flight_min\": 0 },"
             " \"upgrades\": %s, \"faults\": %s }",
             node, load, upgrades, faults);
    help_write(home, "scenario.json", text, false);
    help_midflight(&said, (const char *const[]){"run", scenario, "--out", out, "--no-plot", NULL});
    snprintf(path, sizeof path, "%s/cells/all/run-1/run.json", out);
    run = json_load_file(path, 0, &error);
    cr_assert(ne(ptr, run, NULL), "%s: %s", said.err, error.text);
    cr_expect(eq(int, help_exists(out, "cells/all/run-1/node"), 0), "the node's folder is left");
    while (waitpid(-1, NULL, 0) > 0)
        ;
    cr_expect(eq(int, errno, ECHILD));
}

static const char *text_of(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static json_int_t count(const char *object, const char *key)
{
    json_t *value = json_object_get(json_object_get(run, object), key);
    cr_assert(ne(int, json_is_integer(value), 0), "%s.%s", object, key);
    return json_integer_value(value);
}

static json_t *row(const char *list, size_t i)
{
    json_t *at = json_array_get(json_object_get(run, list), i);
    cr_assert(ne(ptr, at, NULL), "%s has no %zu", list, i);
    return at;
}

#define RATE           "\"rate_per_s\": 2000"
#define MODULES        "\"modules\": [\"pingpong/v1\", \"pingpong/v2\", \"pingpong/v3\"]"
#define THREE          "[{ \"every_ms\": 120, \"count\": 3 }]"
#define STRATEGY(name) "\"strategy\": \"" name "\", " MODULES

static void check_fired(size_t i)
{
    cr_expect(ne(int, json_is_true(json_object_get(row("fault_list", i), "fired")), 0), "%s",
              text_of(row("fault_list", i), "what"));
}

static void check_outcomes(const char *first, const char *second, const char *third)
{
    const char *const wanted[] = {first, second, third};
    for (size_t i = 0; i < 3; i++)
        cr_expect(eq(int, strcmp(text_of(row("upgrade_list", i), "outcome"), wanted[i]), 0), "%zu: %s: %s", i,
                  text_of(row("upgrade_list", i), "outcome"), text_of(row("upgrade_list", i), "reason"));
}

Test(faults, a_crash_in_init_is_rolled_back_and_the_next_upgrade_is_good)
{
    run_it(STRATEGY("swap"), RATE, THREE, "[{ \"fault\": \"init_crashes\", \"upgrade\": 2 }]");
    check_fired(0);
    check_outcomes("committed", "rolled_back", "committed");
    cr_expect(eq(i64, count("messages", "lost"), 0));
    cr_expect(eq(int, said.status, 0), "%s", said.out);
    cr_expect(eq(int, help_has(text_of(row("upgrade_list", 1), "reason"), "Segmentation fault"), 1));
}

Test(faults, a_noop_twin_changes_nothing)
{
    run_it(STRATEGY("swap"), RATE, THREE,
           "[{ \"fault\": \"init_crashes\", \"upgrade\": 2, \"noop\": true },"
           " { \"fault\": \"kill\", \"whom\": \"new\", \"phase\": \"quiesced\", \"upgrade\": 1, \"noop\": true }]");
    check_fired(0);
    check_fired(1);
    check_outcomes("committed", "committed", "committed");
    cr_expect(eq(i64, count("messages", "lost"), 0));
}

Test(faults, killed_at_a_phase_the_node_is_dead_and_said_so)
{
    run_it(STRATEGY("swap"), RATE, THREE,
           "[{ \"fault\": \"kill\", \"whom\": \"old\", \"phase\": \"transferred\", \"upgrade\": 2 }]");
    check_fired(0);
    check_outcomes("committed", "failed", "failed");
    cr_expect(eq(i64, count("resources", "target_dead"), 1));
    cr_expect(gt(i64, count("messages", "lost"), 0));
    cr_expect(eq(int, help_has(text_of(row("upgrade_list", 1), "reason"), "signal 9"), 1));
}

Test(faults, a_dead_newcomer_is_never_noticed)
{
    run_it(STRATEGY("handoff"), RATE, THREE,
           "[{ \"fault\": \"kill\", \"whom\": \"new\", \"phase\": \"loaded\", \"upgrade\": 2 }]");
    check_fired(0);
    check_outcomes("committed", "rolled_back", "committed");
    cr_expect(eq(i64, count("messages", "lost"), 0));
}

Test(faults, a_phase_that_never_comes_makes_it_unknown)
{
    run_it(STRATEGY("two-version"), RATE, THREE,
           "[{ \"fault\": \"kill\", \"whom\": \"old\", \"phase\": \"quiesced\", \"upgrade\": 1 }]");
    cr_expect(ne(int, json_is_false(json_object_get(row("fault_list", 0), "fired")), 0));
    cr_expect(eq(int, strcmp(text_of(run, "verdict"), "unknown"), 0));
    cr_expect(eq(int, said.status, 4));
    cr_expect(eq(int, help_has(said.out, "did not fire: upgrade 1 ended without coming to its phase"), 1), "%s",
              said.out);
}

Test(faults, a_second_upgrade_is_queued)
{
    run_it(STRATEGY("exec"), RATE, THREE, "[{ \"fault\": \"second_upgrade\", \"phase\": \"loaded\", \"upgrade\": 1 }]");
    check_fired(0);
    check_outcomes("committed", "committed", "committed");
    cr_expect(eq(int, help_has(text_of(row("fault_list", 0), "what"), "2: queued, then committed"), 1), "%s",
              text_of(row("fault_list", 0), "what"));
    cr_expect(eq(i64, count("messages", "lost"), 0));
}

Test(faults, a_third_version_is_queued)
{
    run_it(STRATEGY("swap"), RATE, THREE,
           "[{ \"fault\": \"third_version\", \"phase\": \"quiesced\", \"upgrade\": 1 }]");
    check_fired(0);
    check_outcomes("committed", "committed", "committed");
    cr_expect(eq(int, help_has(text_of(row("fault_list", 0), "what"), "3: queued, then committed"), 1));
}

Test(faults, a_full_disk_stops_a_restart_that_saves)
{
    run_it(STRATEGY("drain-restart"), RATE, "[{ \"time_ms\": 200 }]",
           "[{ \"fault\": \"no_disk\", \"phase\": \"requested\", \"upgrade\": 1 }]");
    check_fired(0);
    cr_expect(eq(int, strcmp(text_of(row("upgrade_list", 0), "outcome"), "rolled_back"), 0));
    cr_expect(eq(i64, count("messages", "lost"), 0));
}

Test(faults, a_delayed_load_is_good_in_the_end)
{
    run_it(STRATEGY("swap"), RATE, "[{ \"time_ms\": 100 }]",
           "[{ \"fault\": \"load_delay\", \"delay_ms\": 60, \"upgrade\": 1 }]");
    check_fired(0);
    json_t *phases = json_object_get(row("upgrade_list", 0), "phases_ms");
    cr_expect(ge(dbl, json_number_value(json_object_get(phases, "loaded")), 60.0));
    cr_expect(eq(int, strcmp(text_of(row("upgrade_list", 0), "outcome"), "committed"), 0));
    cr_expect(eq(i64, count("messages", "lost") + count("messages", "stale"), 0));
}

Test(faults, connections_are_reset_when_so_many_were_sent)
{
    run_it(STRATEGY("none"), RATE, "[]",
           "[{ \"fault\": \"connections_reset\", \"message\": 400 },"
           " { \"fault\": \"connections_delayed\", \"time_ms\": 300, \"duration_ms\": 50, \"delay_ms\": 5 }]");
    check_fired(0);
    check_fired(1);
    cr_expect(eq(int, strcmp(text_of(row("fault_list", 0), "what"), "reset: 2 connections"), 0), "%s",
              text_of(row("fault_list", 0), "what"));
    cr_expect(ne(int, json_is_number(json_object_get(row("fault_list", 1), "undone_ms")), 0));
    cr_expect(ge(i64, count("connections", "reconnects"), 2));
}

Test(faults, stopped_for_a_time_nothing_is_lost)
{
    run_it(STRATEGY("none"), RATE, "[]",
           "[{ \"fault\": \"stop\", \"whom\": \"old\", \"time_ms\": 100, \"duration_ms\": 80 }]");
    check_fired(0);
    cr_expect(eq(i64, count("messages", "lost"), 0));
    double max_us =
        json_number_value(json_object_get(json_object_get(json_object_get(run, "latency_us"), "response"), "max"));
    cr_expect(ge(dbl, max_us, 70000.0));
}

/* --- modules that misbehave --- */

/* A thousand pings to one process of it: every tenth meets the fault. */
static void run_broken(const char *name)
{
    char node[128];
    snprintf(node, sizeof node, "\"strategy\": \"none\", \"modules\": [\"broken/%s\"]", name);
    char text[2048], path[PATH_MAX + 64];
    json_error_t error;
    snprintf(text, sizeof text,
             "{ \"schema\": \"midflight.scenario/1\", \"name\": \"test\", \"seed\": 7,"
             " \"target\": { \"node\": { \"processes\": 1, %s } },"
             " \"load\": { \"transport\": \"unix\", \"connections\": 1, \"rate_per_s\": 4000, \"messages\": 1000,"
             " \"timeout_ms\": 300, \"drain_ms\": 300, \"warmup_ms\": 0, \"duration_ms\": 900, \"payload_bytes\": 32 },"
             " \"proof\": { \"tainted_max_share\": 1 } }",
             node);
    help_write(home, "scenario.json", text, false);
    help_midflight(&said, (const char *const[]){"run", scenario, "--out", out, "--no-plot", NULL});
    snprintf(path, sizeof path, "%s/cells/all/run-1/run.json", out);
    run = json_load_file(path, 0, &error);
    cr_assert(ne(ptr, run, NULL), "%s: %s", said.err, error.text);
    cr_expect(eq(i64, count("messages", "due"), 1000));
}

Test(broken, drops_are_lost)
{
    run_broken("drops");
    cr_expect(eq(i64, count("messages", "lost"), 100));
    cr_expect(eq(i64, count("messages", "answered"), 900));
    json_t *messages = json_object_get(run, "messages");
    cr_expect(
        eq(i64, json_integer_value(json_object_get(json_object_get(messages, "lost_by_cause"), "unanswered")), 100));
    cr_expect(eq(i64, json_integer_value(json_object_get(json_object_get(messages, "lost_by_stage"), "handled")), 100));
}

Test(broken, errors_are_errors)
{
    run_broken("errs");
    cr_expect(eq(i64, count("messages", "error"), 100));
    cr_expect(eq(i64, count("messages", "lost"), 0));
}

Test(broken, other_payloads_are_wrong)
{
    run_broken("garbles");
    cr_expect(eq(i64, count("messages", "wrong"), 100));
    cr_expect(eq(i64, count("messages", "lost"), 0));
}

/* 1 ... 10, 11 at once, 12 ... 20, 21 at once: the tenth, and then every ninth. */
Test(broken, what_is_counted_twice_is_rehandled)
{
    run_broken("doubles");
    cr_expect(eq(i64, count("messages", "rehandled"), 1 + (1000 - 10) / 9));
}

/* The last reset comes with the last message: nobody sees it. */
Test(broken, what_begins_anew_is_lost_state)
{
    run_broken("forgets");
    cr_expect(eq(i64, count("messages", "state_lost"), 99));
}

Test(broken, a_liar_is_stale)
{
    run_it("\"strategy\": \"swap\", \"modules\": [\"pingpong/v1\", \"broken/lies\"]", RATE, "[{ \"time_ms\": 100 }]",
           "[]");
    cr_expect(gt(i64, count("messages", "stale"), 0));
    cr_expect(eq(i64, count("messages", "lost"), 0));
    json_t *code = json_object_get(json_object_get(run, "questions"), "code");
    cr_expect(eq(int, strcmp(text_of(code, "answer"), "no"), 0));
}

Test(broken, a_crash_kills_the_node)
{
    run_broken("crashes");
    cr_expect(le(i64, count("messages", "answered"), 9)); /* some of the nine answers may have died on their way out */
    cr_expect(eq(i64, count("messages", "lost") + count("messages", "answered"), 1000));
    cr_expect(eq(i64, count("resources", "target_dead"), 1));
    cr_expect(eq(int, strcmp(text_of(run, "verdict"), "unknown"), 0)); /* nobody had asked for a death */
}
