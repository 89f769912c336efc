/* Charging, windows, triggers and blackouts. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "rig.h"

static struct rig rig;

static void lose(uint64_t due_ns, uint64_t lost_ns)
{
    mf_account_lost(rig.account, 0, rig_send(&rig, 0, due_ns), MF_CAUSE_INFLIGHT_RST, lost_ns);
}

static void upgrade(uint32_t k, uint64_t requested_ns, uint64_t committed_ns)
{
    rig_request(&rig, k, requested_ns);
    rig_end(&rig, k, MF_UPGRADE_COMMITTED, committed_ns);
    rig.version = rig.rec.log[k].version_to;
}

Test(upgrades, nothing_is_charged_before_the_first_request)
{
    rig_open(&rig, 1, 1, 1);
    lose(START, START + MS);
    rig_request(&rig, 0, START + 2 * MS);
    rig_finish(&rig);
    cr_assert(eq(u64, rig.tally[0].outcome[MF_OUTCOME_LOST], 0));
    rig_close(&rig);
}

Test(upgrades, a_loss_goes_to_the_nearest)
{
    rig_open(&rig, 1, 1, 3);
    upgrade(0, START + 100 * MS, START + 110 * MS);
    upgrade(1, START + 200 * MS, START + 210 * MS);
    lose(START + 140 * MS, START + 150 * MS); /* 30 after the first, 50 before the second */
    lose(START + 160 * MS, START + 170 * MS);
    lose(START + 165 * MS, START + 205 * MS); /* overlaps the second */
    lose(START + 105 * MS, START + 205 * MS); /* overlaps both: the later */
    lose(START + 150 * MS, START + 160 * MS); /* 40 from both: the later */
    cr_assert(eq(u64, rig.tally[0].outcome[MF_OUTCOME_LOST], 1));
    cr_assert(eq(u64, rig.tally[1].outcome[MF_OUTCOME_LOST], 4));
    rig_request(&rig, 2, START + 300 * MS); /* has not ended: reaches to now */
    lose(START + 900 * MS, START + 910 * MS);
    cr_assert(eq(u64, rig.tally[2].outcome[MF_OUTCOME_LOST], 1));
    rig_close(&rig);
}

Test(upgrades, an_unanswered_ping_has_its_due_instant_only)
{
    rig_open(&rig, 1, 1, 2);
    upgrade(0, START + 100 * MS, START + 110 * MS);
    rig_send(&rig, 0, START + 112 * MS);
    upgrade(1, START + 200 * MS, START + 210 * MS);
    rig_finish(&rig);
    cr_assert(eq(u64, rig.tally[0].outcome[MF_OUTCOME_LOST], 1));
    cr_assert(eq(u64, rig.tally[1].outcome[MF_OUTCOME_LOST], 0));
    cr_assert(eq(u64, rig.tally[1].in_flight, 1)); /* but it was in flight there, within its timeout */
    cr_assert(eq(u64, rig.tally[1].in_flight_lost, 1));
    rig_close(&rig);
}

/* The old code may be retired at some process's next message, long after; what is lost shortly before the next upgrade
 * is the next one's. */
Test(upgrades, retired_does_not_belong_to_the_interval)
{
    rig_open(&rig, 1, 1, 2);
    upgrade(0, START + 100 * MS, START + 110 * MS);
    rig.rec.log[0].phase_ns[MF_PHASE_RETIRED] = START + 180 * MS;
    upgrade(1, START + 200 * MS, START + 210 * MS);
    lose(START + 170 * MS, START + 190 * MS);
    cr_assert(eq(u64, rig.tally[1].outcome[MF_OUTCOME_LOST], 1));
    rig_close(&rig);
}

