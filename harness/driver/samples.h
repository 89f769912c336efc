/* What the node's worker holds, sampled between upgrades: after the first ones, when arenas and pools have got their
 * size, and after the last. The difference is what the upgrades have left behind, as far as it is not the load's: its
 * connections are descriptors, and are there each time.
 *
 * Life: zeroed with `rec`; mf_samples_look whenever an upgrade has ended, while pings fly. A sample
 * counts only where no upgrade was under way while it was taken. Threads: the loop's. */
#ifndef MF_DRIVER_SAMPLES_H
#define MF_DRIVER_SAMPLES_H

#include <stdbool.h>
#include <stdint.h>

#include "checker/result.h"
#include "recorder/recorder.h"

struct mf_samples {
    const struct mf_recorder *rec;
    uint64_t next_ns; /* not before: reading /proc takes the target's time, too */
};

/* Fills witness->sampled_first once so many upgrades have ended: 100, or a quarter of the planned ones where that is
 * less; and witness->sampled_last every time. */
void mf_samples_look(struct mf_samples *samples, struct mf_target_witness *witness);

#endif
