/* The sweep: every combination of its values is a cell. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/keypath.h"
#include "scenario/parts.h"

#define COUNT(array)    (sizeof(array) / sizeof *(array))
#define LABEL_BYTES     65
#define CELL_NAME_BYTES 200

static const char *const swept_parts[] = {"target", "load", "upgrades", "faults", "proof"};

/* {"value": V, "with": {PATH: W, ...}}: V, where the cell needs other things beside it. */
static bool value_has_company(const json_t *value)
{
    return json_object_size(value) == 2 && json_object_get(value, "value") &&
           json_is_object(json_object_get(value, "with"));
}

const json_t *mf_sweep_value(const json_t *value)
{
    return value_has_company(value) ? json_object_get(value, "value") : value;
}

static bool path_is_known(const char *path)
{
    bool known = false;
    for (size_t i = 0; i < COUNT(swept_parts); i++)
        known |= mf_keypath_within(path, swept_parts[i]);
    return known;
}

static int path_check(const struct mf_reader *r, json_t *sweep, const char *path)
{
    char place[MF_KEY_PATH_BYTES], joined[128];
    mf_key_path(place, "sweep", path);
    if (!path_is_known(path))
        return mf_reader_fail(r, place, "cannot be swept; allowed: paths that begin with %s",
                              mf_names_join(joined, sizeof joined, swept_parts, COUNT(swept_parts)));
    const char *earlier;
    json_t *values;
    json_object_foreach(sweep, earlier, values)
    {
        if (strcmp(earlier, path) == 0)
            break;
        if (mf_keypath_within(earlier, path))
            return mf_reader_fail(r, place, "would overwrite what sweep.%s has set; allowed: before it", earlier);
    }
    return 0;
}

/* What goes with a value may not be what the sweep sets by itself: one of the two would be overwritten. */
static int company_check(const struct mf_reader *r, json_t *sweep, const char *path, size_t i, const json_t *value)
{
    char place[MF_KEY_PATH_BYTES], joined[128];
    const char *with, *swept;
    json_t *what, *values;
    if (!value_has_company(value))
        return 0;
    json_object_foreach(json_object_get(value, "with"), with, what)
    {
        snprintf(place, sizeof place, "sweep.%.150s[%zu].with.%.150s", path, i, with);
        if (!path_is_known(with))
            return mf_reader_fail(r, place, "cannot be set; allowed: paths that begin with %s",
                                  mf_names_join(joined, sizeof joined, swept_parts, COUNT(swept_parts)));
        json_object_foreach(sweep, swept, values)
        {
            if (mf_keypath_within(with, swept) || mf_keypath_within(swept, with))
                return mf_reader_fail(r, place, "is swept too, by sweep.%s", swept);
        }
    }
    return 0;
}

static int values_check(const struct mf_reader *r, const char *path, const json_t *values)
{
    char place[MF_KEY_PATH_BYTES], shown[80];
    if (!json_is_array(values) || json_array_size(values) == 0) {
        mf_key_path(place, "sweep", path);
        return mf_reader_fail(r, place, "is %s; allowed: an array of at least one value",
                              mf_json_show(shown, sizeof shown, values));
    }
    /* over the limit anyway: don't compare each with each */
    for (size_t i = 0; i < json_array_size(values) && i < MF_CELLS_MAX; i++)
        for (size_t j = 0; j < i; j++)
            if (json_equal(mf_sweep_value(json_array_get(values, i)), mf_sweep_value(json_array_get(values, j)))) {
                snprintf(place, sizeof place, "sweep.%s[%zu]", path, i);
                return mf_reader_fail(r, place, "is %s, as [%zu] is; allowed: each value once",
                                      mf_json_show(shown, sizeof shown, json_array_get(values, i)), j);
            }
    return 0;
}

