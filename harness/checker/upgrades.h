/* The upgrades as one worker's account sees them: which are requested and over, whom a message is charged to, which
 * version is right.
 *
 * Reads the upgrade log and writes this worker's tallies. The rules are those of account.h.
 * Life: mf_upgrades_init; mf_upgrades_look at each message off the fast path; the rest; mf_upgrades_done. Threads: one.
 * Calm: no upgrade is under way or within its window. While `requested` in the header is what it was and a ping was due
 * at or after calm_from_ns, it is in no upgrade's window, was written after every request, and calm_version is the only
 * right one: this is what the fast path asks. */
#ifndef MF_CHECKER_UPGRADES_H
#define MF_CHECKER_UPGRADES_H

#include <stdbool.h>
#include <stdint.h>

#include "checker/state.h"
#include "checker/triggers.h"
#include "recorder/recorder.h"

struct mf_upgrades {
    struct mf_recorder_header *header;
    const struct mf_upgrade_log *log;
    struct mf_upgrade_tally *tally;
    uint64_t window_ns;
    uint32_t slots;
    uint32_t requested, committed; /* as last looked at */
    uint32_t over;                 /* so many slots at the low end have ended */

    uint64_t calm_from_ns; /* UINT64_MAX: not calm */
    uint32_t calm_version;
    uint64_t calm_standing; /* of a process that runs the committed generation */
    uint64_t *new_answers;  /* where a right answer of calm_version is counted */
    uint64_t nobody;        /* ... where it is nobody's */
    uint64_t last_good_ns;  /* when the latest `answered` came */

    struct mf_triggers triggers;
};

/* Returns 0, or -1 where memory is out. The log has at most UINT16_MAX - 1 slots. */
int mf_upgrades_init(struct mf_upgrades *u, const struct mf_recorder *rec, uint32_t worker, uint64_t window_ns,
                     uint32_t first_stream, uint32_t streams);
void mf_upgrades_done(struct mf_upgrades *u);

/* Takes note of new requests and commits, and of triggers: returns what mf_triggers_look does. */
uint32_t mf_upgrades_look(struct mf_upgrades *u);

/* When slot k was asked for. */
uint64_t mf_upgrade_requested_ns(const struct mf_upgrades *u, uint32_t k);
/* When it was committed, rolled back or had failed; UINT64_MAX: not yet. The old code may be retired much later (at its
 * process's next message, say): what is lost then was in flight now. */
uint64_t mf_upgrade_ended_ns(const struct mf_upgrades *u, uint32_t k);

/* 1 + the upgrade that is nearest to a life of due_ns ... end_ns; 0 where none is requested. */
uint32_t mf_upgrades_nearest(const struct mf_upgrades *u, uint64_t due_ns, uint64_t end_ns);

/* When ping (stream, seq) had left its client at the latest: written_ns, or right before the request that it set off. */
uint64_t mf_upgrades_sent_ns(const struct mf_upgrades *u, uint32_t stream, uint64_t seq, uint64_t written_ns);
/* A ping with this life in flight (written_ns ... end_ns) adds `by` (1, or -1 to take it back) to in_flight (and
 * in_flight_lost). */
void mf_upgrades_in_flight(struct mf_upgrades *u, uint64_t written_ns, uint64_t end_ns, bool lost, int by);
/* A bad outcome of a ping to `process`, charged to upgrade charged-1 (nothing where 0). */
void mf_upgrades_bad(struct mf_upgrades *u, uint32_t charged, enum mf_outcome outcome, uint32_t process, int by);
/* An answer showed `process` made anew, or without its state: charged likewise. */
void mf_upgrades_hurt(struct mf_upgrades *u, uint32_t charged, uint32_t process);
/* Whether an answer at now_ns to a ping due at due_ns is in the window of an upgrade. */
bool mf_upgrades_in_window(const struct mf_upgrades *u, uint64_t due_ns, uint64_t now_ns);
/* A right answer came at now_ns: windows, spikes, gaps. */
void mf_upgrades_good(struct mf_upgrades *u, uint64_t due_ns, uint64_t now_ns, bool late);
struct mf_version_finding {
    bool stale, regressed;
};
/* Judges the version of a right answer to a ping that was due when generation `committed` was, written at written_ns;
 * counts it as new or old answer. `in_order`: the witness may be judged and moved on. */
struct mf_version_finding mf_upgrades_version(struct mf_upgrades *u, struct mf_witness *w, uint32_t version,
                                              uint32_t committed, uint64_t written_ns, uint64_t now_ns, bool in_order);

#endif
