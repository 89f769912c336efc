/* What stands in report.json, run.json, junit.xml and the plan. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static json_int_t count_at(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    cr_assert(value != NULL && json_is_integer(value), "%s is no count", key);
    return json_integer_value(value);
}

static void equations_check(const json_t *cell)
{
    const json_t *m = json_object_get(cell, "messages");
    if (json_is_null(m))
        return;
    cr_assert(eq(long, count_at(m, "due"),
                 count_at(m, "answered") + count_at(m, "late") + count_at(m, "error") + count_at(m, "wrong") +
                     count_at(m, "lost") + count_at(m, "not_sent")));
    cr_assert(eq(long, count_at(m, "replies"),
                 count_at(m, "answered") + count_at(m, "late") + count_at(m, "error") + count_at(m, "wrong") +
                     count_at(m, "duplicated") + count_at(m, "phantom")));
}

Test(write, report_json_says_what_was_measured)
{
    struct fixture *f = fixture_new();
    char *folder = folder_new();
    struct mf_error err;
    cr_assert(eq(int, mf_report_write(folder, &f->report, &err), 0), "%s", err.text);
    cr_assert(eq(uint, folder_count(folder), 2)); /* and nothing temporary */
    json_t *root = json_read(folder, "report.json");
    const json_t *cells = json_object_get(root, "cells");
    cr_assert(eq(ulong, json_array_size(cells), 4));
    for (size_t i = 0; i < 4; i++)
        equations_check(json_array_get(cells, i));

    const json_t *cold = json_array_get(cells, 0), *value;
    cr_assert(eq(long, count_at(json_object_get(cold, "messages"), "lost"), 5));
    cr_assert(eq(long, count_at(json_object_get(json_object_get(cold, "messages"), "lost_by_stage"), "enqueued"), 5));
    cr_assert(eq(dbl, json_real_value(json_object_get(json_object_get(cold, "spike_ms"), "median")), 12.25));
    value = json_object_get(json_object_get(json_object_get(cold, "latency_us"), "response"), "p90");
    cr_assert(eq(dbl, json_real_value(value), (double)mf_hist_quantile(f->result[0].response, 0.9) / 1e3));
    null_check(json_object_get(json_object_get(json_object_get(cold, "latency_us"), "response"), "p99"));
    null_check(json_object_get(json_object_get(cold, "spike_ms"), "p95"));
    text_check(json_string_value(json_object_get(cold, "delivery")), "at-most-once");
    text_check(json_string_value(json_array_get(json_object_get(cold, "runs"), 0)),
               "cells/strategy=cold-restart/run-1/run.json");

    const json_t *skipped = json_array_get(cells, 2);
    null_check(json_object_get(skipped, "messages"));
    null_check(json_object_get(skipped, "delivery"));

    const json_t *empty = json_array_get(cells, 3);
    null_check(json_object_get(json_object_get(empty, "spike_ms"), "median"));
    null_check(json_object_get(json_object_get(empty, "upgrades"), "dirty_upper_bound_95"));
    null_check(json_object_get(json_object_get(empty, "baseline"), "response_median_us"));
    value = json_object_get(json_object_get(json_object_get(empty, "latency_us"), "response"), "max");
    null_check(value);
    json_decref(root);
    int status = schema_check(folder, "report.json", false);
    cr_assert(status == 0 || status == 77);
    folder_remove(folder);
    fixture_free(f);
}

Test(write, numbers_that_are_none_become_null)
{
    struct fixture *f = fixture_new();
    char *folder = folder_new();
    struct mf_error err;
    f->result[1].achieved_rate_per_s = 0.0 / 0.0;
    f->result[1].spike_ms.max = 1.0 / 0.0;
    f->result[1].tainted_fraction = -1.0 / 0.0;
    cr_assert(eq(int, mf_report_write(folder, &f->report, &err), 0), "%s", err.text);
    json_t *root = json_read(folder, "report.json");
    const json_t *cell = json_array_get(json_object_get(root, "cells"), 1);
    null_check(json_object_get(json_object_get(cell, "instrument"), "achieved_rate_per_s"));
    null_check(json_object_get(json_object_get(cell, "spike_ms"), "max"));
    json_decref(root);
    folder_remove(folder);
    fixture_free(f);
}

