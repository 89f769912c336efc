/* Where our other programs, the modules and the scripts are.
 *
 * Looked for in this order: the folder that MIDFLIGHT_LIBEXEC names; beside the executable (the build tree); and where
 * `cmake --install` puts them relative to it. Ownership: plain text in the caller's struct. */
#ifndef MF_DRIVER_LOCATE_H
#define MF_DRIVER_LOCATE_H

#include <limits.h>

#include "base/error.h"

struct mf_places {
    char node[PATH_MAX], load[PATH_MAX]; /* programs */
    char relay[PATH_MAX];                /* for faults of connections only */
    char modules[PATH_MAX];              /* the folder that holds pingpong/v1.so */
    char scripts[PATH_MAX];              /* the folder that holds plot */
    char targets[PATH_MAX];              /* the folder that holds the targets that are shipped */
};

/* Fills what is there; what is not stays empty. `beside` is the folder of the executable. Absolute paths. */
void mf_places_find(struct mf_places *places, const char *beside);
/* The folder of this very program. -1 with INTERNAL. */
int mf_places_beside(char *beside, size_t bytes, struct mf_error *err);
/* What a run cannot do without. -1 with SKIPPED: what is missing, and how to get it. */
int mf_places_check(const struct mf_places *places, struct mf_error *err);
/* Whether a program of this name is in one of PATH's folders. */
int mf_program_in_path(const char *name);

#endif
