/* Wire states: from the probes' section to results, metrics and verdicts. */
#include "checker/wire.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "rig.h"

static const struct mf_recorder_shape shape = {.workers = 1,
                                               .probes = 1u << MF_WIRE_STATE_SENT | 1u << MF_WIRE_STATE_HALF_SENT,
                                               .upgrades = 2,
                                               .bins = 10,
                                               .streams = 3,
                                               .bin_ns = 10 * MS};
static struct mf_recorder rec;
static struct mf_result result;
static const struct mf_target_witness witness = {.processes = 3};

/* Two upgrades fired; the probe `sent` was answered once and lost once, `half_sent` was placed once and lost. */
static void section_fill(struct mf_worker_record *w)
{
    struct mf_wire_tally *sent = &w->wire[MF_WIRE_STATE_SENT], *half = &w->wire[MF_WIRE_STATE_HALF_SENT];
    sent->placed = 2;
    sent->outcome[MF_OUTCOME_ANSWERED] = sent->outcome[MF_OUTCOME_LOST] = 1;
    sent->lost_by_cause[MF_CAUSE_INFLIGHT_FIN] = sent->new_connection = sent->new_connection_answered = 1;
    half->placed = half->outcome[MF_OUTCOME_LOST] = half->lost_by_cause[MF_CAUSE_UNSENT] = half->new_connection = 1;
    w->due = 5;
    w->outcome[MF_OUTCOME_ANSWERED] = w->replies = 3;
    w->outcome[MF_OUTCOME_LOST] = w->lost_before_stage = 2;
    w->lost_by_cause[MF_CAUSE_INFLIGHT_FIN] = w->lost_by_cause[MF_CAUSE_UNSENT] = 1;
    atomic_store(&w->finished, 1);
}

static void run_read(void)
{
    struct mf_error err = {0};
    cr_assert(eq(int, mf_recorder_create(&rec, &shape, &err), 0));
    atomic_store(&rec.header->requested, 2);
    for (uint32_t k = 0; k < 2; k++) {
        atomic_store(&rec.log[k].phase_ns[MF_PHASE_REQUESTED], START + k * MS);
        atomic_store(&rec.log[k].outcome, MF_UPGRADE_COMMITTED);
    }
    struct mf_worker_record *w = mf_recorder_worker(&rec, 0);
    atomic_store(&w->due, 1);
    w->outcome[MF_OUTCOME_ANSWERED] = w->replies = 1;
    atomic_store(&w->finished, 1);
    section_fill(mf_recorder_worker(&rec, 1));
    cr_assert(eq(int, mf_result_init(&result, &err), 0));
}

static void run_close(void)
{
    struct mf_error err = {0};
    cr_assert(eq(int, mf_result_from_recorder(&result, &rec, 1, &witness, &err), 0));
    mf_result_derive(&result);
}

static void all_done(void)
{
    mf_result_done(&result);
    mf_recorder_close(&rec);
}

static double metric(const char *key)
{
    double number = -1;
    const char *word;
    cr_assert(eq(int, mf_metric_get(&result, key, &number, &word), 0), "%s", key);
    return number;
}

Test(wire, counts_apart_from_the_messages, .fini = all_done)
{
    run_read();
    run_close();
    cr_expect(eq(u64, result.due, 1));
    cr_expect(eq(u64, result.outcome[MF_OUTCOME_LOST], 0));
    cr_expect(eq(u64, result.probes.due, 5));
    cr_expect(eq(u64, result.probes.outcome[MF_OUTCOME_LOST], 2));
    cr_expect(result.balanced);
    cr_expect(eq(dbl, metric("wire_states.sent.placed"), 2));
    cr_expect(eq(dbl, metric("wire_states.sent.answered"), 1));
    cr_expect(eq(dbl, metric("wire_states.sent.lost"), 1));
    cr_expect(eq(dbl, metric("wire_states.half_sent.new_connection"), 1));
    double number;
    const char *word;
    cr_expect(eq(int, mf_metric_get(&result, "wire_states.connecting.placed", &number, &word), 1));
}

Test(wire, a_state_that_was_not_placed_is_unknown, .fini = all_done)
{
    struct mf_judgement j;
    run_read();
    run_close();
    mf_judge(&result, NULL, 0, &(struct mf_proof){.tainted_max_share = 1}, &j);
    cr_expect(eq(int, (int)j.verdict, (int)MF_VERDICT_UNKNOWN));
    cr_assert(eq(u32, j.reasons, 1), "%s", j.reason[1]);
    cr_expect(eq(str, j.reason[0], (char *)"wire state half_sent: a probe was placed at 1 of 2 upgrades"));
}

Test(wire, an_unbalanced_or_unfinished_section_is_seen, .fini = all_done)
{
    run_read();
    mf_recorder_worker(&rec, 1)->replies++;
    atomic_store(&mf_recorder_worker(&rec, 1)->finished, 0);
    run_close();
    cr_expect(eq(u32, result.unbalanced_workers, 1));
    cr_expect(eq(u32, result.unfinished_workers, 1));
    cr_expect(not(result.balanced));
}

Test(wire, runs_add_up, .fini = all_done)
{
    struct mf_result cell;
    struct mf_error err = {0};
    run_read();
    run_close();
    cr_assert(eq(int, mf_result_init(&cell, &err), 0));
    for (int i = 0; i < 3; i++)
        cr_assert(eq(int, mf_result_merge(&cell, &result, &err), 0));
    cr_expect(eq(u32, cell.wire_states, shape.probes));
    cr_expect(eq(u64, cell.wire[MF_WIRE_STATE_SENT].placed, 6));
    cr_expect(eq(u64, cell.wire[MF_WIRE_STATE_SENT].lost_by_cause[MF_CAUSE_INFLIGHT_FIN], 3));
    cr_expect(eq(u64, cell.wire[MF_WIRE_STATE_HALF_SENT].new_connection, 3));
    cr_expect(eq(u64, cell.probes.due, 15));
    cr_expect(eq(u64, cell.probes.replies, 9));
    mf_result_done(&cell);
}
