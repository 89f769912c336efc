#include "report/rows.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/nearest.h"

const char *const mf_measure_keys[MF_MEASURE_COUNT] = {
#define MF_MEASURE(id, key, object, member, unit) key,
#include "report/measures.def"
#undef MF_MEASURE
};
const enum mf_measure_unit mf_measure_units[MF_MEASURE_COUNT] = {
#define MF_MEASURE(id, key, object, member, unit) MF_UNIT_##unit,
#include "report/measures.def"
#undef MF_MEASURE
};
static const struct {
    const char *object, *member;
} measure_at[MF_MEASURE_COUNT] = {
#define MF_MEASURE(id, key, object, member, unit) {object, member},
#include "report/measures.def"
#undef MF_MEASURE
};

#define COUNT_MAX (1LL << 53) /* beyond it a double is not exact, and no run counts so far */

/* Where in which file we are, for an error's text. */
struct place {
    const char *file;
    size_t cell;
    struct mf_error *err;
};

static int wrong(const struct place *p, const char *object, const char *member, const char *wanted)
{
    return mf_error_set(p->err, MF_STATUS_USAGE, p->file,
                        "cells[%zu].%s%s%s: %s is wanted; not a report that midflight wrote", p->cell, object,
                        member ? "." : "", member ? member : "", wanted);
}

/* The index of `word` in `words`, -1 where it is none of them. */
static int word_find(const json_t *word, const char *const *words, int n)
{
    for (int i = 0; json_is_string(word) && i < n; i++)
        if (strcmp(json_string_value(word), words[i]) == 0)
            return i;
    return -1;
}

static int measures_read(struct mf_row *row, const json_t *cell, const struct place *p)
{
    for (int i = 0; i < MF_MEASURE_COUNT; i++) {
        const json_t *object = json_object_get(cell, measure_at[i].object);
        const json_t *value = json_object_get(object, measure_at[i].member);
        bool is_count = mf_measure_units[i] == MF_UNIT_COUNT;
        json_int_t count = json_integer_value(value);
        if (is_count && (!json_is_integer(value) || count < 0 || count > COUNT_MAX))
            return wrong(p, measure_at[i].object, measure_at[i].member, "a count");
        /* an object that is not there at all: the report is older than the measure */
        if (!is_count && object && !json_is_number(value) && !json_is_null(value))
            return wrong(p, measure_at[i].object, measure_at[i].member, "a number or null");
        row->has[i] = json_is_number(value);
        row->value[i] = json_number_value(value);
    }
    return 0;
}

static int questions_read(struct mf_row *row, const json_t *cell, const struct place *p)
{
    const json_t *questions = json_object_get(cell, "questions");
    for (int i = 0; i < MF_QUESTION_COUNT; i++) {
        const json_t *question = json_object_get(questions, mf_question_keys[i]);
        row->answer[i] = word_find(json_object_get(question, "answer"), mf_answer_keys, 4);
        if (row->answer[i] < 0)
            return wrong(p, "questions", mf_question_keys[i], "an answer (yes, no, unknown, n/a)");
    }
    return 0;
}

/* What became of the probes; a report of a midflight without them has none. */
static int wire_states_read(struct mf_row *row, const json_t *cell, const struct place *p)
{
    static const char *const counts[] = {"placed", "answered", "lost", "new_connection"};
    const json_t *states = json_object_get(cell, "wire_states");
    const json_t *fired = json_object_get(json_object_get(cell, "upgrades"), "fired");
    if (!states || json_is_null(states))
        return 0;
    if (!json_is_object(states))
        return wrong(p, "wire_states", NULL, "an object");
    for (int i = 0; i < MF_WIRE_STATE_COUNT; i++) {
        const json_t *state = json_object_get(states, mf_wire_state_keys[i]);
        for (unsigned c = 0; state && c < sizeof counts / sizeof *counts; c++) {
            json_int_t count = json_integer_value(json_object_get(state, counts[c]));
            if (!json_is_integer(json_object_get(state, counts[c])) || count < 0 || count > COUNT_MAX)
                return wrong(p, "wire_states", mf_wire_state_keys[i], "counts of probes");
        }
    }
    if (!json_is_integer(fired) || json_integer_value(fired) < 0 || json_integer_value(fired) > UINT32_MAX)
        return wrong(p, "upgrades", "fired", "a count");
    row->wire_states = states;
    row->fired = (uint32_t)json_integer_value(fired);
    return 0;
}

