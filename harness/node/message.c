#include <stdlib.h>
#include <string.h>

#include "node/message.h"

#define BLOCKS_PER_SLAB 128
#define BLOCK_BYTES     ((sizeof(struct mf_message) + MF_MESSAGE_PAYLOAD + 63) / 64 * 64)

/* --- inbox: the chain is turned round by its writer (newest first), so that a push is one exchange of the top
 * ---------- */

void mf_inbox_push(struct mf_inbox *inbox, struct mf_chain *chain)
{
    struct mf_message *oldest = chain->head, *newest = NULL;
    for (struct mf_message *m = chain->head, *next; m; m = next) {
        next = m->next;
        m->next = newest;
        newest = m;
    }
    struct mf_message *top = atomic_load(&inbox->top);
    do
        oldest->next = top;
    while (!atomic_compare_exchange_weak(&inbox->top, &top, newest));
    *chain = (struct mf_chain){0};
}

void mf_inbox_take(struct mf_inbox *inbox, struct mf_chain *out)
{
    struct mf_message *newest = atomic_exchange(&inbox->top, NULL), *last = newest, *oldest = NULL;
    uint32_t count = 0;
    while (newest) {
        struct mf_message *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
        count++;
    }
    if (count == 0)
        return;
    if (out->tail)
        out->tail->next = oldest;
    else
        out->head = oldest;
    out->tail = last;
    out->count += count;
}

/* --- pool
 * --------------------------------------------------------------------------------------------------------------- */

struct slab {
    struct slab *next;
};

static int pool_grow(struct mf_pool *pool)
{
    uint8_t *memory = aligned_alloc(64, 64 + BLOCKS_PER_SLAB * BLOCK_BYTES);
    if (!memory)
        return -1;
    struct slab *slab = (struct slab *)memory;
    slab->next = pool->slabs;
    pool->slabs = slab;
    for (size_t i = BLOCKS_PER_SLAB; i-- > 0;) {
        struct mf_message *m = (struct mf_message *)(memory + 64 + i * BLOCK_BYTES);
        m->next = pool->free;
        m->payload_room = MF_MESSAGE_PAYLOAD;
        pool->free = m;
    }
    return 0;
}

struct mf_message *mf_pool_take(struct mf_pool *pool, uint32_t payload_bytes)
{
    struct mf_message *m;
    uint32_t room = MF_MESSAGE_PAYLOAD;
    if (__builtin_expect(payload_bytes > MF_MESSAGE_PAYLOAD, 0)) {
        room = payload_bytes;
        m = malloc(sizeof *m + room);
        if (!m)
            return NULL;
    } else {
        if (!pool->free && pool_grow(pool) != 0)
            return NULL;
        m = pool->free;
        pool->free = m->next;
    }
    memset(m, 0, sizeof *m);
    m->payload_room = room;
    m->payload_bytes = payload_bytes;
    return m;
}

void mf_pool_give(struct mf_pool *pool, struct mf_message *message)
{
    if (message->payload_room > MF_MESSAGE_PAYLOAD) {
        free(message);
        return;
    }
    message->next = pool->free;
    pool->free = message;
}

void mf_pool_done(struct mf_pool *pool)
{
    for (struct slab *slab = pool->slabs, *next; slab; slab = next) {
        next = slab->next;
        free(slab);
    }
    *pool = (struct mf_pool){0};
}
