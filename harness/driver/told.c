#include "driver/told.h"

#include <dirent.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "recorder/history_writer.h"

/* --- paths -------------------------------------------------------------------------------------------------------- */

static bool holds(const char *folder, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    return snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path && stat(path, &st) == 0;
}

/* Cuts the last part off, and gives it. */
static const char *part_cut(char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash)
        return "";
    *slash = 0;
    return slash + 1;
}

static int name_add(struct mf_told *told, const char *name, struct mf_error *err)
{
    char **names = realloc(told->names, (told->names_count + 1) * sizeof *names);
    if (names)
        told->names = names;
    char *copy = names ? strdup(name) : NULL;
    if (!copy)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the names of cells");
    told->names[told->names_count++] = copy;
    return 0;
}

/* The cells that ran, and those that should have: the report knows. One that was never written: the folders. */
static int names_read(struct mf_told *told, struct mf_error *err)
{
    char path[PATH_MAX + 16];
    int bad = 0;
    size_t i;
    const json_t *cell;
    snprintf(path, sizeof path, "%s/report.json", told->folder);
    json_t *report = json_load_file(path, 0, NULL);
    if (report) {
        json_array_foreach(json_object_get(report, "cells"), i, cell)
        {
            const char *name = json_string_value(json_object_get(cell, "name"));
            bad = bad || !name ? -1 : name_add(told, name, err);
        }
        json_decref(report);
        return bad && !err->text[0] ? mf_error_set(err, MF_STATUS_USAGE, path, "is no report") : bad;
    }
    snprintf(path, sizeof path, "%s/cells", told->folder);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && !bad && (e = readdir(dir));)
        if (e->d_name[0] != '.')
            bad = name_add(told, e->d_name, err);
    if (dir)
        closedir(dir);
    return bad;
}

/* <result folder>/cells/<cell>/run-<n> */
static int run_folder_take(struct mf_told *told, const char *path, struct mf_error *err)
{
    uint32_t n;
    const char *run = part_cut(told->folder);
    if (sscanf(run, "run-%" SCNu32, &n) != 1 || n == 0)
        return mf_error_set(err, MF_STATUS_USAGE, path, "is no folder run-<n> of a result folder");
    told->only = n;
    if (name_add(told, part_cut(told->folder), err) != 0)
        return -1;
    part_cut(told->folder);
    return holds(told->folder, "scenario.json")
               ? 0
               : mf_error_set(err, MF_STATUS_USAGE, told->folder,
                              "has no scenario.json: a run is judged within its result folder");
}

int mf_told_open(struct mf_told *told, const char *path, struct mf_error *err)
{
    struct stat st;
    *told = (struct mf_told){0};
    if (!realpath(path, told->folder) || stat(told->folder, &st) != 0)
        return mf_error_errno(err, MF_STATUS_USAGE, path, "cannot be read");
    if (!S_ISDIR(st.st_mode))
        part_cut(told->folder);
    int bad;
    if (holds(told->folder, MF_HISTORY_KEPT))
        bad = run_folder_take(told, path, err);
    else if (holds(told->folder, "scenario.json"))
        bad = names_read(told, err);
    else
        bad = mf_error_set(err, MF_STATUS_USAGE, path, "is no result folder, and no folder of a run with a history");
    if (bad)
        mf_told_close(told);
    return bad;
}

void mf_told_close(struct mf_told *told)
{
    for (uint32_t i = 0; i < told->names_count; i++)
        free(told->names[i]);
    free(told->names);
    told->names = NULL;
    told->names_count = 0;
}

int mf_told_run(const struct mf_told *told, const char *cell, uint32_t number, char *dir, size_t bytes,
                struct mf_error *err)
{
    if (told->only && told->only != number)
        return 0;
    if (snprintf(dir, bytes, "%s/cells/%s/run-%" PRIu32, told->folder, cell, number) >= (int)bytes)
        return mf_error_set(err, MF_STATUS_USAGE, told->folder, "the path is too long");
    if (!holds(dir, "run.json") && !holds(dir, MF_HISTORY_KEPT))
        return 0; /* it never came so far */
    if (holds(dir, MF_HISTORY_KEPT))
        return 1;
    return mf_error_set(err, MF_STATUS_USAGE, dir, "has no history: midflight run --history writes one");
}

/* --- a run again -------------------------------------------------------------------------------------------------- */

static void doubt(struct mf_history_kept *kept, const char *path, const char *what)
{
    if (!kept->trouble.text[0])
        mf_error_set(&kept->trouble, MF_STATUS_UNKNOWN, path, "%s", what);
}

static int worker_again(const char *dir, uint32_t w, const struct mf_recorder *was, const struct mf_recorder *rec,
                        struct mf_history_kept *kept, const struct mf_replay_watch *watch, struct mf_error *err)
{
    char path[PATH_MAX];
    struct mf_replay_told told;
    struct mf_history_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory to read a history");
    int bad = mf_history_path(path, sizeof path, dir, w, &rec->header->shape) != 0
                  ? mf_error_set(err, MF_STATUS_USAGE, dir, "the path is too long")
                  : mf_history_open(reader, path, err);
    if (!bad && reader->head.worker != w)
        bad = mf_error_set(err, MF_STATUS_USAGE, path, "is the history of another worker");
    if (!bad) {
        mf_replay_clear(rec, w);
        bad = mf_replay(rec, reader, watch, &told, err);
    }
    if (!bad && told.gap[0])
        doubt(kept, path, told.gap);
    else if (!bad && !mf_replay_is_same(was, rec, w))
        doubt(kept, path, "counted again, these messages give other numbers than they gave when they flew");
    mf_history_close(reader);
    free(reader);
    return bad;
}

int mf_told_again(const char *dir, struct mf_recorder *rec, struct mf_history_kept *kept,
                  const struct mf_replay_watch *watch, struct mf_error *err)
{
    struct mf_recorder was;
    if (mf_history_fetch(dir, &was, kept, err) != 0)
        return -1;
    const struct mf_recorder_shape *shape = &was.header->shape;
    int bad = mf_recorder_restore(rec, was.base, was.header->stages_at, err);
    for (uint32_t w = 0; !bad && w < shape->workers + (shape->probes != 0); w++)
        bad = worker_again(dir, w, &was, rec, kept, watch, err);
    mf_recorder_close(&was);
    if (bad) {
        mf_recorder_close(rec);
        mf_history_kept_done(kept);
    }
    return bad;
}