Test(upgrades, every_bad_outcome_and_extra_is_charged)
{
    rig_open(&rig, 1, 1, 1);
    upgrade(0, START + 10, START + 20);
    struct mf_pong pong;
    for (int i = 0; i < 2; i++) {
        pong = rig_answer(&rig, 0, rig_send(&rig, 0, START + 30));
        pong.is_wrong = true;
        rig_pong(&rig, pong, START + 40);
    }
    rig_pong(&rig, (struct mf_pong){.seq = rig_send(&rig, 0, START + 30), .is_error = true}, START + 40);
    uint32_t process;
    bool sendable;
    mf_account_not_sent(rig.account, 0, mf_account_due(rig.account, 0, START + 30, &process, &sendable), START + 30);
    pong = rig_answer(&rig, 0, rig_send(&rig, 0, START + 30));
    rig_pong(&rig, pong, START + 101 * MS); /* late */
    rig_pong(&rig, pong, START + 101 * MS); /* duplicated */
    pong.stream = 9;
    rig_pong(&rig, pong, START + 101 * MS); /* phantom */
    rig_finish(&rig);
    const uint64_t *outcome = rig.tally[0].outcome;
    cr_assert(eq(u64, outcome[MF_OUTCOME_WRONG], 2));
    cr_assert(eq(u64, outcome[MF_OUTCOME_ERROR], 1));
    cr_assert(eq(u64, outcome[MF_OUTCOME_NOT_SENT], 1));
    cr_assert(eq(u64, outcome[MF_OUTCOME_LATE], 1));
    cr_assert(eq(u64, rig.tally[0].extra[MF_EXTRA_DUPLICATED], 1));
    cr_assert(eq(u64, rig.tally[0].extra[MF_EXTRA_PHANTOM], 1));
    rig_close(&rig);
}

/* The target has it, and fires on it, before the load reads the clock: it was in flight all the same. */
Test(upgrades, a_trigger_was_in_flight_although_it_was_stamped_as_written_afterwards)
{
    uint32_t process;
    bool sendable;
    rig_open(&rig, 1, 1, 4);
    for (uint32_t k = 0; k < 4; k++) {
        uint64_t now = START + k * 100 * MS, seq = mf_account_due(rig.account, 0, now, &process, &sendable);
        rig.rec.log[k].trigger_stage = k == 3 ? MF_POINT_STAGE_HALF_RECEIVED : MF_STAGE_RECEIVED;
        rig_request_on(&rig, k, now + 10, 0, seq);
        mf_account_written(rig.account, 0, seq, now + 20);
        uint64_t other = mf_account_due(rig.account, 0, now + 15, &process, &sendable);
        mf_account_written(rig.account, 0, other, now + 20); /* who knows */
        if (k > 0)
            mf_account_lost(rig.account, 0, seq, MF_CAUSE_INFLIGHT_FIN, now + 30);
        if (k != 1)
            rig_pong(&rig, rig_answer(&rig, 0, seq), now + 40); /* takes a loss back */
        rig_pong(&rig, rig_answer(&rig, 0, other), now + 50);
        rig_end(&rig, k, MF_UPGRADE_ROLLED_BACK, now + 60);
    }
    rig_finish(&rig);
    for (uint32_t k = 0; k < 4; k++) {
        cr_assert(eq(u64, rig.tally[k].in_flight, k < 3), "upgrade %u", k); /* of half a message nobody can tell */
        cr_assert(eq(u64, rig.tally[k].in_flight_lost, k == 1), "upgrade %u", k);
    }
    rig_close(&rig);
}

Test(upgrades, in_flight_is_written_before_and_ended_after)
{
    rig_open(&rig, 1, 1, 2);
    uint64_t early = rig_send(&rig, 0, START), across = rig_send(&rig, 0, START), lost = rig_send(&rig, 0, START);
    rig_pong(&rig, rig_answer(&rig, 0, early), START + 5);
    uint32_t process;
    bool sendable;
    uint64_t unwritten = mf_account_due(rig.account, 0, START, &process, &sendable);
    rig_request(&rig, 0, START + 10);
    mf_account_written(rig.account, 0, unwritten, START + 20); /* due before, written after: not in flight */
    rig_pong(&rig, rig_answer(&rig, 0, across), START + 30);
    mf_account_lost(rig.account, 0, lost, MF_CAUSE_INFLIGHT_FIN, START + 30);
    rig_pong(&rig, rig_answer(&rig, 0, unwritten), START + 40);
    rig_finish(&rig);
    cr_assert(eq(u64, rig.tally[0].in_flight, 2));
    cr_assert(eq(u64, rig.tally[0].in_flight_lost, 1));
    cr_assert(eq(u64, rig.tally[1].in_flight, 0));
    rig_close(&rig);
}

