/* What the node's worker holds, sampled between upgrades: after the first ones, when arenas and pools have got their
 * size, and at the end. The difference is what the upgrades have left behind.
 *
 * Life: zeroed with `rec`; mf_samples_look whenever an upgrade has ended, and once when the pings are over. A sample
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
void mf_samples_look(struct mf_samples *samples, bool at_the_end, struct mf_target_witness *witness);

#endif
