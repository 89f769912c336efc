/* The command line of midflight-node, out of a cell. */
#ifndef MF_TARGETS_NODE_ARGV_H
#define MF_TARGETS_NODE_ARGV_H

#include "targets/target.h"

/* A NULL-terminated vector; its strings live in it (one allocation, the caller frees it). `listen` NULL: transport
 * local. NULL with *err. */
const char **mf_node_argv(const struct mf_node_options *options, const char *listen, const char *dir,
                          struct mf_error *err);

#endif
