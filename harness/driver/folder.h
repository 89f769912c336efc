/* The result folder: made, found writable, and its places. */
#ifndef MF_DRIVER_FOLDER_H
#define MF_DRIVER_FOLDER_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/error.h"

/* The default name: results/<UTC time>-<scenario name>. */
void mf_folder_name(char *path, size_t bytes, time_t now, const char *scenario);
/* Makes it with all that is above it, and sees that a file can be written in it. -1 with USAGE (it holds something, is
 * no folder, is not writable) or INTERNAL (the disk is full). `absolute` has PATH_MAX bytes. */
int mf_folder_open(const char *path, char *absolute, struct mf_error *err);
/* cells/<cell>/run-<n> in it, made. -1 with INTERNAL. */
int mf_folder_run(const char *folder, const char *cell, uint32_t number, char *path, size_t bytes,
                  struct mf_error *err);

#endif
