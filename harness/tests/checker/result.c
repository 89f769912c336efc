/* From recorders to results, metrics, questions and verdicts: what is claimed, and what is not claimed where nothing
 * was tested. */
#include "checker/result.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "rig.h"

static struct rig rig;
static struct mf_result result;
static struct mf_judgement judgement;
static struct mf_target_witness witness;
static const struct mf_proof proof = {.in_flight_min = 1, .tainted_max_share = 0.2};

/* Twenty pings per upgrade's period of 100 ms, two of them in flight at the request; clean. */
static void clean_run(uint32_t upgrades)
{
    rig_open(&rig, 1, 4, upgrades);
    witness = (struct mf_target_witness){.exchanges = true,
                                         .gives_version = true,
                                         .gives_state = true,
                                         .processes = 4,
                                         .rss_bytes_first = 1000,
                                         .rss_bytes_last = 2000,
                                         .sampled = true,
                                         .sampled_first = {{40, 9, 3, 1000}},
                                         .sampled_last = {{41, 9, 3, 1010}},
                                         .sampled_first_after = 1,
                                         .sampled_last_after = 4};
    mf_account_busy(rig.account, START, MS); /* not yet late */
    mf_account_waited(rig.account, START, START + 20 * MS, 5 * MS);
    mf_account_stolen(rig.account, 100, 20);
    uint64_t now = START;
    for (uint32_t k = 0; k <= upgrades; k++) {
        for (int i = 0; i < 18; i++, now += 5 * MS)
            rig_round(&rig, 0, now, now + MS / 2);
        uint64_t a = rig_send(&rig, 0, now), b = rig_send(&rig, 0, now);
        if (k < upgrades) {
            rig_request(&rig, k, now + MS);
            rig.rec.log[k].queued = 1;
            rig_end(&rig, k, MF_UPGRADE_COMMITTED, now + 2 * MS);
            rig.version = rig.rec.log[k].version_to;
        }
        rig_pong(&rig, rig_answer(&rig, 0, a), now + 3 * MS);
        rig_pong(&rig, rig_answer(&rig, 0, b), now + 4 * MS);
        now += 10 * MS;
    }
}

static void read_run(void)
{
    struct mf_error err = {0};
    if (!rig.finished)
        rig_finish(&rig);
    cr_assert(eq(int, mf_result_init(&result, &err), 0));
    cr_assert(eq(int, mf_result_from_recorder(&result, &rig.rec, 1, &witness, &err), 0));
    mf_result_derive(&result);
}

static enum mf_verdict judge(const struct mf_expect *expect, uint32_t n)
{
    mf_judge(&result, expect, n, &proof, &judgement);
    return judgement.verdict;
}

static void close_run(void)
{
    mf_result_done(&result);
    rig_close(&rig);
}

static const char *answer(enum mf_question q)
{
    cr_assert(ne(int, result.question[q].evidence[0], 0));
    return mf_answer_keys[result.question[q].answer];
}

