/* The control group: processes that stay out of every upgrade. How their pings fared, told apart from all others'.
 *
 * Right answers are counted by their response: at upgrades (in an upgrade's window, see account.h) and away from them.
 * Life: mf_control_read for a run, mf_control_merge for a cell; mf_control_free. Owner: the result. */
#ifndef MF_CHECKER_CONTROL_H
#define MF_CHECKER_CONTROL_H

#include "base/hist.h"
#include "checker/result.h"

struct mf_control {
    uint32_t processes;
    uint64_t bad; /* pings to them that ended otherwise than answered */
    struct mf_hist near, away;
};

/* r->control of a run; stays NULL where there is no control group. -1: no memory. */
int mf_control_read(struct mf_result *r, const struct mf_recorder *rec, uint32_t processes, struct mf_error *err);
/* cell->control += run->control. -1: no memory. */
int mf_control_merge(struct mf_result *cell, const struct mf_result *run, struct mf_error *err);
void mf_control_free(struct mf_control *control); /* takes NULL */
/* "a control group of 8 ..." Returns `text`; empty where there is none. */
const char *mf_control_text(const struct mf_control *control, char *text, size_t bytes);

#endif
