/* A history told again to a new account: the same calls, the same sight of the upgrades, the same stages, so the same
 * numbers.
 *
 * Life: a recorder as it was at the end of the run (mf_recorder_restore); for each worker mf_replay_clear, then
 * mf_replay. What an account does not write (connections, wire states, the upgrade log, the node's record) stays as it
 * was. Pure, but that the reader reads its file. Threads: one. */
#ifndef MF_CHECKER_REPLAY_H
#define MF_CHECKER_REPLAY_H

#include "base/error.h"
#include "checker/account.h"
#include "checker/ear.h"
#include "recorder/history_reader.h"
#include "recorder/recorder.h"

/* Who sees each call come and go. No member may be NULL. */
struct mf_replay_watch {
    void *ctx;
    void (*begin)(void *ctx, uint32_t worker); /* a history begins */
    void (*end)(void *ctx);                    /* ... and is over, or goes no further */
    void (*before)(void *ctx, const struct mf_history_record *call);
    /* outcome: of a PONG's return; process: whom a DUE asks */
    void (*after)(void *ctx, const struct mf_history_record *call, enum mf_outcome outcome, uint32_t process);
    struct mf_ear ear;
};

struct mf_replay_told {
    uint64_t records, dues;
    bool finished; /* the account was closed */
    char gap[200]; /* why this is not the whole history; empty: it is */
};

/* Empties what accounts write in this worker's section. */
void mf_replay_clear(const struct mf_recorder *rec, uint32_t worker);
/* `watch` may be NULL. -1 with USAGE: the history is none of this recorder's; or INTERNAL (no memory). A history with a
 * gap is told up to it, and its account then stays open. */
int mf_replay(const struct mf_recorder *rec, struct mf_history_reader *history, const struct mf_replay_watch *watch,
              struct mf_replay_told *told, struct mf_error *err);
/* Whether worker's section is, byte by byte, the same in both, but for what is told of the history itself. */
bool mf_replay_is_same(const struct mf_recorder *a, const struct mf_recorder *b, uint32_t worker);

#endif
