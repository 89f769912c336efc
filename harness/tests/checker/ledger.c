/* Every outcome, cause and extra, planted in known numbers. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "rig.h"

static struct rig rig;

Test(ledger, answered)
{
    rig_open(&rig, 2, 4, 0);
    for (uint64_t i = 0; i < 100; i++)
        rig_round(&rig, (uint32_t)(i % 2), START + i * MS, START + i * MS + 300);
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=100");
    cr_assert(eq(u64, rig.record->response.count, 100));
    cr_assert(eq(u64, rig.record->response.max, 300));
    cr_assert(eq(u64, rig.record->achieved_ns, 99 * MS));
    rig_close(&rig);
}

Test(ledger, late_is_after_due_plus_timeout_and_is_never_dropped)
{
    rig_open(&rig, 1, 1, 0);
    uint64_t in_time = rig_send(&rig, 0, START), late = rig_send(&rig, 0, START);
    cr_assert(eq(int, (int)rig_pong(&rig, rig_answer(&rig, 0, in_time), START + 100 * MS), MF_OUTCOME_ANSWERED));
    cr_assert(eq(int, (int)rig_pong(&rig, rig_answer(&rig, 0, late), START + 100 * MS + 1), MF_OUTCOME_LATE));
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=1 late=1");
    cr_assert(eq(u64, rig.record->response.max, 100 * MS + 1));
    cr_assert(eq(u64, rig.bins[0].response_max_ns, 100 * MS + 1));
    rig_close(&rig);
}

Test(ledger, late_is_late_on_the_fast_path_too)
{
    rig_open(&rig, 1, 1, 0);
    for (uint64_t i = 0; i < 10; i++) {
        uint64_t due = START + i * 300 * MS; /* 150 ms, 1 ms, then late ones of which the histogram has seen worse */
        rig_pong(&rig, rig_answer(&rig, 0, rig_send(&rig, 0, due)), due + (i == 0 ? 150 : i == 1 ? 1 : 120) * MS);
    }
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=1 late=9");
    rig_close(&rig);
}

static uint64_t expired_seqs;

static void on_expired(void *ctx, uint32_t stream, uint64_t seq)
{
    (void)ctx;
    (void)stream;
    expired_seqs = expired_seqs * 10 + seq + 1;
}

Test(ledger, expired_pings_stay_open_and_may_still_end_well_or_badly)
{
    rig_open(&rig, 1, 1, 0);
    for (int i = 0; i < 4; i++)
        rig_send(&rig, 0, START + (uint64_t)i * MS);
    expired_seqs = 0;
    mf_account_expire(rig.account, START + 100 * MS, on_expired, NULL);
    cr_assert(eq(u64, expired_seqs, 0));
    mf_account_expire(rig.account, START + 102 * MS + 1, on_expired, NULL);
    cr_assert(eq(u64, expired_seqs, 123));
    uint64_t expired;
    cr_assert(eq(u64, mf_account_open(rig.account, &expired), 4));
    cr_assert(eq(u64, expired, 3));
    rig_pong(&rig, rig_answer(&rig, 0, 0), START + 110 * MS); /* late */
    struct mf_pong wrong = rig_answer(&rig, 0, 1);
    wrong.is_wrong = true;
    cr_assert(eq(int, (int)rig_pong(&rig, wrong, START + 111 * MS), MF_OUTCOME_WRONG));
    cr_assert(eq(int, (int)rig_pong(&rig, wrong, START + 111 * MS), MF_OUTCOME_COUNT)); /* duplicated */
    mf_account_lost(rig.account, 0, 2, MF_CAUSE_INFLIGHT_RST, START + 112 * MS);
    rig_finish(&rig);
    RIG_BOOK(&rig, "late=1 wrong=1 lost=2 inflight_rst=1 unanswered=1 before=2 duplicated=1");
    rig_close(&rig);
}

Test(ledger, error_and_wrong)
{
    rig_open(&rig, 1, 1, 0);
    for (int i = 0; i < 5; i++) {
        struct mf_pong pong = rig_answer(&rig, 0, rig_send(&rig, 0, START));
        if (i < 3)
            pong = (struct mf_pong){.seq = pong.seq, .is_error = true}; /* names no process, has no witness */
        else
            pong.is_wrong = true;
        cr_assert(eq(int, (int)rig_pong(&rig, pong, START + 5), i < 3 ? MF_OUTCOME_ERROR : MF_OUTCOME_WRONG));
    }
    rig_finish(&rig);
    RIG_BOOK(&rig, "error=3 wrong=2");
    cr_assert(eq(u64, rig.record->response.count, 0));
    rig_close(&rig);
}

