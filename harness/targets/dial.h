/* A connection from the driver to a place of the target's: to see that somebody is there, or to tell a control socket
 * something. Never to send a ping. Threads: any. */
#ifndef MF_TARGETS_DIAL_H
#define MF_TARGETS_DIAL_H

#include "base/error.h"

/* Connects to "tcp:ADDRESS:PORT", "udp:ADDRESS:PORT" (numeric; IPv6 in brackets) or "unix:PATH" within about 10 ms. A
 * non-blocking, close-on-exec socket; -1 with TARGET. */
int mf_dial(const char *endpoint, struct mf_error *err);

#endif
