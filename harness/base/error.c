#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void error_fill(struct mf_error *err, enum mf_status status, const char *place, const char *format, va_list args)
{
    err->status = status;
    snprintf(err->place, sizeof err->place, "%s", place ? place : "");
    vsnprintf(err->text, sizeof err->text, format, args);
}

int mf_error_set(struct mf_error *err, enum mf_status status, const char *place, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_fill(err, status, place, format, args);
    va_end(args);
    return -1;
}

int mf_error_errno(struct mf_error *err, enum mf_status status, const char *place, const char *format, ...)
{
    int code = errno;
    va_list args;
    va_start(args, format);
    error_fill(err, status, place, format, args);
    va_end(args);
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %s", strerror(code));
    return -1;
}

void mf_error_print(const char *program, const struct mf_error *err)
{
    char line[sizeof err->place + sizeof err->text + 64];
    int n = snprintf(line, sizeof line, "%s: %s%s%s\n", program, err->place, err->place[0] ? ": " : "", err->text);
    if (n < 0)
        return;
    ssize_t written = write(STDERR_FILENO, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
    (void)written; /* nowhere is left to complain to */
}

const char *mf_status_text(int status)
{
    switch (status) {
#define MF_STATUS(id, value, text)                                                                                     \
    case value:                                                                                                        \
        return text;
#include "base/status.def"
#undef MF_STATUS
    default:
        return "?";
    }
}
