/* What stands below a table: how sure "0 lost" is, what the loads were, why a verdict is not `pass`. Cells of which the
 * same is to be said share a line. Threads: one. */
#ifndef MF_REPORT_NOTES_H
#define MF_REPORT_NOTES_H

#include "report/rows.h"

/* Calls line(ctx, text) for each note; the text lives during the call. -1 with INTERNAL: no memory. */
int mf_notes_each(const struct mf_rows *rows, void (*line)(void *ctx, const char *text), void *ctx,
                  struct mf_error *err);
/* The load of all cells of report `r`; NULL where they differ, or none is said. */
const char *mf_notes_load(const struct mf_rows *rows, uint32_t r);

#endif