Test(ledger, every_cause)
{
    rig_open(&rig, 3, 3, 0);
    for (uint32_t cause = 0; cause < MF_CAUSE_COUNT; cause++)
        for (uint32_t i = 0; i <= cause; i++)
            mf_account_lost(rig.account, i % 3, rig_send(&rig, i % 3, START), (enum mf_cause)cause, START + 9);
    rig_finish(&rig);
    RIG_BOOK(
        &rig,
        "lost=28 refused=1 connect_timeout=2 unsent=3 inflight_fin=4 inflight_rst=5 partial=6 unanswered=7 before=28");
    rig_close(&rig);
}

Test(ledger, every_stage_and_only_one_each)
{
    rig_open(&rig, 2, 2, 0);
    for (uint32_t stage = 0; stage <= MF_STAGE_COUNT; stage++)
        for (uint32_t i = 0; i <= stage; i++) {
            uint64_t seq = rig_send(&rig, i % 2, START);
            *mf_recorder_stage(&rig.rec, i % 2, seq) = (uint8_t)stage;
            mf_account_lost(rig.account, i % 2, seq, MF_CAUSE_INFLIGHT_RST, START + 9);
        }
    rig_finish(&rig);
    RIG_BOOK(&rig, "lost=28 inflight_rst=28 before=1 received=2 enqueued=3 dequeued=4 handled=5 replied=6 flushed=7");
    rig_close(&rig);
}

Test(ledger, a_stage_byte_that_is_none_is_taken_for_the_last)
{
    rig_open(&rig, 1, 1, 0);
    uint64_t seq = rig_send(&rig, 0, START);
    *mf_recorder_stage(&rig.rec, 0, seq) = 200;
    rig_finish(&rig);
    RIG_BOOK(&rig, "lost=1 unanswered=1 flushed=1");
    rig_close(&rig);
}

Test(ledger, the_stage_byte_is_reset_when_due_and_kept_when_a_later_ping_takes_it)
{
    rig_open(&rig, 1, 1, 0); /* 16 bytes a stream */
    rig_send(&rig, 0, START);
    *mf_recorder_stage(&rig.rec, 0, 0) = 1 + MF_STAGE_ENQUEUED;
    mf_account_expire(rig.account, START + 200 * MS, NULL, NULL); /* passes its timeout: enqueued */
    for (uint64_t i = 1; i <= 16; i++) {
        uint64_t seq = rig_send(&rig, 0, START + 200 * MS);
        cr_assert(eq(u8, *mf_recorder_stage(&rig.rec, 0, seq), 0));
        *mf_recorder_stage(&rig.rec, 0, seq) = 1 + MF_STAGE_FLUSHED;
        rig_pong(&rig, rig_answer(&rig, 0, seq), START + 201 * MS);
    }
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=16 lost=1 unanswered=1 enqueued=1");
    rig_close(&rig);
}

Test(ledger, an_unanswered_ping_has_the_furthest_stage_that_is_known)
{
    rig_open(&rig, 1, 1, 0);
    rig_send(&rig, 0, START);
    *mf_recorder_stage(&rig.rec, 0, 0) = 1 + MF_STAGE_ENQUEUED;
    mf_account_expire(rig.account, START + 200 * MS, NULL, NULL);
    *mf_recorder_stage(&rig.rec, 0, 0) = 1 + MF_STAGE_HANDLED;
    rig_finish(&rig);
    RIG_BOOK(&rig, "lost=1 unanswered=1 handled=1");
    rig_close(&rig);
}

Test(ledger, never_written_at_the_end_is_unsent)
{
    rig_open(&rig, 1, 1, 0);
    uint32_t process;
    bool sendable;
    mf_account_due(rig.account, 0, START, &process, &sendable);
    mf_account_due(rig.account, 0, START, &process, &sendable);
    mf_account_expire(rig.account, START + 200 * MS, NULL, NULL);
    mf_account_written(rig.account, 0, 1, START + 201 * MS); /* though past its timeout */
    rig_send(&rig, 0, START + 201 * MS);
    mf_account_due(rig.account, 0, START + 201 * MS, &process, &sendable);
    rig_finish(&rig);
    RIG_BOOK(&rig, "lost=4 unsent=2 unanswered=2 before=4");
    cr_assert(eq(u64, rig.record->written, 2));
    cr_assert(eq(u64, rig.record->lag.count, 2));
    cr_assert(eq(u64, rig.record->lag.max, 201 * MS));
    rig_close(&rig);
}

