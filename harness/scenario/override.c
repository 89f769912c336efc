/* Overrides from the command line: --set PATH=JSON. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/keypath.h"
#include "scenario/parts.h"

#define PLACE_BYTES 512

static void set_place(char place[PLACE_BYTES], const char *set)
{
    snprintf(place, PLACE_BYTES, "--set %s", set);
}

/* A sweep over the same place would overwrite the override in every cell, silently. */
static int swept_check(const struct mf_reader *r, json_t *document, const char *set, const char *path)
{
    const char *swept;
    json_t *values;
    char place[PLACE_BYTES];
    set_place(place, set);
    json_object_foreach(json_object_get(document, "sweep"), swept, values)
    {
        if (mf_keypath_within(path, swept))
            return mf_error_set(r->err, MF_STATUS_USAGE, place,
                                "%s is swept; allowed: --set 'sweep.%s=[...]', or --cell NAME", swept, swept);
    }
    return 0;
}

static int override_apply(const struct mf_reader *r, json_t *document, const char *set)
{
    char path[MF_KEY_PATH_BYTES], why[256], place[PLACE_BYTES];
    const char *equals = strchr(set, '=');
    set_place(place, set);
    if (!equals || equals == set || (size_t)(equals - set) >= sizeof path)
        return mf_error_set(r->err, MF_STATUS_USAGE, place, "is no PATH=JSON; allowed: as in load.rate_per_s=1000");
    snprintf(path, sizeof path, "%.*s", (int)(equals - set), set);
    json_error_t error;
    json_t *value = json_loads(equals + 1, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (!value) {
        char hint[MF_KEY_PATH_BYTES + 64] = "";
        if (isalpha((unsigned char)equals[1]))
            snprintf(hint, sizeof hint, "; a text needs quotes of its own: --set '%s=\"text\"'", path);
        return mf_error_set(r->err, MF_STATUS_USAGE, place, "the value is no JSON: %s%s", error.text, hint);
    }
    int bad = mf_keypath_set(document, path, value, why, sizeof why);
    json_decref(value);
    return bad ? mf_error_set(r->err, MF_STATUS_USAGE, place, "%s", why) : 0;
}

int mf_overrides_apply(const struct mf_reader *r, json_t *document, const struct mf_scenario_options *options)
{
    char path[MF_KEY_PATH_BYTES];
    for (uint32_t i = 0; i < options->set_count; i++)
        if (override_apply(r, document, options->set[i]) != 0)
            return -1;
    for (uint32_t i = 0; i < options->set_count; i++) {
        snprintf(path, sizeof path, "%.*s", (int)strcspn(options->set[i], "="), options->set[i]);
        if (swept_check(r, document, options->set[i], path) != 0)
            return -1;
    }
    return 0;
}
