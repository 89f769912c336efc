#include "report/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/file.h"
#include "checker/statistics.h"
#include "report/utf8.h"

/* Enough digits for every count of nanoseconds of ten days in ms, and few enough that 0.1 is printed as 0.1. */
#define REAL_DIGITS 15

struct mf_json mf_json_begin(void)
{
    json_t *object = json_object();
    return (struct mf_json){.object = object, .bad = !object};
}

void mf_json_put(struct mf_json *j, const char *key, json_t *value)
{
    if (json_object_set_new(j->object, key, value) < 0) /* takes the value also when it fails */
        j->bad = true;
}

json_t *mf_json_end(struct mf_json *j)
{
    if (!j->bad)
        return j->object;
    json_decref(j->object);
    return NULL;
}

json_t *mf_json_text(const char *text)
{
    if (!text)
        return json_null();
    char *valid = malloc(3 * strlen(text) + 1); /* a bad byte becomes three */
    if (!valid)
        return NULL;
    size_t used = 0;
    for (uint32_t code; (code = mf_utf8_next(&text)) != 0;) {
        char bytes[4];
        unsigned n = mf_utf8_put(bytes, code);
        memcpy(valid + used, bytes, n);
        used += n;
    }
    json_t *string = json_stringn(valid, used);
    free(valid);
    return string;
}

json_t *mf_json_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

json_t *mf_json_count(uint64_t n)
{
    return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

json_t *mf_json_ms(int64_t ns)
{
    return ns < 0 ? json_null() : json_real((double)ns / 1e6);
}

json_t *mf_json_spread(const struct mf_spread *s)
{
    struct mf_json j = mf_json_begin();
    mf_json_put(&j, "median", s->n ? mf_json_number(s->median) : json_null());
    mf_json_put(&j, "p95", mf_percentile_is_told(s->n, 0.95) ? mf_json_number(s->p95) : json_null());
    mf_json_put(&j, "max", s->n ? mf_json_number(s->max) : json_null());
    mf_json_put(&j, "n", json_integer(s->n));
    return mf_json_end(&j);
}

int mf_json_save(json_t *root, const char *dir, const char *name, struct mf_error *err)
{
    char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(REAL_DIGITS)) : NULL;
    json_decref(root);
    struct mf_file file;
    if (!text)
        return mf_error_set(err, MF_STATUS_INTERNAL, name, "no memory to put it together");
    int bad = mf_file_open(&file, err);
    if (!bad) {
        fprintf(file.out, "%s\n", text);
        bad = mf_file_save(&file, dir, name, err);
    }
    free(text);
    return bad;
}
