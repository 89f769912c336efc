#include "checker/account_parts.h"
#include "checker/sabotage.h"

#include <assert.h>

static uint32_t stream_number(const struct mf_account *a, const struct mf_stream *s)
{
    return a->first_stream + (uint32_t)(s - a->stream);
}

void mf_account_look(struct mf_account *a)
{
    struct mf_upgrades *u = &a->upgrades;
    for (uint32_t i = mf_upgrades_look(u); i < u->triggers.used; i++) {
        /* the trigger may have ended before its upgrade was asked for: then that is looked up */
        const struct mf_trigger *t = u->triggers.trigger + i;
        uint8_t *outcome = &u->tally[t->upgrade].trigger_outcome;
        int found = *outcome ? -1 : mf_stream_outcome(mf_account_stream(a, t->stream), t->seq);
        if (found >= 0)
            *outcome = (uint8_t)(1 + found);
    }
}

static void extra_count(struct mf_account *a, enum mf_extra extra, uint64_t by, uint64_t due_ns, uint64_t now_ns)
{
    if (by == 0)
        return;
    a->record->extra[extra] += by;
    uint32_t charged = mf_upgrades_nearest(&a->upgrades, due_ns, now_ns);
    if (charged)
        a->upgrades.tally[charged - 1].extra[extra] += by;
    if (a->ear)
        a->ear->extra(a->ear->ctx, extra, by, charged);
}

static void ended_tell(const struct mf_account *a, const struct mf_ended *ended)
{
    if (a->ear)
        a->ear->ended(a->ear->ctx, ended);
}

static bool is_control(const struct mf_account *a, const struct mf_slot *ping)
{
    return ping->process >= a->control_from;
}

static void control_count(struct mf_account *a, const struct mf_slot *ping, uint64_t now_ns)
{
    if (ping->due_ns < a->measure_ns)
        return;
    bool near = mf_upgrades_in_window(&a->upgrades, ping->due_ns, now_ns);
    mf_hist_add(near ? &a->record->control_near : &a->record->control_away,
                now_ns > ping->due_ns ? now_ns - ping->due_ns : 0);
}

static void lost_count(struct mf_account *a, struct mf_exception *e, int by)
{
    struct mf_worker_record *r = a->record;
    const struct mf_slot *ping = &e->ping;
    r->lost_by_cause[MF_SABOTAGE(6, e->cause, MF_CAUSE_INFLIGHT_FIN)] += (uint64_t)MF_SABOTAGE(7, by, by > 0);
    *(e->stage ? &r->lost_by_stage[e->stage - 1] : &r->lost_before_stage) += (uint64_t)by;
    r->outcome[MF_OUTCOME_LOST] += (uint64_t)by;
    mf_counter_add(&r->resolved, (uint64_t)by);
    r->control_bad += is_control(a, ping) ? (uint64_t)by : 0;
    struct mf_bin *bin = mf_account_bin(a, ping);
    bin->lost += (uint32_t)by;
    bin->bad += (uint32_t)by;
    mf_upgrades_bad(&a->upgrades, e->charged, MF_OUTCOME_LOST, ping->process, by);
    /* one that nothing ended was in flight until its timeout, not for ever after */
    uint64_t end_ns = e->end_ns == UINT64_MAX ? ping->due_ns + a->timeout_ns : e->end_ns;
    if (e->sent_ns)
        mf_upgrades_in_flight(&a->upgrades, e->sent_ns, end_ns, true, by);
}

static uint8_t stage_valid(uint8_t stage)
{
    return stage <= MF_STAGE_COUNT ? stage : MF_STAGE_COUNT; /* the byte is written by the target's process */
}

static void not_sent_count(struct mf_account *a, const struct mf_slot *ping, uint32_t charged)
{
    a->record->outcome[MF_OUTCOME_NOT_SENT]++;
    a->record->control_bad += is_control(a, ping);
    mf_counter_add(&a->record->resolved, 1);
    mf_account_bin(a, ping)->bad++;
    mf_upgrades_bad(&a->upgrades, charged, MF_OUTCOME_NOT_SENT, ping->process, 1);
}

