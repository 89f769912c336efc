/* Upgrades that are asked for while another one is under way. */
#ifndef MF_FAULTS_REQUEST_H
#define MF_FAULTS_REQUEST_H

#include "faults/fault.h"

/* Asks for `n` (at most 2). The no-op twin asks for none: they come at their own points. */
int mf_request_inject(struct mf_fault_act *act, uint32_t n, struct mf_error *err);

#endif