static char *label_make(const char *name, const json_t *parameters)
{
    if (json_object_size(parameters) != 1)
        return strdup(name);
    const json_t *value = json_object_iter_value(json_object_iter((json_t *)(uintptr_t)parameters));
    return json_is_string(value) ? strdup(json_string_value(value))
                                 : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
}

static int row_read(struct mf_row *row, const json_t *cell, const struct place *p)
{
    const json_t *name = json_object_get(cell, "name");
    if (!json_is_string(name))
        return wrong(p, "name", NULL, "a name");
    row->cell = json_string_value(name);
    int verdict = word_find(json_object_get(cell, "verdict"), mf_verdict_keys, 4);
    if (verdict < 0)
        return wrong(p, "verdict", NULL, "a verdict (pass, fail, unknown, skipped)");
    row->verdict_id = (enum mf_verdict)verdict;
    row->verdict = mf_verdict_keys[verdict];
    row->load = json_string_value(json_object_get(cell, "load"));
    row->reasons = json_object_get(cell, "reasons");
    row->retry = json_object_get(cell, "retry");
    if (!json_is_object(row->retry)) /* older reports do not have it */
        row->retry = NULL;
    row->parameters = json_object_get(cell, "parameters");
    row->runs = json_object_get(cell, "runs");
    if (!json_is_array(row->reasons))
        return wrong(p, "reasons", NULL, "an array");
    row->label = label_make(row->cell, row->parameters);
    if (!row->label)
        return mf_error_set(p->err, MF_STATUS_INTERNAL, p->file, "no memory to read it");
    for (int i = 0; i < MF_QUESTION_COUNT; i++)
        row->answer[i] = -1;
    row->measured = json_is_object(json_object_get(cell, "messages"));
    if (!row->measured && !json_is_null(json_object_get(cell, "messages")))
        return wrong(p, "messages", NULL, "an object");
    if (!row->measured)
        return 0;
    int delivery = word_find(json_object_get(cell, "delivery"), mf_delivery_keys, 4);
    if (delivery < 0)
        return wrong(p, "delivery", NULL, "a word (exactly-once, at-least-once, at-most-once, none)");
    row->delivery = mf_delivery_keys[delivery];
    if (measures_read(row, cell, p) < 0 || questions_read(row, cell, p) < 0)
        return -1;
    return wire_states_read(row, cell, p);
}

/* The file that `path` means. */
static int file_find(const char *path, char *file, size_t size, struct mf_error *err)
{
    struct stat s;
    if (stat(path, &s) < 0)
        return mf_error_errno(err, MF_STATUS_USAGE, path, "no result folder and no report there");
    bool folder = S_ISDIR(s.st_mode);
    size_t bytes = strlen(path);
    while (folder && bytes > 1 && path[bytes - 1] == '/')
        bytes--;
    if ((size_t)snprintf(file, size, "%.*s%s", (int)bytes, path, folder ? "/report.json" : "") >= size)
        return mf_error_set(err, MF_STATUS_USAGE, path, "the name is too long");
    if (folder && stat(file, &s) < 0 && errno == ENOENT)
        return mf_error_set(err, MF_STATUS_USAGE, path,
                            "holds no report.json: not a result folder, or its run has not ended");
    return 0;
}

static int root_read(json_t **root, const char *file, struct mf_error *err)
{
    json_error_t error;
    char place[4096 + 32]; /* mf_error_set cuts it */
    *root = json_load_file(file, JSON_REJECT_DUPLICATES, &error);
    if (!*root && error.line > 0) {
        snprintf(place, sizeof place, "%s:%d:%d", file, error.line, error.column);
        return mf_error_set(err, MF_STATUS_USAGE, place, "not JSON: %s", error.text);
    }
    if (!*root)
        return mf_error_set(err, MF_STATUS_USAGE, file, "cannot be read: %s", error.text);
    const char *schema = json_string_value(json_object_get(*root, "schema"));
    if (!schema || strcmp(schema, "midflight.report/1") != 0)
        return mf_error_set(err, MF_STATUS_USAGE, file,
                            "not a report: its \"schema\" is %s, \"midflight.report/1\" is wanted",
                            schema ? schema : "missing");
    if (!json_is_array(json_object_get(*root, "cells")) || !json_is_string(json_object_get(*root, "scenario")) ||
        !json_is_integer(json_object_get(*root, "seed")) ||
        word_find(json_object_get(*root, "verdict"), mf_verdict_keys, 4) < 0)
        return mf_error_set(err, MF_STATUS_USAGE, file,
                            "scenario, seed, verdict and cells are wanted; not a report that midflight wrote");
    return 0;
}

