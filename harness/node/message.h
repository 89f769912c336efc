/* Messages, and what carries them from one thread to another: chains, inboxes, pools of blocks. For the files of node/
 * only.
 *
 * Each struct says who owns it. An inbox is the only one that more than one thread may touch at a time. */
#ifndef MF_NODE_MESSAGE_H
#define MF_NODE_MESSAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mf_connection;

enum mf_message_kind {
    MF_MESSAGE_PING,    /* on its way to its process */
    MF_MESSAGE_PONG,    /* the answer, on its way back in the same block */
    MF_MESSAGE_ERROR,   /* an error answer: `text` says why */
    MF_MESSAGE_DROPPED, /* no answer: the block goes home */
};

#define MF_MESSAGE_PAYLOAD 256 /* blocks with room for this much come from a pool; larger ones from the heap */

/* One block holds a ping and later its answer. Owner: whoever's queue it stands in. */
struct mf_message {
    struct mf_message *next;
    struct mf_connection *connection; /* where the answer goes; NULL: transport local */
    uint64_t seq, instance, count;
    uint64_t
        arrived; /* counts the messages that its scheduler has put into mailboxes: the order in which they are due */
    uint32_t stream, process, version;
    uint32_t home; /* transport local: the scheduler whose pinger sent it */
    uint8_t kind;  /* enum mf_message_kind */
    uint8_t stage; /* 1 + enum mf_stage of the furthest stage stamped and counted for this block; 0: none */
    uint32_t payload_bytes, payload_room;
    const char *text; /* MF_MESSAGE_ERROR: static text */
    uint8_t payload[];
};

/* A FIFO chain. */
struct mf_chain {
    struct mf_message *head, *tail;
    uint32_t count;
};
static inline void mf_chain_append(struct mf_chain *c, struct mf_message *m)
{
    m->next = NULL;
    if (c->tail)
        c->tail->next = m;
    else
        c->head = m;
    c->tail = m;
    c->count++;
}
static inline struct mf_message *mf_chain_pop(struct mf_chain *c)
{
    struct mf_message *m = c->head;
    c->head = m->next;
    if (!c->head)
        c->tail = NULL;
    c->count--;
    return m;
}

/* Many writers, one reader: a stack of whole chains that the reader takes at once and turns round. FIFO per writer. */
struct mf_inbox {
    _Atomic(struct mf_message *) top;
};
void mf_inbox_push(struct mf_inbox *inbox, struct mf_chain *chain); /* takes the chain (not empty) and empties it */
static inline bool mf_inbox_empty(struct mf_inbox *inbox)
{
    return atomic_load(&inbox->top) == NULL;
}
void mf_inbox_take(struct mf_inbox *inbox, struct mf_chain *out); /* appends all to `out`, oldest first */

/* Blocks for reuse. One owner thread (the I/O thread's, a scheduler's for transport local). */
struct mf_pool {
    struct mf_message *free;
    void *slabs; /* chained through their first word */
};
struct mf_message *mf_pool_take(struct mf_pool *pool,
                                uint32_t payload_bytes); /* zeroed but for the payload; NULL: no memory */
void mf_pool_give(struct mf_pool *pool, struct mf_message *message);
void mf_pool_done(struct mf_pool *pool);

#endif
