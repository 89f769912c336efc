/* Expectations: which metric must have which value, in which cells. */
#include <stdio.h>
#include <string.h>

#include "scenario/keypath.h"
#include "scenario/parts.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define METRICS_MAX  1024
#define LABEL_BYTES  65

static const struct mf_field limits_rows[] = {
    {"min", MF_FIELD_NUMBER, false, MF_MEMBER(mf_expect, min), -1e15, 1e15, .text = "at least"},
    {"max", MF_FIELD_NUMBER, false, MF_MEMBER(mf_expect, max), -1e15, 1e15, .text = "at most"},
};
const struct mf_field_table mf_limits_fields = {limits_rows, COUNT(limits_rows)};

/* Fails unless `key` is a metric; says whether its values are words. */
static int metric_find(const struct mf_reader *r, const char *path, const char *key, bool *is_word)
{
    const char *names[METRICS_MAX], *name, *text;
    uint32_t n = 0;
    while (n < METRICS_MAX && (name = mf_metric_at(n, &text, is_word))) {
        if (strcmp(name, key) == 0)
            return 0;
        names[n++] = name;
    }
    const char *near = mf_nearest(key, names, n);
    return mf_reader_fail(r, path, "unknown metric; %s%s%sallowed: when, and what `midflight list metrics` prints",
                          near ? "did you mean \"" : "", near ? near : "", near ? "\"? " : "");
}

static int word_read(const struct mf_reader *r, const char *path, const json_t *value, struct mf_expect *e)
{
    bool question = strncmp(e->key, "questions.", strlen("questions.")) == 0;
    const char *const *words = question ? mf_answer_keys : mf_delivery_keys;
    for (uint32_t i = 0; json_is_string(value) && i < 4; i++)
        if (strcmp(words[i], json_string_value(value)) == 0) {
            snprintf(e->word, sizeof e->word, "%s", words[i]);
            return 0;
        }
    return mf_word_fail(r, path, value, words, 4);
}

static int limits_read(const struct mf_reader *r, const char *path, json_t *value, struct mf_expect *e)
{
    if (mf_fields_read(r, path, value, limits_rows, COUNT(limits_rows), e) != 0)
        return -1;
    e->has_min = json_object_get(value, "min") != NULL;
    e->has_max = json_object_get(value, "max") != NULL;
    if (!e->has_min && !e->has_max)
        return mf_reader_fail(r, path, "is {}; allowed: min, max or both");
    if (e->has_min && e->has_max && e->min > e->max)
        return mf_reader_fail(r, path, "has min %.15g over max %.15g: nothing can be both", e->min, e->max);
    return 0;
}

static int metric_read(const struct mf_reader *r, const char *row_path, const char *key, json_t *value,
                       struct mf_expect *e)
{
    char path[MF_KEY_PATH_BYTES], shown[80];
    bool is_word;
    mf_key_path(path, row_path, key);
    *e = (struct mf_expect){0};
    if (metric_find(r, path, key, &is_word) != 0)
        return -1;
    snprintf(e->key, sizeof e->key, "%s", key);
    if (is_word)
        return word_read(r, path, value, e);
    if (json_is_object(value))
        return limits_read(r, path, value, e);
    if (!json_is_number(value))
        return mf_reader_fail(r, path, "is %s; allowed: a number, or an object with min, max or both",
                              mf_json_show(shown, sizeof shown, value));
    e->has_equal = true;
    e->equal = json_number_value(value);
    return 0;
}

/* A target from a file may be named by its file or its name, whatever the object it became; faults by their names. */
static bool value_fits(const json_t *wanted, const json_t *value)
{
    char a[LABEL_BYTES], b[LABEL_BYTES];
    if (json_is_number(wanted) && json_is_number(value))
        return json_number_value(wanted) == json_number_value(value);
    if (json_is_string(wanted) && (json_is_object(value) || json_is_array(value)))
        return strcmp(mf_value_label(a, sizeof a, wanted), mf_value_label(b, sizeof b, value)) == 0;
    return json_equal(wanted, value);
}

static bool any_fits(const json_t *wanted, const json_t *values)
{
    size_t i;
    json_t *value;
    json_array_foreach((json_t *)values, i, value)
    {
        if (value_fits(wanted, mf_sweep_value(value)))
            return true;
    }
    return false;
}

static int when_value_check(const struct mf_reader *r, const char *path, const json_t *value, const json_t *file_values,
                            const json_t *values)
{
    char shown[80], allowed[400];
    if (any_fits(value, file_values) || any_fits(value, values))
        return 0;
    return mf_reader_fail(r, path, "is %s; allowed: a value of the sweep, %s", mf_json_show(shown, sizeof shown, value),
                          mf_json_show(allowed, sizeof allowed, values ? values : file_values));
}