Test(upgrades, a_ping_lost_long_ago_is_not_in_flight_for_ever)
{
    rig_open(&rig, 1, 1, 2);
    rig_send(&rig, 0, START);
    rig_request(&rig, 0, START + 10 * MS);
    rig_request(&rig, 1, START + 150 * MS); /* past its timeout */
    rig_finish(&rig);
    cr_assert(eq(u64, rig.tally[0].in_flight_lost, 1));
    cr_assert(eq(u64, rig.tally[1].in_flight, 0));
    rig_close(&rig);
}

Test(upgrades, the_window_and_its_spike)
{
    rig_open(&rig, 1, 1, 1);
    rig_round(&rig, 0, START, START + 9 * MS); /* ends before the request */
    uint64_t across = rig_send(&rig, 0, START + 8 * MS);
    upgrade(0, START + 10 * MS, START + 11 * MS);
    rig_pong(&rig, rig_answer(&rig, 0, across), START + 15 * MS); /* 7 ms */
    rig_round(&rig, 0, START + 59 * MS, START + 63 * MS);         /* due in the window's last ms: 4 ms */
    rig_round(&rig, 0, START + 60 * MS, START + 90 * MS);         /* behind it: 30 ms */
    rig_round(&rig, 0, START + 100 * MS, START + 140 * MS);
    rig_finish(&rig);
    cr_assert(eq(u64, rig.tally[0].outcome[MF_OUTCOME_ANSWERED], 2));
    cr_assert(eq(u64, rig.tally[0].response_max_ns, 7 * MS));
    cr_assert(eq(u64, rig.tally[0].new_answers, 4));
    rig_close(&rig);
}

Test(upgrades, a_late_answer_is_a_spike_too)
{
    rig_open(&rig, 1, 1, 1);
    uint64_t seq = rig_send(&rig, 0, START);
    upgrade(0, START + 10 * MS, START + 11 * MS);
    rig_pong(&rig, rig_answer(&rig, 0, seq), START + 150 * MS);
    cr_assert(eq(u64, rig.tally[0].response_max_ns, 150 * MS));
    cr_assert(eq(u64, rig.tally[0].outcome[MF_OUTCOME_ANSWERED], 0));
    rig_close(&rig);
}

Test(upgrades, the_gap_spans_the_request_and_may_outlast_the_window)
{
    rig_open(&rig, 1, 1, 2);
    rig_round(&rig, 0, START + 4 * MS, START + 5 * MS);
    upgrade(0, START + 10 * MS, START + 11 * MS);
    rig_round(&rig, 0, START + 99 * MS, START + 100 * MS);  /* the first good one since: 95 ms */
    rig_round(&rig, 0, START + 300 * MS, START + 301 * MS); /* 201 ms, but begun behind the window */
    upgrade(1, START + 400 * MS, START + 401 * MS);
    rig_round(&rig, 0, START + 402 * MS, START + 403 * MS); /* 102 ms */
    rig_finish(&rig);
    cr_assert(eq(u64, rig.tally[0].gap_ns, 95 * MS));
    cr_assert(eq(u64, rig.tally[1].gap_ns, 102 * MS));
    rig_close(&rig);
}

Test(upgrades, blackout_is_from_the_first_bad_to_the_next_good)
{
    rig_open(&rig, 1, 1, 1);
    upgrade(0, START, START + 1);
    for (uint64_t i = 0; i < 100; i++) {
        if ((i >= 10 && i < 15) || (i >= 40 && i < 48) || i >= 97)
            lose(START + i * MS, START + i * MS + 5);
        else
            rig_round(&rig, 0, START + i * MS, START + i * MS + 5);
    }
    rig_finish(&rig);
    cr_assert(eq(u64, rig.tally[0].blackout_ns, 8 * MS));
    rig_close(&rig);
}

