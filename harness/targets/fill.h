/* What placeholders stand for, and texts with them filled in. Threads: one. */
#ifndef MF_TARGETS_FILL_H
#define MF_TARGETS_FILL_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "scenario/command.h"
#include "scenario/template.h"

struct mf_fill {
    const char *dir, *here, *modules, *programs; /* borrowed */
    uint32_t port[MF_PORTS_MAX];
    uint32_t n, k; /* version and upgrade */
    pid_t pid;
};

/* A malloc'ed copy of `text`, filled in. NULL: TARGET (a {file:...} that cannot be read) or INTERNAL (no memory). */
char *mf_fill_text(const struct mf_fill *fill, const char *text, struct mf_error *err);
/* The same of a program's words; ended by a NULL, given back with mf_fill_argv_free. */
char **mf_fill_argv(const struct mf_fill *fill, const struct mf_argv *argv, struct mf_error *err);
void mf_fill_argv_free(char **words); /* takes NULL */
/* The absolute path of `name`, which is relative to {dir} unless it is absolute; malloc'ed. */
char *mf_fill_path(const struct mf_fill *fill, const char *name, struct mf_error *err);

#endif
