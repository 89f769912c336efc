/* One stream's pings: a ring of those that are not settled for good, and below it the exceptions.
 *
 * Life: mf_stream_init; mf_stream_room before each new ping; slots are filled and settled by the account;
 * mf_stream_slide; mf_stream_done. Shape: pings [low, next) lie in the ring, a power of two of slots, at seq & mask.
 * Nothing happens to `low` when a ping is settled: the ring slides only when it is full, over everything settled at its
 * low end, which costs a few instructions per ping and keeps the answer's path short. Lost, overdue and unsendable
 * pings leave the ring at once for the exceptions, an array ordered by seq. A seq below `low` that is no exception has
 *   had its answer.
 * Threads: one. Ownership: the stream owns its ring and its exceptions. */
#ifndef MF_CHECKER_LEDGER_H
#define MF_CHECKER_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "checker/state.h"
#include "recorder/recorder.h"

enum mf_slot_state {
    MF_SLOT_DUE = 1, /* open, and the kernel has not taken it */
    MF_SLOT_WRITTEN, /* open */
    MF_SLOT_GOOD,    /* answered */
    MF_SLOT_BAD,     /* had an answer, but late, error or wrong */
    MF_SLOT_MOVED,   /* is an exception */
};

struct mf_slot {
    uint64_t due_ns;
    uint64_t written_ns; /* 0: not written */
    uint32_t bin_at;     /* its bin of the timeline, as an offset in bytes */
    uint32_t process;    /* whom it asks */
    uint32_t turn;       /* ... as the how manieth of the stream's processes */
    uint16_t committed;  /* the generation committed when it became due; once BAD: 1 + the upgrade it is charged to, 0:
                            none */
    uint8_t state;       /* enum mf_slot_state */
    uint8_t outcome;     /* enum mf_outcome, once BAD */
};

enum mf_exception_state {
    MF_EXCEPTION_OPEN, /* past its timeout, unanswered */
    MF_EXCEPTION_LOST,
    MF_EXCEPTION_NOT_SENT,
    MF_EXCEPTION_ANSWERED, /* it was one; removed at the next compaction */
};

struct mf_exception {
    uint64_t seq;
    uint64_t end_ns;  /* LOST: when; UINT64_MAX where no event ended it */
    uint64_t sent_ns; /* LOST: when it had left at the latest; 0: it had not */
    struct mf_slot ping;
    uint32_t charged; /* LOST: 1 + the upgrade; 0: none */
    uint8_t state;    /* enum mf_exception_state */
    uint8_t cause;    /* LOST: enum mf_cause */
    uint8_t stage;    /* the recorder's stage byte when it was lost or passed its timeout */
};

/* A run of consecutive bad pings, in due order: the blackout. */
struct mf_bad_run {
    bool open, charge_known;
    uint32_t charged; /* of its first ping, as above */
    uint64_t first_due_ns, last_due_ns;
};

struct mf_stream {
    struct mf_slot *ring;
    uint64_t mask, low, next;
    uint64_t answered_below; /* 1 + the highest seq that has had a first answer */
    uint8_t *stages;         /* of this stream; NULL: none */
    uint64_t stage_mask;
    struct mf_witness *witness; /* [turns] */
    uint32_t turns;             /* how many processes take turns */
    uint32_t turn, process;     /* whose turn is next */
    uint32_t first_process, process_stride;
    uint64_t count_slack; /* how far a count may be ahead of what this stream alone would have made it: 0, or "any"
                             where processes are shared */
    bool judges_instance;
    bool shares_process, counts_run_ahead;

    struct mf_exception *exceptions;
    uint32_t exceptions_used, exceptions_room, exceptions_answered;
    uint64_t bad_answers; /* pings that ended late, error or wrong */
    struct mf_bad_run run;
};

/* A ring of at least `hint` slots. Returns 0, or -1 where memory is out. The witness is the caller's. */
int mf_stream_init(struct mf_stream *s, uint32_t hint);
void mf_stream_done(struct mf_stream *s);

/* Makes room for the ping `next` in a full ring, by sliding or else by doubling it. `on_slid` sees every slot that
 * slides out, in order of seq. Returns 0, or -1 where memory is out (the ring is then as it was). */
typedef void mf_slid(void *ctx, struct mf_stream *s, uint64_t seq, const struct mf_slot *slot);
int mf_stream_room(struct mf_stream *s, mf_slid *on_slid, void *ctx);
/* Slides over everything settled at the low end. */
void mf_stream_slide(struct mf_stream *s, mf_slid *on_slid, void *ctx);

static inline bool mf_stream_holds(const struct mf_stream *s, uint64_t seq)
{
    return seq - s->low < s->next - s->low;
}

static inline struct mf_slot *mf_stream_slot(const struct mf_stream *s, uint64_t seq)
{
    return s->ring + (seq & s->mask);
}

static inline bool mf_slot_is_open(const struct mf_slot *slot)
{
    return slot->state == MF_SLOT_DUE || slot->state == MF_SLOT_WRITTEN;
}

/* Moves an open ping out of the ring; NULL where memory is out (it then stays where it is). Invalidates pointers to
 * other exceptions. */
struct mf_exception *mf_stream_except(struct mf_stream *s, uint64_t seq);
/* NULL where seq is none, or where it is one no longer. */
struct mf_exception *mf_stream_exception(const struct mf_stream *s, uint64_t seq);
/* The first open exception with a seq of at least `from`; NULL: none. */
struct mf_exception *mf_stream_open_exception(const struct mf_stream *s, uint64_t from);
/* It has its answer after all. */
void mf_stream_unexcept(struct mf_stream *s, struct mf_exception *e);

/* The outcome of a ping that may be long gone: enum mf_outcome, or -1 where it has none yet or it can't be told any
 * more. */
int mf_stream_outcome(const struct mf_stream *s, uint64_t seq);
/* Whether the ping's stage byte is still its own. */
static inline bool mf_stream_stage_is_there(const struct mf_stream *s, uint64_t seq)
{
    return s->stages && s->next - seq <= s->stage_mask + 1;
}
/* The stage byte of a ping as it is now, or `known` where a later ping has taken over its byte. The byte never goes
 * down. */
uint8_t mf_stream_stage(const struct mf_stream *s, uint64_t seq, uint8_t known);
uint64_t mf_stream_bytes(const struct mf_stream *s);

#endif
