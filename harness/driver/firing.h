/* Which upgrade is fired when: a queue of points that have come, one upgrade at a time, in order.
 *
 * Time points fire by timerfd with absolute deadlines; message and in_flight points when the load tells. An upgrade
 * whose point comes while another is under way waits until that one has ended; REQUESTED is stamped when the target is
 * told. Points that the node fires itself pass by here only to be counted. Where the load holds probes in wire states,
 * it is asked for them
 * (`probe`) when an upgrade's turn has come, and the upgrade is fired when they are placed. Life: mf_firing_open;
 * mf_firing_go once start_ns stands in the recorder; ...; mf_firing_halt (nothing is fired any more); mf_firing_close,
 * whose `closed` is the last thing that happens. Threads: the loop's. */
#ifndef MF_DRIVER_FIRING_H
#define MF_DRIVER_FIRING_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"
#include "recorder/recorder.h"
#include "scenario/scenario.h"

struct mf_trigger {
    uint32_t row; /* of the scenario's upgrades */
    bool is_message;
    uint32_t stream, process;
    uint64_t seq;
};

struct mf_firing {
    const struct mf_cell *cell;
    const struct mf_recorder *rec;
    void *ctx;
    void (*fire)(void *ctx, uint32_t k); /* slot k is filled, stamped and counted: tell the target */
    void (*probe)(void *ctx,
                  uint32_t k); /* slot k is about to be fired: mf_firing_placed must follow; NULL: no probes */
    void (*closed)(void *ctx);

    int timer_fd;
    uv_poll_t poll;
    bool polls, halted;
    struct mf_due {
        uint64_t at_ns; /* after start_ns */
        uint32_t row;
    } * due; /* time points, in order */
    uint32_t due_count, due_at;
    struct mf_trigger *queue; /* every point comes at most as often as planned, so it never wraps */
    uint32_t queue_in, queue_out;
    uint32_t under_way;   /* how many: one, or more where a fault has asked for some */
    bool placing, placed; /* placing: probes were asked for; placed: they are there */
    uint32_t current;     /* the newest one's slot */
    uint32_t version;     /* that runs, as far as the log says */
};

/* -1 with INTERNAL. `version` is what the target begins with. */
int mf_firing_open(struct mf_firing *f, uv_loop_t *loop, const struct mf_cell *cell, const struct mf_recorder *rec,
                   uint64_t seed, uint32_t version, struct mf_error *err);
int mf_firing_go(struct mf_firing *f, struct mf_error *err);
/* The probes for slot k are where they were wanted. */
void mf_firing_placed(struct mf_firing *f, uint32_t k);
/* A message or in_flight point has come. A row that is none, or has come too often, is refused: -1. */
int mf_firing_message(struct mf_firing *f, const struct mf_trigger *trigger);
/* The target has ended slot k. */
void mf_firing_ended(struct mf_firing *f, uint32_t k);
/* Asks for the next planned upgrade at once, whatever is under way, by the point of the newest one: its slot into *k.
 * -1: none is left. */
int mf_firing_at_once(struct mf_firing *f, uint32_t *k);
void mf_firing_halt(struct mf_firing *f);
/* Whether some upgrade was requested and has no outcome. */
bool mf_firing_busy(const struct mf_firing *f);
void mf_firing_close(struct mf_firing *f);

#endif
