/* The cells of a scenario: each is the document with its parameters set, read part by part. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/parts.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define DUMP_FLAGS   (JSON_INDENT(2) | JSON_REAL_PRECISION(15))

int mf_document_dump(const struct mf_reader *r, const json_t *document, const char **out)
{
    char *text = json_dumps(document, DUMP_FLAGS);
    *out = text ? mf_arena_text(r->arena, text) : NULL;
    free(text);
    return *out ? 0 : mf_reader_no_memory(r);
}

static int parts_read(const struct mf_reader *r, json_t *document, struct mf_cell *cell)
{
    static const char *const needed[] = {"target", "load"};
    if (mf_target_inline(r, "target", document, "target") != 0 || mf_load_merge(r, document) != 0)
        return -1;
    for (size_t i = 0; i < COUNT(needed); i++)
        if (!json_object_get(document, needed[i]))
            return mf_reader_fail(r, needed[i], "is missing; allowed: an object%s",
                                  i ? "" : ", or the path of a file that holds one");
    if (mf_target_read(r, json_object_get(document, "target"), cell) != 0 ||
        mf_load_read(r, json_object_get(document, "load"), cell, &cell->load) != 0 ||
        mf_upgrades_read(r, json_object_get(document, "upgrades"), cell) != 0 ||
        mf_faults_read(r, json_object_get(document, "faults"), cell) != 0)
        return -1;
    return mf_proof_read(r, json_object_get(document, "proof"), &cell->load, &cell->proof);
}

/* Cell `index`: the document with its parameters set, then read part by part. */
static int cell_read(const struct mf_reader *whole, json_t *document, bool swept, uint32_t index, struct mf_cell *cell)
{
    json_t *own = json_deep_copy(document), *kept = NULL;
    struct mf_reader r = *whole;
    int bad = own ? mf_sweep_apply(&r, json_object_get(document, "sweep"), index, own, cell) : mf_reader_no_memory(&r);
    if (!bad && swept)
        r.cell = cell->name;
    if (!bad) /* first: the parts write their defaults into the values that `when` compares */
        bad = mf_expect_read(&r, json_object_get(document, "expect"), own, cell, &kept);
    if (!bad)
        bad = parts_read(&r, own, cell);
    if (!bad && json_object_set(own, "expect", kept) != 0)
        bad = mf_reader_no_memory(&r);
    if (!bad) {
        json_object_del(own, "sweep");
        bad = mf_document_dump(&r, own, &cell->json);
    }
    json_decref(kept);
    json_decref(own);
    return bad;
}

int mf_cells_read(const struct mf_reader *r, json_t *document, struct mf_scenario *s)
{
    json_t *sweep = json_object_get(document, "sweep");
    s->cells = mf_arena_alloc(r->arena, s->cells_count, sizeof *s->cells);
    s->parameter_paths = mf_arena_alloc(r->arena, json_object_size(sweep), sizeof *s->parameter_paths);
    if (!s->cells || !s->parameter_paths)
        return mf_reader_no_memory(r);
    const char *path;
    json_t *values;
    json_object_foreach(sweep, path, values)
    {
        const char *copy = mf_arena_text(r->arena, path);
        if (!copy)
            return mf_reader_no_memory(r);
        s->parameter_paths[s->parameter_paths_count++] = copy;
    }
    for (uint32_t i = 0; i < s->cells_count; i++)
        if (cell_read(r, document, json_object_size(sweep) > 0, i, &s->cells[i]) != 0)
            return -1;
    return mf_sweep_name_apart(r, s->cells, s->cells_count);
}

static bool cell_is_asked(const struct mf_cell *cell, const struct mf_scenario_options *options)
{
    for (uint32_t i = 0; i < options->cell_count; i++)
        if (strcmp(options->cell[i], cell->name) == 0)
            return true;
    return false;
}

int mf_cells_choose(const struct mf_reader *r, const struct mf_scenario_options *options, struct mf_scenario *s)
{
    const char *names[MF_CELLS_MAX];
    char joined[640], place[320];
    for (uint32_t i = 0; i < s->cells_count; i++)
        names[i] = s->cells[i].name;
    for (uint32_t i = 0; i < options->cell_count; i++) {
        uint32_t j = 0;
        while (j < s->cells_count && strcmp(names[j], options->cell[i]) != 0)
            j++;
        if (j < s->cells_count)
            continue;
        const char *near = mf_nearest(options->cell[i], names, s->cells_count);
        snprintf(place, sizeof place, "--cell %s", options->cell[i]);
        return mf_error_set(r->err, MF_STATUS_USAGE, place, "no such cell; %s%s%sallowed: %s",
                            near ? "did you mean \"" : "", near ? near : "", near ? "\"? " : "",
                            mf_names_join(joined, sizeof joined, names, s->cells_count));
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; options->cell_count && i < s->cells_count; i++)
        if (cell_is_asked(&s->cells[i], options))
            s->cells[kept++] = s->cells[i];
    if (options->cell_count)
        s->cells_count = kept;
    return 0;
}
