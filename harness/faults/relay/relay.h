/* midflight-relay's loop: a listener, the pairs of sockets made from it, and the control line. One thread. */
#ifndef MF_FAULTS_RELAY_RELAY_H
#define MF_FAULTS_RELAY_RELAY_H

#include "base/error.h"

/* `listen` and `to`: unix:PATH or tcp:ADDRESS:PORT (of the listener port 0: the kernel chooses). Says `ready
 * endpoint=`, obeys the control line (cut, reset, half_close, delay us=, throttle bytes_per_s=, clear, noop, stop),
 * answers each but stop with `done what= connections=`, and returns 0 when it is told to stop or the line's other end
 * has gone; the UNIX path is removed. -1 with *err. */
int relay_run(int control_fd, const char *listen, const char *to, struct mf_error *err);

#endif
