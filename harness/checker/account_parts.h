/* The inside of an account, shared by the files that make it up: account.c (the calls, their fast paths) and settle.c
 * (how pings end). */
#ifndef MF_CHECKER_ACCOUNT_PARTS_H
#define MF_CHECKER_ACCOUNT_PARTS_H

#include "checker/account.h"
#include "checker/ear.h"
#include "checker/ledger.h"
#include "checker/sight.h"
#include "checker/timeline.h"
#include "checker/upgrades.h"

#define MF_LIKELY(x)   __builtin_expect(!!(x), 1)
#define MF_UNLIKELY(x) __builtin_expect(!!(x), 0)

struct mf_account {
    /* the fast paths' share */
    struct mf_worker_record *record;
    struct mf_stream *stream;
    uint32_t first_stream, streams;
    uint64_t timeout_ns, measure_ns;
    uint32_t control_from;   /* processes from this one on are the control group; UINT32_MAX: there is none */
    uint64_t next_expiry_ns; /* expire need not look before this */
    uint64_t first_due_ns;   /* UINT64_MAX: nothing was due yet */
    struct mf_timeline timeline;
    struct mf_cursor due_cursor, reply_cursor;
    struct mf_history_writer *history; /* NULL: none is written, or it has ended */
    struct mf_upgrades upgrades;

    uint64_t expired; /* open exceptions */
    struct mf_witness *witnesses;
    uint64_t witnesses_count;
    struct mf_sight *sight;            /* NULL: the recorder itself is looked at */
    struct mf_history_writer *written; /* the history, until it is freed */
    const struct mf_ear *ear;
};

/* A counter that the driver reads while we write: one writer, so no locked addition is needed. */
static inline void mf_counter_add(_Atomic uint64_t *counter, uint64_t by)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + by, memory_order_relaxed);
}

static inline struct mf_bin *mf_account_bin(const struct mf_account *a, const struct mf_slot *ping)
{
    return (struct mf_bin *)((char *)a->timeline.bins + ping->bin_at);
}

static inline struct mf_stream *mf_account_stream(const struct mf_account *a, uint32_t stream)
{
    return a->stream + (stream - a->first_stream);
}

/* The answer's way off the fast path, from the beginning (it has been counted as a reply already). */
enum mf_outcome mf_account_pong_careful(struct mf_account *a, const struct mf_pong *pong, uint64_t now_ns);
/* Ends an open ping without an answer. `end_ns` UINT64_MAX: no event did. */
void mf_account_give_up(struct mf_account *a, struct mf_stream *s, uint64_t seq, enum mf_outcome outcome,
                        enum mf_cause cause, uint64_t end_ns);
/* The history (history.c). begin: sight, and the file where one is wanted; -1 with *err. note: at the begin of a call:
 * what others have done since the last one is seen now, and this call comes behind it. note_stage: this exception's
 * stage was read in the call under way. */
int mf_account_history_begin(struct mf_account *a, const struct mf_recorder *rec,
                             const struct mf_account_config *config, struct mf_error *err);
void mf_account_note(struct mf_account *a, const struct mf_history_record *call);
void mf_account_note_pong(struct mf_account *a, const struct mf_pong *pong, uint64_t now_ns);
void mf_account_note_stage(struct mf_account *a, const struct mf_stream *s, const struct mf_exception *e);
void mf_account_history_end(struct mf_account *a);
void mf_account_history_free(struct mf_account *a);
/* Takes note of upgrades requested meanwhile. */
void mf_account_look(struct mf_account *a);
/* The mf_slid of all streams; ctx is the account. */
void mf_account_slid(void *ctx, struct mf_stream *s, uint64_t seq, const struct mf_slot *slot);
/* Ends the stream's run of bad pings with the due instant of the good one behind it, or where none follows with its own
 * last one. */
void mf_account_run_end(struct mf_account *a, struct mf_stream *s, uint64_t end_due_ns);

#endif
