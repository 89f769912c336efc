/* From a file's path to a whole scenario. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "scenario/parts.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define DUMP_FLAGS   (JSON_INDENT(2) | JSON_REAL_PRECISION(15))
#define REPEAT_MAX   1000

/* The public struct first, so that the one pointer is the other. */
struct owned {
    struct mf_scenario scenario;
    struct mf_arena arena;
};

static const char *const formats[] = {MF_SCENARIO_FORMAT};
struct top_read {
    const char *name;
    uint32_t repeat;
    uint64_t seed;
    uint32_t format;
};
static const struct mf_field top_rows[] = {
    {"$schema", MF_FIELD_TEXT, .text = "where the JSON Schema is, for editors"},
    {"schema", MF_FIELD_WORD, true, MF_MEMBER(top_read, format), .words = formats, .words_count = 1,
     .text = "the format of this file"},
    {"name", MF_FIELD_NAME, true, MF_MEMBER(top_read, name),
     .text = "of the scenario; part of its result folder's name"},
    {"description", MF_FIELD_TEXT, .text = "free text: what it is for"},
    {"comment", MF_FIELD_TEXT, .text = "free text"},
    {"target", MF_FIELD_PART, .text = "an object, or the path of a file that holds one"},
    {"load", MF_FIELD_PART, .text = "an object: who pings, how fast, for how long"},
    {"upgrades", MF_FIELD_PART, .fallback = "[]", .text = "an array of points at which the code is exchanged"},
    {"faults", MF_FIELD_PART, .fallback = "[]", .text = "an empty array: this version knows no faults"},
    {"expect", MF_FIELD_PART, .fallback = "{}",
     .text = "an object, or an array of objects: which metric must have which value, in which cells"},
    {"proof", MF_FIELD_PART, .fallback = "{}",
     .text = "an object: what must have happened for a run to prove anything"},
    {"sweep", MF_FIELD_PART, .fallback = "{}",
     .text = "an object: path to array of values; every combination is a cell"},
    {"repeat", MF_FIELD_INTEGER, false, MF_MEMBER(top_read, repeat), 1, REPEAT_MAX, "1", .text = "runs of each cell"},
    {"seed", MF_FIELD_INTEGER, false, MF_MEMBER(top_read, seed), 0, MF_WHOLE_MAX,
     .text = "of all that is random; drawn where there is none"},
};
const struct mf_field_table mf_scenario_fields = {top_rows, COUNT(top_rows)};

json_t *mf_file_read(const char *path, struct mf_error *err)
{
    FILE *file = fopen(path, "re");
    struct stat status;
    if (!file || fstat(fileno(file), &status) != 0) {
        mf_error_errno(err, MF_STATUS_USAGE, path, "cannot be read");
        if (file)
            fclose(file);
        return NULL;
    }
    json_error_t error;
    errno = 0;
    json_t *document = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
    if (!document && ferror(file)) {
        mf_error_errno(err, MF_STATUS_USAGE, path, "cannot be read");
    } else if (!document) {
        char place[sizeof err->place];
        snprintf(place, sizeof place, "%s:%d:%d", path, error.line > 0 ? error.line : 1,
                 error.column > 0 ? error.column : 1);
        mf_error_set(err, MF_STATUS_USAGE, place, "is no JSON: %s", error.text);
    } else if (!json_is_object(document)) {
        mf_error_set(err, MF_STATUS_USAGE, path, "is an array; allowed: an object");
        json_decref(document);
        document = NULL;
    }
    fclose(file);
    return document;
}

static int targets_inline(const struct mf_reader *r, json_t *document)
{
    char path[MF_KEY_PATH_BYTES];
    json_t *swept = json_object_get(json_object_get(document, "sweep"), "target");
    if (mf_target_inline(r, "target", document, "target") != 0)
        return -1;
    for (size_t i = 0; i < json_array_size(swept); i++) {
        snprintf(path, sizeof path, "sweep.target[%zu]", i);
        if (mf_target_inline_at(r, path, swept, i) != 0)
            return -1;
    }
    return 0;
}

static int seed_draw(const struct mf_reader *r, uint64_t *seed)
{
    if (getrandom(seed, sizeof *seed, 0) != (ssize_t)sizeof *seed)
        return mf_error_errno(r->err, MF_STATUS_INTERNAL, r->file, "cannot draw a seed");
    *seed >>= 11; /* 53 bits: every JSON reader keeps them */
    return 0;
}

static int options_check(const struct mf_scenario_options *options, struct mf_error *err)
{
    if (options->has_repeat && (options->repeat < 1 || options->repeat > REPEAT_MAX))
        return mf_error_set(err, MF_STATUS_USAGE, "--repeat", "is %u; allowed: a whole number from 1 to %d",
                            options->repeat, REPEAT_MAX);
    if (options->has_seed && options->seed > (uint64_t)MF_WHOLE_MAX)
        return mf_error_set(err, MF_STATUS_USAGE, "--seed", "is %llu; allowed: a whole number from 0 to %.0f",
                            (unsigned long long)options->seed, MF_WHOLE_MAX);
    return 0;
}