Test(upgrades, blackout_that_never_ends_reaches_to_the_last_bad)
{
    rig_open(&rig, 1, 1, 1);
    rig_round(&rig, 0, START, START + 1);
    upgrade(0, START + 5 * MS, START + 6 * MS);
    for (uint64_t i = 10; i <= 30; i++)
        rig_send(&rig, 0, START + i * MS);
    rig_finish(&rig);
    cr_assert(eq(u64, rig.tally[0].blackout_ns, 20 * MS));
    RIG_BOOK(&rig, "answered=1 lost=21 unanswered=21 before=21");
    rig_close(&rig);
}

Test(upgrades, a_loss_taken_back_in_time_is_no_blackout)
{
    rig_open(&rig, 1, 1, 1);
    upgrade(0, START, START + 1);
    for (uint64_t i = 0; i < 20; i++) {
        uint64_t seq = rig_send(&rig, 0, START + i * MS);
        if ((i >= 3 && i < 6) || i == 10)
            mf_account_lost(rig.account, 0, seq, MF_CAUSE_INFLIGHT_RST, START + i * MS);
        if (i != 10)
            rig_pong(&rig, rig_answer(&rig, 0, seq), START + i * MS + 1);
    }
    rig_pong(&rig, rig_answer(&rig, 0, 10), START + 200 * MS); /* taken back, but late */
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=19 late=1 reordered=1");
    cr_assert(eq(u64, rig.tally[0].blackout_ns, MS));
    cr_assert(eq(u64, rig.tally[0].outcome[MF_OUTCOME_LOST], 0));
    rig_close(&rig);
}

Test(upgrades, blackout_is_of_one_stream)
{
    rig_open(&rig, 2, 2, 1);
    upgrade(0, START, START + 1);
    for (uint64_t i = 0; i < 20; i++) {
        rig_round(&rig, 0, START + i * MS, START + i * MS); /* goes on */
        uint64_t seq = rig_send(&rig, 1, START + i * MS);
        if (i >= 5 && i < 9)
            mf_account_lost(rig.account, 1, seq, MF_CAUSE_INFLIGHT_RST, START + i * MS);
        else
            rig_pong(&rig, rig_answer(&rig, 1, seq), START + i * MS);
    }
    rig_finish(&rig);
    cr_assert(eq(u64, rig.tally[0].blackout_ns, 4 * MS));
    rig_close(&rig);
}

Test(upgrades, trigger_that_settles_after_its_upgrade_was_seen)
{
    rig_open(&rig, 1, 1, 3);
    uint64_t now = START;
    for (uint32_t k = 0; k < 3; k++) {
        uint64_t seq = rig_send(&rig, 0, now += MS);
        rig_request_on(&rig, k, now += 10, 0, seq);
        rig_end(&rig, k, MF_UPGRADE_COMMITTED, now += 10);
        rig.version = k == 1 ? rig.version : rig.rec.log[k].version_to;
        struct mf_pong pong = rig_answer(&rig, 0, seq);
        if (k < 2)
            rig_pong(&rig, pong, now += 10);
        now += 60 * MS;
    }
    rig_finish(&rig);
    cr_assert(eq(u8, rig.tally[0].trigger_outcome, 1 + MF_OUTCOME_ANSWERED));
    cr_assert(eq(u8, rig.tally[0].trigger_version_is_new, 1));
    cr_assert(eq(u8, rig.tally[1].trigger_outcome, 1 + MF_OUTCOME_ANSWERED));
    cr_assert(eq(u8, rig.tally[1].trigger_version_is_new, 0)); /* answered by the version before */
    cr_assert(eq(u8, rig.tally[2].trigger_outcome, 1 + MF_OUTCOME_LOST));
    rig_close(&rig);
}

