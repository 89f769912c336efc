/* The account of one worker: ledger, versions, state and upgrade windows, kept message by message into a worker's
 * section of the flight recorder. Pure: every instant is passed in; the same calls give the same numbers, live or from
 * a stored history (recorder/history.h, checker/replay.h).
 *
 * Life: mf_account_new; then for each ping mf_account_due, mf_account_written, and in the end mf_account_pong or
 * mf_account_lost; mf_account_expire now and then; mf_account_finish once (everything still open is then lost);
 * mf_account_free. The instants start_ns and measure_ns of the recorder's header must stand before the first ping is
 * due. Threads: one, the worker's.
 *
 * Memory: constant in the number of messages. A stream keeps a ring of its unsettled pings; below it only exceptions
 * are kept: pings that are past their timeout and unanswered, lost, or not sent. Per process 32 bytes.
 *
 * Rules (ledger)
 * - A ping is open until answered, lost or not sent. A right answer within due + timeout is `answered`, later `late`; a
 * ping that has passed its timeout stays open as an exception, and ends as `lost` in mf_account_finish: `unanswered`,
 * or `unsent` where the kernel had never taken it whole.
 * - An answer to a ping that has had one (answered, late, wrong, error) is `duplicated`, whatever it says. An answer to
 * one never sent is `phantom`: seq not yet due, due but not written (call written before reading on), not sent; stream
 * not ours; or process not the one asked (an error is matched by stream and seq alone, since not every codec's errors
 * name a process). An answer to a ping already declared lost takes that back, in every count: it becomes what the
 * answer makes it.
 * - `reordered`: the first right answer to a ping whose stream has already had the first answer to a later ping.
 * - A lost ping is counted at the stage that its byte showed when it was declared lost; an unanswered one at the
 * furthest stage known (at its timeout, or at the end where no later ping has taken over its byte).
 *
 * Rules (latency). lag = written - due, of every ping written; service = done - written and response = done - due, of
 * `answered` and `late` ones. Recorded for pings due at or after measure_ns. Counts include the warm-up.
 *
 * Rules (versions). Generation g is the g-th slot of the upgrade log (g = 0: before the first; version_from of slot 0).
 * - A ping remembers `committed` as it was when mf_account_due was called, that is before its first byte can have left
 * (read after the write, it could be too new, and an honest old answer be called stale). Its answer's version must be
 * that of the generation committed then, or of any requested since; else it is `stale`. A slot that rolled back or
 * failed counts as requested for pings written before that. A version of 0 in the log is not known: any fits.
 * - A process's generation never goes down in the order of its pings. Since versions come again (1 2 3 2 1), an answer
 * stands for the lowest generation of its version that is neither below the process's last one nor (if there is such a
 * one) below that committed at its due call. Where there is none it is `regressed`, once for each way down, and the
 * process is then at the lower one. After a roll-back the way down is counted too, since it was seen; it is charged to
 * the upgrade that rolled back.
 * - An answer of the version of the newest slot requested by then (as long as that has not rolled back or failed) is a
 * new answer of that upgrade (new_answers, first_new_ns); any other is an old one for it (last_old_ns), and a new one
 * of the latest earlier slot that brought its version.
 * - Only right answers (answered, late) are judged, here and for state.
 * - The control group (the recorder's shape says who) is in no upgrade: its answers' versions are not judged, and are no
 *   upgrade's new or old answers. Its responses are kept apart besides, at upgrades and away from them.
 *
 * Rules (state). Each process belongs to one stream if processes >= streams (stream s has the processes p with p mod
 * streams = s, seq i goes to the (i mod n)-th of them); else several streams share process (stream mod processes), only
 * monotony per stream is checked, and a changed instance is counted by the stream whose number is the process's. With
 * one owner: let two answers of a process, in the order of their pings, carry counts c0 and c1 for its k0-th and k1-th
 * ping. c1 - c0 > k1 - k0: `rehandled` += the difference, less the pings in between that were handled out of order
 * (where both answers are of one instance: copies that stand side by side count each for itself). c1 <= c0: `state_lost`. A changed instance: `remade` (once per change). Reordered answers are left out.
 *
 * Rules (charging to upgrades). An upgrade's interval is requested ... committed, rolled back or failed (now where its
 * outcome is pending); `retired` may come at some process's next message, much later, and does not count. A bad ping
 * (not `answered`) or an extra is charged to the upgrade whose interval is nearest to its life (due ... end; for one
 * that no event ended, i.e. unanswered, the due instant alone; for a duplicate or phantom the instant at which it
 * came); overlap is distance 0, ties go to the later. Charged only if some upgrade was requested by then.
 * - A right answer is in upgrade k's *window* if it came at or after requested(k) and its ping was due before
 * requested(k) + window_ns, k being the newest requested by then. outcome[ANSWERED] counts the answered ones,
 * response_max_ns is over answered and late ones.
 * - gap_ns: between two `answered`, the later after requested(k), the earlier before requested(k) + window_ns: it may
 * begin before and end behind it.
 * - in_flight(k): written before requested(k), ended at or after it; one that is unanswered ends, here, at its timeout.
 *   The load reads its clock when the kernel has taken a ping, and a target may have it, and fire on it, before that: so
 *   the trigger of k, if it was a whole message, counts as written before requested(k).
 * - blackout: per stream, settled in due order: from the due instant of the first bad ping of a run to the due instant
 * of the next good one (or of the last bad one where none follows); charged to the upgrade to which the run's first bad
 * ping is charged (an unanswered one: nearest to its due instant when the run ends). A loss that is taken back after
 * its run was settled does not shorten it.
 * - The trigger's outcome is noted when it ends, or, where it had ended before its upgrade was requested or before it was
 * named (triggers.h), when that is seen (0 if it can't be told any more: it left the ring, and its stream has had bad answers). */
