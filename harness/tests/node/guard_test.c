/* Links, watches and groups, by hand: no thread runs. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "fixture.h"
#include "node/guard.h"

#define PROCESSES 12

static struct bench b;
static uint64_t instance[PROCESSES];

static void begin(uint32_t schedulers, uint32_t group, enum mf_supervision supervision, bool links)
{
    b.args.group = group;
    b.args.supervision = supervision;
    b.args.links = links;
    bench_start(&b, PROCESSES, schedulers, "local");
    for (uint32_t p = 0; p < PROCESSES; p++)
        instance[p] = b.core.processes[p].instance;
}

/* Bit p: process p is another one than at the beginning. */
static unsigned dead(void)
{
    unsigned who = 0;
    for (uint32_t p = 0; p < PROCESSES; p++)
        who |= (b.core.processes[p].instance != instance[p]) << p;
    return who;
}

static struct mf_process *process(uint32_t id)
{
    return &b.core.processes[id];
}

Test(guard, links_lead_on)
{
    struct mf_error err = {0};
    begin(1, 1, MF_SUPERVISION_ONE_FOR_ONE, false);
    cr_assert(eq(int, mf_guard_link(&b.core, process(1), process(5), &err), 0));
    cr_assert(eq(int, mf_guard_link(&b.core, process(5), process(9), &err), 0));
    cr_assert(eq(int, mf_guard_link(&b.core, process(9), process(1), &err), 0)); /* a ring ends too */
    cr_assert(eq(int, mf_guard_link(&b.core, process(1), process(5), &err), 0)); /* again: no matter */
    cr_expect(eq(u32, mf_guard_death(&b.core, process(0), MF_DEATH_KILLED), 1));
    cr_expect(eq(uint, dead(), 1u << 0));
    cr_expect(eq(u32, mf_guard_death(&b.core, process(9), MF_DEATH_CRASHED), 3));
    cr_expect(eq(uint, dead(), 1u << 0 | 1u << 1 | 1u << 5 | 1u << 9));
    bench_stop(&b);
}

Test(guard, no_link_between_schedulers)
{
    struct mf_error err = {0};
    begin(2, 1, MF_SUPERVISION_ONE_FOR_ONE, false);
    cr_expect(eq(int, mf_guard_link(&b.core, process(0), process(1), &err), -1));
    cr_expect(eq(int, mf_guard_link(&b.core, process(0), process(2), &err), 0));
    bench_stop(&b);
}

struct told {
    uint32_t times, process;
    enum mf_death why;
    uint64_t instance; /* as it was when it was told */
};

static void on_death(void *ctx, struct mf_process *died, enum mf_death why, struct mf_dying *dying)
{
    struct told *told = ctx;
    (void)dying;
    *told = (struct told){.times = told->times + 1, .process = died->id, .why = why, .instance = died->instance};
}

Test(guard, a_watcher_is_told_before_it_lives_again)
{
    struct mf_error err = {0};
    struct told told = {0};
    begin(1, 1, MF_SUPERVISION_ONE_FOR_ONE, false);
    cr_assert(eq(int, mf_guard_watch(&b.core, process(3), on_death, &told, &err), 0));
    cr_assert(eq(int, mf_guard_link(&b.core, process(3), process(4), &err), 0));
    mf_guard_death(&b.core, process(2), MF_DEATH_KILLED);
    cr_expect(eq(u32, told.times, 0));
    mf_guard_death(&b.core, process(4), MF_DEATH_CRASHED);
    cr_expect(eq(u32, told.times, 1));
    cr_expect(eq(u32, told.process, 3));
    cr_expect(eq(int, (int)told.why, MF_DEATH_LINKED));
    cr_expect(eq(u64, told.instance, instance[3]));
    mf_guard_death(&b.core, process(3), MF_DEATH_KILLED); /* another incarnation, watched as before */
    cr_expect(eq(u32, told.times, 2));
    cr_expect(eq(int, (int)told.why, MF_DEATH_KILLED));
    bench_stop(&b);
}

Test(guard, a_group_is_of_one_scheduler)
{
    begin(2, 4, MF_SUPERVISION_ONE_FOR_ALL, false); /* 0 2 4 6, 8 10, 1 3 5 7, 9 11 */
    cr_expect(eq(u32, mf_guard_death(&b.core, process(4), MF_DEATH_CRASHED), 4));
    cr_expect(eq(uint, dead(), 1u << 0 | 1u << 2 | 1u << 4 | 1u << 6));
    cr_expect(eq(u32, mf_guard_death(&b.core, process(11), MF_DEATH_CRASHED), 2));
    bench_stop(&b);
}

Test(guard, links_end_with_the_group)
{
    begin(1, 4, MF_SUPERVISION_ONE_FOR_ONE, true);
    cr_expect(eq(u32, mf_guard_death(&b.core, process(4), MF_DEATH_CRASHED), 4));
    cr_expect(eq(uint, dead(), 0xf0));
    bench_stop(&b);
}

static struct mf_pool pool;

static void ping(struct mf_process *p, uint64_t seq)
{
    static struct mf_connection nobody; /* what is dropped goes to it, and not to a pinger */
    struct mf_message *m = mf_pool_take(&pool, 0);
    m->connection = &nobody;
    m->process = p->id;
    m->seq = seq;
    mf_process_enqueue(&b.core, p, m);
}

/* What comes for one that has died is younger than what the others have, whatever its place was before. */
Test(guard, the_dead_give_up_their_place)
{
    begin(1, 1, MF_SUPERVISION_ONE_FOR_ONE, false);
    struct mf_scheduler *s = &b.core.schedulers[0];
    for (uint32_t p = 0; p < 3; p++)
        ping(process(p), p);
    struct mf_process *waits = s->run_first->next_run; /* process 1 has been looked at, and waits behind a held one */
    s->run_first->next_run = waits->next_run;
    waits->in_run_queue = false;
    mf_process_wait_behind(s, waits);
    cr_expect(eq(u32, mf_guard_death(&b.core, process(0), MF_DEATH_KILLED), 1));
    cr_expect(eq(u32, mf_guard_death(&b.core, process(1), MF_DEATH_KILLED), 1));
    ping(process(0), 3);
    ping(process(1), 4);
    cr_expect(eq(ptr, s->run_first, process(2)));
    cr_expect(eq(ptr, s->run_first->next_run, process(0)));
    cr_expect(eq(ptr, s->run_last, process(1)));
    cr_expect(eq(ptr, s->behind_first, NULL), "whose mailbox is empty waits for nothing");
    bench_stop(&b);
    mf_pool_done(&pool);
}
