/* The pacer: calls back at absolute instants of the monotonic clock, and measures its own lateness.
 *
 * A timerfd through uv_poll: a libuv timer counts in milliseconds and comes 0.6 ms late at the median, this one 0.03
 * ms. Life: mf_pacer_open; mf_pacer_arm; on_due(ctx, deadline, now) once; arm again ...; mf_pacer_close, and the loop
 * must run until the handle is closed. Threads: one. */
#ifndef MF_LOAD_PACER_H
#define MF_LOAD_PACER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"

struct mf_pacer {
    int fd;
    bool is_open;
    uv_poll_t poll;
    uint64_t deadline_ns; /* 0: not armed */
    void *ctx;
    void (*on_due)(void *ctx, uint64_t deadline_ns, uint64_t now_ns);
};

/* Fields ctx and on_due are the caller's to fill before. */
int mf_pacer_open(struct mf_pacer *pacer, uv_loop_t *loop, struct mf_error *err);
/* Calls back at deadline_ns, at once where that has passed; replaces what was armed. 0 disarms. */
void mf_pacer_arm(struct mf_pacer *pacer, uint64_t deadline_ns);
void mf_pacer_close(struct mf_pacer *pacer); /* takes one that is not open */

#endif