int mf_sweep_check(const struct mf_reader *r, json_t *sweep, uint32_t *cells)
{
    const char *path;
    json_t *values;
    double product = 1;
    if (mf_object_check(r, "sweep", sweep) != 0)
        return -1;
    json_object_foreach(sweep, path, values)
    {
        if (path_check(r, sweep, path) != 0 || values_check(r, path, values) != 0)
            return -1;
        for (size_t i = 0; i < json_array_size(values); i++)
            if (company_check(r, sweep, path, i, json_array_get(values, i)) != 0)
                return -1;
        product *= (double)json_array_size(values);
    }
    if (product > MF_CELLS_MAX)
        return mf_reader_fail(r, "sweep", "makes %.0f cells; allowed: at most %d", product, MF_CELLS_MAX);
    *cells = (uint32_t)product;
    return 0;
}

/* Appends `text`, its unsafe bytes as '-', without ever overrunning. */
static void label_append(char *out, size_t bytes, const char *text)
{
    size_t used = strlen(out);
    for (; *text && used + 1 < bytes; text++)
        out[used++] = isalnum((unsigned char)*text) || strchr("._-+", *text) ? *text : '-';
    out[used] = '\0';
}

/* What an object calls itself: its name, or the fault that it is. */
static const char *object_name(const json_t *value)
{
    const char *name = json_string_value(json_object_get(value, "name"));
    return name ? name : json_string_value(json_object_get(value, "fault"));
}

static void label_append_value(char *out, size_t bytes, const json_t *value)
{
    char text[64];
    const char *key;
    json_t *part;
    size_t i;
    if (json_is_string(value)) {
        label_append(out, bytes, json_string_value(value));
    } else if (json_is_object(value) && object_name(value)) {
        label_append(out, bytes, object_name(value));
    } else if (json_is_object(value)) {
        bool first = true;
        json_object_foreach((json_t *)value, key, part)
        {
            label_append(out, bytes, first ? "" : "+");
            label_append(out, bytes, key);
            label_append(out, bytes, "-");
            label_append_value(out, bytes, part);
            first = false;
        }
    } else if (json_is_array(value)) {
        json_array_foreach((json_t *)value, i, part)
        {
            label_append(out, bytes, i ? "+" : "");
            label_append_value(out, bytes, part);
        }
    } else {
        label_append(out, bytes, mf_json_show(text, sizeof text, value));
    }
}

const char *mf_value_label(char *out, size_t bytes, const json_t *value)
{
    out[0] = '\0';
    const char *text = json_string_value(value);
    size_t n = text ? strlen(text) : 0;
    if (n > 5 && strcmp(text + n - 5, ".json") == 0) {
        const char *slash = strrchr(text, '/');
        label_append(out, bytes, slash ? slash + 1 : text);
        size_t used = strlen(out);
        if (used > 5 && strcmp(out + used - 5, ".json") == 0)
            out[used - 5] = '\0';
        return out;
    }
    label_append_value(out, bytes, value);
    if (!out[0])
        label_append(out, bytes, json_is_array(value) ? "none" : "empty");
    return out;
}

/* What a cell's name calls the parameter: the last part of its path, or all of it where another ends in the same. */
static const char *path_label(json_t *sweep, const char *path)
{
    const char *dot = strrchr(path, '.'), *last = dot ? dot + 1 : path, *other;
    json_t *values;
    json_object_foreach(sweep, other, values)
    {
        const char *other_dot = strrchr(other, '.');
        if (strcmp(other, path) != 0 && strcmp(other_dot ? other_dot + 1 : other, last) == 0)
            return path;
    }
    return last;
}

/* "a[0].b" as "a0.b", then "=value". */
static void name_append(char name[CELL_NAME_BYTES], json_t *sweep, const char *path, const json_t *value)
{
    char label[LABEL_BYTES];
    size_t used = strlen(name);
    if (used && used + 1 < CELL_NAME_BYTES)
        name[used++] = ',';
    for (const char *p = path_label(sweep, path); *p && used + 2 < CELL_NAME_BYTES; p++)
        if (isalnum((unsigned char)*p) || strchr("._-", *p))
            name[used++] = *p;
    name[used++] = '=';
    name[used] = '\0';
    label_append(name, CELL_NAME_BYTES, mf_value_label(label, sizeof label, value));
}

