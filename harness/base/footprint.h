/* What an OS process holds at an instant: to see that nothing is left behind by what it does. Pure data, and one reader
 * of /proc. Threads: any. */
#ifndef MF_BASE_FOOTPRINT_H
#define MF_BASE_FOOTPRINT_H

#include <stdint.h>
#include <sys/types.h>

enum mf_footprint_part {
#define MF_FOOTPRINT(id, key, text) MF_FOOTPRINT_##id,
#include "base/footprint.def"
#undef MF_FOOTPRINT
    MF_FOOTPRINT_COUNT
};
extern const char *const mf_footprint_keys[MF_FOOTPRINT_COUNT];

struct mf_footprint {
    uint64_t of[MF_FOOTPRINT_COUNT];
};

/* Reads /proc: half a millisecond. -1: there is no such process, or it is another user's. */
int mf_footprint_read(pid_t pid, struct mf_footprint *footprint);

#endif
