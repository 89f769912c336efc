/* One probe: a connection of its own that stands in one wire state when an upgrade is requested, and is judged
 * afterwards. What is guaranteed of each state: README.md.
 *
 * Life: mf_probe_init; then for each upgrade mf_probe_place, mf_probe_beat about every millisecond until it stands
 * where it can be left (mf_probe_is_ready), mf_probe_last, mf_probe_release, mf_probe_beat until mf_probe_is_over,
 * mf_probe_take; mf_probe_close at any time, and the loop must run until its handles are closed; mf_probe_done.
 * Ownership: the caller's memory; it must not move. Threads: the loop's. */
#ifndef MF_LOAD_PROBE_H
#define MF_LOAD_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "load/order.h"
#include "recorder/recorder.h"
#include "wire/codec.h"

struct mf_probes;
struct mf_probe_socket;

enum mf_probe_phase {
    MF_PROBE_OVER,    /* nothing to do: it was judged, or could not be placed */
    MF_PROBE_PLACING, /* on its way into its state; what fails is tried again */
    MF_PROBE_READY,   /* all but the last step is done */
    MF_PROBE_HELD,    /* in its state, until the upgrade has ended */
    MF_PROBE_JUDGING, /* goes on, and it is seen what becomes of it */
};

struct mf_probe {
    struct mf_probes *probes;
    enum mf_wire_state state;
    uint32_t stream;
    enum mf_probe_phase phase;
    struct mf_probe_socket *socket; /* NULL: there is no connection */
    bool dialling;                  /* a connection is wanted and not yet made */
    bool refused;                   /* the last attempt was, and there will be another */
    int write_errno;                /* of the write that showed that the connection has ended */
    uint64_t retry_at_ns;           /* dialling without a socket: try again then */
    uint64_t deadline_ns;           /* PLACING, JUDGING: of what is under way */

    struct mf_order order; /* codecs with answers in order: written on its connection and unanswered */
    bool closes;           /* the answer that is being handed on is the connection's last, it says */
    bool always_closes;    /* PLACING: so did the one that was to bring it into its state */
    uint32_t attempts;     /* PLACING: pings that were answered and did not bring it there */

    /* the ping under way */
    bool pending, written;
    bool after; /* it was made after the release */
    uint64_t seq;
    uint8_t *out;
    size_t out_bytes, out_at, out_until; /* out_until: nothing from here on is written yet */

    uint8_t *in; /* what has been read of an answer that is not whole */
    size_t in_bytes, in_room;

    bool aside; /* it is not judged: it stood in no state at the request */
    bool judged, renewed, renewed_answered;
    bool asked_again;    /* nothing was answered in time on a connection that lives: the next ping asks it once more */
    uint64_t judged_seq; /* of the ping that the judgement is about */
    enum mf_outcome outcome;
    enum mf_cause cause; /* LOST */
};

/* -1: no memory. */
int mf_probe_init(struct mf_probe *p, struct mf_probes *probes, enum mf_wire_state state, uint32_t stream);
void mf_probe_done(struct mf_probe *p);
void mf_probe_place(struct mf_probe *p, uint64_t now_ns);
/* Whether mf_probe_last may be called. */
bool mf_probe_is_ready(const struct mf_probe *p);
/* The last step, right before the upgrade; one that is not ready is given up. */
void mf_probe_last(struct mf_probe *p, uint64_t now_ns);
void mf_probe_release(struct mf_probe *p, uint64_t now_ns);
void mf_probe_beat(struct mf_probe *p, uint64_t now_ns);
static inline bool mf_probe_is_over(const struct mf_probe *p)
{
    return p->phase == MF_PROBE_OVER;
}
/* Adds its judgement to `tally`, if there is one, and forgets it. */
void mf_probe_take(struct mf_probe *p, struct mf_wire_tally *tally);
/* An answer to one of its pings has come, by whatever connection. */
void mf_probe_answered(struct mf_probe *p, uint64_t seq, enum mf_outcome outcome, uint64_t now_ns);
void mf_probe_close(struct mf_probe *p);

#endif