Test(ledger, not_sent)
{
    rig_open(&rig, 1, 1, 0);
    uint32_t process;
    bool sendable;
    for (uint64_t i = 0; i < 5; i++)
        mf_account_not_sent(rig.account, 0, mf_account_due(rig.account, 0, START, &process, &sendable), START);
    mf_account_not_sent(rig.account, 0, 0, START); /* has ended */
    mf_account_lost(rig.account, 0, 0, MF_CAUSE_UNSENT, START);
    mf_account_written(rig.account, 0, 0, START);
    cr_assert(eq(int, (int)rig_pong(&rig, rig_answer(&rig, 0, 3), START),
                 MF_OUTCOME_COUNT)); /* who answers what was not sent? */
    rig_finish(&rig);
    RIG_BOOK(&rig, "not_sent=5 phantom=1");
    rig_close(&rig);
}

Test(ledger, a_written_ping_cannot_be_not_sent)
{
    rig_open(&rig, 1, 1, 0);
    mf_account_not_sent(rig.account, 0, rig_send(&rig, 0, START), START);
    rig_pong(&rig, rig_answer(&rig, 0, 0), START + 1);
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=1");
    rig_close(&rig);
}

Test(ledger, duplicated_in_the_window_and_far_below_it)
{
    rig_open(&rig, 1, 1, 0);
    for (uint64_t i = 0; i < 100; i++) {
        uint64_t seq = rig_send(&rig, 0, START + i * MS);
        struct mf_pong pong = rig_answer(&rig, 0, seq);
        rig_pong(&rig, pong, START + i * MS);
        if (i % 10 == 0)
            cr_assert(eq(int, (int)rig_pong(&rig, pong, START + i * MS), MF_OUTCOME_COUNT));
    }
    for (uint64_t seq = 0; seq < 5; seq++)
        cr_assert(eq(int, (int)rig_pong(&rig, rig_answer(&rig, 0, seq), START + 100 * MS), MF_OUTCOME_COUNT));
    struct mf_pong wrong = rig_answer(&rig, 0, 50);
    wrong.is_wrong = true;
    rig_pong(&rig, wrong, START + 100 * MS); /* a second answer, whatever it says */
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=100 duplicated=16");
    rig_close(&rig);
}

Test(ledger, duplicated_of_what_ended_late_wrong_or_error)
{
    rig_open(&rig, 1, 1, 0);
    for (int i = 0; i < 3; i++) {
        struct mf_pong pong = rig_answer(&rig, 0, rig_send(&rig, 0, START));
        pong.is_wrong = i == 1;
        pong.is_error = i == 2;
        for (int twice = 0; twice < 2; twice++)
            rig_pong(&rig, pong, START + (i ? 1 : 101 * MS));
    }
    rig_finish(&rig);
    RIG_BOOK(&rig, "late=1 error=1 wrong=1 duplicated=3");
    rig_close(&rig);
}

Test(ledger, phantoms)
{
    rig_open(&rig, 2, 4, 0);
    uint64_t seq = rig_send(&rig, 0, START);
    struct mf_pong right = rig_answer(&rig, 0, seq);
    struct mf_pong planted[] = {right, right, right, right, right, right};
    planted[0].stream = 2; /* not ours */
    planted[1].stream = UINT32_MAX;
    planted[2].seq = seq + 1; /* not yet due */
    planted[3].seq = UINT64_MAX;
    planted[4].process = 2;   /* not the one that was asked, though of this stream */
    planted[5].seq = seq + 8; /* the same place in the ring */
    for (size_t i = 0; i < sizeof planted / sizeof *planted; i++)
        cr_assert(eq(int, (int)rig_pong(&rig, planted[i], START + 1), MF_OUTCOME_COUNT));
    cr_assert(eq(u64, mf_account_open(rig.account, NULL), 1));
    rig_pong(&rig, right, START + 2);
    uint32_t process;
    bool sendable;
    mf_account_due(rig.account, 0, START, &process, &sendable);
    rig_pong(&rig, rig_answer(&rig, 0, 1), START + 3); /* due, but not written: the target cannot know of it */
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=1 lost=1 unsent=1 before=1 phantom=7");
    rig_close(&rig);
}

