/* An error that a person must understand: a status, a place and one line of text.
 *
 * Life: the caller owns a `struct mf_error` (zeroed is "no error"), passes it down, and `main` prints it once.
 * Functions that can fail this way return 0 for good and -1 for bad, with *err filled on -1. `err` is never NULL.
 * Threads: an mf_error belongs to one thread. */
#ifndef MF_BASE_ERROR_H
#define MF_BASE_ERROR_H

#include <stdarg.h>
#include <stddef.h>

/* The exit statuses of all our programs; the numbers are a contract with users. */
enum mf_status {
#define MF_STATUS(id, value, text) MF_STATUS_##id = value,
#include "base/status.def"
#undef MF_STATUS
};

struct mf_error {
    enum mf_status status;
    char place[512]; /* "FILE:LINE:COLUMN: key.path", a program's name, or empty */
    char text[1024]; /* what is wrong, what is allowed; no newline */
};

/* Fills *err (text and place are cut to fit, never overrun) and returns -1, so that callers can `return mf_error_set(...)`.
 * `place` may be NULL for none. */
int mf_error_set(struct mf_error *err, enum mf_status status, const char *place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* As mf_error_set with status `status`, and ": <strerror(errno)>" behind the text. Reads errno first. */
int mf_error_errno(struct mf_error *err, enum mf_status status, const char *place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Prints "midflight: PLACE: TEXT\n" (without "PLACE: " where it is empty) to stderr in one write. */
void mf_error_print(const char *program, const struct mf_error *err);

/* What the status means, from status.def; "?" for a number that is none. */
const char *mf_status_text(int status);

#endif
