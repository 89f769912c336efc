/* What a connection has still to write: bytes, and which ping ends at which of them, so that a ping counts as written
 * exactly when the kernel has taken its last byte.
 *
 * Life: zeroed is empty; mf_queue_init sets the limit; room, put, ... ; bytes, taken, pop ...; mf_queue_clear at a
 * connection's end; mf_queue_done frees. Threads: one. Ownership: the caller's memory, the arrays are the queue's. */
#ifndef MF_LOAD_QUEUE_H
#define MF_LOAD_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mf_queued {
    uint64_t end; /* behind its last byte, counted from the queue's first byte ever */
    uint64_t seq;
    uint32_t stream, process;
};

struct mf_queue {
    uint8_t *byte;
    size_t begin, end, room, limit; /* byte[begin..end) waits; limit: most bytes that may wait */
    uint64_t put, taken;            /* bytes ever */
    uint64_t whole;                 /* of those taken, up to the end of the last ping that was popped */
    struct mf_queued *ping;         /* ring of ping_room, a power of two */
    size_t ping_first, ping_count, ping_room;
};

void mf_queue_init(struct mf_queue *q, size_t limit_bytes);
void mf_queue_done(struct mf_queue *q);
/* Room for one more ping of up to n bytes; NULL where there is no memory or the limit is reached. */
uint8_t *mf_queue_room(struct mf_queue *q, size_t n);
/* The ping was written into that room with n bytes. */
void mf_queue_put(struct mf_queue *q, size_t n, uint32_t stream, uint32_t process, uint64_t seq);
/* So many bytes were written into that room, and are no ping. (Not with pings that wait for their turn.) */
void mf_queue_put_aside(struct mf_queue *q, size_t n);
/* The bytes that wait; NULL where there are none. */
static inline const uint8_t *mf_queue_bytes(const struct mf_queue *q, size_t *n)
{
    *n = q->end - q->begin;
    return *n > 0 ? q->byte + q->begin : NULL;
}
/* The kernel has taken n of them. */
void mf_queue_taken(struct mf_queue *q, size_t n);
/* The oldest ping that is not popped, NULL where there is none; it is whole where end <= taken. Valid until the next
 * put. */
static inline const struct mf_queued *mf_queue_first(const struct mf_queue *q)
{
    return q->ping_count > 0 ? &q->ping[q->ping_first] : NULL;
}
static inline void mf_queue_pop(struct mf_queue *q)
{
    q->whole = q->ping[q->ping_first].end;
    q->ping_first = (q->ping_first + 1) & (q->ping_room - 1);
    q->ping_count--;
}
/* The first ping where a part of it, and not all, was taken; NULL where there is none. */
static inline const struct mf_queued *mf_queue_begun(const struct mf_queue *q)
{
    return q->taken > q->whole ? mf_queue_first(q) : NULL;
}
/* How many of the bytes that wait belong to the first `pings` pings. */
static inline size_t mf_queue_bytes_of(const struct mf_queue *q, size_t pings)
{
    if (pings >= q->ping_count)
        return q->end - q->begin;
    return pings == 0 ? 0 : (size_t)(q->ping[(q->ping_first + pings - 1) & (q->ping_room - 1)].end - q->taken);
}
/* Forgets the ping of which a part was taken. */
void mf_queue_drop_begun(struct mf_queue *q);
/* Forgets everything that waits. */
void mf_queue_clear(struct mf_queue *q);

#endif
