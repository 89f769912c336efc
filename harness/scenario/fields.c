#include "scenario/fields.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/scenario.h"

#define NAMES_MAX     128
#define ALLOWED_BYTES 640

int mf_reader_fail(const struct mf_reader *r, const char *path, const char *format, ...)
{
    char text[sizeof r->err->text], place[sizeof r->err->place];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(place, sizeof place, "%s%s%s", r->file, path[0] ? ": " : "", path);
    if (r->cell)
        return mf_error_set(r->err, MF_STATUS_USAGE, place, "%s (in cell %s)", text, r->cell);
    return mf_error_set(r->err, MF_STATUS_USAGE, place, "%s", text);
}

int mf_reader_no_memory(const struct mf_reader *r)
{
    return mf_error_set(r->err, MF_STATUS_INTERNAL, r->file, "no memory to read it");
}

void mf_key_path(char out[MF_KEY_PATH_BYTES], const char *path, const char *key)
{
    snprintf(out, MF_KEY_PATH_BYTES, "%s%s%s", path, path[0] ? "." : "", key);
}

const char *mf_json_show(char *out, size_t bytes, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
    int n = snprintf(out, bytes, "%s", text ? text : "?");
    free(text);
    if (n >= 0 && (size_t)n >= bytes && bytes > 4)
        memcpy(out + bytes - 4, "...", 4);
    return out;
}

const char *mf_names_join(char *out, size_t bytes, const char *const *names, uint32_t n)
{
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < n && used < bytes; i++)
        used += (size_t)snprintf(out + used, bytes - used, "%s%s", i ? ", " : "", names[i]);
    return out;
}

bool mf_name_is_good(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    size_t bytes = strlen(name);
    return bytes >= 1 && bytes <= 64 && strspn(name, allowed) == bytes && name[0] != '.' && name[0] != '-';
}

static const char *field_allowed(char *out, size_t bytes, const struct mf_field *f)
{
    switch (f->type) {
    case MF_FIELD_INTEGER:
        snprintf(out, bytes, "a whole number from %.0f to %.0f", f->min, f->max);
        break;
    case MF_FIELD_NUMBER:
        snprintf(out, bytes, "a number from %.15g to %.15g", f->min, f->max);
        break;
    case MF_FIELD_FLAG:
        snprintf(out, bytes, "true, false");
        break;
    case MF_FIELD_TEXT:
        snprintf(out, bytes, "a text");
        break;
    case MF_FIELD_NAME:
        snprintf(out, bytes, MF_NAME_RULE);
        break;
    case MF_FIELD_WORD:
        mf_names_join(out, bytes, f->words, f->words_count);
        break;
    case MF_FIELD_PART:
        snprintf(out, bytes, "%s", f->text);
        break;
    }
    return out;
}

static int field_refuse(const struct mf_reader *r, const char *path, const struct mf_field *f, const json_t *value)
{
    char allowed[ALLOWED_BYTES], shown[80];
    return mf_reader_fail(r, path, "is %s; allowed: %s", mf_json_show(shown, sizeof shown, value),
                          field_allowed(allowed, sizeof allowed, f));
}

int mf_word_fail(const struct mf_reader *r, const char *path, const json_t *value, const char *const *names, uint32_t n)
{
    char allowed[ALLOWED_BYTES], shown[80];
    const char *near = json_is_string(value) ? mf_nearest(json_string_value(value), names, n) : NULL;
    return mf_reader_fail(r, path, "is %s; %s%s%sallowed: %s", mf_json_show(shown, sizeof shown, value),
                          near ? "did you mean \"" : "", near ? near : "", near ? "\"? " : "",
                          mf_names_join(allowed, sizeof allowed, names, n));
}

int mf_object_check(const struct mf_reader *r, const char *path, const json_t *value)
{
    char shown[80];
    if (json_is_object(value))
        return 0;
    return mf_reader_fail(r, path, "is %s; allowed: an object", mf_json_show(shown, sizeof shown, value));
}

