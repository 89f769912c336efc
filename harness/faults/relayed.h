/* What midflight-relay is told to do to the connections that go through it. */
#ifndef MF_FAULTS_RELAYED_H
#define MF_FAULTS_RELAYED_H

#include "faults/fault.h"

/* Sends `verb key=value` (key NULL: none). The no-op twin sends `noop`. Fills act->what; the relay's answer comes by
 * its control line, later. */
int mf_relayed_say(struct mf_fault_act *act, const char *verb, const char *key, uint64_t value, struct mf_error *err);
/* `undo` of what lasts: as if nothing had been asked. */
int mf_relayed_clear(struct mf_fault_act *act, struct mf_error *err);

#endif
