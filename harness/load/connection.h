/* One connection to the target, made again and again for as long as the load lives, with its queue of pings.
 *
 * Life: mf_connection_init; mf_connection_beat about every millisecond connects, re-connects and watches the time-outs;
 * pings are put into `queue` and go out with mf_connection_flush; answers are handed to mf_worker_answer;
 * mf_connection_close, and the loop must run until its handles are closed; mf_connection_done. Ownership: the caller's
 * memory; it must not move. Threads: the loop's.
 *
 * Rules of causes: README.md. */
#ifndef MF_LOAD_CONNECTION_H
#define MF_LOAD_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "load/endpoint.h"
#include "load/order.h"
#include "load/queue.h"

struct mf_worker;
struct mf_socket;

enum mf_link { MF_LINK_DOWN, MF_LINK_DIALLING, MF_LINK_UP };

struct mf_connection {
    struct mf_worker *worker;
    uint32_t index; /* its streams are first_stream + index + k * connections */
    enum mf_link link;
    struct mf_socket *socket; /* NULL where there is none: down, or waiting for room in an accept queue */
    struct mf_queue queue;
    struct mf_order order; /* codecs with answers in order: written and unanswered */
    uint8_t *carry;        /* the beginning of a message that has not come whole */
    size_t carry_bytes, carry_room;

    uint64_t dialled_ns, retry_at_ns, backoff_ns; /* the attempt's beginning; the next one's; what comes after that */
    uint64_t ended_ns;                            /* when it was last up; 0: never yet */
    bool heard;                                   /* something has come since it is up */
    int dial_errno;                               /* of the last attempt that failed */
    int write_errno;                              /* of the write that showed that this connection has ended */

    uint64_t asked;       /* pings put into its queue since it is up, or is to be */
    bool by_load;         /* it is down because the load has closed it */
    uint32_t outstanding; /* closed loop: slots of the window in use */
    uint32_t turn;        /* closed loop: which of its streams is next */
    bool listed;          /* among those that mf_worker_settle looks at */
    struct mf_connection *next_listed;
};

void mf_connection_init(struct mf_connection *c, struct mf_worker *worker, uint32_t index, size_t queue_bytes_max);
void mf_connection_done(struct mf_connection *c);
void mf_connection_beat(struct mf_connection *c, uint64_t now_ns);
/* Writes what the kernel takes; does nothing where the connection is not up or the kernel is known to be full. */
void mf_connection_flush(struct mf_connection *c);
/* Closes it where it has carried its pings (plan.pings_per_connection); pings that are past their time-out are given up
 * with it. */
void mf_connection_retire(struct mf_connection *c);
/* Closes it where nothing was answered for too long although no more can be written before that is. */
void mf_connection_unstick(struct mf_connection *c, uint64_t now_ns);
/* Whether one more ping may go by it. */
bool mf_connection_has_room(const struct mf_connection *c);
/* How many answers (datagrams) the kernel has dropped because we did not read them soon enough. */
uint64_t mf_connection_dropped(const struct mf_connection *c);
/* Closes without any effect on the account. */
void mf_connection_close(struct mf_connection *c);

#endif
