/* The liar's own books: what the load must report, class by class, of what was sent to it. They know nothing of the
 * checker; their rules are those that checker/account.h promises, in the few cases that the liar makes happen (every
 * process belongs to one stream, all versions differ, all witnesses are given).
 *
 * Life: liar_truth_init; one call for whatever is done to a ping, at the moment at which it is done; liar_truth_write.
 * A ping's answer is judged when it is sent, since the load sees the answers of a connection in that order. */
#ifndef MF_LIAR_TRUTH_H
#define MF_LIAR_TRUTH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "plan.h"
#include "recorder/recorder.h"

/* What the load knows of a process by its answers, and what the process is. */
struct liar_process {
    bool seen;      /* a right answer was sent in order */
    bool disturbed; /* an answer out of order was sent since the last one in order */
    uint32_t generation;
    uint64_t next_seq;
    uint64_t base; /* count = base + the how manieth ping of this process it is */
    uint64_t instance;
};

struct liar_truth {
    const struct liar_plan *plan;
    uint64_t outcome[MF_OUTCOME_COUNT], cause[MF_CAUSE_COUNT], extra[MF_EXTRA_COUNT];
    uint64_t unsent_or_rst; /* lost, and the kernel decides by which of these two causes */
    uint64_t replies;       /* whole messages sent */
    uint64_t closed_announced, closed_idle, closed_inflight;
    uint64_t act[LIAR_ACT_COUNT], skipped;
    uint64_t unsendable;          /* answers that could not be sent: the books are then worthless */
    uint64_t late_ns_max;         /* the liar's own lateness */
    uint64_t *answered_below;     /* [streams]: 1 + the highest seq that has had a first answer */
    struct liar_process *process; /* [processes] */
};

/* Returns 0, or -1 where memory is out. */
int liar_truth_init(struct liar_truth *t, const struct liar_plan *plan);
void liar_truth_done(struct liar_truth *t);

/* The how manieth ping of its process (stream, seq) is, from 0. */
uint64_t liar_truth_position(const struct liar_truth *t, uint32_t stream, uint64_t seq);
/* Whether an answer to this ping comes in the order of its process's pings. */
bool liar_truth_in_order(const struct liar_truth *t, uint32_t process, uint64_t seq);

/* A right answer is sent, the first one to its ping. generation: of the version that it shows; stale: the ping was sent
 * after the commit of a later one. */
void liar_truth_right(struct liar_truth *t, uint32_t stream, uint32_t process, uint64_t seq, bool late,
                      uint32_t generation, bool stale);
/* The first answer to its ping, an error or a wrong one. */
void liar_truth_bad(struct liar_truth *t, uint32_t stream, uint32_t process, uint64_t seq, enum mf_outcome outcome);
/* An answer beyond that: duplicated or phantom. */
void liar_truth_extra(struct liar_truth *t, enum mf_extra extra, uint64_t by);
void liar_truth_lost(struct liar_truth *t, enum mf_cause cause, uint64_t by);
/* Pings that never came here: written by the load and then reset, or not written any more. */
void liar_truth_unseen(struct liar_truth *t, uint64_t by);
/* A lost ping is answered after all; its answer is told next. */
void liar_truth_unlost(struct liar_truth *t, enum mf_cause cause);

/* key=value lines: due, replies, <outcome>, lost.<cause>, <extra>, lost.unsent_or_rst, closed_announced, closed_idle,
 * closed_inflight, * act.<act>, skipped, unsendable, late_ns_max. Returns 0 or -1 (errno). */
int liar_truth_write(const struct liar_truth *t, FILE *out);

#endif
