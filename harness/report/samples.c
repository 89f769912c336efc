#include "report/samples.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_BYTES 4096

/* "DIR/" of the report, which was named as a folder or as a file; empty for the current one. -1: too long. */
static int folder_of(const char *path, char *folder)
{
    struct stat s;
    const char *slash = strrchr(path, '/');
    int n;
    if (stat(path, &s) == 0 && S_ISDIR(s.st_mode))
        n = snprintf(folder, PATH_BYTES, "%s/", path);
    else
        n = snprintf(folder, PATH_BYTES, "%.*s", slash ? (int)(slash + 1 - path) : 0, path);
    return n < PATH_BYTES ? 0 : -1;
}

/* A report from elsewhere may name anything: only what lies in its own folder is opened. */
static bool is_within(const char *name)
{
    bool outside = name[0] == '/' || strncmp(name, "../", 3) == 0 || strstr(name, "/../") != NULL;
    return !outside;
}

static int why_not(char *why, const char *file, const char *what)
{
    snprintf(why, MF_SAMPLES_WHY_BYTES, "%.400s: %s", file, what);
    return 1;
}

/* A time that may be null. 0: added or null; 1: neither; -1: no memory. */
static int time_add(struct mf_series *series, uint32_t run, const json_t *value)
{
    if (json_is_null(value))
        return 0;
    return json_is_number(value) ? mf_series_add(series, run, json_number_value(value)) : 1;
}

static int upgrade_add(struct mf_sample *sample, uint32_t run, const json_t *upgrade)
{
    const char *outcome = json_string_value(json_object_get(upgrade, "outcome"));
    const json_t *dirty = json_object_get(upgrade, "dirty"), *lost = json_object_get(upgrade, "lost");
    if (!outcome || !json_is_boolean(dirty) || !json_is_integer(lost) || json_integer_value(lost) < 0)
        return 1;
    if (strcmp(outcome, "not_fired") == 0)
        return 0;
    if (mf_series_add(&sample->series[MF_CONTRAST_DIRTY], run, json_is_true(dirty)) < 0 ||
        mf_series_add(&sample->series[MF_CONTRAST_LOST], run, (double)json_integer_value(lost)) < 0)
        return -1;
    int bad = time_add(&sample->series[MF_CONTRAST_SPIKE], run, json_object_get(upgrade, "spike_ms"));
    return bad ? bad : time_add(&sample->series[MF_CONTRAST_BLACKOUT], run, json_object_get(upgrade, "blackout_ms"));
}

static int run_add(struct mf_sample *sample, uint32_t run, const char *file, char *why)
{
    json_error_t error;
    json_t *root = json_load_file(file, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return why_not(why, file, error.line > 0 ? "not JSON" : "cannot be read");
    const json_t *list = json_object_get(root, "upgrade_list");
    int bad = json_is_array(list) ? 0 : 1;
    for (size_t i = 0; !bad && i < json_array_size(list); i++)
        bad = upgrade_add(sample, run, json_array_get(list, i));
    json_decref(root);
    return bad > 0 ? why_not(why, file, "not a run.json that midflight wrote") : bad;
}

int mf_samples_read(struct mf_sample *sample, const struct mf_rows *rows, const struct mf_row *row,
                    char why[MF_SAMPLES_WHY_BYTES], struct mf_error *err)
{
    const char *path = rows->reports[row->report].path;
    char folder[PATH_BYTES], file[2 * PATH_BYTES];
    if (!row->measured || json_array_size(row->runs) == 0)
        return why_not(why, row->label, "no run of it has ended");
    if (folder_of(path, folder) < 0)
        return why_not(why, path, "the name is too long");
    for (size_t i = 0; i < json_array_size(row->runs); i++) {
        const char *name = json_string_value(json_array_get(row->runs, i));
        if (!name || !is_within(name) || snprintf(file, sizeof file, "%s%s", folder, name) >= (int)sizeof file)
            return why_not(why, path, "names a run outside of its folder");
        int bad = run_add(sample, (uint32_t)i, file, why);
        if (bad < 0)
            return mf_error_set(err, MF_STATUS_INTERNAL, file, "no memory to read it");
        if (bad)
            return bad;
    }
    return 0;
}
