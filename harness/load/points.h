/* Message points: which of the pings that this worker sends an upgrade waits for.
 *
 * Life: mf_points_init; mf_points_sent for each ping that the kernel has taken; where it says so, mf_points_take until
 * it returns false. Threads: one. */
#ifndef MF_LOAD_POINTS_H
#define MF_LOAD_POINTS_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/plan.h"

struct mf_points {
    uint64_t sent, next; /* next: the lowest number that any of them waits for; UINT64_MAX for none */
    uint32_t count;
    struct {
        uint32_t point, left;
        uint64_t at, every;
    } armed[MF_PLAN_POINTS];
};

void mf_points_init(struct mf_points *points, const struct mf_plan *plan);
/* One more was sent. Returns whether some point has come with it. */
static inline bool mf_points_sent(struct mf_points *points)
{
    return ++points->sent == points->next;
}
/* Takes one point that has come: its number in the scenario. Returns false where none is left. */
bool mf_points_take(struct mf_points *points, uint32_t *point);

#endif
