/* An account with its recorder, and a target that the test plays itself: every process counts, has an instance and a
 * version.
 *
 * It writes a history (but for `unrecorded` ones), and rig_finish tells that again to a new account, which must
 * come to the same section, byte by byte: so each test of the account is one of the history, too. Its own account is
 * gone after that.
 *
 * Life: rig_open; the test; rig_close, which finishes the account and checks both equations, the causes and the stages.
 */
#ifndef MF_TESTS_CHECKER_RIG_H
#define MF_TESTS_CHECKER_RIG_H

#include "base/clock.h"
#include "checker/account.h"

#define RIG_PROCESSES 64
#define MS            MF_NS_PER_MS
#define START         (1000 * MS) /* start_ns of every rig; measure_ns as well unless the test says otherwise */

struct rig {
    struct mf_recorder rec;
    struct mf_account *account;
    struct mf_worker_record *record;
    struct mf_upgrade_tally *tally;
    struct mf_bin *bins;
    struct mf_account_config config;
    uint64_t count[RIG_PROCESSES], instance[RIG_PROCESSES];
    uint32_t version;
    bool finished;
    char folder[32]; /* of its history; "": it writes none */
};

/* One worker with `streams` streams over `processes` processes; timeout 100 ms, window 50 ms, 100 bins of 10 ms, 16
 * stage bytes a stream; upgrades 1 -> 2 -> 3 -> 2 -> 1 -> 2 ... */
void rig_open(struct rig *rig, uint32_t streams, uint32_t processes, uint32_t upgrades);
/* Processes from `control_from` on are the control group. */
void rig_open_control(struct rig *rig, uint32_t streams, uint32_t processes, uint32_t upgrades, uint32_t control_from);
/* For more messages than one would write. */
void rig_open_unrecorded(struct rig *rig, uint32_t streams, uint32_t processes, uint32_t upgrades);
void rig_finish(struct rig *rig);
void rig_close(struct rig *rig);

/* Due and written at the same instant. Returns the seq. */
uint64_t rig_send(struct rig *rig, uint32_t stream, uint64_t now_ns);
/* The right answer to (stream, seq), as its process gives it now; counts. */
struct mf_pong rig_answer(struct rig *rig, uint32_t stream, uint64_t seq);
enum mf_outcome rig_pong(struct rig *rig, struct mf_pong pong, uint64_t now_ns);
/* Sends and answers one ping. */
void rig_round(struct rig *rig, uint32_t stream, uint64_t due_ns, uint64_t done_ns);
uint32_t rig_process(const struct rig *rig, uint32_t stream, uint64_t seq);

void rig_request(struct rig *rig, uint32_t k, uint64_t now_ns);
void rig_request_on(struct rig *rig, uint32_t k, uint64_t now_ns, uint32_t stream, uint64_t seq);
void rig_end(struct rig *rig, uint32_t k, enum mf_upgrade_outcome outcome, uint64_t now_ns);

/* The whole book in one line, to compare with: "answered=3 lost=1 unanswered=1 ..." of all that is not 0. `text` has
 * room for 512 bytes. */
char *rig_book(const struct rig *rig, char *text);
/* Asserts it. */
#define RIG_BOOK(rig, expected)                                                                                        \
    do {                                                                                                               \
        char text_[512];                                                                                               \
        cr_assert(eq(str, rig_book(rig, text_), (char *)(expected)));                                                  \
    } while (0)

#endif