static int when_check(const struct mf_reader *r, const char *row_path, json_t *when, const json_t *file_sweep,
                      const json_t *sweep)
{
    char when_path[MF_KEY_PATH_BYTES], path[MF_KEY_PATH_BYTES], joined[400];
    const char *names[MF_CELLS_MAX], *key;
    uint32_t n = 0;
    json_t *value, *values;
    mf_key_path(when_path, row_path, "when");
    if (mf_object_check(r, when_path, when) != 0)
        return -1;
    json_object_foreach((json_t *)sweep, key, values)
    {
        if (n < MF_CELLS_MAX)
            names[n++] = key;
    }
    json_object_foreach(when, key, value)
    {
        mf_key_path(path, when_path, key);
        json_t *file_values = json_object_get(file_sweep, key);
        values = json_object_get(sweep, key);
        if (!file_values && !values) {
            const char *near = mf_nearest(key, names, n);
            return mf_reader_fail(r, path, "is not swept; %s%s%sallowed: %s", near ? "did you mean \"" : "",
                                  near ? near : "", near ? "\"? " : "",
                                  n ? mf_names_join(joined, sizeof joined, names, n)
                                    : "nothing, since there is no sweep");
        }
        if (!json_is_array(value)) {
            if (when_value_check(r, path, value, file_values, values) != 0)
                return -1;
            continue;
        }
        if (json_array_size(value) == 0)
            return mf_reader_fail(r, path, "is []; allowed: a value, or an array of at least one");
        for (size_t i = 0; i < json_array_size(value); i++)
            if (when_value_check(r, path, json_array_get(value, i), file_values, values) != 0)
                return -1;
    }
    return 0;
}

static bool when_fits(const json_t *when, json_t *document)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)when, key, value)
    {
        json_t *actual = mf_keypath_get(document, key);
        bool fits = false;
        if (!actual)
            return false;
        if (!json_is_array(value))
            fits = value_fits(value, actual);
        for (size_t i = 0; i < json_array_size(value) && !fits; i++)
            fits = value_fits(json_array_get(value, i), actual);
        if (!fits)
            return false;
    }
    return true;
}

/* The i-th row, whether `expect` is one object or an array of them; NULL past the end. */
static json_t *row_at(json_t *expect, size_t i, char path[MF_KEY_PATH_BYTES])
{
    snprintf(path, MF_KEY_PATH_BYTES, "expect");
    if (json_is_array(expect)) {
        snprintf(path, MF_KEY_PATH_BYTES, "expect[%zu]", i);
        return json_array_get(expect, i);
    }
    return i == 0 ? expect : NULL;
}

int mf_expect_check(const struct mf_reader *r, json_t *expect, const json_t *file_sweep, const json_t *sweep)
{
    char path[MF_KEY_PATH_BYTES], shown[80];
    if (!json_is_array(expect) && !json_is_object(expect))
        return mf_reader_fail(r, "expect", "is %s; allowed: an object, or an array of objects",
                              mf_json_show(shown, sizeof shown, expect));
    json_t *row, *value;
    uint32_t n = 0;
    for (size_t i = 0; (row = row_at(expect, i, path)); i++) {
        const char *key;
        if (mf_object_check(r, path, row) != 0)
            return -1;
        json_object_foreach(row, key, value)
        {
            struct mf_expect e;
            if (strcmp(key, "when") == 0 ? when_check(r, path, value, file_sweep, sweep)
                                         : metric_read(r, path, key, value, &e))
                return -1;
            n++;
        }
    }
    if (n > MF_EXPECT_MAX)
        return mf_reader_fail(r, "expect", "holds %u expectations; allowed: at most %d", n, MF_EXPECT_MAX);
    return 0;
}

static int row_append(const struct mf_reader *r, const char *path, json_t *row, struct mf_cell *cell)
{
    const char *key;
    json_t *value;
    json_object_foreach(row, key, value)
    {
        if (strcmp(key, "when") != 0 && metric_read(r, path, key, value, &cell->expect[cell->expect_count++]) != 0)
            return -1;
    }
    return 0;
}

int mf_expect_read(const struct mf_reader *r, json_t *expect, json_t *document, struct mf_cell *cell, json_t **kept)
{
    char path[MF_KEY_PATH_BYTES];
    json_t *row;
    size_t most = 0;
    for (size_t i = 0; (row = row_at(expect, i, path)); i++)
        most += json_object_size(row);
    cell->expect = mf_arena_alloc(r->arena, most, sizeof *cell->expect);
    *kept = json_array();
    if (!cell->expect || !*kept)
        return mf_reader_no_memory(r);
    for (size_t i = 0; (row = row_at(expect, i, path)); i++) {
        json_t *when = json_object_get(row, "when");
        if (when && !when_fits(when, document))
            continue;
        json_t *copy = json_copy(row);
        if (!copy || json_array_append_new(*kept, copy) != 0)
            return mf_reader_no_memory(r);
        json_object_del(copy, "when");
        if (row_append(r, path, row, cell) != 0)
            return -1;
    }
    return 0;
}