void mf_account_give_up(struct mf_account *a, struct mf_stream *s, uint64_t seq, enum mf_outcome outcome,
                        enum mf_cause cause, uint64_t end_ns)
{
    struct mf_slot *slot = mf_stream_holds(s, seq) ? mf_stream_slot(s, seq) : NULL;
    struct mf_exception unkept, *e;
    if (slot && mf_slot_is_open(slot)) {
        e = mf_stream_except(s, seq);
        a->expired++;
        if (!e) { /* no memory: counted all the same; an answer that still comes will be called a duplicate */
            unkept = (struct mf_exception){.seq = seq, .ping = *slot, .stage = mf_stream_stage(s, seq, 0)};
            e = &unkept;
            slot->state = MF_SLOT_BAD;
            slot->outcome = (uint8_t)outcome;
            s->bad_answers++;
        }
    } else {
        e = mf_stream_exception(s, seq);
        if (!e || e->state != MF_EXCEPTION_OPEN)
            return;
    }
    a->expired--;
    mf_account_look(a);
    const struct mf_slot *ping = &e->ping;
    e->cause = (uint8_t)cause;
    e->end_ns = end_ns;
    e->sent_ns = ping->written_ns ? mf_upgrades_sent_ns(&a->upgrades, stream_number(a, s), seq, ping->written_ns) : 0;
    e->stage = stage_valid(mf_stream_stage(s, seq, e->stage));
    mf_account_note_stage(a, s, e);
    e->charged = mf_upgrades_nearest(&a->upgrades, ping->due_ns, end_ns == UINT64_MAX ? ping->due_ns : end_ns);
    e->state = outcome == MF_OUTCOME_LOST ? MF_EXCEPTION_LOST : MF_EXCEPTION_NOT_SENT;
    if (outcome == MF_OUTCOME_LOST)
        lost_count(a, e, 1);
    else
        not_sent_count(a, ping, e->charged);
    if (e == &unkept)
        slot->committed = (uint16_t)e->charged;
    mf_triggers_heard(&a->upgrades.triggers, a->upgrades.requested, stream_number(a, s), seq, outcome, NULL);
    ended_tell(a, &(struct mf_ended){.stream = stream_number(a, s),
                                     .seq = seq,
                                     .outcome = outcome,
                                     .cause = cause,
                                     .stage = e->stage,
                                     .charged = e->charged});
}

static bool witness_in_order(const struct mf_witness *w, uint64_t seq)
{
    return !(w->known & MF_WITNESS_SEQ) || seq >= w->next_seq;
}

/* A right answer: the witnesses' findings. */
static void witness_judge(struct mf_account *a, struct mf_stream *s, const struct mf_slot *ping,
                          const struct mf_pong *pong, uint64_t now_ns)
{
    struct mf_witness *w = s->witness + ping->turn;
    bool in_order = witness_in_order(w, pong->seq);
    const uint64_t *count = pong->has & 4 ? &pong->count : NULL;
    a->record->has |= pong->has & 7u;
    a->record->lacks |= ~(uint32_t)pong->has & 7u;
    if (pong->has & 1) {
        struct mf_version_finding found =
            mf_upgrades_version(&a->upgrades, w, pong->version, ping->committed, ping->written_ns, now_ns, in_order);
        extra_count(a, MF_EXTRA_STALE, found.stale, ping->due_ns, now_ns);
        extra_count(a, MF_EXTRA_REGRESSED, found.regressed, ping->due_ns, now_ns);
    }
    if (!in_order) {
        mf_state_skip(w, count);
        return;
    }
    struct mf_state_finding found = mf_state_judge(w, pong->seq, s->turns, s->counts_run_ahead, count,
                                                   pong->has & 2 && s->judges_instance ? &pong->instance : NULL);
    extra_count(a, MF_EXTRA_REHANDLED, found.rehandled, ping->due_ns, now_ns);
    extra_count(a, MF_EXTRA_STATE_LOST, found.state_lost, ping->due_ns, now_ns);
    extra_count(a, MF_EXTRA_REMADE, found.remade, ping->due_ns, now_ns);
    if (found.state_lost || found.remade)
        mf_upgrades_hurt(&a->upgrades, mf_upgrades_nearest(&a->upgrades, ping->due_ns, now_ns), ping->process);
}

