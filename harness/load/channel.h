/* The control channel: lines to and from the driver. Never blocks: a driver that stalls must not stall the pings.
 *
 * Life: mf_channel_open; on_line and on_end are called on the loop's thread; mf_channel_send; mf_channel_flush before
 * an exit; mf_channel_close, and the loop must run until its handle is closed. Ownership: the descriptor is the
 * channel's from open on; the line given to on_line is valid during the call. Threads: one. */
#ifndef MF_LOAD_CHANNEL_H
#define MF_LOAD_CHANNEL_H

#include <stdbool.h>
#include <uv.h>

#include "base/error.h"
#include "wire/control.h"

struct mf_channel {
    int fd;
    bool is_open;
    uv_poll_t poll;
    struct mf_control_reader reader;
    char *waiting; /* what the kernel has not taken yet */
    size_t waiting_bytes, waiting_room;
    void *ctx;
    void (*on_line)(void *ctx, const struct mf_control_line *line);
    void (*on_end)(void *ctx, const char *why); /* the driver is gone, or what it says makes no sense; once */
};

/* Fields ctx, on_line and on_end are the caller's to fill before. */
int mf_channel_open(struct mf_channel *channel, uv_loop_t *loop, int fd, struct mf_error *err);
/* Sends the line of a writer that was not ended yet. */
void mf_channel_send(struct mf_channel *channel, struct mf_control_writer *w);
/* Waits until everything is sent, or the driver is gone. */
void mf_channel_flush(struct mf_channel *channel);
void mf_channel_close(struct mf_channel *channel); /* takes one that is not open */

#endif