static int faults_check(const struct mf_reader *r, const json_t *faults)
{
    char shown[80];
    if (!json_is_array(faults))
        return mf_reader_fail(r, "faults", "is %s; allowed: an empty array", mf_json_show(shown, sizeof shown, faults));
    if (json_array_size(faults) > 0)
        return mf_reader_fail(r, "faults[0]", "is %s, but this version knows no faults; allowed: an empty array",
                              mf_json_show(shown, sizeof shown, json_array_get(faults, 0)));
    return 0;
}

/* All that does not depend on the cell. */
static int top_read(const struct mf_reader *r, json_t *document, const struct mf_scenario_options *options,
                    struct mf_scenario *s)
{
    struct top_read top = {0};
    if (mf_fields_read(r, "", document, top_rows, mf_scenario_fields.n, &top) != 0)
        return -1;
    if (options->has_repeat)
        top.repeat = options->repeat;
    if (options->has_seed)
        top.seed = options->seed;
    else if (!json_object_get(document, "seed") && seed_draw(r, &top.seed) != 0)
        return -1;
    if (json_object_set_new(document, "repeat", json_integer(top.repeat)) != 0 ||
        json_object_set_new(document, "seed", json_integer((json_int_t)top.seed)) != 0)
        return mf_reader_no_memory(r);
    s->name = top.name;
    s->repeat = top.repeat;
    s->seed = top.seed;
    return 0;
}

static int dump(const struct mf_reader *r, const json_t *document, const char **out)
{
    char *text = json_dumps(document, DUMP_FLAGS);
    *out = text ? mf_arena_text(r->arena, text) : NULL;
    free(text);
    return *out ? 0 : mf_reader_no_memory(r);
}

static int parts_read(const struct mf_reader *r, json_t *document, struct mf_cell *cell)
{
    static const char *const needed[] = {"target", "load"};
    for (size_t i = 0; i < COUNT(needed); i++)
        if (!json_object_get(document, needed[i]))
            return mf_reader_fail(r, needed[i], "is missing; allowed: an object");
    if (mf_target_inline(r, "target", document, "target") != 0 ||
        mf_target_read(r, json_object_get(document, "target"), &cell->node) != 0 ||
        mf_load_read(r, json_object_get(document, "load"), &cell->node, &cell->load) != 0 ||
        mf_upgrades_read(r, json_object_get(document, "upgrades"), cell) != 0 ||
        faults_check(r, json_object_get(document, "faults")) != 0)
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
    if (!bad)
        bad = parts_read(&r, own, cell);
    if (!bad)
        bad = mf_expect_read(&r, json_object_get(document, "expect"), own, cell, &kept);
    if (!bad && json_object_set(own, "expect", kept) != 0)
        bad = mf_reader_no_memory(&r);
    if (!bad) {
        json_object_del(own, "sweep");
        bad = dump(&r, own, &cell->json);
    }
    json_decref(kept);
    json_decref(own);
    return bad;
}

static int cells_read(const struct mf_reader *r, json_t *document, struct mf_scenario *s)
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

/* Keeps the cells that --cell names, in the sweep's order. */
static int cells_choose(const struct mf_reader *r, const struct mf_scenario_options *options, struct mf_scenario *s)
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

static int scenario_fill(const struct mf_reader *r, const struct mf_scenario_options *options, json_t *document,
                         const json_t *file_sweep, struct mf_scenario *s)
{
    if (mf_overrides_apply(r, document, options) != 0 || targets_inline(r, document) != 0 ||
        top_read(r, document, options, s) != 0)
        return -1;
    json_t *sweep = json_object_get(document, "sweep");
    s->path = mf_arena_text(r->arena, r->file);
    if (!s->path)
        return mf_reader_no_memory(r);
    if (mf_sweep_check(r, sweep, &s->cells_count) != 0 ||
        mf_expect_check(r, json_object_get(document, "expect"), file_sweep, sweep) != 0 ||
        cells_read(r, document, s) != 0)
        return -1;
    return cells_choose(r, options, s) != 0 ? -1 : dump(r, document, &s->json);
}

struct mf_scenario *mf_scenario_load(const char *path, const struct mf_scenario_options *options, struct mf_error *err)
{
    static const struct mf_scenario_options none;
    options = options ? options : &none;
    if (options_check(options, err) != 0)
        return NULL;
    json_t *document = mf_file_read(path, err), *file_sweep = NULL;
    if (!document)
        return NULL;
    struct owned *owned = calloc(1, sizeof *owned);
    struct mf_reader r = {.file = path, .arena = owned ? &owned->arena : NULL, .err = err};
    int bad = owned ? targets_inline(&r, document) : mf_reader_no_memory(&r);
    if (!bad && json_object_get(document, "sweep") &&
        !(file_sweep = json_deep_copy(json_object_get(document, "sweep"))))
        bad = mf_reader_no_memory(&r);
    if (!bad)
        bad = scenario_fill(&r, options, document, file_sweep, &owned->scenario);
    json_decref(file_sweep);
    json_decref(document);
    if (bad) {
        mf_scenario_free(owned ? &owned->scenario : NULL);
        return NULL;
    }
    return &owned->scenario;
}

void mf_scenario_free(struct mf_scenario *s)
{
    if (!s)
        return;
    struct owned *owned = (struct owned *)s;
    mf_arena_done(&owned->arena);
    free(owned);
}
