/* A hundred million messages: the numbers stay exact and the memory stays what it was. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "rig.h"

static struct rig rig;

#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define MESSAGES 100000000ULL
#else
#define MESSAGES 1000000ULL /* an instrumented build: the same code, in the same time */
#endif

/* A closed loop, window 8 on each of 4 streams, 64 processes; one upgrade after every tenth part. */
Test(memory, does_not_grow_with_messages)
{
    enum { STREAMS = 4, WINDOW = 8, UPGRADES = 9 };
    rig_open_unrecorded(&rig, STREAMS, RIG_PROCESSES, UPGRADES);
    uint64_t bytes = 0, now = START, rounds = MESSAGES / WINDOW;
    uint32_t k = 0;
    for (uint64_t round = 0; round < rounds; round++) {
        uint32_t stream = round % STREAMS, process[WINDOW];
        uint64_t first = round / STREAMS * WINDOW;
        bool sendable;
        for (uint32_t i = 0; i < WINDOW; i++) {
            mf_account_due(rig.account, stream, now, process + i, &sendable);
            mf_account_written(rig.account, stream, first + i, now += 10);
        }
        if (k < UPGRADES && round == rounds / (UPGRADES + 1) * (k + 1)) {
            rig_request(&rig, k, ++now);
            rig_end(&rig, k, MF_UPGRADE_COMMITTED, now);
            rig.version = rig.rec.log[k++].version_to;
        }
        for (uint32_t i = 0; i < WINDOW; i++) {
            struct mf_pong pong = {.stream = stream,
                                   .process = process[i],
                                   .version = rig.version,
                                   .seq = first + i,
                                   .instance = rig.instance[process[i]],
                                   .count = ++rig.count[process[i]],
                                   .has = 7};
            mf_account_pong(rig.account, &pong, now += 10);
        }
        mf_account_expire(rig.account, now, NULL, NULL);
        if (round == 1000)
            bytes = mf_account_bytes(rig.account);
    }
    cr_assert(eq(u64, mf_account_bytes(rig.account), bytes));
    cr_assert(lt(u64, bytes, 16384));
    char expected[64];
    snprintf(expected, sizeof expected, "answered=%llu", (unsigned long long)MESSAGES);
    rig_finish(&rig);
    RIG_BOOK(&rig, expected);
    cr_assert(eq(u64, rig.record->due, MESSAGES));
    cr_assert(eq(u64, rig.record->written, MESSAGES));
    cr_assert(eq(u64, rig.record->response.count, MESSAGES));
    for (k = 0; k < UPGRADES; k++) {
        cr_assert(eq(u64, rig.tally[k].in_flight, WINDOW));
        cr_assert(eq(u64, rig.tally[k].in_flight_lost, 0));
        cr_assert(ge(u64, rig.tally[k].new_answers, MESSAGES / 10 - WINDOW));
    }
    rig_close(&rig);
}

/* Late answers come and go as exceptions: their room is used again. */
Test(memory, does_not_grow_with_late_answers)
{
    rig_open_unrecorded(&rig, 1, 1, 0);
    uint64_t bytes = 0, now = START;
    for (uint64_t i = 0; i < 200000; i++) {
        uint64_t seq = rig_send(&rig, 0, now);
        mf_account_expire(rig.account, now += 200 * MS, NULL, NULL);
        cr_assert(eq(int, (int)rig_pong(&rig, rig_answer(&rig, 0, seq), now), MF_OUTCOME_LATE));
        if (i == 1000)
            bytes = mf_account_bytes(rig.account);
    }
    cr_assert(eq(u64, mf_account_bytes(rig.account), bytes));
    rig_finish(&rig);
    RIG_BOOK(&rig, "late=200000");
    rig_close(&rig);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they need address space of their own */

/* So much more address space than now, and no more. */
static void limit_memory(uint64_t more)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    cr_assert(ne(ptr, f, NULL));
    cr_assert(eq(int, fscanf(f, "%lu", &pages), 1));
    fclose(f);
    struct rlimit limit;
    cr_assert(eq(int, getrlimit(RLIMIT_AS, &limit), 0));
    limit.rlim_cur = pages * (uint64_t)sysconf(_SC_PAGESIZE) + more;
    cr_assert(eq(int, setrlimit(RLIMIT_AS, &limit), 0));
}

/* The books balance without memory, too; each test is a process of its own, so the limit ends with it. */
Test(memory, a_ping_without_room_is_not_sent_and_counted)
{
    rig_open_unrecorded(&rig, 1, 1, 1);
    rig_request(&rig, 0, START);
    limit_memory(4 << 20);
    uint32_t process;
    bool sendable = true;
    uint64_t sent = 0, refused = 0;
    while (sendable) {
        uint64_t seq = mf_account_due(rig.account, 0, START + sent, &process, &sendable);
        cr_assert(eq(u64, seq, sent));
        if (!sendable)
            break;
        mf_account_written(rig.account, 0, seq, START + seq);
        sent++;
    }
    for (refused = 1; refused < 5; refused++)
        cr_assert(eq(u64, mf_account_due(rig.account, 0, START + sent, &process, &sendable), sent));
    cr_assert(eq(u64, rig.record->outcome[MF_OUTCOME_NOT_SENT], refused));
    cr_assert(eq(u64, rig.tally[0].outcome[MF_OUTCOME_NOT_SENT], refused));
    for (uint64_t seq = 0; seq < sent; seq++)
        rig_pong(&rig, rig_answer(&rig, 0, seq), START + MS);
    for (int i = 0; i < 100; i++)
        rig_round(&rig, 0, START + 2 * MS, START + 3 * MS); /* there is room again */
    rig_finish(&rig);
    cr_assert(eq(u64, rig.record->outcome[MF_OUTCOME_ANSWERED], sent + 100));
    cr_assert(eq(u64, rig.record->due, sent + 100 + refused));
    cr_assert(eq(u64, rig.record->extra[MF_EXTRA_REHANDLED], 0));
    rig_close(&rig);
}

Test(memory, a_loss_without_room_is_counted_but_cannot_be_taken_back)
{
    enum { PINGS = 200000 };
    rig_open_unrecorded(&rig, 1, 1, 0);
    for (int i = 0; i < PINGS; i++)
        rig_send(&rig, 0, START);
    limit_memory(4 << 20);
    mf_account_expire(rig.account, START + 200 * MS, NULL, NULL); /* stays where it cannot be moved */
    for (uint64_t seq = 0; seq < PINGS; seq++)
        mf_account_lost(rig.account, 0, seq, MF_CAUSE_INFLIGHT_RST, START + 201 * MS);
    cr_assert(eq(u64, rig.record->outcome[MF_OUTCOME_LOST], PINGS));
    rig_pong(&rig, rig_answer(&rig, 0, 0), START + 202 * MS);         /* taken back */
    rig_pong(&rig, rig_answer(&rig, 0, PINGS - 1), START + 202 * MS); /* not kept */
    rig_finish(&rig);
    RIG_BOOK(&rig, "late=1 lost=199999 inflight_rst=199999 before=199999 duplicated=1");
    rig_close(&rig);
}

#endif
