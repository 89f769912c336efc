/* A sweep of faults as a matrix. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "report/matrix.h"

/* What became of a cell. */
struct end {
    const char *strategy, *faults;
    int lost, rolled_back, failed, dead, planned, fired;
};

/* A cell as golden/usual has it, under another name, with this end. */
static json_t *cell_make(const json_t *like, const struct end *end)
{
    char name[128];
    json_t *cell = json_deep_copy(like);
    snprintf(name, sizeof name, "strategy=%s,faults=%s", end->strategy, end->faults);
    json_object_set_new(cell, "name", json_string(name));
    json_object_set_new(cell, "parameters",
                        json_pack("{s:s, s:s}", "target.node.strategy", end->strategy, "faults", end->faults));
    json_object_set_new(cell, "faults", json_pack("{s:i, s:i}", "planned", end->planned, "fired", end->fired));
    json_object_set_new(json_object_get(cell, "messages"), "lost", json_integer(end->lost));
    json_object_set_new(json_object_get(cell, "upgrades"), "rolled_back", json_integer(end->rolled_back));
    json_object_set_new(json_object_get(cell, "upgrades"), "failed", json_integer(end->failed));
    json_object_set_new(json_object_get(cell, "resources"), "target_dead", json_integer(end->dead));
    return cell;
}

static char *matrix_of(const struct end *ends, int n, unsigned columns)
{
    char *folder = folder_new(), path[4096], *text = NULL;
    size_t size;
    struct mf_error err = {0};
    json_t *root = json_read(GOLDEN_DIR "/usual", "report.json");
    json_t *like = json_deep_copy(json_array_get(json_object_get(root, "cells"), 1)), *cells = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(cells, cell_make(like, &ends[i]));
    json_object_set_new(root, "cells", cells);
    snprintf(path, sizeof path, "%s/report.json", folder);
    cr_assert(eq(int, json_dump_file(root, path, 0), 0));
    json_decref(like);
    json_decref(root);
    FILE *out = open_memstream(&text, &size);
    struct mf_table_style style = {.columns = columns};
    const char *paths[] = {folder};
    cr_assert(eq(int, mf_compare(out, paths, 1, &style, &err), 0), "%s: %s", err.place, err.text);
    fclose(out);
    folder_remove(folder);
    return text;
}

static void expect_line(const char *text, const char *line)
{
    cr_expect(ne(ptr, strstr(text, line), NULL), "wanted \"%s\" in:\n%s", line, text);
}

Test(matrix, says_what_became_of_each)
{
    static const struct end ends[] = {
        {"swap", "module_missing", 0, 1, 0, 0, 1, 1}, {"swap", "kill_new", 1234, 0, 1, 1, 1, 1},
        {"swap", "no_memory", 7, 1, 0, 0, 1, 1},      {"cold", "module_missing", 999, 0, 1, 0, 1, 1},
        {"cold", "kill_new", 0, 0, 0, 0, 1, 0},       {"cold", "no_memory", 12, 0, 0, 0, 1, 1},
    };
    char *text = matrix_of(ends, 6, 120);
    expect_line(text, "       module     kill       no\n"
                      "      missing      new   memory\n");
    expect_line(text, "swap     back  dead 1k   back 7\n");
    expect_line(text, "cold fail 999        ?  done 12\n");
    free(text);
}

Test(matrix, too_many_columns_stand_below_each_other)
{
    static const struct end ends[] = {
        {"swap", "one", 0, 1, 0, 0, 1, 1}, {"swap", "two", 0, 1, 0, 0, 1, 1}, {"swap", "three", 0, 1, 0, 0, 1, 1}};
    char *text = matrix_of(ends, 3, 24);
    expect_line(text, "          one      two\n"
                      "swap     back     back\n"
                      "\n"
                      "        three\n"
                      "swap     back\n");
    free(text);
}

Test(matrix, is_for_sweeps_of_faults_only)
{
    struct mf_rows rows = {0};
    struct mf_error err = {0};
    cr_assert(eq(int, mf_rows_read(&rows, GOLDEN_DIR "/usual", &err), 0), "%s", err.text);
    cr_expect(eq(int, mf_matrix_fits(&rows, 0), 0));
    mf_rows_done(&rows);
}
