/* Handing over: a worker (the old one) gives everything to another (the newcomer), which has loaded its module and
 * waits.
 *
 * They talk over a SOCK_SEQPACKET line that the supervisor has made: one end is the newcomer's from its birth
 * (args->take_fd), the other is sent to the old one when it is to hand over (over args->hand_fd, by SCM_RIGHTS). Each
 * packet is a struct mf_hand_packet, some with descriptors:
 *
 *   old: CARGO (the cargo's memfd), FDS (up to MF_HAND_FDS of its descriptors)...   newcomer: TAKEN after each
 *   newcomer, all taken up, its threads made and standing: UP                       or REFUSED, with a reason
 *   old: YOURS, and ends; the newcomer goes on from here                            or BACK: it goes on itself
 *
 * Descriptors go one packet at a time, since the kernel limits how many may be under way. Exactly one of the two serves
 * at any instant: the old one stands from before CARGO until it has said BACK; the newcomer stands until it has heard
 * YOURS, or that the old one is dead (the line's end without BACK). */
#ifndef MF_NODE_HAND_H
#define MF_NODE_HAND_H

#include <stdint.h>

#include "base/error.h"
#include "node/core_internal.h"

#define MF_HAND_FDS 250 /* SCM_MAX_FD is 253 */

enum mf_hand_what {
    MF_HAND_CARGO = 1,
    MF_HAND_FDS_MORE,
    MF_HAND_TAKEN,
    MF_HAND_UP,
    MF_HAND_REFUSED,
    MF_HAND_YOURS,
    MF_HAND_BACK,
};

struct mf_hand_packet {
    uint32_t what; /* enum mf_hand_what */
    uint32_t k;    /* CARGO: the slot */
    uint32_t fds;  /* CARGO: how many descriptors will follow in all; FDS_MORE: how many come with it */
    uint32_t unused;
    char reason[MF_REASON_BYTES]; /* REFUSED */
};

/* Sends a packet with n descriptors. -1, errno (EPIPE: nobody is there). */
int mf_hand_send(int line_fd, const struct mf_hand_packet *packet, const int *fds, uint32_t n);
/* Waits for a packet until deadline_ns (UINT64_MAX: for ever) and puts up to `room` descriptors that come with it,
 * close-on-exec, into fds[*n]. 1: there it is; 0: the line has ended; -1, errno (ETIMEDOUT). */
int mf_hand_receive(int line_fd, struct mf_hand_packet *packet, int *fds, uint32_t room, uint32_t *n,
                    uint64_t deadline_ns);

/* In the newcomer, opened and without threads: waits for what args->take_fd brings, takes it up, starts the threads
 * (which stand), and returns 0 when all is its own, with *k the slot; -1 with *err. Ends this OS process where the old
 * one says BACK. */
int mf_core_take_over(struct mf_core *core, uint32_t *k, struct mf_error *err);

#endif
