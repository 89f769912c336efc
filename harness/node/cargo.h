/* Cargo: what rides along from one worker into the next. One sequential binary format, in a memfd (exec) or a file
 * (drain-restart's saved state).
 *
 * Written by mf_core_pack (cargo.c) while the threads stand, read by mf_core_unpack (cargo_take.c) before they run.
 * Both ends are the same build on the same machine, so numbers are native; MF_CARGO_VERSION and the sizes in the header
 * refuse anything else. Layout, in this order, unpadded:
 *
 *   header       struct mf_cargo_header
 *   processes    header.processes times: struct mf_cargo_process, state_bytes bytes (MF_CARGO_STATE)
 *   connections  header.connections times: struct mf_cargo_connection, in_bytes bytes read and not yet decoded,
 *                out_bytes bytes encoded and not yet written, marks times struct mf_cargo_mark (MF_CARGO_CONNECTIONS)
 *   messages     header.messages times: struct mf_cargo_message, payload_bytes bytes, text_bytes bytes
 *                (MF_CARGO_MESSAGES); mailboxes' in the order of arrival
 *
 * Order is kept where order has a meaning: a process's messages stand in the order of its mailbox, a connection's bytes
 * in the order of its stream. No byte is decoded or encoded again for the journey, so an exchange in the middle of a
 * frame, in or out, neither loses nor doubles one.
 *
 * Turning back (exec): the cargo is never changed but for header.reason. A worker that can't take it up writes why, and
 * replaces itself by a program with header.module_index, which takes the same cargo up again. */
#ifndef MF_NODE_CARGO_H
#define MF_NODE_CARGO_H

#include <stdint.h>

#include "node/core_internal.h"

#define MF_CARGO_MAGIC   0x6d66636172676f31ULL /* "mfcargo1" */
#define MF_CARGO_VERSION 1

struct mf_cargo_header {
    uint64_t magic;
    uint32_t version, header_bytes;
    uint64_t total_bytes;  /* of the whole cargo: a file cut short is refused */
    uint32_t parts;        /* enum mf_cargo_part */
    uint32_t module_index; /* that the writer ran: the way back */
    uint32_t processes, connections, messages;
    int32_t listen_fd; /* -1: none */
    uint64_t next_connection;
    char reason[MF_REASON_BYTES]; /* why a taker turned back; empty: none did */
};

struct mf_cargo_process {
    uint64_t instance;
    uint32_t state_version, state_bytes;
};

struct mf_cargo_connection {
    uint64_t id, out_written;
    int32_t fd; /* -1: its client has gone, and some of its messages have not been handled yet */
    uint32_t in_bytes, out_bytes, marks;
};

struct mf_cargo_mark {
    uint64_t seq, end;
    uint32_t stream, process;
};

enum mf_cargo_place {
    MF_CARGO_MAILBOX, /* in its process's mailbox, or read and not yet enqueued */
    MF_CARGO_REPLY,   /* handled, and its reply not yet on its way */
};

struct mf_cargo_message {
    uint64_t connection; /* id */
    uint64_t seq, instance, count;
    uint32_t stream, process, version, payload_bytes, text_bytes;
    uint8_t place, kind, stage, unused;
};

/* Descriptors as they are handed over (hand.h): the listener where there is one, then those of the connections, in the
 * order in which the cargo names them. */
struct mf_cargo_fds {
    int *fd;
    uint32_t n;
};

/* Of all that mf_core_pack has just packed; the array is the caller's to free. -1: no memory. */
int mf_cargo_fds_list(const struct mf_core *core, struct mf_cargo_fds *fds);
/* mf_core_unpack with descriptors that were handed over: they have other numbers than the cargo says. Takes those that
 * it comes to use. */
int mf_core_unpack_handed(struct mf_core *core, int cargo_fd, const struct mf_cargo_fds *handed, struct mf_error *err);

/* In a worker that was started with cargo for a slot and cannot go on, before its threads run: replaces this program by
 * one with the old module. Returns only where there is no way back (no such cargo, this is the way back already, or
 * execve failed): the caller then ends with *why. */
void mf_cargo_turn_back(const struct mf_node_args *args, char **argv, const struct mf_error *why);

/* Execs this program as a worker with `args`, leaving open across it: recorder, control line, cargo, and the n
 * descriptors at `fds`. Returns -1 with *err, having made all of them close-on-exec again. */
int mf_cargo_exec(const struct mf_node_args *args, char **argv, const int *fds, uint32_t n, struct mf_error *err);

#endif