/* Rings have 8 places here: seq and seq + 8 share one. */
Test(ledger, an_answer_to_what_is_not_yet_due_is_not_given_to_the_one_in_its_place)
{
    rig_open(&rig, 1, 1, 0);
    for (int i = 0; i < 8; i++)
        rig_send(&rig, 0, START);
    for (uint64_t seq = 1; seq < 8; seq++)
        rig_pong(&rig, rig_answer(&rig, 0, seq), START + seq);
    struct mf_pong pong = rig_answer(&rig, 0, 8); /* as expected in all but that it was never asked */
    cr_assert(eq(int, (int)rig_pong(&rig, pong, START + 5), MF_OUTCOME_COUNT));
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=7 lost=1 unanswered=1 before=1 phantom=1");
    rig_close(&rig);
}

Test(ledger, a_late_answer_is_not_given_to_the_ping_that_has_its_place_now)
{
    rig_open(&rig, 1, 1, 0);
    for (uint64_t i = 0; i < 8; i++)
        rig_round(&rig, 0, START + i, START + i + i % 3);
    rig_send(&rig, 0, START + 10);
    mf_account_expire(rig.account, START + 200 * MS, NULL, NULL);
    for (int i = 0; i < 8; i++)
        rig_send(&rig, 0, START + 200 * MS);
    cr_assert(eq(int, (int)rig_pong(&rig, rig_answer(&rig, 0, 8), START + 200 * MS + 1), MF_OUTCOME_LATE));
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=8 late=1 lost=8 unanswered=8 before=8");
    rig_close(&rig);
}

Test(ledger, a_late_write_is_not_given_to_the_ping_that_has_its_place_now)
{
    rig_open(&rig, 1, 1, 0);
    uint32_t process;
    bool sendable;
    rig_round(&rig, 0, START, START + 1);
    mf_account_due(rig.account, 0, START, &process, &sendable);
    mf_account_expire(rig.account, START + 200 * MS, NULL, NULL);
    for (int i = 0; i < 8; i++)
        mf_account_due(rig.account, 0, START + 200 * MS, &process, &sendable);
    mf_account_written(rig.account, 0, 1, START + 200 * MS);
    mf_account_written(rig.account, 0, 1, START + 201 * MS); /* once is enough */
    rig_finish(&rig);
    cr_assert(eq(u64, rig.record->written, 2));
    RIG_BOOK(&rig, "answered=1 lost=9 unsent=8 unanswered=1 before=9");
    rig_close(&rig);
}

Test(ledger, an_answer_takes_a_loss_back)
{
    rig_open(&rig, 1, 1, 1);
    rig_request_on(&rig, 0, START, 0, 2);
    for (int i = 0; i < 6; i++)
        rig_send(&rig, 0, START + 1);
    for (uint64_t seq = 0; seq < 6; seq++)
        mf_account_lost(rig.account, 0, seq, MF_CAUSE_INFLIGHT_FIN, START + MS);
    cr_assert(eq(u64, rig.record->outcome[MF_OUTCOME_LOST], 6));
    cr_assert(eq(u64, rig.tally[0].outcome[MF_OUTCOME_LOST], 6));
    cr_assert(eq(u8, rig.tally[0].trigger_outcome, 1 + MF_OUTCOME_LOST));
    cr_assert(eq(int, (int)rig_pong(&rig, rig_answer(&rig, 0, 2), START + 2 * MS), MF_OUTCOME_ANSWERED));
    cr_assert(eq(int, (int)rig_pong(&rig, rig_answer(&rig, 0, 3), START + 102 * MS), MF_OUTCOME_LATE));
    struct mf_pong error = {.seq = 4, .is_error = true};
    cr_assert(eq(int, (int)rig_pong(&rig, error, START + 103 * MS), MF_OUTCOME_ERROR));
    mf_account_lost(rig.account, 0, 2, MF_CAUSE_INFLIGHT_FIN, START + 104 * MS); /* not open any more */
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=1 late=1 error=1 lost=3 inflight_fin=3 before=3");
    cr_assert(eq(u64, rig.tally[0].outcome[MF_OUTCOME_LOST], 3));
    cr_assert(eq(u64, rig.tally[0].outcome[MF_OUTCOME_LATE], 1));
    cr_assert(eq(u64, rig.tally[0].outcome[MF_OUTCOME_ERROR], 1));
    cr_assert(eq(u8, rig.tally[0].trigger_outcome, 1 + MF_OUTCOME_ANSWERED));
    rig_close(&rig);
}

