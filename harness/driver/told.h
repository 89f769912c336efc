/* Where the histories of a path are: of a result folder all, or of the folder of one run that one.
 *
 * Life: mf_told_open; read; mf_told_close. Threads: one. */
#ifndef MF_DRIVER_TOLD_H
#define MF_DRIVER_TOLD_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "checker/replay.h"
#include "driver/history.h"
#include "scenario/scenario.h"

struct mf_told {
    char folder[PATH_MAX]; /* the result folder */
    char **names;          /* of its cells, as they ran */
    uint32_t names_count;
    uint32_t only; /* this run alone; 0: all */
};

/* `path`: a result folder, the folder of a run in one, or a file in that. -1 with USAGE. */
int mf_told_open(struct mf_told *told, const char *path, struct mf_error *err);
void mf_told_close(struct mf_told *told);

/* The folder of a run. 1: it is there, and has a history; 0: there is no such run; -1 with USAGE: it has no history. */
int mf_told_run(const struct mf_told *told, const char *cell, uint32_t number, char *dir, size_t bytes,
                struct mf_error *err);

/* A run's recorder, with every account counted again out of the histories. `watch` may be NULL. *kept is to be done
 * with, *rec to be closed. Where a history is not whole, or its account is another than it was, that is kept->trouble
 * (UNKNOWN) if there was none before. -1 with *err: nothing can be told. */
int mf_told_again(const char *dir, struct mf_recorder *rec, struct mf_history_kept *kept,
                  const struct mf_replay_watch *watch, struct mf_error *err);

#endif
