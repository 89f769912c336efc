/* Stale and regressed, over upgrades 1 -> 2 -> 3 -> 2 -> 1 with commits, roll-backs and failures. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "rig.h"

static struct rig rig;

static void answer_with(uint32_t version, uint64_t seq, uint64_t now_ns)
{
    struct mf_pong pong = rig_answer(&rig, 0, seq);
    pong.version = version;
    rig_pong(&rig, pong, now_ns);
}

static void round_with(uint32_t version, uint64_t now_ns)
{
    answer_with(version, rig_send(&rig, 0, now_ns), now_ns + 1);
}

static uint64_t extra(enum mf_extra e)
{
    return rig.record->extra[e];
}

Test(versions, a_whole_cycle_is_clean)
{
    static const uint32_t version[] = {1, 2, 3, 2, 1};
    rig_open(&rig, 1, 1, 4);
    uint64_t now = START;
    for (uint32_t k = 0; k <= 4; k++) {
        for (int i = 0; i < 200; i++)
            round_with(version[k], now += MS / 2);
        if (k == 4)
            break;
        uint64_t before = rig_send(&rig, 0, now);
        rig_request(&rig, k, now += 10);
        round_with(version[k], now += 10);              /* the old one still may */
        answer_with(version[k + 1], before, now += 10); /* the new one may already */
        rig_end(&rig, k, MF_UPGRADE_COMMITTED, now += 10);
    }
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=1008 reordered=4");
    for (uint32_t k = 0; k < 4; k++) {
        /* the last old answer after the next request is a new one of this upgrade */
        cr_assert(eq(u64, rig.tally[k].new_answers, k < 3 ? 202 : 201), "upgrade %u", k);
        cr_assert(ne(u64, rig.tally[k].first_new_ns, 0));
        cr_assert(lt(u64, rig.tally[k].last_old_ns, rig.tally[k].first_new_ns));
    }
    rig_close(&rig);
}

Test(versions, stale_after_the_commit_only)
{
    rig_open(&rig, 1, 1, 1);
    round_with(1, START);
    rig_request(&rig, 0, START + 10);
    uint64_t before_commit = rig_send(&rig, 0, START + 20);
    rig_end(&rig, 0, MF_UPGRADE_COMMITTED, START + 30);
    uint64_t after_commit = rig_send(&rig, 0, START + 40);
    answer_with(1, before_commit, START + 50);
    cr_assert(eq(u64, extra(MF_EXTRA_STALE), 0));
    answer_with(1, after_commit, START + 60);
    cr_assert(eq(u64, extra(MF_EXTRA_STALE), 1));
    for (uint64_t i = 0; i < 5; i++)
        round_with(1, START + 200 * MS + i); /* long after the window too */
    round_with(2, START + 300 * MS);
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=9 stale=6");
    cr_assert(eq(u64, rig.tally[0].extra[MF_EXTRA_STALE], 6));
    cr_assert(eq(u64, rig.tally[0].new_answers, 1));
    cr_assert(eq(u64, rig.tally[0].last_old_ns, START + 200 * MS + 5));
    cr_assert(eq(u64, rig.tally[0].first_new_ns, START + 300 * MS + 1));
    rig_close(&rig);
}

Test(versions, the_outcome_may_stand_before_the_commit_is_told)
{
    rig_open(&rig, 1, 1, 1);
    round_with(1, START);
    rig_request(&rig, 0, START + 10);
    rig.rec.log[0].phase_ns[MF_PHASE_COMMITTED] = START + 20;
    rig.rec.log[0].outcome = MF_UPGRADE_COMMITTED;
    for (uint64_t i = 0; i < 5; i++)
        round_with(1, START + 100 * MS + i); /* behind the window: but the old one still may */
    rig.rec.header->committed = 1;
    round_with(1, START + 200 * MS);
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=7 stale=1");
    rig_close(&rig);
}

/* Scripts. A digit: a ping that is answered in this version. r: the next upgrade is requested; c, b, f: it is
 * committed, rolled back, has failed. w: two windows pass. Each step takes 10 ns. */
