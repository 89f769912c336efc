#include "load/queue.h"

#include <stdlib.h>
#include <string.h>

void mf_queue_init(struct mf_queue *q, size_t limit_bytes)
{
    *q = (struct mf_queue){.limit = limit_bytes};
}

void mf_queue_done(struct mf_queue *q)
{
    free(q->byte);
    free(q->ping);
    *q = (struct mf_queue){0};
}

static bool bytes_grow(struct mf_queue *q, size_t n)
{
    size_t waiting = q->end - q->begin, room = q->room ? q->room : 4096;

    if (waiting + n <=
        q->room / 2) { /* moving is then cheaper than growing: what is moved is less than what was freed */
        memmove(q->byte, q->byte + q->begin, waiting);
    } else {
        while (room < 2 * (waiting + n))
            room *= 2;
        uint8_t *byte = malloc(room);
        if (!byte)
            return false;
        if (waiting > 0)
            memcpy(byte, q->byte + q->begin, waiting);
        free(q->byte);
        q->byte = byte;
        q->room = room;
    }
    q->begin = 0;
    q->end = waiting;
    return true;
}

static bool pings_grow(struct mf_queue *q)
{
    size_t room = q->ping_room ? 2 * q->ping_room : 128;
    struct mf_queued *ping = malloc(room * sizeof *ping);

    if (!ping)
        return false;
    for (size_t i = 0; i < q->ping_count; i++)
        ping[i] = q->ping[(q->ping_first + i) & (q->ping_room - 1)];
    free(q->ping);
    q->ping = ping;
    q->ping_first = 0;
    q->ping_room = room;
    return true;
}

uint8_t *mf_queue_room(struct mf_queue *q, size_t n)
{
    if (q->end - q->begin + n > q->limit)
        return NULL;
    if (q->room - q->end < n && !bytes_grow(q, n))
        return NULL;
    if (q->ping_count == q->ping_room && !pings_grow(q))
        return NULL;
    return q->byte + q->end;
}

void mf_queue_put(struct mf_queue *q, size_t n, uint32_t stream, uint32_t process, uint64_t seq)
{
    q->end += n;
    q->put += n;
    q->ping[(q->ping_first + q->ping_count) & (q->ping_room - 1)] =
        (struct mf_queued){.end = q->put, .seq = seq, .stream = stream, .process = process};
    q->ping_count++;
}

void mf_queue_put_aside(struct mf_queue *q, size_t n)
{
    q->end += n;
    q->put += n;
}

void mf_queue_taken(struct mf_queue *q, size_t n)
{
    q->begin += n;
    q->taken += n;
    if (q->begin == q->end)
        q->begin = q->end = 0;
}

void mf_queue_drop_begun(struct mf_queue *q)
{
    const struct mf_queued *ping = mf_queue_begun(q);

    if (!ping)
        return;
    mf_queue_taken(q, (size_t)(ping->end - q->taken));
    mf_queue_pop(q);
}

void mf_queue_clear(struct mf_queue *q)
{
    q->taken = q->whole = q->put;
    q->begin = q->end = 0;
    q->ping_first = q->ping_count = 0;
}
