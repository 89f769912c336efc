/* Typed, strict readers: a table says which keys an object has, of what type, range and default; reading it fills a
 * struct, rejects every other key, and writes the defaults into the JSON, which so becomes the resolved scenario. The
 * same tables give the JSON Schema.
 *
 * Errors: status USAGE, place "FILE: key.path"; INTERNAL where memory is out. Threads: one. Ownership: texts go into
 * the reader's arena. */
#ifndef MF_SCENARIO_FIELDS_H
#define MF_SCENARIO_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "scenario/arena.h"

#define MF_KEY_PATH_BYTES 384

enum mf_field_type {
    MF_FIELD_INTEGER, /* uint32_t or uint64_t, by `bytes` */
    MF_FIELD_NUMBER,  /* double */
    MF_FIELD_FLAG,    /* bool */
    MF_FIELD_TEXT,    /* const char *: any text */
    MF_FIELD_NAME,    /* const char *: safe as a part of a file name */
    MF_FIELD_WORD,    /* uint32_t: an index into `words` */
    MF_FIELD_PART,    /* read by code of its own; here for its key only */
};

struct mf_field {
    const char *key;
    enum mf_field_type type;
    bool required;
    size_t offset, bytes;     /* of the member; bytes 0: checked, and stored nowhere */
    double min, max;          /* INTEGER, NUMBER; whole numbers up to 2^53 are exact */
    const char *fallback;     /* the default as JSON; NULL: the member is left alone, and the key stays absent */
    const char *const *words; /* WORD */
    uint32_t words_count;
    const char *text; /* what it means, with its unit: for the schema */
};

#define MF_MEMBER(type, member) offsetof(struct type, member), sizeof(((struct type *)0)->member)

/* Who reads what for whom. `cell` is the cell being read (named in errors, since the value may come from the sweep), or
 * NULL. */
struct mf_reader {
    const char *file, *cell;
    struct mf_arena *arena;
    struct mf_error *err;
};

/* Fills *err and returns -1. `path` is "" for the whole file. */
int mf_reader_fail(const struct mf_reader *r, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int mf_reader_no_memory(const struct mf_reader *r);

/* "path.key" ("key" where path is ""), cut to fit. */
void mf_key_path(char out[MF_KEY_PATH_BYTES], const char *path, const char *key);

/* The value as a person would know it again: JSON, cut to `bytes`. Returns `out`. */
const char *mf_json_show(char *out, size_t bytes, const json_t *value);
/* "a, b, c", cut to `bytes`. Returns `out`. */
const char *mf_names_join(char *out, size_t bytes, const char *const *names, uint32_t n);

/* Fails unless `value` is an object. */
int mf_object_check(const struct mf_reader *r, const char *path, const json_t *value);
/* Fails on the first key of `object` that is not in `fields`. */
int mf_fields_known(const struct mf_reader *r, const char *path, json_t *object, const struct mf_field *fields,
                    uint32_t n);
/* Checks that `object` is one and has known keys only, reads it into `out`, writes defaults into it. */
int mf_fields_read(const struct mf_reader *r, const char *path, json_t *object, const struct mf_field *fields,
                   uint32_t n, void *out);
/* Fails with "is WORD; did you mean NEAREST? allowed: NAMES". */
int mf_word_fail(const struct mf_reader *r, const char *path, const json_t *value, const char *const *names,
                 uint32_t n);

/* A name: [A-Za-z0-9._-]{1,64}, beginning with a letter, a digit or '_'. */
bool mf_name_is_good(const char *name);
#define MF_NAME_PATTERN "^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$"
#define MF_NAME_RULE    "a name of 1 to 64 letters, digits, '.', '_' and '-', not beginning with '.' or '-'"

#endif
