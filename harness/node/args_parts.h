/* What the files of the node's command line share: args.c reads it, args_check.c sees whether it makes sense,
 * args_point.c reads and writes points, args_argv.c writes it all for a worker. */
#ifndef MF_NODE_ARGS_PARTS_H
#define MF_NODE_ARGS_PARTS_H

#include "node/args.h"

enum mf_node_option {
    MF_NODE_OPTION_BEFORE,
#define MF_NODE_OPTION(id, name, takes) OPTION_##id,
#include "node/options.def"
#undef MF_NODE_OPTION
    MF_NODE_OPTIONS
};
extern const char *const mf_node_option_names[MF_NODE_OPTIONS]; /* without the dashes */
extern const char *const mf_purge_keys[MF_PURGE_COUNT];
extern const char *const mf_supervision_keys[MF_SUPERVISION_COUNT];

/* A number of digits only. -1: it is none, or out of range. */
int mf_node_number_read(const char *text, uint64_t min, uint64_t max, uint64_t *value);

#define MF_NODE_POINT_BYTES 256
/* KIND:INDEX:STAGE:FIRST:EVERY:COUNT:HOLD:HOLD_MS. -1: it is no such text. */
int mf_node_point_read(struct mf_node_point *point, const char *text);
void mf_node_point_write(char *text, const struct mf_node_point *point); /* MF_NODE_POINT_BYTES of room */

/* Whether all that was read fits together. -1 with USAGE. */
int mf_node_args_check(const struct mf_node_args *args, struct mf_error *err);

#endif