#define ANSWER(q, word)                                                                                                \
    cr_assert(eq(str, (char *)answer(MF_QUESTION_##q), (char *)(word)), "%s", result.question[MF_QUESTION_##q].evidence)

static double number(const char *key)
{
    double n = -1;
    const char *word;
    cr_assert(eq(int, mf_metric_get(&result, key, &n, &word), 0), "%s", key);
    cr_assert(eq(ptr, (void *)word, NULL));
    return n;
}

Test(result, a_clean_run_passes_with_proof)
{
    clean_run(4);
    read_run();
    ANSWER(MESSAGES, "yes");
    ANSWER(QUEUE, "yes");
    ANSWER(PROCESSES, "yes");
    ANSWER(SIBLINGS, "yes");
    ANSWER(CODE, "yes");
    ANSWER(STATE, "yes");
    ANSWER(TRIGGER, "n/a");
    cr_assert(eq(int, (int)result.delivery, MF_DELIVERY_EXACTLY_ONCE));
    cr_assert(eq(int, (int)judge(NULL, 0), MF_VERDICT_PASS), "%s", judgement.reason[0]);
    cr_assert(eq(dbl, number("due"), 100));
    cr_assert(eq(dbl, number("answered"), 100));
    cr_assert(eq(dbl, number("upgrades.committed"), 4));
    cr_assert(eq(dbl, number("upgrades.dirty"), 0));
    cr_assert(lt(dbl, number("upgrades.dirty_upper_bound_95") - 0.5271292, 1e-6));
    cr_assert(eq(dbl, number("first_new_ms.median"), 2));
    cr_assert(eq(dbl, number("spike_ms.max"), 3.5)); /* 4 ms less the baseline's 0.5 */
    cr_assert(eq(dbl, number("blackout_ms.max"), 0));
    cr_assert(eq(dbl, number("latency_us.response.max"), 4000));
    cr_assert(eq(dbl, number("resources.target_rss_bytes_last"), 2000));
    cr_assert(eq(dbl, number("resources.mappings_first"), 40));
    cr_assert(eq(dbl, number("resources.mappings_grown"), 1));
    cr_assert(eq(dbl, number("resources.descriptors_grown"), 0));
    cr_assert(eq(dbl, number("resources.threads_last"), 3));
    cr_assert(eq(dbl, number("resources.own_rss_grown_percent"), 1));
    cr_assert(eq(dbl, number("instrument.balanced"), 1));
    cr_assert(eq(dbl, number("instrument.loop_busy_us_max"), 1000));
    cr_assert(eq(dbl, number("instrument.runqueue_fraction"), 0.25));
    cr_assert(eq(dbl, number("instrument.steal_fraction"), 0.2));
    for (uint32_t k = 0; k < 4; k++) {
        cr_assert(eq(u64, result.upgrades[k].in_flight, 2));
        cr_assert(eq(i64, result.upgrades[k].phase_ns[MF_PHASE_COMMITTED], MS));
        cr_assert(eq(i64, result.upgrades[k].phase_ns[MF_PHASE_LOADED], -1));
        cr_assert(eq(i64, result.upgrades[k].last_old_ns, -1));
    }
    close_run();
}

Test(result, every_metric_can_be_got_and_no_other)
{
    clean_run(1);
    read_run();
    uint32_t words = 0, i = 0;
    for (const char *key, *text; (key = mf_metric_at(i, &text, &(bool){false})) != NULL; i++) {
        bool is_word;
        double n = 0;
        const char *word;
        mf_metric_at(i, &text, &is_word);
        cr_assert(gt(sz, strlen(text), 3));
        int got = mf_metric_get(&result, key, &n, &word);
        bool is_tail = strstr(key, ".p90") || strstr(key, "p99"); /* of so few messages, none */
        bool is_empty = is_tail || strncmp(key, "last_old_ms", 11) == 0 || strncmp(key, "wire_states.", 12) == 0;
        cr_assert(eq(int, got, is_empty ? 1 : 0), "%s", key);
        cr_assert(eq(int, word != NULL, got == 0 && is_word), "%s", key);
        words += is_word;
        for (uint32_t j = 0; j < i; j++)
            cr_assert(ne(str, (char *)mf_metric_at(j, &text, &is_word), (char *)key));
    }
    cr_assert(eq(u32, words, MF_QUESTION_COUNT + 1));
    static const char *const must[] = {"due",
                                       "answered",
                                       "late",
                                       "error",
                                       "wrong",
                                       "lost",
                                       "not_sent",
                                       "replies",
                                       "duplicated",
                                       "phantom",
                                       "reordered",
                                       "stale",
                                       "regressed",
                                       "rehandled",
                                       "lost_by_cause.refused",
                                       "lost_by_stage.enqueued",
                                       "lost_per_upgrade.p95",
                                       "gap_ms.max",
                                       "recovery_ms.median",
                                       "latency_us.lag.p999",
                                       "connections.closed_idle",
                                       "instrument.tainted_fraction",
                                       "instrument.lag_p99_us",
                                       "instrument.achieved_rate_per_s",
                                       "resources.oldest_version_age_ms_max",
                                       "questions.trigger",
                                       "delivery"};
    double n;
    const char *word;
    for (i = 0; i < sizeof must / sizeof *must; i++)
        cr_assert(ge(int, mf_metric_get(&result, must[i], &n, &word), 0), "%s", must[i]);
    static const char *const none[] = {"", "lose", "lost.", "spike_ms", "messages.lost", "LOST"};
    for (i = 0; i < sizeof none / sizeof *none; i++)
        cr_assert(eq(int, mf_metric_get(&result, none[i], &n, &word), -1), "%s", none[i]);
    close_run();
}

Test(result, a_metric_without_a_value_makes_an_expectation_unknown)
{
    clean_run(1);
    rig.rec.log[0].outcome = MF_UPGRADE_ROLLED_BACK;
    read_run();
    struct mf_expect expect = {.key = "first_new_ms.max", .has_max = true, .max = 10};
    cr_assert(eq(int, (int)judge(&expect, 1), MF_VERDICT_UNKNOWN));
    cr_assert(ne(ptr, strstr(judgement.reason[0], "no value"), NULL));
    close_run();
}

Test(result, expectations)
{
    clean_run(2);
    read_run();
    struct mf_expect good[] = {{.key = "lost", .has_equal = true, .equal = 0},
                               {.key = "spike_ms.p95", .has_max = true, .max = 3.5},
                               {.key = "answered", .has_min = true, .min = 60, .has_max = true, .max = 60},
                               {.key = "questions.code", .word = "yes"},
                               {.key = "delivery", .word = "exactly-once"}};
    cr_assert(eq(int, (int)judge(good, 5), MF_VERDICT_PASS), "%s", judgement.reason[0]);
    struct mf_expect bad[] = {{.key = "lost", .has_equal = true, .equal = 1},
                              {.key = "spike_ms.p95", .has_max = true, .max = 3.4},
                              {.key = "answered", .has_min = true, .min = 61},
                              {.key = "questions.code", .word = "no"},
                              {.key = "delivery", .word = "none"}};
    for (uint32_t i = 0; i < 5; i++) {
        cr_assert(eq(int, (int)judge(bad + i, 1), MF_VERDICT_FAIL), "%s", bad[i].key);
        cr_assert(ne(ptr, strstr(judgement.reason[0], bad[i].key), NULL));
    }
    struct mf_expect odd[] = {
        {.key = "nonsense", .has_max = true}, {.key = "lost", .word = "yes"}, {.key = "upgrades.fired"}};
    cr_assert(eq(int, (int)judge(odd, 1), MF_VERDICT_UNKNOWN));
    cr_assert(eq(int, (int)judge(odd + 1, 1), MF_VERDICT_UNKNOWN));
    cr_assert(eq(int, (int)judge(odd + 2, 1), MF_VERDICT_PASS));
    close_run();
}

Test(result, too_many_reasons_say_how_many_more)
{
    clean_run(1);
    read_run();
    static struct mf_expect many[40];
    for (int i = 0; i < 40; i++)
        many[i] = (struct mf_expect){.key = "lost", .has_equal = true, .equal = i + 1};
    cr_assert(eq(int, (int)judge(many, 40), MF_VERDICT_FAIL));
    cr_assert(eq(u32, judgement.reasons, MF_REASONS_MAX));
    cr_assert(eq(str, judgement.reason[MF_REASONS_MAX - 1], (char *)"... and 25 more"));
    close_run();
}

/* One thing is missing: the verdict must be unknown, and name it. */
#define VACUOUS(name, word, ...)                                                                                       \
    Test(vacuity, name)                                                                                                \
    {                                                                                                                  \
        clean_run(2);                                                                                                  \
        if (!rig.finished)                                                                                             \
            rig_finish(&rig);                                                                                          \
        __VA_ARGS__                                                                                                    \
        read_run();                                                                                                    \
        cr_assert(eq(int, (int)judge(NULL, 0), MF_VERDICT_UNKNOWN));                                                   \
        cr_assert(ne(ptr, strstr(judgement.reason[0], word), NULL), "%s", judgement.reason[0]);                        \
        close_run();                                                                                                   \
    }

VACUOUS(an_upgrade_did_not_fire, "planned", rig.rec.header->requested = 1;)
VACUOUS(an_upgrade_has_not_ended, "ended", rig.rec.log[1].outcome = MF_UPGRADE_PENDING;)
VACUOUS(nothing_was_in_flight, "in flight", rig.tally[0].in_flight = rig.tally[1].in_flight = 0;)
VACUOUS(no_new_version_was_seen, "new code", rig.tally[0].new_answers = rig.tally[1].new_answers = 0;)
VACUOUS(old_code_answered, "new code", rig.record->extra[MF_EXTRA_STALE] = 1;)
VACUOUS(no_answer_tells_its_version, "new code", rig.rec.log[0].version_to = rig.rec.log[1].version_to = 1;)
VACUOUS(nothing_was_committed, "committed", rig.rec.log[0].outcome = rig.rec.log[1].outcome = MF_UPGRADE_ROLLED_BACK;)
VACUOUS(a_worker_did_not_finish, "did not finish", rig.record->finished = 0;)
VACUOUS(due_is_not_the_sum, "balance", rig.record->due++;)
VACUOUS(replies_are_not_the_sum, "balance", rig.record->replies++;)
VACUOUS(a_loss_without_its_cause, "balance", rig.record->outcome[MF_OUTCOME_LOST]++; rig.record->due++;
        rig.record->lost_before_stage++;)
VACUOUS(a_loss_without_its_stage, "balance", rig.record->outcome[MF_OUTCOME_LOST]++; rig.record->due++;
        rig.record->lost_by_cause[0]++;)
VACUOUS(not_sent, "could not send", rig.record->outcome[MF_OUTCOME_NOT_SENT]++; rig.record->due++;)
VACUOUS(too_much_steal, "the machine's host", rig.record->processors = 100; rig.record->stolen = 21;)
VACUOUS(too_much_taint, "late", for (int i = 0; i < 25; i++) rig.bins[i].instrument_late_ns = 3 * MS;)
VACUOUS(the_target_died, "died", witness.died = 1; strcpy(witness.died_text, "signal 11");)

Test(vacuity, nothing_was_sent)
{
    rig_open(&rig, 1, 1, 0);
    witness = (struct mf_target_witness){.processes = 1};
    read_run();
    cr_assert(eq(int, (int)judge(NULL, 0), MF_VERDICT_UNKNOWN));
    double n;
    const char *word;
    cr_assert(eq(int, mf_metric_get(&result, "delivery", &n, &word), 1));
    cr_assert(eq(int, mf_metric_get(&result, "latency_us.response.p99", &n, &word), 1));
    ANSWER(MESSAGES, "unknown");
    close_run();
}

Test(vacuity, without_upgrades_the_books_are_enough)
{
    clean_run(0);
    read_run();
    cr_assert(eq(int, (int)judge(NULL, 0), MF_VERDICT_PASS), "%s", judgement.reason[0]);
    ANSWER(MESSAGES, "yes");
    ANSWER(QUEUE, "n/a");
    ANSWER(PROCESSES, "n/a");
    ANSWER(SIBLINGS, "n/a");
    ANSWER(STATE, "n/a");
    ANSWER(TRIGGER, "n/a");
    close_run();
}

Test(vacuity, the_rate_was_not_held)
{
    clean_run(1);
    read_run();
    struct mf_proof fast = proof;
    fast.rate_min_share = 0.95;
    fast.asked_rate_per_s = result.achieved_rate_per_s * 1.06;
    mf_judge(&result, NULL, 0, &fast, &judgement);
    cr_assert(eq(int, (int)judgement.verdict, MF_VERDICT_UNKNOWN));
    fast.asked_rate_per_s = result.achieved_rate_per_s * 1.05;
    mf_judge(&result, NULL, 0, &fast, &judgement);
    cr_assert(eq(int, (int)judgement.verdict, MF_VERDICT_PASS));
    close_run();
}

Test(vacuity, what_is_expected_is_proved_by_being_seen)
{
    clean_run(2);
    rig.rec.log[0].outcome = rig.rec.log[1].outcome = MF_UPGRADE_ROLLED_BACK;
    read_run();
    struct mf_expect rolled_back = {.key = "upgrades.rolled_back", .has_equal = true, .equal = 2};
    cr_assert(eq(int, (int)judge(&rolled_back, 1), MF_VERDICT_PASS), "%s", judgement.reason[0]);
    close_run();

    clean_run(2);
    rig_finish(&rig);
    rig.record->extra[MF_EXTRA_STALE] = 5;
    read_run();
    ANSWER(CODE, "no");
    cr_assert(eq(int, (int)judge(NULL, 0), MF_VERDICT_UNKNOWN));
    struct mf_expect no_code = {.key = "questions.code", .word = "no"};
    cr_assert(eq(int, (int)judge(&no_code, 1), MF_VERDICT_PASS), "%s", judgement.reason[0]);
    close_run();
}

Test(vacuity, the_reason_of_an_unknown_stands_beside_a_fail)
{
    clean_run(1);
    rig_finish(&rig);
    rig.tally[0].in_flight = 0;
    read_run();
    struct mf_expect bad = {.key = "lost", .has_equal = true, .equal = 3};
    cr_assert(eq(int, (int)judge(&bad, 1), MF_VERDICT_FAIL));
    cr_assert(eq(u32, judgement.reasons, 2));
    close_run();
}

/* Each question's other answers. */
#define QUESTION(name, q, word, ...)                                                                                   \
    Test(questions, name)                                                                                              \
    {                                                                                                                  \
        clean_run(2);                                                                                                  \
        rig_finish(&rig);                                                                                              \
        __VA_ARGS__                                                                                                    \
        read_run();                                                                                                    \
        ANSWER(q, word);                                                                                               \
        close_run();                                                                                                   \
    }

QUESTION(messages_lost, MESSAGES, "no", rig.record->outcome[MF_OUTCOME_LOST]++; rig.record->due++;)
QUESTION(messages_duplicated, MESSAGES, "no", rig.record->extra[MF_EXTRA_DUPLICATED]++; rig.record->replies++;)
QUESTION(messages_reordered, MESSAGES, "no", rig.record->extra[MF_EXTRA_REORDERED]++;)
QUESTION(messages_rehandled, MESSAGES, "no", rig.rec.node->rehandled++;)
QUESTION(messages_unbalanced, MESSAGES, "unknown", rig.record->due++;)
QUESTION(queue_lost, QUEUE, "no", rig.tally[1].in_flight_lost = 1;)
QUESTION(queue_empty, QUEUE, "unknown", rig.tally[0].in_flight = rig.tally[1].in_flight = 0;)
QUESTION(processes_made_anew, PROCESSES, "no", rig.rec.log[0].made_anew = 3;)
QUESTION(processes_threads, PROCESSES, "no", rig.rec.log[0].threads_ended = 1;)
QUESTION(processes_pid, PROCESSES, "no", rig.rec.log[1].pid_before = 5; rig.rec.log[1].pid_after = 6;)
QUESTION(processes_remade, PROCESSES, "no", rig.record->extra[MF_EXTRA_REMADE] = 1;)
QUESTION(processes_untold, PROCESSES, "unknown", rig.rec.log[0].made_anew = UINT32_MAX; witness.gives_state = false;)
QUESTION(siblings_hurt, SIBLINGS, "no", rig.tally[0].extra[MF_EXTRA_STATE_LOST] = 1;)
QUESTION(siblings_alone, SIBLINGS, "n/a", witness.processes = 1;)
QUESTION(siblings_of_a_trigger, SIBLINGS, "no", rig.rec.log[0].has_trigger = true; rig.tally[0].sibling_bad = 1;)
QUESTION(siblings_safe_from_a_trigger, SIBLINGS, "yes", rig.rec.log[0].has_trigger = true;
         rig.tally[1].extra[MF_EXTRA_REMADE] = 1;)
QUESTION(code_not_meant, CODE, "n/a", witness.exchanges = false;)
QUESTION(code_untold, CODE, "unknown", witness.gives_version = false;)
QUESTION(code_old_only, CODE, "unknown", rig.tally[1].new_answers = 0; rig.tally[1].last_old_ns = START + 500 * MS;)
QUESTION(code_stale, CODE, "no", rig.record->extra[MF_EXTRA_STALE] = rig.tally[1].extra[MF_EXTRA_STALE] = 1;)
QUESTION(code_nobody, CODE, "unknown", rig.tally[1].new_answers = 0;)
QUESTION(code_regressed, CODE, "no",
         rig.record->extra[MF_EXTRA_REGRESSED] = rig.tally[0].extra[MF_EXTRA_REGRESSED] = 1;)
QUESTION(code_of_copies_side_by_side, CODE, "yes", witness.is_command = true; witness.gives_instance = false;
         rig.record->extra[MF_EXTRA_REGRESSED] = rig.tally[0].extra[MF_EXTRA_REGRESSED] = 1;)
QUESTION(code_of_a_copy_that_stays, CODE, "no", witness.is_command = true; witness.gives_instance = false;
         rig.record->extra[MF_EXTRA_STALE] = rig.tally[1].extra[MF_EXTRA_STALE] = 1;)
QUESTION(code_of_a_named_process_that_regressed, CODE, "no", witness.is_command = witness.gives_instance = true;
         rig.record->extra[MF_EXTRA_REGRESSED] = rig.tally[0].extra[MF_EXTRA_REGRESSED] = 1;)
QUESTION(processes_of_a_command, PROCESSES, "yes", rig.rec.log[0].made_anew = rig.rec.log[1].made_anew = 0;
         witness.is_command = witness.gives_instance = true;)
QUESTION(processes_of_a_command_gone, PROCESSES, "no", rig.rec.log[0].made_anew = 2; witness.is_command = true;)
QUESTION(processes_of_a_command_without_instances, PROCESSES, "unknown",
         rig.rec.log[0].made_anew = rig.rec.log[1].made_anew = 0;
         rig.rec.log[0].threads_ended = rig.rec.log[1].threads_ended = UINT32_MAX; witness.is_command = true;)
QUESTION(code_regressed_by_a_roll_back, CODE, "yes",
         rig.record->extra[MF_EXTRA_REGRESSED] = rig.tally[0].extra[MF_EXTRA_REGRESSED] = 1;
         rig.rec.log[0].outcome = MF_UPGRADE_ROLLED_BACK; rig.rec.log[1].version_to = 2;)
QUESTION(state_lost, STATE, "no", rig.record->extra[MF_EXTRA_STATE_LOST] = 1;)
QUESTION(state_untold, STATE, "unknown", witness.gives_state = false;)
QUESTION(trigger_answered, TRIGGER, "yes", rig.rec.log[0].has_trigger = true;
         rig.tally[0].trigger_outcome = 1 + MF_OUTCOME_ANSWERED;)
QUESTION(trigger_lost, TRIGGER, "no", rig.rec.log[0].has_trigger = rig.rec.log[1].has_trigger = true;
         rig.tally[0].trigger_outcome = 1 + MF_OUTCOME_LOST;)
QUESTION(trigger_unknown, TRIGGER, "unknown", rig.rec.log[0].has_trigger = rig.rec.log[1].has_trigger = true;
         rig.tally[0].trigger_outcome = 1 + MF_OUTCOME_ANSWERED;)

Test(questions, delivery)
{
    static const struct {
        uint64_t lost, duplicated, rehandled;
        enum mf_delivery delivery;
    } rows[] = {{0, 0, 0, MF_DELIVERY_EXACTLY_ONCE},  {0, 1, 0, MF_DELIVERY_AT_LEAST_ONCE},
                {0, 0, 1, MF_DELIVERY_AT_LEAST_ONCE}, {1, 0, 0, MF_DELIVERY_AT_MOST_ONCE},
                {1, 1, 0, MF_DELIVERY_NONE},          {1, 0, 1, MF_DELIVERY_NONE}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        clean_run(1);
        rig_finish(&rig);
        rig.record->outcome[MF_OUTCOME_LOST] = rows[i].lost;
        rig.record->extra[MF_EXTRA_DUPLICATED] = rows[i].duplicated;
        rig.record->extra[MF_EXTRA_REHANDLED] = rows[i].rehandled;
        read_run();
        cr_assert(eq(int, (int)result.delivery, (int)rows[i].delivery));
        close_run();
    }
}

Test(result, an_upgrade_is_dirty_by_each_of_five)
{
    for (int i = 0; i < 7; i++) {
        clean_run(2);
        rig_finish(&rig);
        uint64_t *counts[] = {rig.tally[1].outcome + MF_OUTCOME_LOST,   rig.tally[1].outcome + MF_OUTCOME_WRONG,
                              rig.tally[1].extra + MF_EXTRA_DUPLICATED, rig.tally[1].extra + MF_EXTRA_REORDERED,
                              rig.tally[1].extra + MF_EXTRA_STALE,      rig.tally[1].outcome + MF_OUTCOME_LATE,
                              rig.tally[1].extra + MF_EXTRA_PHANTOM};
        *counts[i] = 3;
        read_run();
        cr_assert(eq(dbl, number("upgrades.dirty"), i < 5 ? 1 : 0), "%d", i);
        cr_assert(eq(dbl, number("lost_per_upgrade.max"), i == 0 ? 3 : 0));
        close_run();
    }
}

Test(result, a_spike_in_a_tainted_bin_is_not_claimed_but_losses_are)
{
    clean_run(2);
    uint32_t bin = (uint32_t)(90 * MS / (10 * MS));
    rig_finish(&rig);
    rig.bins[bin].instrument_late_ns = 3 * MS; /* where the first upgrade's highest response was due */
    rig.tally[0].outcome[MF_OUTCOME_LOST] = 2;
    read_run();
    cr_assert(eq(i64, result.upgrades[0].spike_ns, -1));
    cr_assert(ne(i64, result.upgrades[1].spike_ns, -1));
    cr_assert(eq(u32, result.spike_ms.n, 1));
    cr_assert(eq(dbl, number("lost_per_upgrade.max"), 2));
    cr_assert(eq(u8, result.tainted[bin], 1));
    cr_assert(eq(u32, result.tainted_bins, 1));
    close_run();
}

/* A stall of `response` at the upgrade, and the instrument late by late_ns in the given bin after the due one. */
static int64_t spike_of_stall(uint64_t response_ns, uint32_t bins_later, uint64_t late_ns)
{
    rig_open(&rig, 1, 1, 1);
    witness = (struct mf_target_witness){.processes = 1};
    for (uint64_t i = 0; i < 95; i++) {
        if (i == 40)
            rig_request(&rig, 0, START + 400 * MS + MS);
        uint64_t due = START + i * 10 * MS + 2 * MS;
        rig_round(&rig, 0, due, due + (i == 40 ? response_ns : MS));
    }
    rig_end(&rig, 0, MF_UPGRADE_COMMITTED, START + 410 * MS);
    rig_finish(&rig);
    rig.bins[40 + bins_later].instrument_late_ns = late_ns;
    read_run();
    int64_t spike_ns = result.upgrades[0].spike_ns;
    close_run();
    return spike_ns;
}

Test(result, a_small_hiccup_of_the_instrument_excuses_no_large_spike)
{
    cr_assert(eq(i64, spike_of_stall(60 * MS, 0, 0), 59 * (int64_t)MS));
    cr_assert(eq(i64, spike_of_stall(60 * MS, 0, 3 * MS), 59 * (int64_t)MS));
    cr_assert(eq(i64, spike_of_stall(60 * MS, 3, 8 * MS), 59 * (int64_t)MS));
}

Test(result, a_stall_of_the_instrument_is_no_spike_although_the_ping_was_due_before_it)
{
    cr_assert(eq(i64, spike_of_stall(12 * MS, 1, 9 * MS), -1));
    cr_assert(eq(i64, spike_of_stall(12 * MS, 0, 9 * MS), -1));
    cr_assert(eq(i64, spike_of_stall(12 * MS, 3, 9 * MS), 11 * (int64_t)MS)); /* when it had its answer */
}

Test(result, recovery_is_the_end_of_the_last_unusual_bin)
{
    rig_open(&rig, 1, 1, 1);
    witness = (struct mf_target_witness){.processes = 1};
    for (uint64_t i = 0; i < 95; i++) {
        if (i == 40)
            rig_request(&rig, 0, START + 400 * MS + MS);
        uint64_t due = START + i * 10 * MS + 2 * MS;
        rig_round(&rig, 0, due, due + (i == 42 ? 4 * MS : MS)); /* the bin that ends at 430 ms */
    }
    rig_end(&rig, 0, MF_UPGRADE_COMMITTED, START + 410 * MS);
    read_run();
    cr_assert(eq(i64, result.upgrades[0].recovery_ns, 29 * (int64_t)MS));
    cr_assert(eq(dbl, result.baseline_median_us, 1000));
    cr_assert(eq(i64, result.upgrades[0].spike_ns, 3 * (int64_t)MS));
    close_run();
}

Test(result, nothing_answered_around_an_upgrade_has_no_spike)
{
    rig_open(&rig, 1, 1, 1);
    witness = (struct mf_target_witness){.processes = 1};
    for (uint64_t i = 0; i < 20; i++)
        rig_round(&rig, 0, START + i * 10 * MS, START + i * 10 * MS + MS);
    rig_request(&rig, 0, START + 300 * MS);
    rig_end(&rig, 0, MF_UPGRADE_COMMITTED, START + 310 * MS);
    rig_send(&rig, 0, START + 310 * MS);
    read_run();
    const struct mf_upgrade_result *u = result.upgrades;
    cr_assert(eq(i64, u->spike_ns, -1));
    cr_assert(eq(i64, u->gap_ns, -1));
    cr_assert(eq(i64, u->first_new_ns, -1));
    cr_assert(eq(u64, u->lost, 1));
    cr_assert(eq(i64, u->recovery_ns, 20 * (int64_t)MS));
    double n;
    const char *word;
    cr_assert(eq(int, mf_metric_get(&result, "spike_ms.max", &n, &word), 1));
    close_run();
}

Test(result, what_ran_before_is_corrected_for_roll_backs)
{
    clean_run(3);
    rig.rec.log[1].outcome = MF_UPGRADE_ROLLED_BACK;
    read_run();
    cr_assert(eq(u32, result.upgrades[0].version_from, 1));
    cr_assert(eq(u32, result.upgrades[1].version_from, 2));
    cr_assert(eq(u32, result.upgrades[2].version_from, 2)); /* the plan says 3 */
    close_run();
}

Test(result, a_cell_is_the_sum_of_its_runs)
{
    static struct mf_result cell;
    struct mf_error err = {0};
    cr_assert(eq(int, mf_result_init(&cell, &err), 0));
    for (int run = 0; run < 3; run++) {
        clean_run(2);
        rig_finish(&rig);
        rig.tally[1].outcome[MF_OUTCOME_LOST] = (uint64_t)run;
        read_run();
        cr_assert(eq(int, mf_result_merge(&cell, &result, &err), 0));
        close_run();
    }
    mf_result_derive(&cell);
    cr_assert(eq(u64, cell.due, 180));
    cr_assert(eq(u64, cell.response->count, 180));
    cr_assert(eq(u32, cell.runs, 3));
    cr_assert(eq(u32, cell.upgrades_planned, 6));
    cr_assert(eq(u32, cell.committed, 6));
    cr_assert(eq(u32, cell.dirty, 2));
    cr_assert(eq(u32, cell.lost_per_upgrade.n, 6));
    cr_assert(eq(dbl, cell.lost_per_upgrade.max, 2));
    cr_assert(cell.balanced);
    cr_assert(cell.bin == NULL);
    cr_assert(eq(u64, cell.target.rss_bytes_last, 2000));
    mf_judge(&cell, NULL, 0, &proof, &judgement);
    cr_assert(eq(int, (int)judgement.verdict, MF_VERDICT_PASS), "%s", judgement.reason[0]);
    mf_result_done(&cell);
    mf_result_done(&cell);
}

Test(result, books_that_cancel_out_over_runs_are_still_off)
{
    static struct mf_result cell;
    struct mf_error err = {0};
    cr_assert(eq(int, mf_result_init(&cell, &err), 0));
    for (int run = 0; run < 2; run++) {
        clean_run(1);
        rig_finish(&rig);
        rig.record->due += run ? 1 : (uint64_t)-1;
        read_run();
        cr_assert(eq(int, mf_result_merge(&cell, &result, &err), 0));
        close_run();
    }
    mf_result_derive(&cell);
    cr_assert(not(cell.balanced));
    mf_result_done(&cell);
}

Test(result, the_worst_verdict_wins)
{
    cr_assert(eq(int, (int)mf_verdict_worst(MF_VERDICT_PASS, MF_VERDICT_SKIPPED), MF_VERDICT_SKIPPED));
    cr_assert(eq(int, (int)mf_verdict_worst(MF_VERDICT_UNKNOWN, MF_VERDICT_SKIPPED), MF_VERDICT_UNKNOWN));
    cr_assert(eq(int, (int)mf_verdict_worst(MF_VERDICT_UNKNOWN, MF_VERDICT_FAIL), MF_VERDICT_FAIL));
}
