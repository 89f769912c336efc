/* The wire states of a result: what became of the probes. Pure. Threads: any. */
#ifndef MF_CHECKER_WIRE_H
#define MF_CHECKER_WIRE_H

#include <stdint.h>

#include "checker/result.h"

/* Out of the probes' section of a recorder; `states` are those that were wanted. */
void mf_wire_read(struct mf_result *r, uint32_t states, const struct mf_worker_record *section);
void mf_wire_merge(struct mf_result *to, const struct mf_result *from);
/* Right answers of the probes in a state, late or not: what a probe waits is not the target's lateness. */
uint64_t mf_wire_answered(const struct mf_wire_tally *t);

#endif
