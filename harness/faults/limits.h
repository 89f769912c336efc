/* A resource limit on workers, and back. Only the soft limit is moved, so that it can be moved back without privileges.
 */
#ifndef MF_FAULTS_LIMITS_H
#define MF_FAULTS_LIMITS_H

#include "faults/fault.h"

/* Sets `resource` of the worker that runs (of `whom`) to `value`; the no-op twin sets it to what it is. */
int mf_limits_set(struct mf_fault_act *act, __rlimit_resource_t resource, rlim_t value, const char *name,
                  struct mf_error *err);
int mf_limits_restore(struct mf_fault_act *act, __rlimit_resource_t resource, struct mf_error *err);

#endif
