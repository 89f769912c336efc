/* What a scenario says of a fault. Data, no code: the scenario fills it, the driver fires it, faults/ carry it out.
 * Units: ms as the scenario has them. Upgrades are counted from 1, as in all that a person reads. */
#ifndef MF_FAULTS_PLAN_H
#define MF_FAULTS_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "recorder/recorder.h"

enum mf_fault_id {
#define MF_FAULT(id, name, kind, keys, text) MF_FAULT_##id,
#include "faults/faults.def"
#undef MF_FAULT
    MF_FAULT_COUNT
};

enum mf_fault_kind {
    MF_FAULT_KIND_PROCESS,
    MF_FAULT_KIND_MODULE, /* has no point but its upgrade: in place before it is carried out, undone when it has ended
                           */
    MF_FAULT_KIND_REQUEST,
    MF_FAULT_KIND_LIMIT,
    MF_FAULT_KIND_DISK,
    MF_FAULT_KIND_RELAY,
};

/* What a row must say besides its point. A duration may be said of every fault that can be undone. */
enum mf_fault_keys {
    MF_FAULT_HAS_WHOM = 1,
    MF_FAULT_HAS_DURATION = 2,
    MF_FAULT_HAS_DELAY = 4,
    MF_FAULT_HAS_RATE = 8,
};

enum mf_fault_whom {
    MF_WHOM_OLD,  /* the worker that ran when the upgrade was requested; without an upgrade, the one that runs */
    MF_WHOM_NEW,  /* the worker that takes over; where there is no other than the old one, that */
    MF_WHOM_BOTH, /* every worker that lives */
    MF_WHOM_COUNT
};

enum mf_fault_at {
    MF_FAULT_AT_UPGRADE, /* MODULE: from before it is carried out until it has ended */
    MF_FAULT_AT_PHASE,   /* the upgrade stands still there until the fault has been injected */
    MF_FAULT_AT_TIME,
    MF_FAULT_AT_EVERY,
    MF_FAULT_AT_MESSAGE,
    MF_FAULT_AT_COUNT
};

struct mf_fault_plan {
    enum mf_fault_id id;
    enum mf_fault_kind kind;
    enum mf_fault_at at;
    bool noop;           /* the same steps without the effect */
    uint32_t upgrade;    /* UPGRADE, PHASE: the first */
    enum mf_phase phase; /* PHASE */
    uint64_t message;    /* MESSAGE: after so many pings were sent */
    uint64_t every;      /* MESSAGE: pings; UPGRADE, PHASE: upgrades, from one to the next; 0 where count is 1 */
    uint32_t count;      /* how often; default 1 */
    double time_ms, every_ms, jitter_ms, from_ms; /* TIME, EVERY: as of an upgrade (scenario.h) */
    enum mf_fault_whom whom;
    double duration_ms; /* 0: until its upgrade has ended, and without one until the end of the run */
    double delay_ms;
    double bytes_per_s;
};

/* Names and kinds, by id. */
extern const char *const mf_fault_names[MF_FAULT_COUNT];
extern const char *const mf_fault_texts[MF_FAULT_COUNT];
extern const char *const mf_whom_names[MF_WHOM_COUNT];

#endif