Test(upgrades, trigger_that_had_settled_before_its_upgrade_was_asked_for)
{
    rig_open(&rig, 1, 1, 4);
    uint64_t now = START;
    for (int i = 0; i < 100; i++, now += MS)
        rig_round(&rig, 0, now, now);
    rig_request_on(&rig, 0, now += MS, 0, 99); /* in the ring */
    rig_request_on(&rig, 1, now += MS, 0, 3);  /* long gone, and nothing of this stream was ever answered badly */
    mf_account_lost(rig.account, 0, rig_send(&rig, 0, now), MF_CAUSE_INFLIGHT_RST, now);
    rig_request_on(&rig, 2, now += MS, 0, 100);
    struct mf_pong wrong = rig_answer(&rig, 0, rig_send(&rig, 0, now));
    wrong.is_wrong = true;
    rig_pong(&rig, wrong, now);
    for (int i = 0; i < 100; i++, now += MS)
        rig_round(&rig, 0, now, now);
    rig_request_on(&rig, 3, now += MS, 0, 101); /* long gone, and it can't be told any more */
    rig_finish(&rig);
    cr_assert(eq(u8, rig.tally[0].trigger_outcome, 1 + MF_OUTCOME_ANSWERED));
    cr_assert(eq(u8, rig.tally[1].trigger_outcome, 1 + MF_OUTCOME_ANSWERED));
    cr_assert(eq(u8, rig.tally[2].trigger_outcome, 1 + MF_OUTCOME_LOST));
    cr_assert(eq(u8, rig.tally[3].trigger_outcome, 0));
    rig_close(&rig);
}

Test(upgrades, a_trigger_of_another_worker_is_not_ours)
{
    rig_open(&rig, 1, 1, 1);
    rig.rec.log[0].has_trigger = true;
    rig.rec.log[0].trigger_stream = 7;
    rig.rec.log[0].trigger_process = 7;
    rig_request(&rig, 0, START);
    lose(START + 1, START + 2);
    cr_assert(eq(u8, rig.tally[0].trigger_outcome, 0));
    cr_assert(eq(u64, rig.tally[0].sibling_bad, 1));
    rig_close(&rig);
}

Test(upgrades, siblings_are_the_other_processes)
{
    rig_open(&rig, 1, 3, 1);
    for (int i = 0; i < 6; i++)
        rig_send(&rig, 0, START);
    rig_request_on(&rig, 0, START + 10, 0, 1); /* process 1 */
    for (uint64_t seq = 0; seq < 6; seq++)
        mf_account_lost(rig.account, 0, seq, MF_CAUSE_INFLIGHT_RST, START + 20);
    cr_assert(eq(u64, rig.tally[0].sibling_bad, 4));
    struct mf_pong back = rig_answer(&rig, 0, 0);
    rig_pong(&rig, back, START + 30);
    rig_finish(&rig);
    cr_assert(eq(u64, rig.tally[0].sibling_bad, 3));
    rig_close(&rig);
}

/* One that is killed with an empty mailbox loses no message, and all that it knew. */
Test(upgrades, a_sibling_that_is_made_anew_was_not_left_alone)
{
    rig_open(&rig, 1, 3, 1);
    uint64_t now = START;
    for (int i = 0; i < 3; i++, now += MS)
        rig_round(&rig, 0, now, now);
    rig_request_on(&rig, 0, now += MS, 0, 1); /* process 1 */
    for (int i = 0; i < 3; i++) {             /* all three answer, as others than they were */
        uint64_t seq = rig_send(&rig, 0, now += MS);
        struct mf_pong pong = rig_answer(&rig, 0, seq);
        pong.instance += 100;
        pong.count = 1;
        rig_pong(&rig, pong, now);
    }
    rig_finish(&rig);
    cr_expect(eq(u64, rig.tally[0].extra[MF_EXTRA_REMADE], 3));
    cr_expect(eq(u64, rig.tally[0].sibling_bad, 2));
    rig_close(&rig);
}

/* A foreign target's word: which ping it was, while the upgrade is under way. */
static void name_trigger(uint32_t k, uint32_t stream, uint64_t seq)
{
    rig.rec.log[k].trigger_stream = stream;
    rig.rec.log[k].trigger_seq = seq;
    rig.rec.log[k].trigger_process = rig_process(&rig, stream, seq);
    rig.rec.log[k].has_trigger = true;
}

