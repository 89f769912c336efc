/* What counts and instances show. */
#include "checker/state.h"
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "rig.h"

static struct rig rig;

Test(state, rehandled_by_the_difference)
{
    rig_open(&rig, 1, 2, 0);
    for (uint64_t i = 0; i < 20; i++) {
        if (i == 6)
            rig.count[0] += 1; /* process 0 handles something twice */
        if (i == 11)
            rig.count[1] += 3;
        rig_round(&rig, 0, START + i, START + i + 1);
    }
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=20 rehandled=4");
    rig_close(&rig);
}

Test(state, lost_pings_between_are_no_rehandling)
{
    rig_open(&rig, 1, 1, 0);
    rig_round(&rig, 0, START, START + 1);
    for (int i = 0; i < 3; i++)
        mf_account_lost(rig.account, 0, rig_send(&rig, 0, START + 1), MF_CAUSE_INFLIGHT_RST, START + 2);
    rig.count[0] += 2; /* two of the three were handled, their answers lost */
    rig_round(&rig, 0, START + 3, START + 4);
    mf_account_lost(rig.account, 0, rig_send(&rig, 0, START + 5), MF_CAUSE_INFLIGHT_RST, START + 6);
    rig.count[0] += 2; /* one lost, two counted */
    rig_round(&rig, 0, START + 7, START + 8);
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=3 lost=4 inflight_rst=4 before=4 rehandled=1");
    rig_close(&rig);
}

Test(state, state_lost_and_remade)
{
    rig_open(&rig, 2, 4, 0);
    for (uint64_t i = 0; i < 40; i++) {
        if (i == 20) {
            rig.count[0] = 0; /* begins anew, as another instance */
            rig.instance[0] = 100;
            rig.count[1] = 0;      /* begins anew in place */
            rig.instance[2] = 101; /* made anew, its state handed over */
        }
        rig_round(&rig, (uint32_t)(i % 2), START + i, START + i);
    }
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=40 state_lost=2 remade=2");
    rig_close(&rig);
}

Test(state, a_count_that_stands_still_is_lost_state)
{
    rig_open(&rig, 1, 1, 0);
    rig_round(&rig, 0, START, START);
    rig.count[0]--;
    rig_round(&rig, 0, START + 1, START + 1);
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=2 state_lost=1");
    rig_close(&rig);
}

Test(state, reordered_answers_and_duplicates_are_left_out)
{
    rig_open(&rig, 1, 1, 0);
    for (int i = 0; i < 4; i++)
        rig_send(&rig, 0, START);
    struct mf_pong p[4];
    for (uint64_t i = 0; i < 4; i++)
        p[i] = rig_answer(&rig, 0, i);
    p[1].instance = 77;
    rig_pong(&rig, p[0], START + 1);
    rig_pong(&rig, p[2], START + 2);
    rig_pong(&rig, p[1], START + 3); /* count 2 behind count 3, other instance: not judged */
    rig_pong(&rig, p[0], START + 3);
    rig_pong(&rig, p[3], START + 4);
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=4 duplicated=1 reordered=1");
    rig_close(&rig);
}

Test(state, pings_handled_out_of_order_are_no_rehandling)
{
    rig_open(&rig, 1, 1, 0);
    for (int i = 0; i < 8; i++)
        rig_send(&rig, 0, START);
    static const uint64_t order[] = {0, 3, 1, 2, 4, 6}; /* as handled, and as answered; 1 and 2 come behind 3 */
    for (size_t i = 0; i < 6; i++)
        rig_pong(&rig, rig_answer(&rig, 0, order[i]), START + 1 + i);
    struct mf_pong wrong = rig_answer(&rig, 0, 5);
    wrong.is_wrong = true;
    rig_pong(&rig, wrong, START + 10);
    rig.count[0]++; /* and one that is */
    rig_pong(&rig, rig_answer(&rig, 0, 7), START + 11);
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=7 wrong=1 reordered=2 rehandled=1");
    rig_close(&rig);
}

