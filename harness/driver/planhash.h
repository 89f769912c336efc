/* One number for everything that a scenario and its seed decide: which run follows which, and in each of them the
 * target, the instant at which each ping is due, whom it asks what, the points, the faults. Nothing of it is measured,
 * nor of this machine: a run with the same number is the same plan carried out again. What is expected is no part of
 * it. */
#ifndef MF_DRIVER_PLANHASH_H
#define MF_DRIVER_PLANHASH_H

#include <stdint.h>

#include "base/error.h"
#include "scenario/scenario.h"

/* So many due instants of a worker are hashed at most, and so many payloads of a stream: those behind come from the
 * same numbers. */
#define MF_PLANHASH_DUES     100000
#define MF_PLANHASH_PAYLOADS 4

/* -1 with INTERNAL: no memory. */
int mf_plan_hash(const struct mf_scenario *scenario, uint64_t *hash, struct mf_error *err);

#endif