Test(upgrades, a_trigger_that_is_named_when_all_is_over_counts_as_if_it_had_been_named_before)
{
    rig_open(&rig, 1, 3, 1);
    for (int i = 0; i < 6; i++)
        rig_send(&rig, 0, START);
    rig_request(&rig, 0, START + 10);
    for (uint64_t seq = 0; seq < 6; seq++)
        mf_account_lost(rig.account, 0, seq, MF_CAUSE_INFLIGHT_RST, START + 20);
    rig_pong(&rig, rig_answer(&rig, 0, 2), START + 30); /* not lost after all */
    cr_assert(eq(u64, rig.tally[0].sibling_bad, 0));    /* of whom it would be a sibling, nobody knows yet */
    name_trigger(0, 0, 1);
    rig_end(&rig, 0, MF_UPGRADE_COMMITTED, START + 40);
    rig_finish(&rig);
    cr_assert(eq(u8, rig.tally[0].trigger_outcome, 1 + MF_OUTCOME_LOST));
    cr_assert(eq(u64, rig.tally[0].sibling_bad, 3)); /* 0, 3, 5; 4 is of the trigger's process */
    rig_close(&rig);
}

Test(upgrades, a_trigger_that_is_named_late_was_answered_by_the_version_that_answered_it)
{
    rig_open(&rig, 1, 1, 3);
    uint64_t now = START;
    for (uint32_t k = 0; k < 3; k++) {
        for (int i = 0; i < 100; i++) /* what came before has left the ring */
            rig_round(&rig, 0, now + i * MS, now + i * MS);
        rig_request(&rig, k, now += 100 * MS);
        uint64_t seq = rig_send(&rig, 0, now += 10), other = rig_send(&rig, 0, now);
        if (k != 1)
            rig.version = rig.rec.log[k].version_to;
        rig_pong(&rig, rig_answer(&rig, 0, seq), now += 10);
        rig.version = rig.rec.log[k].version_to;
        rig_pong(&rig, rig_answer(&rig, 0, other), now += 10);
        if (k < 2)
            name_trigger(k, 0, seq);
        rig_end(&rig, k, MF_UPGRADE_COMMITTED, now += 10);
    }
    rig_finish(&rig);
    cr_assert(eq(u8, rig.tally[0].trigger_outcome, 1 + MF_OUTCOME_ANSWERED));
    cr_assert(eq(u8, rig.tally[0].trigger_version_is_new, 1));
    cr_assert(eq(u8, rig.tally[1].trigger_outcome, 1 + MF_OUTCOME_ANSWERED));
    cr_assert(eq(u8, rig.tally[1].trigger_version_is_new, 0)); /* by the version before */
    cr_assert(eq(u8, rig.tally[2].trigger_outcome, 0));        /* nobody named one */
    rig_close(&rig);
}

Test(upgrades, a_trigger_that_is_named_while_it_waits_is_judged_when_it_ends)
{
    rig_open(&rig, 1, 1, 2);
    rig_request(&rig, 0, START + 10);
    uint64_t seq = rig_send(&rig, 0, START + 20), lost = rig_send(&rig, 0, START + 20);
    name_trigger(0, 0, seq);
    rig.version = rig.rec.log[0].version_to;
    rig_pong(&rig, rig_answer(&rig, 0, seq), START + 40);
    rig_end(&rig, 0, MF_UPGRADE_COMMITTED, START + 50);
    rig_request(&rig, 1, START + 60);
    name_trigger(1, 0, lost);
    rig_end(&rig, 1, MF_UPGRADE_COMMITTED, START + 70);
    rig_finish(&rig);
    cr_assert(eq(u8, rig.tally[0].trigger_outcome, 1 + MF_OUTCOME_ANSWERED));
    cr_assert(eq(u8, rig.tally[0].trigger_version_is_new, 1));
    cr_assert(eq(u8, rig.tally[1].trigger_outcome, 1 + MF_OUTCOME_LOST));
    rig_close(&rig);
}
