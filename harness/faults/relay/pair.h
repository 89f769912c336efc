/* Two sockets and what flows between them.
 *
 * Life: pair_new for an accepted client; pair_work whenever something may have become possible; it is freed by
 * pair_free when pair_is_over. Threads: one. Units: ns on the monotonic clock, bytes. */
#ifndef MF_FAULTS_RELAY_PAIR_H
#define MF_FAULTS_RELAY_PAIR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define CHUNK_BYTES 16384
#define QUEUE_MAX   (1u << 20) /* of one direction; beyond it nothing more is read */

/* What is done to all that flows; one for the whole relay. */
struct weather {
    uint64_t delay_ns;    /* 0: none */
    uint64_t bytes_per_s; /* of one direction; 0: as fast as it goes */
};

struct chunk {
    struct chunk *next;
    uint64_t due_ns;
    uint32_t begin, end;
    uint8_t bytes[CHUNK_BYTES];
};

struct direction {
    struct chunk *first, *last;
    uint64_t queued;
    bool input_ended, output_ended; /* FIN read; FIN written (or nobody to write to) */
    bool deaf;                      /* what is read is thrown away */
    bool blocked;                   /* the kernel takes no more for now */
    uint64_t allowance, since_ns;   /* of a throttle: bytes that may go now, as of that instant */
};

struct pair {
    struct pair *next, *prev;
    int fd[2];                /* client, node; -1: closed */
    struct direction from[2]; /* from[0]: client to node */
    bool connecting, broken;
    uint32_t watched[2]; /* as epoll knows it */
};

/* Begins to connect to the node. Takes client_fd, on failure too. NULL with errno: no memory, no descriptor. A node
 * that refuses makes the pair broken. */
struct pair *pair_new(int client_fd, const struct sockaddr *node, socklen_t node_bytes);
/* Moves what can be moved. Returns the instant at which more can be done without an event; UINT64_MAX: none. */
uint64_t pair_work(struct pair *p, const struct weather *w, uint64_t now_ns);
/* Which events it waits for on side 0 or 1 (EPOLLIN, EPOLLOUT). */
uint32_t pair_wants(const struct pair *p, int side);
bool pair_is_over(const struct pair *p);
/* FIN both ways; what is queued is dropped. */
void pair_cut(struct pair *p);
void pair_reset(struct pair *p);
/* FIN to the node; the client's bytes are read and dropped from now on. */
void pair_half_close(struct pair *p);
void pair_free(struct pair *p); /* closes what is open */

#endif
