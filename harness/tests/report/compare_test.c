/* midflight compare: tables against golden files, and what it refuses. The reports in golden/ are fixed inputs, so that
 * the build's kind does not show. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "report/utf8.h"

static char *compared(const char *const *paths, uint32_t n, const struct mf_table_style *style)
{
    char *text = NULL;
    size_t size = 0;
    struct mf_error err = {0};
    FILE *out = open_memstream(&text, &size);
    cr_assert(eq(int, mf_compare(out, paths, n, style, &err), 0), "%s: %s", err.place, err.text);
    fclose(out);
    return text;
}

static void golden_compare(const char *name, const char *report, const struct mf_table_style *style)
{
    cr_assert(chdir(GOLDEN_DIR) == 0);
    char *text = compared(&report, 1, style);
    golden_check(name, text);
    free(text);
}

/* The widest line, escape sequences left out; every line must be free of other control characters. */
static unsigned widest(const char *text)
{
    unsigned width = 0, most = 0;
    for (uint32_t code; (code = mf_utf8_next(&text)) != 0;) {
        if (code == 27) {
            while ((code = mf_utf8_next(&text)) != 'm')
                cr_assert(code == '[' || (code >= '0' && code <= '9'), "a foreign escape sequence");
            continue;
        }
        width = code == '\n' ? 0 : width + mf_utf8_width(code);
        most = width > most ? width : most;
        cr_assert(code >= 0x20 || code == '\n');
    }
    return most;
}

Test(compare, text_utf8)
{
    golden_compare("usual.utf8.txt", "usual", &(struct mf_table_style){.utf8 = true, .columns = 120});
}

Test(compare, text_ascii)
{
    golden_compare("usual.ascii.txt", "usual", &(struct mf_table_style){.columns = 120});
}

Test(compare, text_coloured)
{
    golden_compare("usual.colour.txt", "usual/report.json",
                   &(struct mf_table_style){.utf8 = true, .colour = true, .columns = 120});
}

Test(compare, text_with_baseline)
{
    golden_compare("usual.baseline.txt", "usual", &(struct mf_table_style){.utf8 = true, .baseline = "swap"});
}

Test(compare, markdown)
{
    golden_compare("usual.md", "usual",
                   &(struct mf_table_style){.format = MF_TABLE_MARKDOWN, .baseline = "strategy=swap"});
}

Test(compare, csv)
{
    golden_compare("usual.csv", "usual", &(struct mf_table_style){.format = MF_TABLE_CSV});
}

Test(compare, csv_with_baseline)
{
    golden_compare("usual.baseline.csv", "usual", &(struct mf_table_style){.format = MF_TABLE_CSV, .baseline = "swap"});
}

Test(compare, json)
{
    golden_compare("usual.compared.json", "usual",
                   &(struct mf_table_style){.format = MF_TABLE_JSON, .baseline = "swap"});
}

Test(compare, extreme_numbers)
{
    golden_compare("extreme.txt", "extreme", &(struct mf_table_style){.utf8 = true, .columns = 120});
}

Test(compare, extreme_numbers_with_baseline)
{
    golden_compare("extreme.baseline.txt", "extreme",
                   &(struct mf_table_style){.baseline = "strategy=none,rate_per_s=20000,processes=1000000"});
}

Test(compare, text_never_passes_120_columns)
{
    static const char *const paths[][2] = {{"usual", NULL}, {"extreme", NULL}, {"usual", "extreme"}};
    static const char *const baselines[] = {NULL, "swap", "strategy=none,rate_per_s=20000,processes=1000000"};
    cr_assert(chdir(GOLDEN_DIR) == 0);
    for (unsigned p = 0; p < 3; p++)
        for (unsigned b = 0; b < 3; b++)
            for (unsigned mode = 0; mode < 4; mode++) {
                if ((b == 1 && p == 1) || (b == 2 && p == 0))
                    continue; /* not a cell of that report */
                struct mf_table_style style = {
                    .utf8 = mode & 1, .colour = mode & 2, .columns = 200, .baseline = baselines[b]};
                char *text = compared(paths[p], p == 2 ? 2 : 1, &style);
                cr_assert(widest(text) <= 120, "%u columns:\n%s", widest(text), text);
                if (!style.utf8)
                    for (const char *c = text; *c; c++)
                        cr_assert(c[0] == (c[0] & 0x7F), "not ASCII:\n%s", text);
                cr_assert(style.colour || strchr(text, 27) == NULL);
                free(text);
            }
}

