/* What one account has seen of the upgrades: a copy of the recorder's header and upgrade log that changes between its
 * calls only.
 *
 * An account that writes a history looks at this copy instead of the recorder itself, which others write while it
 * looks: what it saw can then be written down, and be shown to another account again. Life: mf_sight_new; live:
 * mf_sight_look before each call, which notes every change; in a replay: mf_sight_show for each such note;
 * mf_sight_free. Threads: one. */
#ifndef MF_CHECKER_SIGHT_H
#define MF_CHECKER_SIGHT_H

#include "base/error.h"
#include "recorder/history_writer.h"
#include "recorder/recorder.h"

struct mf_sight {
    struct mf_recorder seen; /* header and log are the copies; all else is the recorder's */
    struct mf_recorder_header header;
    const struct mf_recorder *live;
    uint32_t over; /* so many slots at the low end have ended, as far as was seen */
    struct mf_upgrade_log log[];
};

/* Nothing is requested yet; what was planned is there. NULL: no memory. */
struct mf_sight *mf_sight_new(const struct mf_recorder *live);
void mf_sight_look(struct mf_sight *s, struct mf_history_writer *history);
/* Returns 0; -1: this note does not fit what was seen before. */
int mf_sight_show(struct mf_sight *s, const struct mf_history_record *note);
void mf_sight_free(struct mf_sight *s); /* takes NULL */

#endif
