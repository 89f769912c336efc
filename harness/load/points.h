/* Points that the load watches: which of the pings that this worker sends an upgrade waits for, how many must be in
 * flight, and of which ping a part only is to be written.
 *
 * Life: mf_points_init; mf_points_sent for each ping that the kernel has taken; where it says so, mf_points_take until
 * it returns false; mf_points_half for each ping that is made. Threads: one. */
#ifndef MF_LOAD_POINTS_H
#define MF_LOAD_POINTS_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/plan.h"

struct mf_points {
    uint64_t sent, next; /* next: the lowest number that any MESSAGE point waits for; UINT64_MAX for none */
    bool has_in_flight;  /* some IN_FLIGHT point is armed */
    bool has_half;       /* some HALF point is armed */
    uint32_t count;
    struct {
        enum mf_plan_point_kind kind;
        uint32_t point, left;
        uint64_t at, every; /* MESSAGE, HALF: the number it waits for; IN_FLIGHT: the least number sent by then */
        uint64_t in_flight; /* IN_FLIGHT */
        bool was_below;     /* IN_FLIGHT: there have been fewer since it fired */
    } armed[MF_PLAN_POINTS];
};

void mf_points_init(struct mf_points *points, const struct mf_plan *plan);
/* One more was sent. Returns whether some MESSAGE point has come with it. */
static inline bool mf_points_sent(struct mf_points *points)
{
    return ++points->sent == points->next;
}
/* Takes one MESSAGE point that has come: its number in the scenario. Returns false where none is left. */
bool mf_points_take(struct mf_points *points, uint32_t *point);
/* So many are in flight, now that one more was sent (at least 1). Takes one IN_FLIGHT point that has come; returns
 * false where none is left. */
bool mf_points_in_flight(struct mf_points *points, uint64_t in_flight, uint32_t *point);
/* Ping number `made` (from 1) has been made. Takes a HALF point that has come: its number in the scenario. */
bool mf_points_half(struct mf_points *points, uint64_t made, uint32_t *point);

#endif
