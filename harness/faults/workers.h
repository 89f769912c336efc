/* The OS processes that a fault falls on. Reads /proc. */
#ifndef MF_FAULTS_WORKERS_H
#define MF_FAULTS_WORKERS_H

#include "faults/fault.h"

/* Fills act->pid with those of plan->whom that live. -1 where there is none. */
int mf_workers_find(struct mf_fault_act *act, enum mf_fault_whom whom, struct mf_error *err);
/* "worker 123" or "workers 123, 124". Returns `text`. */
const char *mf_workers_text(const struct mf_fault_act *act, char *text, size_t bytes);

#endif
