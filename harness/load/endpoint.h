/* Where the target listens, and how a connection to it is begun without waiting.
 *
 * Shape: "unix:PATH", "tcp:ADDRESS:PORT" or "udp:ADDRESS:PORT" (numeric; an IPv6 address may stand in brackets). Pure
 * data after parsing. All sockets are non-blocking, close-on-exec, and TCP_NODELAY where that exists. Threads: one. */
#ifndef MF_LOAD_ENDPOINT_H
#define MF_LOAD_ENDPOINT_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/error.h"

struct mf_endpoint {
    struct sockaddr_storage address;
    socklen_t address_bytes;
    bool is_unix, is_datagram;
};

/* What became of an attempt to connect; errno says more about the last four. */
enum mf_dial {
    MF_DIAL_MADE,
    MF_DIAL_UNDER_WAY,  /* tell by mf_endpoint_dialled once the socket is writable */
    MF_DIAL_QUEUE_FULL, /* UNIX sockets: the accept queue is full; no socket is left over, try again soon */
    MF_DIAL_REFUSED,
    MF_DIAL_TIMEOUT,
    MF_DIAL_OWN_FAULT, /* no descriptor, port or memory: says nothing about the target */
};

int mf_endpoint_parse(struct mf_endpoint *endpoint, const char *text, struct mf_error *err);
/* Begins a connection. *fd is a socket of the caller's for MADE and UNDER_WAY, else -1. */
enum mf_dial mf_endpoint_dial(const struct mf_endpoint *endpoint, int *fd);
/* The result of one that was under way; the socket stays the caller's. */
enum mf_dial mf_endpoint_dialled(int fd);

#endif
