/* A file of the result folder: first whole in memory, then whole on the disk, or absent.
 *
 * Life: mf_file_open; print to `out`; mf_file_save, or mf_file_drop. Both leave nothing behind and take a zeroed
 * struct. Threads: one. */
#ifndef MF_REPORT_FILE_H
#define MF_REPORT_FILE_H

#include <stdio.h>

#include "base/error.h"

struct mf_file {
    FILE *out;
    char *bytes; /* by open_memstream */
    size_t size;
};

/* -1 with INTERNAL where memory is out. */
int mf_file_open(struct mf_file *f, struct mf_error *err);
/* Writes all of it to dir/name: under a temporary name, synced, renamed, the folder synced. -1 with INTERNAL, place
 * dir/name; the temporary file is gone then, and an older dir/name stands as it was. */
int mf_file_save(struct mf_file *f, const char *dir, const char *name, struct mf_error *err);
void mf_file_drop(struct mf_file *f);

/* Prints `text` as a CSV field (RFC 4180): quoted where it holds a comma, a quote or a line break. NULL is empty. */
void mf_file_csv(FILE *out, const char *text);
/* Prints `text` for XML 1.0, in an attribute or between tags: escaped; what XML cannot hold is U+FFFD. */
void mf_file_xml(FILE *out, const char *text);
/* Prints `text` on one line for a person: control characters (which could steer a terminal) as '?'. */
void mf_file_plain(FILE *out, const char *text);

#endif