Test(state, an_answer_that_only_comes_late_gives_no_credit)
{
    rig_open(&rig, 1, 1, 0);
    for (int i = 0; i < 4; i++)
        rig_send(&rig, 0, START);
    struct mf_pong zero = rig_answer(&rig, 0, 0), one = rig_answer(&rig, 0, 1), two = rig_answer(&rig, 0, 2);
    rig_pong(&rig, zero, START + 1);
    rig_pong(&rig, two, START + 2);
    rig_pong(&rig, one, START + 3); /* was handled before 2: its count says so */
    rig.count[0]++;                 /* rehandled */
    rig_pong(&rig, rig_answer(&rig, 0, 3), START + 4);
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=4 reordered=1 rehandled=1");
    rig_close(&rig);
}

Test(state, shared_processes_are_judged_for_going_down_only)
{
    rig_open(&rig, 4, 2, 0);
    for (uint64_t i = 0; i < 40; i++) {
        if (i == 21)
            rig.instance[1] = 50; /* streams 1 and 3 see it: counted once, by stream 1 */
        if (i == 30)
            rig.count[0] = 0; /* streams 0 and 2 ask process 0: each sees its count go down */
        rig_round(&rig, (uint32_t)(i % 4), START + i, START + i);
    }
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=40 state_lost=2 remade=1");
    rig_close(&rig);
}

Test(state, what_an_answer_does_not_have_is_not_judged)
{
    rig_open(&rig, 1, 1, 1);
    for (uint64_t i = 0; i < 32; i++) {
        struct mf_pong pong = rig_answer(&rig, 0, rig_send(&rig, 0, START + i));
        pong.has = (unsigned)(i % 4 == 3 ? 0 : 1u << (i % 4));
        pong.version = pong.has & 1 ? 1 : 999;
        pong.instance = pong.has & 2 ? 5 : i + 1000;
        pong.count = pong.has & 4 ? i : 0;
        rig_pong(&rig, pong, START + i);
    }
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=32");
    rig_close(&rig);
}

Test(state, lying_counts_do_not_overflow)
{
    rig_open(&rig, 1, 2, 0);
    static const uint64_t counts[] = {UINT64_MAX, UINT64_MAX, 1, 1ULL << 63, 0, 1};
    for (uint64_t i = 0; i < 6; i++) {
        struct mf_pong pong = rig_answer(&rig, 0, rig_send(&rig, 0, START + i));
        pong.count = counts[i];
        rig_pong(&rig, pong, START + i);
    }
    rig_finish(&rig);
    cr_assert(eq(u64, rig.record->outcome[MF_OUTCOME_ANSWERED], 6));
    cr_assert(eq(u64, rig.record->extra[MF_EXTRA_STATE_LOST], 4));
    cr_assert(eq(u64, rig.record->extra[MF_EXTRA_REHANDLED], 0));
    rig_close(&rig);
}

/* Two copies of a process side by side, as reuseport has them: asked now here, now there, each counts its own. */
Test(state, copies_side_by_side_handle_nothing_twice)
{
    struct mf_witness w = {0};
    static const uint64_t answers[][2] = {{7, 10}, {9, 1}, {7, 11}, {9, 2}, {9, 3}}; /* instance, count */
    uint64_t rehandled = 0, remade = 0;
    for (uint64_t seq = 0; seq < 5; seq++) {
        struct mf_state_finding found = mf_state_judge(&w, seq, 1, false, &answers[seq][1], &answers[seq][0]);
        rehandled += found.rehandled;
        remade += found.remade;
    }
    cr_expect(eq(u64, rehandled, 0));
    cr_expect(eq(u64, remade, 3));
    uint64_t count = 5, instance = 9; /* of one and the same it is seen */
    cr_expect(eq(u64, mf_state_judge(&w, 5, 1, false, &count, &instance).rehandled, 1));
}