Test(ledger, reordered)
{
    rig_open(&rig, 2, 2, 0);
    for (int i = 0; i < 5; i++)
        rig_send(&rig, 0, START);
    rig_send(&rig, 1, START);
    static const uint64_t order[] = {2, 0, 1, 4, 3}; /* 0, 1 and 3 come behind a later one */
    for (size_t i = 0; i < 5; i++)
        rig_pong(&rig, rig_answer(&rig, 0, order[i]), START + 1 + i);
    rig_pong(&rig, rig_answer(&rig, 1, 0), START + 9); /* another stream */
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=6 reordered=3");
    rig_close(&rig);
}

Test(ledger, a_wrong_answer_is_not_reordered_but_makes_the_next_so)
{
    rig_open(&rig, 1, 1, 0);
    for (int i = 0; i < 3; i++)
        rig_send(&rig, 0, START);
    struct mf_pong wrong = rig_answer(&rig, 0, 2);
    wrong.is_wrong = true;
    rig_pong(&rig, wrong, START + 1);
    wrong.seq = 1;
    rig_pong(&rig, wrong, START + 2);
    rig_pong(&rig, rig_answer(&rig, 0, 0), START + 3);
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=1 wrong=2 reordered=1");
    rig_close(&rig);
}

struct visits {
    struct rig *rig;
    uint64_t seqs[32], written[32];
    int n;
    bool lose;
};

static void on_open(void *ctx, uint64_t seq, uint64_t written_ns)
{
    struct visits *v = ctx;
    v->seqs[v->n] = seq;
    v->written[v->n++] = written_ns;
    if (v->lose)
        mf_account_lost(v->rig->account, 0, seq, written_ns ? MF_CAUSE_INFLIGHT_RST : MF_CAUSE_UNSENT,
                        START + 300 * MS);
}

Test(ledger, each_open_is_in_order_and_may_lose_them)
{
    rig_open(&rig, 1, 1, 0);
    uint32_t process;
    bool sendable;
    for (int i = 0; i < 6; i++)
        rig_send(&rig, 0, START);
    rig_pong(&rig, rig_answer(&rig, 0, 1), START + 1);
    mf_account_expire(rig.account, START + 200 * MS, NULL, NULL);
    for (int i = 0; i < 6; i++)
        rig_send(&rig, 0, START + 200 * MS);
    rig_pong(&rig, rig_answer(&rig, 0, 8), START + 201 * MS);
    mf_account_lost(rig.account, 0, 7, MF_CAUSE_PARTIAL, START + 201 * MS);
    mf_account_due(rig.account, 0, START + 202 * MS, &process, &sendable);
    static const uint64_t open[] = {0, 2, 3, 4, 5, 6, 9, 10, 11, 12};
    for (int round = 0; round < 2; round++) {
        struct visits v = {.rig = &rig, .lose = round == 1};
        mf_account_each_open(rig.account, 0, on_open, &v);
        cr_assert(eq(int, v.n, 10));
        for (int i = 0; i < v.n; i++) {
            cr_assert(eq(u64, v.seqs[i], open[i]));
            cr_assert(eq(u64, v.written[i], i == 9 ? 0 : i < 5 ? START : START + 200 * MS));
        }
    }
    struct visits none = {.rig = &rig};
    mf_account_each_open(rig.account, 0, on_open, &none);
    cr_assert(eq(int, none.n, 0));
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=2 lost=11 unsent=1 inflight_rst=9 partial=1 before=11");
    rig_close(&rig);
}

Test(ledger, warm_up_counts_but_has_no_latency)
{
    rig_open(&rig, 1, 1, 0);
    rig.rec.header->measure_ns = START + 10 * MS; /* told after mf_account_new, before the first ping */
    for (uint64_t i = 0; i < 20; i++)
        rig_round(&rig, 0, START + i * MS, START + i * MS + 50);
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=20");
    cr_assert(eq(u64, rig.record->warmup_due, 10));
    cr_assert(eq(u64, rig.record->response.count, 10));
    cr_assert(eq(u64, rig.record->service.count, 10));
    cr_assert(eq(u64, rig.record->lag.count, 10));
    rig_close(&rig);
}

