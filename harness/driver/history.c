#include "driver/history.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "recorder/history_writer.h"
#include "report/file.h"
#include "report/json.h"

#define SCHEMA "midflight.history/1"

#define FAULT_NUMBERS(X)                                                                                               \
    X(run)                                                                                                             \
    X(row)                                                                                                             \
    X(upgrade)                                                                                                         \
    X(phase)                                                                                                           \
    X(noop)                                                                                                            \
    X(fired)                                                                                                           \
    X(fired_ns)                                                                                                        \
    X(undone_ns)
/* What is not kept is not judged: a new member needs its line. */
_Static_assert(sizeof(struct mf_fault_result) == 312, "a member of a fault's result is not kept in the history");

/* --- out ---------------------------------------------------------------------------------------------------------- */

static json_t *footprint_out(const struct mf_footprint *f)
{
    struct mf_json j = mf_json_begin();
    for (uint32_t i = 0; i < MF_FOOTPRINT_COUNT; i++)
        mf_json_put(&j, mf_footprint_keys[i], mf_json_count(f->of[i]));
    return mf_json_end(&j);
}

static json_t *fault_out(const struct mf_fault_result *f)
{
    struct mf_json j = mf_json_begin();
#define OUT(member) mf_json_put(&j, #member, json_integer((json_int_t)f->member));
    FAULT_NUMBERS(OUT)
#undef OUT
    mf_json_put(&j, "fault", mf_json_text(f->fault));
    mf_json_put(&j, "whom", mf_json_text(f->whom));
    mf_json_put(&j, "what", mf_json_text(f->what));
    return mf_json_end(&j);
}

static json_t *witness_out(const struct mf_target_witness *w)
{
    struct mf_json j = mf_json_begin();
    json_t *faults = json_array();
#define MF_WITNESS(type, member, text) mf_json_put(&j, #member, json_integer((json_int_t)w->member));
#include "checker/witness.def"
#undef MF_WITNESS
    mf_json_put(&j, "died_text", mf_json_text(w->died_text));
    mf_json_put(&j, "sampled_first", footprint_out(&w->sampled_first));
    mf_json_put(&j, "sampled_last", footprint_out(&w->sampled_last));
    for (uint32_t i = 0; i < w->faults_count; i++)
        j.bad |= json_array_append_new(faults, fault_out(&w->faults[i])) != 0;
    mf_json_put(&j, "faults", faults);
    return mf_json_end(&j);
}

static json_t *trouble_out(const struct mf_error *err)
{
    if (!err->text[0])
        return json_null();
    struct mf_json j = mf_json_begin();
    mf_json_put(&j, "status", json_integer(err->status));
    mf_json_put(&j, "place", mf_json_text(err->place));
    mf_json_put(&j, "text", mf_json_text(err->text));
    return mf_json_end(&j);
}

static int recorder_keep(const char *dir, const struct mf_recorder *rec, struct mf_error *err)
{
    struct mf_file file;
    uint64_t n = rec->header->stages_at, hash = mf_hash(MF_HASH_BEGIN, rec->base, n);
    if (mf_file_open(&file, err) != 0)
        return -1;
    fwrite(rec->base, 1, n, file.out); /* what could not be taken is told by save */
    fwrite(&hash, 1, sizeof hash, file.out);
    return mf_file_save(&file, dir, MF_HISTORY_RECORDER, err);
}

int mf_history_keep(const char *dir, const struct mf_recorder *rec, const struct mf_history_kept *kept,
                    struct mf_error *err)
{
    struct mf_json j = mf_json_begin();
    if (recorder_keep(dir, rec, err) != 0) {
        json_decref(mf_json_end(&j));
        return -1;
    }
    mf_json_put(&j, "schema", json_string(SCHEMA));
    mf_json_put(&j, "run", json_integer(kept->number));
    mf_json_put(&j, "interrupted", json_boolean(kept->interrupted));
    mf_json_put(&j, "trouble", trouble_out(&kept->trouble));
    mf_json_put(&j, "target", witness_out(&kept->witness));
    return mf_json_save(mf_json_end(&j), dir, MF_HISTORY_KEPT, err);
}

int mf_history_check(const struct mf_recorder *rec, const char *dir, struct mf_error *err)
{
    const struct mf_recorder_shape *shape = &rec->header->shape;
    for (uint32_t w = 0; w < shape->workers + (shape->probes != 0); w++) {
        const struct mf_history_told *told = &mf_recorder_worker(rec, w)->history;
        char path[4096] = "";
        bool done = atomic_load_explicit(&told->done, memory_order_acquire);
        if (done && !told->error && !told->dropped)
            continue;
        mf_history_path(path, sizeof path, dir, w, shape);
        if (!done)
            return mf_error_set(err, MF_STATUS_INTERNAL, path, "the history was not written to its end");
        errno = (int)told->error;
        if (told->error)
            return mf_error_errno(err, MF_STATUS_INTERNAL, path, "%" PRIu64 " records are missing from the history",
                                  told->dropped);
        return mf_error_set(err, MF_STATUS_INTERNAL, path,
                            "the disk could not keep up: %" PRIu64 " records are missing from the history",
                            told->dropped);
    }
    return 0;
}

/* --- in ----------------------------------------------------------------------------------------------------------- */

static void text_in(const json_t *j, const char *key, char *text, size_t bytes)
{
    const char *value = json_string_value(json_object_get(j, key));
    snprintf(text, bytes, "%s", value ? value : "");
}

