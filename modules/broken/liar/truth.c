#include "truth.h"

#include <inttypes.h>
#include <stdlib.h>

int liar_truth_init(struct liar_truth *t, const struct liar_plan *plan)
{
    *t = (struct liar_truth){.plan = plan};
    t->answered_below = calloc(plan->streams, sizeof *t->answered_below);
    t->process = calloc(plan->processes, sizeof *t->process);
    if (!t->answered_below || !t->process) {
        liar_truth_done(t);
        return -1;
    }
    for (uint32_t p = 0; p < plan->processes; p++)
        t->process[p].instance = p + 1;
    return 0;
}

void liar_truth_done(struct liar_truth *t)
{
    free(t->answered_below);
    free(t->process);
    t->answered_below = NULL;
    t->process = NULL;
}

/* Stream s asks the processes p with p mod streams = s, in turn. */
uint64_t liar_truth_position(const struct liar_truth *t, uint32_t stream, uint64_t seq)
{
    return seq / ((t->plan->processes - stream - 1) / t->plan->streams + 1);
}

bool liar_truth_in_order(const struct liar_truth *t, uint32_t process, uint64_t seq)
{
    const struct liar_process *p = t->process + process;
    return !p->seen || seq >= p->next_seq;
}

static void first_answer(struct liar_truth *t, uint32_t stream, uint64_t seq)
{
    t->replies++;
    if (seq >= t->answered_below[stream])
        t->answered_below[stream] = seq + 1;
}

void liar_truth_right(struct liar_truth *t, uint32_t stream, uint32_t process, uint64_t seq, bool late,
                      uint32_t generation, bool stale)
{
    struct liar_process *p = t->process + process;

    t->outcome[late ? MF_OUTCOME_LATE : MF_OUTCOME_ANSWERED]++;
    t->extra[MF_EXTRA_REORDERED] += seq < t->answered_below[stream];
    t->extra[MF_EXTRA_STALE] += stale;
    first_answer(t, stream, seq);
    if (!liar_truth_in_order(t, process, seq)) {
        p->disturbed = true;
        return;
    }
    t->extra[MF_EXTRA_REGRESSED] += p->seen && generation < p->generation;
    p->generation = generation;
    p->next_seq = seq + 1;
    p->seen = true;
    p->disturbed = false;
}

void liar_truth_bad(struct liar_truth *t, uint32_t stream, uint32_t process, uint64_t seq, enum mf_outcome outcome)
{
    t->outcome[outcome]++;
    first_answer(t, stream, seq);
    if (!liar_truth_in_order(t, process, seq))
        t->process[process].disturbed = true;
}

void liar_truth_extra(struct liar_truth *t, enum mf_extra extra, uint64_t by)
{
    t->extra[extra] += by;
    if (extra == MF_EXTRA_DUPLICATED || extra == MF_EXTRA_PHANTOM)
        t->replies += by;
}

void liar_truth_lost(struct liar_truth *t, enum mf_cause cause, uint64_t by)
{
    t->outcome[MF_OUTCOME_LOST] += by;
    t->cause[cause] += by;
}

void liar_truth_unseen(struct liar_truth *t, uint64_t by)
{
    t->outcome[MF_OUTCOME_LOST] += by;
    t->unsent_or_rst += by;
}

void liar_truth_unlost(struct liar_truth *t, enum mf_cause cause)
{
    t->outcome[MF_OUTCOME_LOST]--;
    t->cause[cause]--;
}

int liar_truth_write(const struct liar_truth *t, FILE *out)
{
    fprintf(out, "due=%" PRIu64 "\nreplies=%" PRIu64 "\n", t->plan->messages, t->replies);
    for (int i = 0; i < MF_OUTCOME_COUNT; i++)
        fprintf(out, "%s=%" PRIu64 "\n", mf_outcome_keys[i], t->outcome[i]);
    for (int i = 0; i < MF_CAUSE_COUNT; i++)
        fprintf(out, "lost.%s=%" PRIu64 "\n", mf_cause_keys[i], t->cause[i]);
    fprintf(out, "lost.unsent_or_rst=%" PRIu64 "\n", t->unsent_or_rst);
    for (int i = 0; i < MF_EXTRA_COUNT; i++)
        fprintf(out, "%s=%" PRIu64 "\n", mf_extra_keys[i], t->extra[i]);
    fprintf(out, "closed_announced=%" PRIu64 "\n", t->closed_announced);
    fprintf(out, "closed_idle=%" PRIu64 "\nclosed_inflight=%" PRIu64 "\n", t->closed_idle, t->closed_inflight);
    for (int i = 0; i < LIAR_ACT_COUNT; i++)
        fprintf(out, "act.%s=%" PRIu64 "\n", liar_act_keys[i], t->act[i]);
    fprintf(out, "skipped=%" PRIu64 "\nunsendable=%" PRIu64 "\nlate_ns_max=%" PRIu64 "\n", t->skipped, t->unsendable,
            t->late_ns_max);
    return fflush(out) == 0 && !ferror(out) ? 0 : -1;
}
