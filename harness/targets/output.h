/* A file that programs write into as much as they like, and that never takes more than a bounded room on the disk.
 *
 * They have it open for appending, so nothing ever waits for a reader. Where it grows over the bound the middle is
 * given back to the file system as a hole (its offsets stay), and when nobody writes any more it is written anew:
 * beginning, a line that says how much was dropped, end. Life: mf_output_open; mf_output_trim every 100 ms or so;
 * mf_output_close. Threads: one. */
#ifndef MF_TARGETS_OUTPUT_H
#define MF_TARGETS_OUTPUT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct mf_output {
    char path[PATH_MAX];
    int fd;         /* for appending, close-on-exec; -1: not open */
    off_t holes_to; /* what lies between the beginning that is kept and this is dropped */
};

int mf_output_open(struct mf_output *o, const char *path, struct mf_error *err);
off_t mf_output_bytes(const struct mf_output *o);
void mf_output_trim(struct mf_output *o);
/* Takes one that is not open. */
void mf_output_close(struct mf_output *o);
/* Adds a line of our own. */
void mf_output_say(struct mf_output *o, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A search for a text in a file that grows: what was searched is not searched again. */
struct mf_search {
    off_t from, at; /* where it began, and how far it has come */
    bool found;
    char line[160]; /* that has it, printable */
};
/* Looks on from where the last call ended; true once it was found. Reads at most some MiB a call. */
bool mf_search_on(struct mf_search *s, const char *path, const char *text);
/* The last lines (up to three) behind `from`, joined by " | ", printable; "" where there are none. Returns `text`. */
const char *mf_output_tail(const char *path, off_t from, char *text, size_t bytes);

#endif
