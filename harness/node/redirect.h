/* Redirection: the entry of a function in memory is changed so that whoever calls it gets into another one.
 *
 * A module that can be redirected is compiled with -fpatchable-function-entry=24,16 (and without -fcf-protection): 16
 * bytes of nop before each entry, 8 behind it.
 *
 *   entry - 8   the target's address, once there is one (8 aligned bytes)
 *   entry       prepared: one nop of 8 bytes; redirected: jmp *(entry - 8), and a nop of 2 bytes
 *
 * Preparing replaces gcc's eight nops of one byte by one of eight (clang has that already) while nobody runs the
 * function: a thread can then only be before or behind it, and never in the middle of what becomes a jump. Redirecting
 * writes the target first and then the eight bytes of the entry, which are aligned, in one store: other processors see
 * either the nop or the jump (AMD64 Architecture Programmer's Manual, volume 2, 7.6.1, says so of any aligned quadword;
 * Intel's processors do the same). membarrier(SYNC_CORE) then makes each thread of this OS process fetch its
 * instructions anew before it runs on, so that the new function is really in force when the upgrade is committed. A
 * later redirection is one store of 8 bytes.
 *
 * x86-64 only; elsewhere every call is refused. Threads: the upgrade's. */
#ifndef MF_NODE_REDIRECT_H
#define MF_NODE_REDIRECT_H

#include <stdint.h>

#include "base/error.h"

/* One function: where it is entered, and where to from now on. */
struct mf_redirect {
    const char *name;
    void *entry, *target;
};

/* Before any thread can run it. -1 with *err (place: its name): it has no sled, or its page can't be written to. */
int mf_redirect_prepare(const char *name, void *entry, struct mf_error *err);
/* All of them, or on -1 none. Prepared entries only. */
int mf_redirect_all(const struct mf_redirect *redirects, uint32_t n, struct mf_error *err);

#endif