Test(compare, what_was_written_is_read_back)
{
    struct fixture *f = fixture_new();
    char *folder = folder_new();
    struct mf_error err;
    const char *path = folder;
    cr_assert(eq(int, mf_report_write(folder, &f->report, &err), 0), "%s", err.text);
    char *text = compared(&path, 1, &(struct mf_table_style){.format = MF_TABLE_JSON});
    json_t *root = json_loads(text, 0, NULL);
    const json_t *cold = json_array_get(json_object_get(root, "cells"), 0);
    cr_assert(eq(long, json_integer_value(json_object_get(cold, "lost")), 5));
    cr_assert(eq(dbl, json_real_value(json_object_get(cold, "spike_max_ms")), 30.125));
    null_check(json_object_get(json_array_get(json_object_get(root, "cells"), 2), "lost"));
    json_decref(root);
    free(text);
    folder_remove(folder);
    fixture_free(f);
}

static void refused(const char *path, const char *baseline, const char *place, const char *wanted)
{
    struct mf_error err = {0};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct mf_table_style style = {.baseline = baseline};
    cr_assert(eq(int, mf_compare(out, &path, 1, &style, &err), -1));
    fclose(out);
    cr_assert(eq(int, (int)err.status, MF_STATUS_USAGE));
    cr_assert(strstr(err.text, wanted) != NULL && strstr(err.place, place) != NULL, "%s: %s", err.place, err.text);
    cr_assert(eq(ulong, size, 0), "a table in spite of the error");
    free(text);
}

static void refused_text(const char *report, const char *place, const char *wanted)
{
    char *folder = folder_new();
    struct mf_error err;
    cr_assert(eq(int, mf_report_write_text(folder, "report.json", report, &err), 0));
    refused(folder, NULL, place, wanted);
    folder_remove(folder);
}

Test(compare, refusals_name_the_place)
{
    char *folder = folder_new();
    refused("/nonexistent/result", NULL, "/nonexistent/result", "No such file or directory");
    refused(folder, NULL, folder, "holds no report.json");
    folder_remove(folder);
    refused_text("{ \"schema\": \"midflight.report/1\",\n  \"cells\": [ }", "report.json:2:", "not JSON");
    refused_text("{ \"schema\": \"midflight.scenario/1\" }", "report.json", "\"schema\" is midflight.scenario/1");
    refused_text("[]", "report.json", "is missing");
    refused_text("{ \"schema\": \"midflight.report/1\" }", "report.json", "scenario, seed, verdict and cells");
}

