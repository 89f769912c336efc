/* Words for what became of an upgrade, the same in every file. Threads: any; nothing is allocated. */
#ifndef MF_REPORT_UPGRADE_H
#define MF_REPORT_UPGRADE_H

#include "checker/result.h"

/* not_fired, pending (fired, never ended), committed, rolled_back, failed */
const char *mf_upgrade_outcome(const struct mf_upgrade_result *u);
/* The stage at which its trigger was; NULL: it has no trigger. */
const char *mf_upgrade_stage(const struct mf_upgrade_result *u);
/* What became of its trigger; NULL: it has none, or that is not known. */
const char *mf_upgrade_trigger_outcome(const struct mf_upgrade_result *u);

#endif
