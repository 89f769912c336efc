/* The control group: never judged by its version, never an upgrade's answers, and told apart from the others. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "checker/control.h"
#include "checker/questions.h"
#include "rig.h"

static struct rig rig;

/* Stream 0 asks process 0, stream 1 process 1, which is the control group. */
static void answer_with(uint32_t stream, uint32_t version, uint64_t due_ns, uint64_t done_ns)
{
    struct mf_pong pong = rig_answer(&rig, stream, rig_send(&rig, stream, due_ns));
    pong.version = version;
    rig_pong(&rig, pong, done_ns);
}

Test(control, is_told_apart)
{
    rig_open_control(&rig, 2, 2, 2, 1);
    answer_with(0, 1, START + 1, START + 2);
    answer_with(1, 1, START + 1, START + 5);                 /* away */
    answer_with(1, 1, START + 10 * MS, START + 10 * MS + 7); /* away */
    rig_request(&rig, 0, START + 20 * MS);
    rig_end(&rig, 0, MF_UPGRADE_COMMITTED, START + 21 * MS);
    answer_with(0, 2, START + 22 * MS, START + 23 * MS);
    answer_with(1, 1, START + 22 * MS, START + 24 * MS); /* in the window, by the old version: as it should */
    answer_with(0, 2, START + 100 * MS, START + 101 * MS);
    answer_with(1, 1, START + 100 * MS, START + 103 * MS); /* away again */
    uint64_t new_answers = rig.tally[0].new_answers;
    answer_with(0, 2, START + 104 * MS, START + 105 * MS); /* calm: the short way */
    answer_with(1, 2, START + 104 * MS, START + 105 * MS); /* whatever its version, it is no upgrade's */
    cr_expect(eq(u64, rig.tally[0].new_answers, new_answers + 1));
    rig_send(&rig, 1, START + 110 * MS); /* lost */
    rig_finish(&rig);
    const struct mf_worker_record *r = rig.record;
    cr_expect(eq(u64, r->extra[MF_EXTRA_STALE], 0));
    cr_expect(eq(u64, r->extra[MF_EXTRA_REGRESSED], 0));
    cr_expect(eq(u64, r->control_near.count, 1));
    cr_expect(eq(u64, r->control_near.max, 2 * MS));
    cr_expect(eq(u64, r->control_away.count, 4));
    cr_expect(eq(u64, r->control_away.min, 4));
    cr_expect(eq(u64, r->control_away.max, 3 * MS));
    cr_expect(eq(u64, r->control_bad, 1));
    cr_expect(eq(u64, r->response.count, 9));
    rig_close(&rig);
}

Test(control, an_answer_takes_its_loss_back)
{
    rig_open_control(&rig, 2, 2, 0, 1);
    uint64_t seq = rig_send(&rig, 1, START);
    mf_account_lost(rig.account, 1, seq, MF_CAUSE_INFLIGHT_RST, START + MS);
    cr_expect(eq(u64, rig.record->control_bad, 1));
    rig_pong(&rig, rig_answer(&rig, 1, seq), START + 2 * MS);
    cr_expect(eq(u64, rig.record->control_bad, 0));
    rig_close(&rig);
}

Test(control, makes_the_evidence)
{
    struct mf_error err = {0};
    struct mf_result run, cell;
    struct mf_target_witness witness = {.processes = 2, .exchanges = true, .gives_version = true, .gives_state = true};
    rig_open_control(&rig, 2, 2, 1, 1);
    rig_request(&rig, 0, START + 20 * MS);
    rig_end(&rig, 0, MF_UPGRADE_COMMITTED, START + 21 * MS);
    answer_with(1, 1, START + 22 * MS, START + 24 * MS);
    rig_send(&rig, 0, START + 22 * MS); /* the upgraded one loses it: its sibling goes on */
    rig_finish(&rig);
    cr_assert(eq(int, mf_result_init(&run, &err), 0));
    cr_assert(eq(int, mf_result_init(&cell, &err), 0));
    cr_assert(eq(int, mf_result_from_recorder(&run, &rig.rec, 0, &witness, &err), 0));
    cr_assert(eq(int, mf_result_merge(&cell, &run, &err), 0));
    cr_assert(eq(int, mf_result_merge(&cell, &run, &err), 0));
    mf_result_derive(&cell);
    cr_assert(ne(ptr, cell.control, NULL));
    cr_expect(eq(u32, cell.control->processes, 1));
    cr_expect(eq(u64, cell.control->near.count, 2));
    const struct mf_question_answer *siblings = &cell.question[MF_QUESTION_SIBLINGS];
    cr_expect(eq(int, (int)siblings->answer, MF_ANSWER_YES), "%s", siblings->evidence);
    cr_expect(
        ne(ptr, strstr(siblings->evidence, "control group of 1: 0 bad, p50/p99/max at upgrades 2/2/2 ms of 2"), NULL),
        "%s", siblings->evidence);
    cell.control->bad = 1;
    mf_questions_answer(&cell);
    cr_expect(eq(int, (int)cell.question[MF_QUESTION_SIBLINGS].answer, MF_ANSWER_NO));
    mf_result_done(&cell);
    mf_result_done(&run);
    rig_close(&rig);
}
