/* Standing still at a phase of an upgrade, so that a fault can fire there and nowhere else.
 *
 * The driver marks phases in the log (mf_upgrade_log.hold) before the upgrade is requested. Threads: whichever carries
 * the upgrade out; it alone stands. */
#ifndef MF_NODE_HOLD_H
#define MF_NODE_HOLD_H

#include <stdint.h>

#include "recorder/recorder.h"

/* Where `phase` of slot k is not marked, returns at once. Else says `phase k=N phase=KEY` on line_fd and returns when
 * the driver has taken the mark away, when nobody is there any more at the line's other end, or after ten seconds (the
 * mark is then taken away here, and the fault has come too late). */
void mf_hold_at(const struct mf_recorder *rec, int line_fd, uint32_t k, uint32_t phase);

#endif