Test(ledger, three_latencies)
{
    rig_open(&rig, 1, 1, 0);
    uint32_t process;
    bool sendable;
    uint64_t seq = mf_account_due(rig.account, 0, START, &process, &sendable);
    mf_account_written(rig.account, 0, seq, START + 700);
    rig_pong(&rig, rig_answer(&rig, 0, seq), START + 1000);
    cr_assert(eq(u64, rig.record->lag.max, 700));
    cr_assert(eq(u64, rig.record->service.max, 300));
    cr_assert(eq(u64, rig.record->response.max, 1000));
    rig_close(&rig);
}

Test(ledger, a_bin_is_that_of_the_due_instant_and_replies_of_their_own)
{
    rig_open(&rig, 1, 1, 0);
    rig_round(&rig, 0, START + 9 * MS, START + 21 * MS);
    rig_round(&rig, 0, START + 25 * MS, START + 26 * MS);
    rig_round(&rig, 0, START - 5 * MS, START - 4 * MS);       /* before the first bin: in it */
    rig_round(&rig, 0, START + 5000 * MS, START + 5001 * MS); /* behind the last */
    rig_round(&rig, 0, START + 9 * MS, START + 10 * MS);      /* and back */
    rig_finish(&rig);
    cr_assert(eq(u32, rig.bins[0].due, 3));
    cr_assert(eq(u32, rig.bins[0].answered, 3));
    cr_assert(eq(u32, rig.bins[0].replies, 1));
    cr_assert(eq(u32, rig.bins[1].replies, 1));
    cr_assert(eq(u32, rig.bins[2].due, 1));
    cr_assert(eq(u32, rig.bins[2].replies, 2));
    cr_assert(eq(u32, rig.bins[99].due, 1));
    cr_assert(eq(u64, rig.bins[0].response_max_ns, 12 * MS));
    cr_assert(eq(u64, rig.bins[0].response_sum_ns, 14 * MS));
    rig_close(&rig);
}

Test(ledger, a_late_wake_up_marks_every_bin_it_slept_over)
{
    rig_open(&rig, 1, 1, 0);
    mf_account_wakeup(rig.account, START + 45 * MS, 30 * MS);
    mf_account_wakeup(rig.account, START + 46 * MS, 1000);
    for (uint32_t i = 0; i < 8; i++)
        cr_assert(eq(u64, rig.bins[i].instrument_late_ns, i >= 1 && i <= 4 ? 30 * MS : 0), "bin %u", i);
    cr_assert(eq(u64, rig.record->wakeups, 2));
    cr_assert(eq(u64, rig.record->late_wakeups, 1));
    cr_assert(eq(u64, rig.record->wakeup_late_ns_max, 30 * MS));
    rig_close(&rig);
}

Test(ledger, a_loop_at_work_is_late_from_a_millisecond_on)
{
    rig_open(&rig, 1, 1, 0);
    mf_account_busy(rig.account, START + 5 * MS, MS);
    cr_assert(eq(u64, rig.bins[0].instrument_late_ns, 0));
    mf_account_busy(rig.account, START + 32 * MS, 3 * MS);
    for (uint32_t i = 0; i < 6; i++)
        cr_assert(eq(u64, rig.bins[i].instrument_late_ns, i == 2 || i == 3 ? 3 * MS : 0), "bin %u", i);
    cr_assert(eq(u64, rig.record->loop_busy_ns_max, 3 * MS));
    rig_close(&rig);
}

Test(ledger, without_a_processor_for_half_of_the_time_is_late)
{
    rig_open(&rig, 1, 1, 0);
    mf_account_waited(rig.account, START, START + 10 * MS, 5 * MS - 1);
    mf_account_waited(rig.account, START + 10 * MS, START + 20 * MS - 1, 5 * MS);
    mf_account_waited(rig.account, START + 30 * MS, START + 50 * MS - 1, 0);
    for (uint32_t i = 0; i < 6; i++)
        cr_assert(eq(u64, rig.bins[i].instrument_late_ns, i == 1 ? 5 * MS : 0), "bin %u", i);
    cr_assert(eq(u64, rig.record->runqueue_ns, 10 * MS - 1));
    cr_assert(eq(u64, rig.record->runqueue_of_ns, 40 * MS - 2));
    rig_close(&rig);
}
