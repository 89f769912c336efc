/* Paths into a scenario's JSON: "load.rate_per_s", "upgrades[0].count", "expect.spike_ms.p95",
 * "sweep.target.node.strategy".
 *
 * Metrics and the sweep's parameters are keys that hold dots themselves. So at each object the longest existing key
 * that fits is taken; below `sweep` and `expect` a key that does not exist yet is all the rest of the path. */
#ifndef MF_SCENARIO_KEYPATH_H
#define MF_SCENARIO_KEYPATH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The value there (borrowed); NULL where there is none. */
json_t *mf_keypath_get(json_t *root, const char *path);
/* Puts `value` (the reference stays the caller's) there; objects and arrays on the way are made. Returns 0, or -1 with
 * `why` filled: what about the path is wrong. */
int mf_keypath_set(json_t *root, const char *path, json_t *value, char *why, size_t why_bytes);
/* Is `path` the same place as `above`, or a place within it? */
bool mf_keypath_within(const char *path, const char *above);

#endif