static int parameter_fill(const struct mf_reader *r, const char *path, const json_t *value,
                          struct mf_parameter *parameter)
{
    char label[LABEL_BYTES];
    char *text = NULL;
    const char *shown = json_string_value(value);
    if (!shown && (json_object_get(value, "name") || mf_keypath_within(path, "faults")))
        shown = mf_value_label(label, sizeof label, value);
    if (!shown)
        shown = text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
    parameter->path = mf_arena_text(r->arena, path);
    parameter->value = shown ? mf_arena_text(r->arena, shown) : NULL;
    free(text);
    return parameter->path && parameter->value ? 0 : mf_reader_no_memory(r);
}

/* Sets the path of the cell's document to a copy: a cell's defaults must not be written into the sweep's value. */
static int value_apply(const struct mf_reader *r, json_t *document, const char *place, const char *path,
                       const json_t *value)
{
    char why[256];
    json_t *copy = json_deep_copy(value);
    if (!copy)
        return mf_reader_no_memory(r);
    int bad = mf_keypath_set(document, path, copy, why, sizeof why);
    json_decref(copy);
    return bad ? mf_reader_fail(r, place, "%s", why) : 0;
}

static int company_apply(const struct mf_reader *r, json_t *document, const char *place, const json_t *value)
{
    char with_place[MF_KEY_PATH_BYTES];
    const char *with;
    json_t *what;
    if (!value_has_company(value))
        return 0;
    json_object_foreach(json_object_get(value, "with"), with, what)
    {
        snprintf(with_place, sizeof with_place, "%.200s.with.%.150s", place, with);
        if (value_apply(r, document, with_place, with, what) != 0)
            return -1;
    }
    return 0;
}

int mf_sweep_apply(const struct mf_reader *r, json_t *sweep, uint32_t index, json_t *document, struct mf_cell *cell)
{
    char name[CELL_NAME_BYTES] = "", place[MF_KEY_PATH_BYTES];
    const char *path;
    json_t *values;
    uint32_t stride = 1, i = 0;
    json_object_foreach(sweep, path, values)
    {
        stride *= (uint32_t)json_array_size(values);
    }
    cell->parameters_count = (uint32_t)json_object_size(sweep);
    cell->parameters = mf_arena_alloc(r->arena, cell->parameters_count, sizeof *cell->parameters);
    if (!cell->parameters)
        return mf_reader_no_memory(r);
    json_object_foreach(sweep, path, values)
    {
        stride /= (uint32_t)json_array_size(values);
        const json_t *whole = json_array_get(values, index / stride % json_array_size(values));
        const json_t *value = mf_sweep_value(whole);
        mf_key_path(place, "sweep", path);
        if (value_apply(r, document, place, path, value) != 0 || company_apply(r, document, place, whole) != 0)
            return -1;
        name_append(name, sweep, path, value);
        if (parameter_fill(r, path, value, &cell->parameters[i++]) != 0)
            return -1;
    }
    cell->name = mf_arena_text(r->arena, name[0] ? name : "all");
    return cell->name ? 0 : mf_reader_no_memory(r);
}

int mf_sweep_name_apart(const struct mf_reader *r, struct mf_cell *cells, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        char name[CELL_NAME_BYTES + 16];
        const char *base = cells[i].name;
        uint32_t copies = 1;
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(cells[j].name, cells[i].name) == 0) {
                snprintf(name, sizeof name, "%s~%u", base, ++copies);
                cells[i].name = mf_arena_text(r->arena, name);
                if (!cells[i].name)
                    return mf_reader_no_memory(r);
                j = UINT32_MAX; /* the new name must differ from all before it, too */
            }
    }
    return 0;
}