/* Each key that a table rests on, gone or of another kind, is named. */
Test(compare, a_damaged_report_is_refused_by_its_key)
{
    static const struct {
        const char *object, *member, *value, *wanted;
    } damage[] = {
        {NULL, "name", "7", "cells[0].name"},
        {NULL, "verdict", "\"fine\"", "cells[0].verdict"},
        {NULL, "delivery", "null", "cells[0].delivery"},
        {NULL, "messages", "[]", "cells[0].messages"},
        {NULL, "reasons", "{}", "cells[0].reasons"},
        {NULL, "spike_ms", "null", "cells[0].spike_ms.median"},
        {"messages", "lost", "\"5\"", "cells[0].messages.lost"},
        {"messages", "lost", "-1", "cells[0].messages.lost"},
        {"messages", "lost", "1.5", "cells[0].messages.lost"},
        {"messages", "stale", "9223372036854775807", "cells[0].messages.stale"},
        {"upgrades", "fired", "null", "cells[0].upgrades.fired"},
        {"questions", "code", "{ \"answer\": \"perhaps\" }", "cells[0].questions.code"},
    };
    for (unsigned i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        json_t *root = json_read(GOLDEN_DIR "/usual", "report.json");
        json_t *at = json_array_get(json_object_get(root, "cells"), 0);
        if (damage[i].object)
            at = json_object_get(at, damage[i].object);
        json_object_set_new(at, damage[i].member, json_loads(damage[i].value, JSON_DECODE_ANY, NULL));
        char *text = json_dumps(root, 0);
        refused_text(text, "report.json", damage[i].wanted);
        free(text);
        json_decref(root);
    }
}

Test(compare, an_unknown_baseline_gets_the_nearest_name)
{
    cr_assert(chdir(GOLDEN_DIR) == 0);
    refused("usual", "swop", "--baseline", "did you mean \"swap\"?");
    refused("usual", "strategy=cold-restar", "--baseline", "did you mean \"strategy=cold-restart\"?");
    refused("usual", "something else", "--baseline", "no cell is called \"something else\"");
}

Test(compare, an_output_that_is_full_is_an_error)
{
    struct mf_error err = {0};
    const char *path = GOLDEN_DIR "/usual";
    FILE *out = fopen("/dev/full", "w");
    cr_assert(out != NULL);
    cr_assert(eq(int, mf_compare(out, &path, 1, &(struct mf_table_style){.utf8 = true}, &err), -1));
    cr_assert(eq(int, (int)err.status, MF_STATUS_INTERNAL));
    cr_assert(strstr(err.text, "No space left on device") != NULL, "%s", err.text);
    fclose(out);
}

/* A report with probes: two states, one of them placed at fewer upgrades than were fired, the other needing new
 * connections. */
static void wire_report(const char *folder)
{
    json_t *root = json_read(GOLDEN_DIR "/usual", "report.json");
    json_t *cell = json_array_get(json_object_get(root, "cells"), 1);
    struct mf_error err;
    json_object_set_new(json_object_get(cell, "upgrades"), "fired", json_integer(100));
    json_object_set_new(cell, "wire_states",
                        json_pack("{s:{s:i,s:i,s:i,s:i}, s:{s:i,s:i,s:i,s:i}}", "sent", "placed", 99, "answered", 99,
                                  "lost", 0, "new_connection", 0, "half_sent", "placed", 100, "answered", 40, "lost",
                                  60, "new_connection", 61));
    char *text = json_dumps(root, JSON_INDENT(1));
    cr_assert(eq(int, mf_report_write_text(folder, "report.json", text, &err), 0));
    free(text);
    json_decref(root);
}

Test(compare, wire_states)
{
    char *folder = folder_new();
    wire_report(folder);
    const char *path = folder;
    char *text = compared(&path, 1, &(struct mf_table_style){.columns = 120});
    cr_expect(strstr(text, "99/99!") != NULL, "%s", text);
    cr_expect(strstr(text, "40/100 +61") != NULL, "%s", text);
    cr_expect(le(u32, widest(text), 120));
    free(text);
    text = compared(&path, 1, &(struct mf_table_style){.format = MF_TABLE_CSV});
    cr_expect(strstr(text, ",wire_half_sent_placed,wire_half_sent_answered,") != NULL);
    cr_expect(strstr(text, ",100,40,60,61,99,99,0,0,") != NULL, "%s", text);
    free(text);
    text = compared(&path, 1, &(struct mf_table_style){.format = MF_TABLE_MARKDOWN});
    cr_expect(strstr(text, "| - | - | 40/100 +61 | 99/99! | - | - |") != NULL, "%s", text);
    free(text);
    folder_remove(folder);
}