static void footprint_in(const json_t *j, struct mf_footprint *f)
{
    for (uint32_t i = 0; i < MF_FOOTPRINT_COUNT; i++)
        f->of[i] = (uint64_t)json_integer_value(json_object_get(j, mf_footprint_keys[i]));
}

/* Names live as long as the program: there are few. NULL: null, or no memory. */
static const char *name_in(const json_t *j, const char *key)
{
    static const char *names[256];
    static uint32_t used;
    const char *name = json_string_value(json_object_get(j, key));
    for (uint32_t i = 0; name && i < used; i++)
        if (strcmp(names[i], name) == 0)
            return names[i];
    if (!name || used == sizeof names / sizeof *names)
        return NULL;
    char *copy = strdup(name);
    if (copy)
        names[used++] = copy;
    return copy;
}

static int fault_in(const json_t *j, struct mf_fault_result *f)
{
#define IN(member) f->member = (__typeof__(f->member))json_integer_value(json_object_get(j, #member));
    FAULT_NUMBERS(IN)
#undef IN
    f->fault = name_in(j, "fault");
    f->whom = name_in(j, "whom");
    text_in(j, "what", f->what, sizeof f->what);
    return f->fault && f->phase >= -1 && f->phase < MF_PHASE_COUNT ? 0 : -1;
}

static int witness_in(const json_t *j, struct mf_history_kept *kept)
{
    struct mf_target_witness *w = &kept->witness;
    const json_t *faults = json_object_get(j, "faults");
    size_t n = json_array_size(faults);
    if (!json_is_object(j) || n > UINT32_MAX / sizeof *kept->faults)
        return -1;
#define MF_WITNESS(type, member, text) w->member = (type)json_integer_value(json_object_get(j, #member));
#include "checker/witness.def"
#undef MF_WITNESS
    text_in(j, "died_text", w->died_text, sizeof w->died_text);
    footprint_in(json_object_get(j, "sampled_first"), &w->sampled_first);
    footprint_in(json_object_get(j, "sampled_last"), &w->sampled_last);
    kept->faults = calloc(n + 1, sizeof *kept->faults);
    if (!kept->faults)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (fault_in(json_array_get(faults, i), &kept->faults[i]) != 0)
            return -1;
    w->faults = kept->faults;
    w->faults_count = (uint32_t)n;
    return 0;
}

static int kept_read(const char *dir, struct mf_history_kept *kept, struct mf_error *err)
{
    char path[4096];
    json_error_t bad;
    snprintf(path, sizeof path, "%s/" MF_HISTORY_KEPT, dir);
    json_t *j = json_load_file(path, JSON_REJECT_DUPLICATES, &bad);
    if (!j)
        return mf_error_set(err, MF_STATUS_USAGE, path, "cannot be read: %s", bad.text);
    const char *schema = json_string_value(json_object_get(j, "schema"));
    const json_t *trouble = json_object_get(j, "trouble");
    kept->number = (uint32_t)json_integer_value(json_object_get(j, "run"));
    kept->interrupted = json_is_true(json_object_get(j, "interrupted"));
    kept->trouble.status = (enum mf_status)json_integer_value(json_object_get(trouble, "status"));
    text_in(trouble, "place", kept->trouble.place, sizeof kept->trouble.place);
    text_in(trouble, "text", kept->trouble.text, sizeof kept->trouble.text);
    int good = schema && strcmp(schema, SCHEMA) == 0 && witness_in(json_object_get(j, "target"), kept) == 0;
    json_decref(j);
    return good ? 0 : mf_error_set(err, MF_STATUS_USAGE, path, "is no " SCHEMA);
}

static int recorder_read(const char *path, struct mf_recorder *rec, struct mf_error *err)
{
    FILE *file = fopen(path, "rbe");
    long size = -1;
    uint8_t *bytes = NULL;
    if (file && fseek(file, 0, SEEK_END) == 0)
        size = ftell(file);
    if (size >= 8)
        bytes = malloc((size_t)size);
    if (bytes)
        rewind(file);
    int bad = bytes && fread(bytes, 1, (size_t)size, file) == (size_t)size
                  ? 0
                  : mf_error_errno(err, MF_STATUS_USAGE, path, "cannot be read");
    size_t n = (size_t)size - 8;
    uint64_t hash = 0;
    if (!bad)
        memcpy(&hash, bytes + n, sizeof hash);
    if (!bad && hash != mf_hash(MF_HASH_BEGIN, bytes, n))
        bad = mf_error_set(err, MF_STATUS_USAGE, path, "is cut off, or damaged");
    if (!bad && mf_recorder_restore(rec, bytes, n, err) != 0) {
        snprintf(err->place, sizeof err->place, "%.*s", (int)sizeof err->place - 1, path);
        bad = -1;
    }
    if (file)
        fclose(file);
    free(bytes);
    return bad;
}

int mf_history_fetch(const char *dir, struct mf_recorder *rec, struct mf_history_kept *kept, struct mf_error *err)
{
    char path[4096];
    *kept = (struct mf_history_kept){0};
    *rec = (struct mf_recorder){.fd = -1};
    snprintf(path, sizeof path, "%s/" MF_HISTORY_RECORDER, dir);
    if (kept_read(dir, kept, err) == 0 && recorder_read(path, rec, err) == 0)
        return 0;
    mf_history_kept_done(kept);
    return -1;
}

void mf_history_kept_done(struct mf_history_kept *kept)
{
    free(kept->faults);
    *kept = (struct mf_history_kept){0};
}
