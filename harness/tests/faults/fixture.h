/* What the tests of faults share: a recorder, a site in a folder of its own, and OS processes that look like workers.
 */
#ifndef MF_TESTS_FAULTS_FIXTURE_H
#define MF_TESTS_FAULTS_FIXTURE_H

#include "faults/fault.h"

struct rig {
    struct mf_recorder rec;
    struct mf_fault_site site;
    struct mf_fault_plan plan;
    struct mf_fault_act act;
    const char *names[2];
};

/* Two upgrades are planned, to module 1 and back to 0; version_to is 2 and 1. The supervisor is this very process. */
void rig_open(struct rig *r);
void rig_close(struct rig *r); /* the folder goes with all that is in it */
/* The act that is to be tried: of upgrade k (UINT32_MAX: none). */
void rig_act(struct rig *r, enum mf_fault_id id, uint32_t k);
/* A child that does nothing, and whose command line is a worker's. */
pid_t worker_start(void);
void worker_end(pid_t pid);
char process_state(pid_t pid); /* as /proc has it; 0: there is none */

#endif
