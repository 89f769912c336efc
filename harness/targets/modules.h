/* Where a node target's modules lie, and what they say of themselves. */
#ifndef MF_TARGETS_MODULES_H
#define MF_TARGETS_MODULES_H

#include <stddef.h>

/* The absolute path of a module as a scenario names it: "pingpong/v1" is <modules_dir>/pingpong/v1.so; what ends in .so
 * is a path (relative to the current folder). Returns 0, or -1 where it does not fit. The file need not exist. */
int mf_module_path(const char *modules_dir, const char *name, char *path, size_t bytes);

#endif
