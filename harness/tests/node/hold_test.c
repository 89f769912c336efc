/* A message held at a point, and what waits behind it: let go in the order of arrival. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "fixture.h"

#define STREAM 3

static struct mf_message *message_give(struct bench *b, struct mf_pool *pool, uint32_t process)
{
    struct mf_process *p = &b->core.processes[process];
    struct mf_message *m = mf_pool_take(pool, 0);
    m->stream = STREAM;
    m->process = process;
    m->arrived = b->core.schedulers[0].arrivals++;
    mf_chain_append(&p->mailbox, m);
    return m;
}

/* Process 0 is held, 1 was looked at and waits behind it, 2 is in the run queue: a pause ended the round before it was
 * looked at. */
Test(hold, what_nobody_has_looked_at_stays_behind_what_waits)
{
    static struct bench b;
    struct mf_pool pool = {0};
    bench_start(&b, 4, 1, "local");
    struct mf_scheduler *s = &b.core.schedulers[0];
    struct mf_process *p = b.core.processes;
    struct mf_message *held = message_give(&b, &pool, 0);
    mf_process_hold(&b.core, &p[0], held);
    message_give(&b, &pool, 1);
    p[1].behind = true;
    s->behind_first = s->behind_last = &p[1];
    message_give(&b, &pool, 2);
    mf_process_wake(&b.core, &p[2]);
    mf_process_let_go(&b.core, &p[0]);
    uint32_t order = 0;
    for (const struct mf_process *q = s->run_first; q; q = q->next_run, order++)
        cr_expect(eq(u32, q->id, order));
    cr_expect(eq(u32, order, 3));
    cr_expect(eq(ptr, s->run_last, &p[2]));
    for (uint32_t i = 0; i < 3; i++)
        mf_chain_pop(&p[i].mailbox);
    mf_pool_done(&pool);
    bench_stop(&b);
}