static const char *build_judge(const json_t *root)
{
    const json_t *environment = json_object_get(root, "environment");
    const char *sanitize = json_string_value(json_object_get(environment, "sanitize"));
    const char *type = json_string_value(json_object_get(environment, "build_type"));
    if (sanitize && sanitize[0])
        return sanitize;
    return type && strcmp(type, "Debug") == 0 ? type : NULL;
}

int mf_rows_read(struct mf_rows *rows, const char *path, struct mf_error *err)
{
    char file[4096];
    if (file_find(path, file, sizeof file, err) < 0)
        return -1;
    struct mf_compared *reports = realloc(rows->reports, (rows->reports_count + 1) * sizeof *reports);
    if (!reports)
        return mf_error_set(err, MF_STATUS_INTERNAL, file, "no memory to read it");
    rows->reports = reports;
    struct mf_compared *report = &reports[rows->reports_count++];
    *report = (struct mf_compared){.path = path};
    if (root_read(&report->root, file, err) < 0)
        return -1;
    report->scenario = json_string_value(json_object_get(report->root, "scenario"));
    report->verdict = json_string_value(json_object_get(report->root, "verdict"));
    report->seed = json_integer_value(json_object_get(report->root, "seed"));
    report->build = build_judge(report->root);

    const json_t *cells = json_object_get(report->root, "cells");
    size_t n = json_array_size(cells);
    struct mf_row *row = realloc(rows->row, (rows->count + n + 1) * sizeof *row);
    if (!row)
        return mf_error_set(err, MF_STATUS_INTERNAL, file, "no memory to read it");
    rows->row = row;
    struct place place = {.file = file, .err = err};
    for (; place.cell < n; place.cell++) {
        struct mf_row *r = &rows->row[rows->count++];
        *r = (struct mf_row){.report = rows->reports_count - 1};
        if (row_read(r, json_array_get(cells, place.cell), &place) < 0)
            return -1;
    }
    return 0;
}

int mf_rows_baseline(struct mf_rows *rows, const char *name, struct mf_error *err)
{
    for (uint32_t i = 0; i < rows->count && !rows->baseline; i++)
        if (strcmp(rows->row[i].cell, name) == 0)
            rows->baseline = &rows->row[i];
    for (uint32_t i = 0; i < rows->count && !rows->baseline; i++)
        if (strcmp(rows->row[i].label, name) == 0)
            rows->baseline = &rows->row[i];
    if (rows->baseline)
        return 0;
    const char **names = calloc(2 * (size_t)rows->count + 1, sizeof *names);
    if (!names)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory to compare");
    for (uint32_t i = 0; i < rows->count; i++) {
        names[i] = rows->row[i].cell;
        names[rows->count + i] = rows->row[i].label;
    }
    const char *near = mf_nearest(name, names, 2 * rows->count);
    if (near)
        mf_error_set(err, MF_STATUS_USAGE, "--baseline", "no cell is called \"%s\"; did you mean \"%s\"?", name, near);
    else
        mf_error_set(err, MF_STATUS_USAGE, "--baseline", "no cell is called \"%s\"; the first of %u is \"%s\"", name,
                     rows->count, rows->count ? names[0] : "");
    free(names);
    return -1;
}

bool mf_row_difference(const struct mf_row *row, const struct mf_row *baseline, enum mf_measure m, double *difference)
{
    if (!row->has[m] || !baseline->has[m])
        return false;
    *difference = row->value[m] - baseline->value[m];
    return true;
}

void mf_rows_done(struct mf_rows *rows)
{
    for (uint32_t i = 0; i < rows->count; i++)
        free(rows->row[i].label);
    for (uint32_t i = 0; i < rows->reports_count; i++)
        json_decref(rows->reports[i].root);
    free(rows->row);
    free(rows->reports);
    *rows = (struct mf_rows){0};
}