int mf_fields_known(const struct mf_reader *r, const char *path, json_t *object, const struct mf_field *fields,
                    uint32_t n)
{
    const char *names[NAMES_MAX];
    char allowed[ALLOWED_BYTES], place[MF_KEY_PATH_BYTES];
    for (uint32_t i = 0; i < n && i < NAMES_MAX; i++)
        names[i] = fields[i].key;
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        uint32_t i = 0;
        while (i < n && strcmp(fields[i].key, key) != 0)
            i++;
        if (i < n)
            continue;
        const char *near = mf_nearest(key, names, n);
        mf_key_path(place, path, key);
        return mf_reader_fail(r, place, "unknown key; %s%s%sallowed: %s", near ? "did you mean \"" : "",
                              near ? near : "", near ? "\"? " : "", mf_names_join(allowed, sizeof allowed, names, n));
    }
    return 0;
}

/* Reads a whole number; one written as 1e6 or 4.0 is one too, and becomes an integer in the JSON. */
static int integer_read(const struct mf_reader *r, const char *path, json_t *object, const struct mf_field *f,
                        void *member)
{
    json_t *value = json_object_get(object, f->key);
    double number = json_is_number(value) ? json_number_value(value) : NAN;
    if (!(number >= f->min && number <= f->max) || number != floor(number))
        return field_refuse(r, path, f, value);
    uint64_t whole = json_is_integer(value) ? (uint64_t)json_integer_value(value) : (uint64_t)number;
    if (json_is_real(value) && json_object_set_new(object, f->key, json_integer((json_int_t)whole)) != 0)
        return mf_reader_no_memory(r);
    if (f->bytes == sizeof(uint64_t))
        *(uint64_t *)member = whole;
    else if (f->bytes == sizeof(uint32_t))
        *(uint32_t *)member = (uint32_t)whole;
    return 0;
}

static int text_read(const struct mf_reader *r, const char *path, const json_t *value, const struct mf_field *f,
                     void *member)
{
    if (!json_is_string(value) || (f->type == MF_FIELD_NAME && !mf_name_is_good(json_string_value(value))))
        return field_refuse(r, path, f, value);
    if (f->bytes == 0)
        return 0;
    const char *copy = mf_arena_text(r->arena, json_string_value(value));
    if (!copy)
        return mf_reader_no_memory(r);
    *(const char **)member = copy;
    return 0;
}

static int word_read(const struct mf_reader *r, const char *path, const json_t *value, const struct mf_field *f,
                     void *member)
{
    for (uint32_t i = 0; json_is_string(value) && i < f->words_count; i++)
        if (strcmp(f->words[i], json_string_value(value)) == 0) {
            *(uint32_t *)member = i;
            return 0;
        }
    return mf_word_fail(r, path, value, f->words, f->words_count);
}

static int field_read(const struct mf_reader *r, const char *path, json_t *object, const struct mf_field *f, void *out)
{
    char place[MF_KEY_PATH_BYTES], allowed[ALLOWED_BYTES];
    mf_key_path(place, path, f->key);
    json_t *value = json_object_get(object, f->key);
    if (!value && f->required)
        return mf_reader_fail(r, place, "is missing; allowed: %s", field_allowed(allowed, sizeof allowed, f));
    if (!value && !f->fallback)
        return 0;
    if (!value) {
        value = json_loads(f->fallback, JSON_DECODE_ANY, NULL);
        if (!value || json_object_set_new(object, f->key, value) != 0)
            return mf_reader_no_memory(r);
    }
    void *member = (char *)out + f->offset;
    switch (f->type) {
    case MF_FIELD_INTEGER:
        return integer_read(r, place, object, f, member);
    case MF_FIELD_NUMBER:
        if (!json_is_number(value) || !(json_number_value(value) >= f->min && json_number_value(value) <= f->max))
            return field_refuse(r, place, f, value);
        *(double *)member = json_number_value(value);
        return 0;
    case MF_FIELD_FLAG:
        if (!json_is_boolean(value))
            return field_refuse(r, place, f, value);
        *(bool *)member = json_is_true(value);
        return 0;
    case MF_FIELD_TEXT:
    case MF_FIELD_NAME:
        return text_read(r, place, value, f, member);
    case MF_FIELD_WORD:
        return word_read(r, place, value, f, member);
    case MF_FIELD_PART:
        return 0;
    }
    return 0;
}

int mf_fields_read(const struct mf_reader *r, const char *path, json_t *object, const struct mf_field *fields,
                   uint32_t n, void *out)
{
    if (mf_object_check(r, path, object) != 0 || mf_fields_known(r, path, object, fields, n) != 0)
        return -1;
    for (uint32_t i = 0; i < n; i++)
        if (field_read(r, path, object, &fields[i], out) != 0)
            return -1;
    return 0;
}
