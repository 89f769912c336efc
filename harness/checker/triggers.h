/* The messages on which upgrades fired: which they are, and what became of them and of the others' siblings.
 *
 * Most are known when their upgrade is requested. A foreign target names its own afterwards: at the latest before the
 * upgrade's outcome stands (recorder.h). As long as one may still be named, what ends is remembered, so that the
 * numbers are those that an early name would have given.
 *
 * Memory: the last MF_HEARD pings that ended, and every bad one charged to an upgrade that may still get a trigger. */
#ifndef MF_CHECKER_TRIGGERS_H
#define MF_CHECKER_TRIGGERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "recorder/recorder.h"

#define MF_HEARD 1024u /* a power of 2 */

/* A message on which an upgrade fired, of this worker's streams. */
struct mf_trigger {
    uint64_t seq;
    uint32_t stream, upgrade;
};

struct mf_heard {
    uint64_t seq;
    uint32_t stream, version;
    uint8_t outcome;
    bool has_version;
};

struct mf_heard_bad {
    uint32_t upgrade, process;
    int by;
};

struct mf_triggers {
    const struct mf_upgrade_log *log;
    struct mf_upgrade_tally *tally;
    uint32_t slots, first_stream, streams;
    uint32_t named; /* of so many slots at the low end it is known which trigger they have, if any */

    struct mf_trigger *trigger; /* [slots], those seen so far */
    uint32_t used, settled;     /* so many at the low end have their outcome */

    struct mf_heard *heard; /* [MF_HEARD], around and around, since a slot was requested that may still be named; NULL:
                               no need yet */
    uint64_t heard_count;
    struct mf_heard_bad *bad;
    uint32_t bad_count, bad_room;
};

/* 0, or -1 where memory is out. */
int mf_triggers_init(struct mf_triggers *t, const struct mf_upgrade_log *log, struct mf_upgrade_tally *tally,
                     uint32_t slots, uint32_t first_stream, uint32_t streams);
void mf_triggers_done(struct mf_triggers *t);
size_t mf_triggers_bytes(const struct mf_triggers *t);

/* So many slots have been requested: takes note of triggers. Returns the first that is new (index into `trigger`;
 * `used` where none is); of those without an outcome in the tally the caller must look up whether they ended long ago.
 */
uint32_t mf_triggers_look(struct mf_triggers *t, uint32_t requested);
/* Ping (stream, seq) ended in `outcome`; `version`: of the answer, NULL where it has none. */
void mf_triggers_heard(struct mf_triggers *t, uint32_t requested, uint32_t stream, uint64_t seq,
                       enum mf_outcome outcome, const uint32_t *version);
/* Its outcome is taken back. */
void mf_triggers_reopen(struct mf_triggers *t, uint32_t stream, uint64_t seq);
/* A bad outcome of a ping to `process` (by -1: it is taken back) is charged to that upgrade. */
void mf_triggers_bad(struct mf_triggers *t, uint32_t upgrade, uint32_t process, int by);

#endif
