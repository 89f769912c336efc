/* A network namespace of a run's own: what is set in it does not touch the machine, and it ends with the last that
 * holds it.
 *
 * Life: mf_netspace_open; children are started in it (mf_child_options.net_fd); close the descriptor. Threads: one; the
 * calling thread is in the namespace for a moment. */
#ifndef MF_TARGETS_NETSPACE_H
#define MF_TARGETS_NETSPACE_H

#include <stdint.h>

#include "base/error.h"

/* Makes one, with its loopback up and net.ipv4.tcp_migrate_req set. *fd is a descriptor of it, close-on-exec, never 0.
 * -1: SKIPPED where this user or this machine can't have one, INTERNAL else. */
int mf_netspace_open(uint32_t tcp_migrate_req, int *fd, struct mf_error *err);
/* Puts the calling thread into the namespace of `fd`; *back is a descriptor of the one that it was in. -1, errno: it is
 * where it was. */
int mf_netspace_enter(int fd, int *back);
/* Back again, for good or for bad: a thread that can't return is of no more use, and the program ends. Closes `back`.
 */
void mf_netspace_leave(int back);

#endif