static void latencies_count(struct mf_account *a, const struct mf_slot *ping, uint64_t now_ns)
{
    if (ping->due_ns < a->measure_ns)
        return;
    mf_hist_add(&a->record->response, now_ns > ping->due_ns ? now_ns - ping->due_ns : 0);
    mf_hist_add(&a->record->service, now_ns > ping->written_ns ? now_ns - ping->written_ns : 0);
}

/* The first answer to a ping: counts it and marks it settled. */
static enum mf_outcome answer_settle(struct mf_account *a, struct mf_stream *s, struct mf_slot *ping,
                                     const struct mf_pong *pong, uint64_t now_ns)
{
    uint64_t response = now_ns > ping->due_ns ? now_ns - ping->due_ns : 0;
    enum mf_outcome outcome = pong->is_error   ? MF_OUTCOME_ERROR
                              : pong->is_wrong ? MF_SABOTAGE(5, MF_OUTCOME_WRONG, MF_OUTCOME_ERROR)
                              : response > MF_SABOTAGE(3, a->timeout_ns, 2 * a->timeout_ns) ? MF_OUTCOME_LATE
                                                                                            : MF_OUTCOME_ANSWERED;
    bool right = outcome == MF_OUTCOME_ANSWERED || outcome == MF_OUTCOME_LATE;
    uint32_t charged = 0;
    struct mf_pong unversioned = *pong;
    struct mf_bin *bin = mf_account_bin(a, ping);
    a->record->outcome[outcome]++;
    if (is_control(a, ping)) {
        unversioned.has &= (uint16_t)~1u;
        pong = &unversioned;
        a->record->control_bad += outcome != MF_OUTCOME_ANSWERED;
        if (right)
            control_count(a, ping, now_ns);
    }
    mf_counter_add(&a->record->resolved, 1);
    mf_upgrades_in_flight(&a->upgrades, mf_upgrades_sent_ns(&a->upgrades, pong->stream, pong->seq, ping->written_ns),
                          now_ns, false, 1);
    mf_triggers_heard(&a->upgrades.triggers, a->upgrades.requested, pong->stream, pong->seq, outcome,
                      right && pong->has & 1 ? &pong->version : NULL);
    if (outcome == MF_OUTCOME_ANSWERED) {
        bin->answered++;
        bin->response_sum_ns += response;
    } else {
        bin->bad++;
        s->bad_answers++;
        charged = mf_upgrades_nearest(&a->upgrades, ping->due_ns, now_ns);
        mf_upgrades_bad(&a->upgrades, charged, outcome, ping->process, 1);
    }
    if (right) {
        bin->response_max_ns = response > bin->response_max_ns ? response : bin->response_max_ns;
        latencies_count(a, ping, now_ns);
        witness_judge(a, s, ping, pong, now_ns);
        mf_upgrades_good(&a->upgrades, ping->due_ns, now_ns, outcome == MF_OUTCOME_LATE);
        if (pong->seq < MF_SABOTAGE(4, s->answered_below, s->low))
            extra_count(a, MF_EXTRA_REORDERED, 1, ping->due_ns, now_ns);
    } else if (!witness_in_order(s->witness + ping->turn, pong->seq)) {
        mf_state_skip(s->witness + ping->turn, NULL);
    }
    if (pong->seq >= s->answered_below)
        s->answered_below = pong->seq + 1;
    ping->state = outcome == MF_OUTCOME_ANSWERED ? MF_SLOT_GOOD : MF_SLOT_BAD;
    ping->outcome = (uint8_t)outcome;
    ping->committed = (uint16_t)charged;
    ended_tell(a, &(struct mf_ended){.stream = pong->stream, .seq = pong->seq, .outcome = outcome, .charged = charged});
    return outcome;
}

