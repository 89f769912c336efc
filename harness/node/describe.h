/* `midflight-node --describe PATH...`: what modules are, without a node. */
#ifndef MF_NODE_DESCRIBE_H
#define MF_NODE_DESCRIBE_H

#include <stdint.h>

/* Loads and initialises each module as a node would, prints "PATH name=... version=... state_version=...
 * state_bytes=..." to stdout, and unloads it. Stops at the first that fails. Returns the exit status, having said why
 * on stderr. */
int mf_describe(const char *const *paths, uint32_t n);

#endif
