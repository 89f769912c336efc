/* From a file's path to a whole scenario. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "scenario/parts.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
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
    {"faults", MF_FIELD_PART, .fallback = "[]", .text = "an array: what goes wrong on purpose, and where"},
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

static bool names_file(const json_t *value)
{
    const char *text = json_string_value(value);
    size_t n = text ? strlen(text) : 0;
    return n > 5 && strcmp(text + n - 5, ".json") == 0;
}

/* A `when` may name a target by its file, too. */
static int when_inline(const struct mf_reader *r, size_t row, json_t *when)
{
    char path[MF_KEY_PATH_BYTES];
    json_t *target = json_object_get(when, "target");
    snprintf(path, sizeof path, "expect[%zu].when.target", row);
    if (names_file(target) || json_is_object(target))
        return mf_target_inline(r, path, when, "target");
    for (size_t i = 0; i < json_array_size(target); i++)
        if ((names_file(json_array_get(target, i)) || json_is_object(json_array_get(target, i))) &&
            mf_target_inline_at(r, path, target, i) != 0)
            return -1;
    return 0;
}

/* Puts the objects of files where their paths stand. */
static int targets_inline(const struct mf_reader *r, json_t *document)
{
    char path[MF_KEY_PATH_BYTES];
    json_t *swept = json_object_get(json_object_get(document, "sweep"), "target"),
           *expect = json_object_get(document, "expect");
    if (mf_target_inline(r, "target", document, "target") != 0)
        return -1;
    for (size_t i = 0; i < json_array_size(swept); i++) {
        snprintf(path, sizeof path, "sweep.target[%zu]", i);
        if (mf_target_inline_at(r, path, swept, i) != 0 ||
            mf_target_inline(r, path, json_array_get(swept, i), "value") != 0) /* one that has company */
            return -1;
    }
    for (size_t i = 0; i < json_array_size(expect); i++)
        if (when_inline(r, i, json_object_get(json_array_get(expect, i), "when")) != 0)
            return -1;
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
        mf_cells_read(r, document, s) != 0)
        return -1;
    return mf_cells_choose(r, options, s) != 0 ? -1 : mf_document_dump(r, document, &s->json);
}

/* A key or a value of the file may hold anything; an error is one line. */
static void flatten(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

/* As mf_scenario_load, but for the shape of the error's text. */
static struct mf_scenario *scenario_load(const char *path, const struct mf_scenario_options *options,
                                         struct mf_error *err)
{
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

struct mf_scenario *mf_scenario_load(const char *path, const struct mf_scenario_options *options, struct mf_error *err)
{
    static const struct mf_scenario_options none;
    options = options ? options : &none;
    struct mf_scenario *s = options_check(options, err) == 0 ? scenario_load(path, options, err) : NULL;
    if (!s) {
        flatten(err->place);
        flatten(err->text);
    }
    return s;
}

struct mf_scenario *mf_target_load(const char *path, struct mf_error *err)
{
    const char *slash = strrchr(path, '/');
    json_t *document = json_pack("{s:s}", "target", slash ? slash + 1 : path);
    struct owned *owned = calloc(1, sizeof *owned);
    struct mf_reader r = {.file = path, .arena = owned ? &owned->arena : NULL, .err = err};
    int bad = owned && document ? mf_target_inline(&r, "target", document, "target") : mf_reader_no_memory(&r);
    if (!bad) {
        owned->scenario.cells = mf_arena_alloc(r.arena, 1, sizeof *owned->scenario.cells);
        owned->scenario.cells_count = 1;
        bad = owned->scenario.cells ? mf_target_read(&r, json_object_get(document, "target"), owned->scenario.cells)
                                    : mf_reader_no_memory(&r);
    }
    json_decref(document);
    if (!bad)
        return &owned->scenario;
    mf_scenario_free(owned ? &owned->scenario : NULL);
    flatten(err->place);
    flatten(err->text);
    return NULL;
}

void mf_scenario_free(struct mf_scenario *s)
{
    if (!s)
        return;
    struct owned *owned = (struct owned *)s;
    mf_arena_done(&owned->arena);
    free(owned);
}
