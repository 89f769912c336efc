/* The bin of an instant, with no division while instants stay within one bin. A cursor belongs to one kind of instants
 * (due, reply) that mostly go forward. Instants before the first bin are counted in it, those after the last in that
 * one: sums over bins stay whole. */
#ifndef MF_CHECKER_TIMELINE_H
#define MF_CHECKER_TIMELINE_H

#include <stdint.h>

#include "recorder/recorder.h"

struct mf_timeline {
    const struct mf_recorder_header *header;
    struct mf_bin *bins;
};

struct mf_cursor {
    uint64_t from_ns, width_ns; /* width 0: not placed yet */
    struct mf_bin *bin;
};

void mf_cursor_place(struct mf_cursor *c, const struct mf_timeline *t, uint64_t at_ns);

static inline struct mf_bin *mf_cursor_at(struct mf_cursor *c, const struct mf_timeline *t, uint64_t at_ns)
{
    if (__builtin_expect(at_ns - c->from_ns >= c->width_ns, 0))
        mf_cursor_place(c, t, at_ns);
    return c->bin;
}

#endif
