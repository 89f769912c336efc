/* The one line in the log that says why an upgrade came to nothing. */
#ifndef MF_NODE_REASON_H
#define MF_NODE_REASON_H

#include <stddef.h>

/* `text` without the names of the run's folder in it, which are long and say nothing to a reader of the report; cut to
 * `bytes` with "..." at the end. `dir` may be NULL. */
void mf_reason_write(char *reason, size_t bytes, const char *dir, const char *text);

#endif