static const struct {
    const char *what;
    uint32_t processes, upgrades;
    const char *script, *book;
} rows[] = {
    {"never asked for, or not yet", 1, 2, "1 2 9", "answered=3 stale=2"},
    {"regressed once for each way back", 1, 1, "1 r 2 1 1 2 1 c 2", "answered=7 regressed=2"},
    {"1 2 3 2 1: the last 1 is the fourth generation, not the first", 1, 4, "1 rc rc rc rc 1", "answered=2"},
    {"... and behind it a 2 is stale, and back to the third", 1, 4, "1 rc rc rc rc 1 w 2",
     "answered=3 stale=1 regressed=1"},
    {"regress is per process: the second has not gone over yet", 2, 1, "1 1 r 2 1 2 2", "answered=6"},
    {"a failed upgrade counts as one rolled back", 1, 1, "r f 1 2", "answered=2 stale=1"},
    {"one that is rolled back", 1, 1, "r b 1 2", "answered=2 stale=1"},
};

static uint64_t script_step(char step, uint32_t *k, uint64_t now)
{
    switch (step) {
    case 'r':
        rig_request(&rig, (*k)++, now);
        return now + 10;
    case 'c':
        rig_end(&rig, *k - 1, MF_UPGRADE_COMMITTED, now);
        return now + 10;
    case 'b':
        rig_end(&rig, *k - 1, MF_UPGRADE_ROLLED_BACK, now);
        return now + 10;
    case 'f':
        rig_end(&rig, *k - 1, MF_UPGRADE_FAILED, now);
        return now + 10;
    case 'w':
        return now + 100 * MS;
    case ' ':
        return now;
    default:
        round_with((uint32_t)(step - '0'), now);
        return now + 10;
    }
}

Test(versions, scripts)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[512];
        uint32_t k = 0;
        uint64_t now = START;
        rig_open(&rig, 1, rows[i].processes, rows[i].upgrades);
        for (const char *step = rows[i].script; *step; step++)
            now = script_step(*step, &k, now);
        rig_finish(&rig);
        cr_expect(eq(str, rig_book(&rig, text), (char *)rows[i].book), "%s: %s", rows[i].what, rows[i].script);
        rig_close(&rig);
    }
}

Test(versions, a_roll_back_lets_the_new_answer_what_was_written_before_it)
{
    rig_open(&rig, 1, 1, 2);
    round_with(1, START);
    rig_request(&rig, 0, START + 10);
    uint64_t before = rig_send(&rig, 0, START + 20);
    rig_end(&rig, 0, MF_UPGRADE_ROLLED_BACK, START + 30);
    uint64_t after = rig_send(&rig, 0, START + 40);
    answer_with(2, before, START + 50);
    answer_with(2, after, START + 60); /* it was said to be gone */
    cr_assert(eq(u64, extra(MF_EXTRA_STALE), 1));
    round_with(1, START + 70); /* the old one goes on: a way back, as promised */
    cr_assert(eq(u64, extra(MF_EXTRA_REGRESSED), 1));
    for (uint64_t i = 0; i < 10; i++)
        round_with(1, START + 100 * MS + i * MS);
    rig_request(&rig, 1, START + 200 * MS); /* its version_to is 3 */
    rig_end(&rig, 1, MF_UPGRADE_COMMITTED, START + 210 * MS);
    round_with(3, START + 220 * MS);
    round_with(2, START + 230 * MS);
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=16 stale=2 regressed=2");
    cr_assert(eq(u64, rig.tally[0].new_answers, 0)); /* answered, but after it had been rolled back */
    rig_close(&rig);
}

Test(versions, an_unknown_version_in_the_log_holds_nobody_to_anything)
{
    rig_open_unrecorded(&rig, 1, 1, 1); /* the plan is changed behind the account's back */
    rig.rec.log[0].version_from = 0;
    rig.rec.log[0].version_to = 0;
    round_with(5, START);
    rig_request(&rig, 0, START + 10);
    rig_end(&rig, 0, MF_UPGRADE_COMMITTED, START + 20);
    round_with(6, START + 30);
    rig_finish(&rig);
    RIG_BOOK(&rig, "answered=2");
    rig_close(&rig);
}

Test(versions, wrong_and_error_answers_are_not_judged)
{
    rig_open(&rig, 1, 1, 1);
    struct mf_pong pong = rig_answer(&rig, 0, rig_send(&rig, 0, START));
    pong.version = 9;
    pong.is_wrong = true;
    rig_pong(&rig, pong, START + 1);
    rig_finish(&rig);
    RIG_BOOK(&rig, "wrong=1");
    rig_close(&rig);
}