#ifndef MF_CHECKER_ACCOUNT_H
#define MF_CHECKER_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "recorder/recorder.h"

struct mf_sight;
struct mf_ear;

struct mf_account_config {
    uint32_t worker;                /* whose section of the recorder is written */
    uint32_t first_stream, streams; /* this worker's */
    uint32_t streams_total, processes;
    bool counts_run_ahead; /* others ask the same processes (a client that asks again): a count that is ahead says nothing */
    uint64_t timeout_ns, window_ns;
    uint32_t window_hint; /* pings of one stream expected open at once; rings grow beyond it where needed */
    const char *history_dir;  /* every call is written into a file there, until mf_account_finish; NULL or "": none is */
    struct mf_sight *sight;   /* a replay's: what is seen of the upgrades; NULL: the recorder as it is */
    const struct mf_ear *ear; /* who is told how pings end; NULL: nobody */
};

/* An answer as the codec read it. */
struct mf_pong {
    uint32_t stream, process, version;
    uint64_t seq, instance, count;
    uint16_t has;  /* 1 version, 2 instance, 4 count (wire/codec.h's MF_HAS_... bits) */
    bool is_error; /* the target says that it could not */
    bool is_wrong; /* checksum or payload does not match */
};

struct mf_account;

/* NULL with *err (INTERNAL: no memory, or the history's file cannot be made). The recorder must outlive it. */
struct mf_account *mf_account_new(const struct mf_recorder *rec, const struct mf_account_config *config,
                                  struct mf_error *err);
/* Takes NULL. Waits until its history is on the disk, and only then tells of it in the worker's section. */
void mf_account_free(struct mf_account *a);

/* The next ping of `stream` is due. Returns its seq (0, 1, 2 ... per stream); *process is whom to ask. Aborts never:
 * where memory is out, the ping is counted as not_sent at once, *sendable is false and it must not be sent
 * (its seq is then given again to the next). due_ns may lie in the past (the load is late), not in the future. */
uint64_t mf_account_due(struct mf_account *a, uint32_t stream, uint64_t due_ns, uint32_t *process, bool *sendable);
/* The kernel has taken its last byte (transport local: the mailbox has it). To be told before its answer is. No effect
 * on one that is not open. */
void mf_account_written(struct mf_account *a, uint32_t stream, uint64_t seq, uint64_t now_ns);
/* An answer came. Every answer must be told, whatever it says. Returns the outcome it gave its ping, or
 * MF_OUTCOME_COUNT where it gave none (duplicated, phantom): closed-loop loads free a slot of their window on an
 * outcome only. */
enum mf_outcome mf_account_pong(struct mf_account *a, const struct mf_pong *pong, uint64_t now_ns);
/* The ping is lost for this cause. No effect on one that is not open. */
void mf_account_lost(struct mf_account *a, uint32_t stream, uint64_t seq, enum mf_cause cause, uint64_t now_ns);
/* The load could not send it, by its own fault. No effect on one that is written or not open. */
void mf_account_not_sent(struct mf_account *a, uint32_t stream, uint64_t seq, uint64_t now_ns);
/* Every open ping of `stream`, in order of seq: calls visit(ctx, seq, written_ns or 0). visit may declare pings lost.
 */
void mf_account_each_open(struct mf_account *a, uint32_t stream,
                          void (*visit)(void *ctx, uint64_t seq, uint64_t written_ns), void *ctx);
/* Whom ping `seq` of `stream` asks, or asked; UINT32_MAX where the stream is not this worker's. */
uint32_t mf_account_process(const struct mf_account *a, uint32_t stream, uint64_t seq);
/* How many pings of this worker are open (past-timeout ones included: *expired says how many those are; may be NULL).
 */
uint64_t mf_account_open(const struct mf_account *a, uint64_t *expired);
/* Moves pings past their timeout out of the windows. Calls expired(ctx, stream, seq) for each (a closed loop frees its
 * slot); may be NULL. Cheap where nothing is due; call about every millisecond. */
void mf_account_expire(struct mf_account *a, uint64_t now_ns, void (*expired)(void *ctx, uint32_t stream, uint64_t seq),
                       void *ctx);
/* The load's pacing timer has fired at now_ns, late_ns after the instant it was set for: counts it in the worker's
 * section, and in every bin from that instant to now (struct mf_bin's instrument_late_ns). */
void mf_account_wakeup(struct mf_account *a, uint64_t now_ns, uint64_t late_ns);
/* The load's loop was at work for busy_ns, until now_ns, without a look at its descriptors: as late as that, an answer
 * may have been read. Counted like a wake-up's lateness. */
void mf_account_busy(struct mf_account *a, uint64_t now_ns, uint64_t busy_ns);
/* Between two instants the load was ready for waited_ns and had no processor. Where that was half of the time or more,
 * the bins of that time have it as lateness, too. */
void mf_account_waited(struct mf_account *a, uint64_t from_ns, uint64_t now_ns, uint64_t waited_ns);
/* Of the time of the machine's processors from start to end, in any unit, so much was taken by its host. */
void mf_account_stolen(struct mf_account *a, uint64_t processors, uint64_t stolen);
/* Ends the account: open pings become lost (unanswered), lost ones get the stage they reached, runs of blackout end,
 * and the section is marked finished. */
void mf_account_finish(struct mf_account *a, uint64_t now_ns);
/* Bytes held now (a test asserts that it does not grow). */
uint64_t mf_account_bytes(const struct mf_account *a);

#endif
