/* `midflight export`: the messages of histories as CSV, a row a message and a row for each answer beyond that.
 *
 * The columns: results/README.md. A row is printed when its message has its end; one that was lost may still be
 * answered, so those come last. Memory: the messages that are open or lost. */
#ifndef MF_DRIVER_EXPORT_H
#define MF_DRIVER_EXPORT_H

#include <stdio.h>

#include "base/error.h"

/* All runs of `path` (see told.h) to `out`. *status is PASS, or UNKNOWN where a history was not whole: that is said on
 * stderr, and the messages whose end is not known have an empty outcome. -1 with USAGE or INTERNAL. */
int mf_export(FILE *out, const char *path, enum mf_status *status, struct mf_error *err);

#endif
