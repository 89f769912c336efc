/* Inboxes and pools: whatever several writers push comes out once, each writer's in its order. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>

#include "node/core_internal.h"

#define WRITERS  3
#define MESSAGES 20000

static struct mf_inbox inbox;

static void *writer_run(void *arg)
{
    uint32_t writer = (uint32_t)(uintptr_t)arg;
    struct mf_pool *pool = calloc(1, sizeof *pool);
    struct mf_chain chain = {0};
    for (uint64_t seq = 0; seq < MESSAGES; seq++) {
        struct mf_message *m = mf_pool_take(pool, 8);
        m->stream = writer;
        m->seq = seq;
        mf_chain_append(&chain, m);
        if (seq % (writer + 2) == 0 || seq + 1 == MESSAGES)
            mf_inbox_push(&inbox, &chain);
    }
    return pool;
}

Test(inbox, many_writers_keep_each_ones_order)
{
    pthread_t threads[WRITERS];
    uint64_t next[WRITERS] = {0}, total = 0;
    for (uintptr_t w = 0; w < WRITERS; w++)
        cr_assert(eq(int, pthread_create(&threads[w], NULL, writer_run, (void *)w), 0));
    while (total < (uint64_t)WRITERS * MESSAGES) {
        struct mf_chain taken = {0};
        mf_inbox_take(&inbox, &taken);
        uint32_t count = taken.count;
        for (uint32_t i = 0; i < count; i++, total++) {
            struct mf_message *m = mf_chain_pop(&taken);
            cr_assert(eq(u64, m->seq, next[m->stream]++));
        }
        cr_assert(eq(ptr, taken.head, NULL));
    }
    for (int w = 0; w < WRITERS; w++) {
        void *pool;
        pthread_join(threads[w], &pool);
        mf_pool_done(pool);
        free(pool);
    }
    cr_assert(mf_inbox_empty(&inbox));
}

Test(inbox, take_appends_behind_what_is_there)
{
    struct mf_pool pool = {0};
    struct mf_chain chain = {0}, out = {0};
    for (uint64_t seq = 0; seq < 6; seq++) {
        struct mf_message *m = mf_pool_take(&pool, 0);
        m->seq = seq;
        mf_chain_append(seq < 2 ? &out : &chain, m);
        if (seq == 3)
            mf_inbox_push(&inbox, &chain);
    }
    mf_inbox_push(&inbox, &chain);
    mf_inbox_take(&inbox, &out);
    cr_assert(eq(u32, out.count, 6));
    for (uint64_t seq = 0; seq < 6; seq++)
        cr_assert(eq(u64, mf_chain_pop(&out)->seq, seq));
    mf_pool_done(&pool);
}

Test(pool, long_payloads_live_outside_and_come_back)
{
    struct mf_pool pool = {0};
    struct mf_message *m = mf_pool_take(&pool, MF_MESSAGE_PAYLOAD + 1);
    cr_assert(eq(u32, m->payload_bytes, MF_MESSAGE_PAYLOAD + 1));
    m->payload[MF_MESSAGE_PAYLOAD] = 1;
    mf_pool_give(&pool, m);
    struct mf_message *a = mf_pool_take(&pool, MF_MESSAGE_PAYLOAD);
    mf_pool_give(&pool, a);
    cr_assert(eq(ptr, mf_pool_take(&pool, 0), a)); /* reused, and wiped */
    cr_assert(eq(u32, a->payload_bytes, 0));
    mf_pool_done(&pool);
}