Test(write, run_json_lists_every_upgrade)
{
    struct fixture *f = fixture_new();
    char *folder = folder_new();
    struct mf_error err;
    cr_assert(eq(int, mf_report_write_run(folder, &f->cell[0], &err), 0), "%s", err.text);
    cr_assert(eq(uint, folder_count(folder), 7));
    json_t *root = json_read(folder, "run.json");
    equations_check(root);
    const json_t *list = json_object_get(root, "upgrade_list"), *first = json_array_get(list, 0);
    cr_assert(eq(ulong, json_array_size(list), 3));
    text_check(json_string_value(json_object_get(first, "outcome")), "committed");
    cr_assert(eq(dbl, json_real_value(json_object_get(json_object_get(first, "phases_ms"), "committed")), 1.5));
    null_check(json_object_get(json_object_get(first, "phases_ms"), "loaded"));
    text_check(json_string_value(json_object_get(json_object_get(first, "trigger"), "outcome")), "lost");
    null_check(json_object_get(first, "threads_ended"));
    const json_t *second = json_array_get(list, 1), *third = json_array_get(list, 2);
    text_check(json_string_value(json_object_get(second, "outcome")), "failed");
    cr_assert(json_string_value(json_object_get(second, "reason")) != NULL);
    null_check(json_object_get(second, "trigger"));
    text_check(json_string_value(json_object_get(third, "outcome")), "not_fired");
    null_check(json_object_get(third, "requested_ms"));
    json_decref(root);
    int status = schema_check(folder, "run.json", false);
    cr_assert(status == 0 || status == 77);
    folder_remove(folder);
    fixture_free(f);
}

Test(write, a_run_without_upgrades_or_timeline_is_written_too)
{
    struct fixture *f = fixture_new();
    char *folder = folder_new();
    struct mf_error err;
    cr_assert(eq(int, mf_report_write_run(folder, &f->cell[3], &err), 0), "%s", err.text);
    char *text = file_read(folder, "overlay.csv");
    text_check(text, "offset_ms,n,median_us,p5_us,p95_us,lost\n");
    free(text);
    int status = schema_check(folder, "run.json", false);
    cr_assert(status == 0 || status == 77);
    folder_remove(folder);
    fixture_free(f);
}

Test(write, junit_matches_its_golden_file)
{
    struct fixture *f = fixture_new();
    char *folder = folder_new();
    struct mf_error err;
    f->report.interrupted = true;
    f->report.error = HOSTILE;
    cr_assert(eq(int, mf_report_write(folder, &f->report, &err), 0), "%s", err.text);
    char *text = file_read(folder, "junit.xml");
    golden_check("junit.xml", text);
    for (const char *c = text; *c; c++)
        cr_assert(c[0] & 0x80 || c[0] >= 0x20 || c[0] == '\n', "a control character in XML");
    free(text);
    folder_remove(folder);
    fixture_free(f);
}

Test(write, plan_matches_its_golden_file)
{
    struct fixture *f = fixture_new();
    char *text = NULL;
    size_t size = 0;
    static struct mf_fault_result faults[] = {{.run = 1,
                                               .fault = "kill",
                                               .whom = "old",
                                               .upgrade = 1,
                                               .phase = MF_PHASE_LOADED,
                                               .fired = true,
                                               .fired_ns = 140500000,
                                               .undone_ns = -1,
                                               .what = "SIGKILL to 4711"},
                                              {.run = 1,
                                               .fault = "stop",
                                               .upgrade = UINT32_MAX,
                                               .phase = -1,
                                               .noop = true,
                                               .fired = true,
                                               .fired_ns = 120000000,
                                               .undone_ns = 121000000,
                                               .what = "nothing was stopped"},
                                              {.run = 1,
                                               .fault = "load-delay",
                                               .upgrade = 2,
                                               .phase = -1,
                                               .fired_ns = -1,
                                               .undone_ns = -1,
                                               .what = "its upgrade never came"}};
    f->result[1].upgrades_count = 2;
    f->result[0].faults = faults;
    f->result[0].faults_count = 3;
    f->result[0].target.died = 1;
    f->result[0].unfinished_workers = 1;
    f->report.error = "the target could not be started:\nno such file";
    FILE *out = open_memstream(&text, &size);
    mf_report_plan(out, &f->report);
    fclose(out);
    golden_check("plan.txt", text);
    free(text);
    f->result[0].faults = NULL; /* they were ours */
    fixture_free(f);
}
