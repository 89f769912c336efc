/* A folder for a target's own things while a run goes on: its socket, saved state, copies of modules. Threads: any. */
#ifndef MF_TARGETS_SCRATCH_H
#define MF_TARGETS_SCRATCH_H

#include "base/error.h"

/* Makes <run_dir>/<inside> (a plain name); or, where the UNIX socket `socket_name` ("/node.sock") would get too long a
 * path in there, a short one in $TMPDIR or /tmp. `path` has PATH_MAX bytes and gets its absolute path. -1 with
 * INTERNAL; `path` is then empty. */
int mf_scratch_make(char *path, const char *run_dir, const char *inside, const char *socket_name, struct mf_error *err);
/* Removes it with all that is in it, and empties `path`. Takes an empty one. */
void mf_scratch_remove(char *path);

#endif
