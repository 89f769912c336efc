/* The listening socket: the node's endpoint. Whoever makes it (a worker, or the supervisor for its workers) has it
 * non-blocking and close-on-exec. Errors: -1 with *err (TARGET). */
#ifndef MF_NODE_LISTENER_H
#define MF_NODE_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct mf_listener_plan {
    const char *at; /* "unix:PATH" (a stale one is unlinked first), "tcp:ADDRESS:PORT" */
    bool shared;    /* tcp: others may listen there too (SO_REUSEPORT) */
};

/* Returns the descriptor; `endpoint` is where it really listens. */
int mf_listener_make(const struct mf_listener_plan *plan, char *endpoint, size_t n, struct mf_error *err);

#endif