static enum mf_outcome exception_answer(struct mf_account *a, struct mf_stream *s, struct mf_exception *e,
                                        const struct mf_pong *pong, uint64_t now_ns)
{
    if (e->state == MF_EXCEPTION_LOST) {
        lost_count(a, e, -1);
        mf_triggers_reopen(&a->upgrades.triggers, pong->stream, pong->seq);
    } else {
        a->expired--;
    }
    struct mf_slot ping = e->ping;
    mf_stream_unexcept(s, e);
    enum mf_outcome outcome = answer_settle(a, s, &ping, pong, now_ns);
    if (mf_stream_holds(s, pong->seq))
        *mf_stream_slot(s, pong->seq) = ping;
    return outcome;
}

/* Is this an answer to that ping at all? An error names no process in every codec: stream and seq are enough for it. */
static bool answer_fits(const struct mf_slot *ping, const struct mf_pong *pong)
{
    return ping->written_ns && (pong->is_error || pong->process == ping->process);
}

static enum mf_outcome phantom_count(struct mf_account *a, uint64_t now_ns)
{
    extra_count(a, MF_SABOTAGE(2, MF_EXTRA_PHANTOM, MF_EXTRA_DUPLICATED), 1, now_ns, now_ns);
    return MF_OUTCOME_COUNT;
}

enum mf_outcome mf_account_pong_careful(struct mf_account *a, const struct mf_pong *pong, uint64_t now_ns)
{
    mf_account_look(a);
    if (pong->stream - a->first_stream >= a->streams)
        return phantom_count(a, now_ns);
    struct mf_stream *s = mf_account_stream(a, pong->stream);
    if (pong->seq >= s->next)
        return phantom_count(a, now_ns);
    struct mf_slot *slot = mf_stream_slot(s, pong->seq);
    if (mf_stream_holds(s, pong->seq) && mf_slot_is_open(slot)) {
        if (!answer_fits(slot, pong))
            return phantom_count(a, now_ns);
        return answer_settle(a, s, slot, pong, now_ns);
    }
    struct mf_exception *e = mf_stream_exception(s, pong->seq);
    if (!e) {
        extra_count(a, MF_EXTRA_DUPLICATED, MF_SABOTAGE(1, 1, 0), now_ns, now_ns);
        return MF_OUTCOME_COUNT;
    }
    if (e->state == MF_EXCEPTION_NOT_SENT || !answer_fits(&e->ping, pong))
        return phantom_count(a, now_ns);
    return exception_answer(a, s, e, pong, now_ns);
}

void mf_account_run_end(struct mf_account *a, struct mf_stream *s, uint64_t end_due_ns)
{
    struct mf_bad_run *run = &s->run;
    run->open = false;
    uint32_t charged =
        run->charge_known ? run->charged : mf_upgrades_nearest(&a->upgrades, run->first_due_ns, run->first_due_ns);
    if (!charged || end_due_ns < run->first_due_ns)
        return;
    uint64_t *blackout_ns = &a->upgrades.tally[charged - 1].blackout_ns;
    if (end_due_ns - run->first_due_ns > *blackout_ns)
        *blackout_ns = end_due_ns - run->first_due_ns;
}

void mf_account_slid(void *ctx, struct mf_stream *s, uint64_t seq, const struct mf_slot *slot)
{
    struct mf_account *a = ctx;
    if (slot->state == MF_SLOT_GOOD) {
        mf_account_run_end(a, s, slot->due_ns);
        return;
    }
    if (!s->run.open) {
        const struct mf_exception *e = slot->state == MF_SLOT_MOVED ? mf_stream_exception(s, seq) : NULL;
        s->run = (struct mf_bad_run){.open = true,
                                     .charge_known = !e || e->state != MF_EXCEPTION_OPEN,
                                     .charged = e ? e->charged : slot->committed,
                                     .first_due_ns = slot->due_ns};
    }
    s->run.last_due_ns = slot->due_ns;
}
