#include "scenario/keypath.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES      256
#define PATH_INDEX_MAX 100000

struct walk {
    const char *rest; /* what is still to walk */
    bool dotted;      /* a new key may hold dots */
    bool is_index;
    char key[KEY_BYTES];
    size_t index;
};

static bool ends_key(char c)
{
    return c == '\0' || c == '.' || c == '[';
}

static size_t key_bytes(const struct walk *w, const json_t *object)
{
    size_t longest = 0;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        size_t n = strlen(key);
        if (n > longest && strncmp(w->rest, key, n) == 0 && ends_key(w->rest[n]))
            longest = n;
    }
    return longest ? longest : w->dotted ? strlen(w->rest) : strcspn(w->rest, ".[");
}

/* Takes the next step of the path as seen from `at` (NULL: not there yet). False where the path is malformed. */
static bool walk_step(struct walk *w, const json_t *at, bool first)
{
    w->is_index = w->rest[0] == '[';
    if (w->is_index) {
        char *end;
        if (w->rest[1] < '0' || w->rest[1] > '9')
            return false;
        unsigned long index = strtoul(w->rest + 1, &end, 10);
        if (*end != ']' || index > PATH_INDEX_MAX)
            return false;
        w->index = index;
        w->rest = end + 1;
        return ends_key(w->rest[0]);
    }
    if (!first && *w->rest++ != '.')
        return false;
    size_t n = json_is_object(at) ? key_bytes(w, at) : w->dotted ? strlen(w->rest) : strcspn(w->rest, ".[");
    if (n == 0 || n >= KEY_BYTES)
        return false;
    memcpy(w->key, w->rest, n);
    w->key[n] = '\0';
    w->rest += n;
    if (first)
        w->dotted = strcmp(w->key, "sweep") == 0 || strcmp(w->key, "expect") == 0;
    return true;
}

json_t *mf_keypath_get(json_t *root, const char *path)
{
    struct walk w = {.rest = path};
    json_t *at = root;
    for (bool first = true; at && (first || w.rest[0]); first = false) {
        if (!walk_step(&w, at, first))
            return NULL;
        at = w.is_index ? json_array_get(at, w.index) : json_object_get(at, w.key);
    }
    return at;
}

static int put(const struct walk *w, json_t *at, json_t *value, char *why, size_t why_bytes)
{
    if (!w->is_index && !json_is_object(at))
        return snprintf(why, why_bytes, "\"%s\" is asked of what is no object", w->key), -1;
    if (w->is_index && !json_is_array(at))
        return snprintf(why, why_bytes, "[%zu] is asked of what is no array", w->index), -1;
    if (w->is_index && w->index > json_array_size(at))
        return snprintf(why, why_bytes, "[%zu] is past the end of an array of %zu", w->index, json_array_size(at)), -1;
    int bad = !w->is_index                      ? json_object_set(at, w->key, value)
              : w->index == json_array_size(at) ? json_array_append(at, value)
                                                : json_array_set(at, w->index, value);
    if (bad)
        return snprintf(why, why_bytes, "no memory to set it"), -1;
    return 0;
}

int mf_keypath_set(json_t *root, const char *path, json_t *value, char *why, size_t why_bytes)
{
    struct walk w = {.rest = path};
    json_t *at = root;
    for (bool first = true;; first = false) {
        if (!walk_step(&w, at, first))
            return snprintf(why, why_bytes,
                            "no such path; allowed: keys and indices as in load.rate_per_s, upgrades[0].count"),
                   -1;
        if (!w.rest[0])
            return put(&w, at, value, why, why_bytes);
        json_t *next = w.is_index ? json_array_get(at, w.index) : json_object_get(at, w.key);
        if (!next) {
            next = w.rest[0] == '[' ? json_array() : json_object();
            int bad = next ? put(&w, at, next, why, why_bytes) : -1;
            if (!next)
                snprintf(why, why_bytes, "no memory to set it");
            json_decref(next); /* `at` holds it now */
            if (bad)
                return -1;
        }
        at = next;
    }
}

bool mf_keypath_within(const char *path, const char *above)
{
    size_t n = strlen(above);
    return strncmp(path, above, n) == 0 && ends_key(path[n]);
}
