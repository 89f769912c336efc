/* Free ports for a target: chosen by the kernel, and kept from others until shortly before the target wants them.
 *
 * A port is free for TCP and UDP alike. Between mf_ports_release and the target's own bind another program may take
 * one: mf_port_is_held tells who it was not. Threads: one. */
#ifndef MF_TARGETS_PORTS_H
#define MF_TARGETS_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "scenario/template.h"
#include "targets/offspring.h"

struct mf_ports {
    int fd[2 * MF_PORTS_MAX]; /* what keeps them; -1: nothing */
    uint32_t port[MF_PORTS_MAX];
};

/* -1 with INTERNAL. mf_ports_release takes it all the same. */
int mf_ports_choose(struct mf_ports *ports, struct mf_error *err);
void mf_ports_release(struct mf_ports *ports);
/* Whether somebody listens (TCP) at that port who is none of these. False where nobody does, or it can't be told. */
bool mf_port_is_strangers(uint32_t port, const struct mf_offspring *ours);

#endif
