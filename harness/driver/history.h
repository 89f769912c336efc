/* What of a run, besides its messages' records, must be kept to judge it again: the flight recorder as it was at the
 * end (history-recorder.bin), and what the driver saw of the target (history.json).
 *
 * Life: mf_history_keep after mf_run_gather; later, by anybody: mf_history_fetch; mf_history_kept_done. Files: whole or
 * absent. Threads: one. */
#ifndef MF_DRIVER_HISTORY_H
#define MF_DRIVER_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "checker/result.h"
#include "recorder/recorder.h"

#define MF_HISTORY_KEPT     "history.json"
#define MF_HISTORY_RECORDER "history-recorder.bin"

struct mf_history_kept {
    uint32_t number;                  /* of the run in its cell */
    bool interrupted;                 /* while it was under way, or before */
    struct mf_error trouble;          /* what broke it off; empty text: nothing did */
    struct mf_target_witness witness; /* its faults are the array's */
    struct mf_fault_result *faults;   /* owned, once fetched */
};

/* -1 with INTERNAL: what cannot be written. */
int mf_history_keep(const char *dir, const struct mf_recorder *rec, const struct mf_history_kept *kept,
                    struct mf_error *err);
/* The first worker whose history is not whole, as an error (INTERNAL, with the reason) in *err and -1; 0: all are. */
int mf_history_check(const struct mf_recorder *rec, const char *dir, struct mf_error *err);
/* `rec` is a recorder again, to be closed. -1 with USAGE (there is none, it is of another version, damaged) or
 * INTERNAL.
 */
int mf_history_fetch(const char *dir, struct mf_recorder *rec, struct mf_history_kept *kept, struct mf_error *err);
void mf_history_kept_done(struct mf_history_kept *kept);

#endif
