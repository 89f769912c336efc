#include "checker/questions.h"

#include "checker/control.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

typedef struct mf_question_answer mf_answered(const struct mf_result *r);

static __attribute__((format(printf, 2, 3))) struct mf_question_answer say(enum mf_answer_word answer,
                                                                           const char *format, ...)
{
    struct mf_question_answer a = {.answer = answer};
    va_list args;
    va_start(args, format);
    vsnprintf(a.evidence, sizeof a.evidence, format, args);
    va_end(args);
    return a;
}

uint64_t mf_result_rehandled(const struct mf_result *r)
{
    return r->extra[MF_EXTRA_REHANDLED] > r->node_rehandled ? r->extra[MF_EXTRA_REHANDLED] : r->node_rehandled;
}

uint64_t mf_result_in_flight(const struct mf_result *r)
{
    uint64_t sum = 0;
    for (uint32_t k = 0; k < r->upgrades_count; k++)
        sum += r->upgrades[k].in_flight;
    return sum;
}

static struct mf_question_answer messages_answer(const struct mf_result *r)
{
    const uint64_t *o = r->outcome, *x = r->extra;
    uint64_t rehandled = mf_result_rehandled(r);
    bool bad = o[MF_OUTCOME_LOST] || o[MF_OUTCOME_ERROR] || o[MF_OUTCOME_WRONG] || x[MF_EXTRA_DUPLICATED] ||
               x[MF_EXTRA_PHANTOM] || x[MF_EXTRA_REORDERED] || rehandled;
    bool proved = r->due && r->balanced && !r->unfinished_workers && !o[MF_OUTCOME_NOT_SENT];
    return say(bad      ? MF_ANSWER_NO
               : proved ? MF_ANSWER_YES
                        : MF_ANSWER_UNKNOWN,
               "of %" PRIu64 " due: %" PRIu64 " answered, %" PRIu64 " late, %" PRIu64 " error, %" PRIu64
               " wrong, %" PRIu64 " lost, %" PRIu64 " not sent; %" PRIu64 " duplicated, %" PRIu64 " phantom, %" PRIu64
               " reordered, %" PRIu64 " rehandled%s",
               r->due, o[MF_OUTCOME_ANSWERED], o[MF_OUTCOME_LATE], o[MF_OUTCOME_ERROR], o[MF_OUTCOME_WRONG],
               o[MF_OUTCOME_LOST], o[MF_OUTCOME_NOT_SENT], x[MF_EXTRA_DUPLICATED], x[MF_EXTRA_PHANTOM],
               x[MF_EXTRA_REORDERED], rehandled, r->balanced ? "" : "; the books do not balance");
}

static struct mf_question_answer queue_answer(const struct mf_result *r)
{
    if (r->fired == 0)
        return say(MF_ANSWER_NA, "no upgrade fired");
    uint64_t lost = 0, queued = 0;
    uint32_t told = 0;
    for (uint32_t k = 0; k < r->upgrades_count; k++) {
        const struct mf_upgrade_result *u = r->upgrades + k;
        lost += u->in_flight_lost;
        if (u->fired && u->queued != UINT32_MAX) {
            queued += u->queued;
            told++;
        }
    }
    char mailboxes[80] = "the target does not say how many of them lay in mailboxes";
    if (told)
        snprintf(mailboxes, sizeof mailboxes, "%" PRIu64 " messages lay in mailboxes at %" PRIu32 " of them", queued,
                 told);
    uint64_t in_flight = mf_result_in_flight(r);
    if (in_flight == 0)
        return say(MF_ANSWER_UNKNOWN, "no ping was in flight at any of %" PRIu32 " upgrades; %s", r->fired, mailboxes);
    return say(lost                    ? MF_ANSWER_NO
               : r->unfinished_workers ? MF_ANSWER_UNKNOWN
                                       : MF_ANSWER_YES,
               "%" PRIu64 " pings were in flight at %" PRIu32 " upgrades, %" PRIu64 " of them were lost; %s", in_flight,
               r->fired, lost, mailboxes);
}

static struct mf_question_answer processes_answer(const struct mf_result *r)
{
    if (r->fired == 0)
        return say(MF_ANSWER_NA, "no upgrade fired");
    uint64_t made_anew = 0, threads_ended = 0;
    uint32_t other_pid = 0, told = 0, threads_told = 0, threads_same = 0;
    for (uint32_t k = 0; k < r->upgrades_count; k++) {
        const struct mf_upgrade_result *u = r->upgrades + k;
        if (u->fired && u->made_anew != UINT32_MAX && r->target.is_command)
            made_anew += u->made_anew; /* of OS processes: told by /proc, and no proof of what lives in them */
        if (!u->fired || u->made_anew == UINT32_MAX || u->threads_ended == UINT32_MAX)
            continue;
        told++;
        threads_told += u->threads_before && u->threads_after;
        threads_same += u->threads_same;
        made_anew += u->made_anew;
        threads_ended += u->threads_ended;
        other_pid += u->pid_before && u->pid_after && u->pid_before != u->pid_after;
    }
    uint64_t remade = r->extra[MF_EXTRA_REMADE];
    bool no = made_anew || threads_ended || other_pid || remade || r->target.died || threads_same < threads_told;
    bool witnessed = told == r->fired || r->target.gives_instance;
    enum mf_answer_word answer = no ? MF_ANSWER_NO : witnessed ? MF_ANSWER_YES : MF_ANSWER_UNKNOWN;
    if (r->target.is_command)
        return say(
            answer,
            "at %" PRIu32 " upgrades: %" PRIu64 " OS processes of those that lived at the request had ended by the "
            "next; %" PRIu64 " instances seen to change%s; the target died unasked %" PRIu32 " times",
            r->fired, made_anew, remade, r->target.gives_instance ? "" : " (the answers carry none)", r->target.died);
    return say(answer,
               "at %" PRIu32 " upgrades (%" PRIu32 " told by the target): %" PRIu64 " processes made anew, %" PRIu64
               " threads ended, %" PRIu32 " times another OS process, which died unasked %" PRIu32 " times; %" PRIu64
               " instances seen to change; the threads' ids were the same after %" PRIu32 " of %" PRIu32,
               r->fired, told, made_anew, threads_ended, other_pid, r->target.died, remade, threads_same, threads_told);
}

static struct mf_question_answer siblings_answer(const struct mf_result *r)
{
    if (r->fired == 0)
        return say(MF_ANSWER_NA, "no upgrade fired");
    if (r->target.processes == 1)
        return say(MF_ANSWER_NA, "there is one process only");
    uint64_t bad = 0, lost = 0, state_lost = 0, remade = 0, seen = 0;
    uint32_t triggers = 0;
    for (uint32_t k = 0; k < r->upgrades_count; k++) {
        const struct mf_upgrade_result *u = r->upgrades + k;
        triggers += u->fired && u->has_trigger;
        bad += u->sibling_bad;
        lost += u->lost;
        state_lost += u->extras[MF_EXTRA_STATE_LOST];
        remade += u->extras[MF_EXTRA_REMADE];
        for (uint32_t i = 0; i < MF_OUTCOME_COUNT; i++)
            seen += u->outcomes[i];
    }
    char control[160];
    mf_control_text(r->control, control, sizeof control);
    /* who is in no upgrade is a sibling of all that are */
    bool no = r->control ? r->control->bad > 0 : triggers ? bad > 0 : lost || state_lost || remade;
    enum mf_answer_word answer = no ? MF_ANSWER_NO : seen && !r->unfinished_workers ? MF_ANSWER_YES : MF_ANSWER_UNKNOWN;
    if (triggers)
        return say(answer,
                   "%" PRIu64
                   " pings to others than the trigger's process ended badly, or found it made anew or without its "
                   "state, at %" PRIu32 " upgrades with a trigger; %" PRIu64 " pings were seen around them%s",
                   bad, triggers, seen, control);
    return say(answer,
               "all %" PRIu32 " processes upgraded together, %" PRIu32 " times: %" PRIu64 " pings lost, %" PRIu64
               " states lost, %" PRIu64 " made anew; %" PRIu64 " pings were seen around them%s",
               r->target.processes - (r->control ? r->control->processes : 0), r->fired, lost, state_lost, remade, seen,
               control);
}

/* A command whose answers name no incarnation: behind what we take for one process several may stand, old ones beside
 * new ones until the commit, and the same client may meet one after the other. What an old one answers after the commit
 * is stale. */
static bool copies_may_alternate(const struct mf_result *r)
{
    return r->target.is_command && !r->target.gives_instance;
}

static struct mf_question_answer code_answer(const struct mf_result *r)
{
    if (!r->target.exchanges)
        return say(MF_ANSWER_NA, "no new code is meant to come");
    if (!r->target.gives_version)
        return say(MF_ANSWER_UNKNOWN, "the target's answers carry no version");
    uint32_t changing = 0, renewed = 0, silent = 0;
    uint64_t new_answers = 0, regressed = r->extra[MF_EXTRA_REGRESSED], stale = r->extra[MF_EXTRA_STALE];
    for (uint32_t k = 0; k < r->upgrades_count; k++) {
        const struct mf_upgrade_result *u = r->upgrades + k;
        if (u->outcome == MF_UPGRADE_ROLLED_BACK || u->outcome == MF_UPGRADE_FAILED)
            regressed -= u->extras[MF_EXTRA_REGRESSED]; /* there the way back is what was promised */
        if (u->outcome != MF_UPGRADE_COMMITTED || u->version_from == u->version_to)
            continue;
        changing++;
        new_answers += u->new_answers;
        renewed += u->new_answers > 0;
        silent += u->new_answers == 0;
    }
    bool old = stale || (regressed && !copies_may_alternate(r));
    if (changing == 0)
        return say(old ? MF_ANSWER_NO : MF_ANSWER_UNKNOWN,
                   "no upgrade that changes the version was committed (%" PRIu32 " fired); %" PRIu64 " stale, %" PRIu64
                   " regressed",
                   r->fired, stale, regressed);
    /* no new answer and no stale one: all that was sent after the commit was lost, and nobody can say who had it */
    return say(old      ? MF_ANSWER_NO
               : silent ? MF_ANSWER_UNKNOWN
                        : MF_ANSWER_YES,
               "the new version answered after %" PRIu32 " of %" PRIu32 " committed upgrades (%" PRIu64
               " answers; not once after %" PRIu32 "); %" PRIu64 " stale, %" PRIu64 " regressed%s",
               renewed, changing, new_answers, silent, stale, regressed,
               regressed && copies_may_alternate(r) ? " (before the commit: old and new copies side by side)" : "");
}

static struct mf_question_answer state_answer(const struct mf_result *r)
{
    uint64_t lost = r->extra[MF_EXTRA_STATE_LOST], remade = r->extra[MF_EXTRA_REMADE], converted = 0;
    uint32_t witnessed = 0;
    for (uint32_t k = 0; k < r->upgrades_count; k++) {
        const struct mf_upgrade_result *u = r->upgrades + k;
        if (!u->fired)
            continue;
        witnessed += u->outcomes[MF_OUTCOME_ANSWERED] || u->new_answers;
        converted += u->converted != UINT32_MAX ? u->converted : 0;
    }
    if (lost)
        return say(MF_ANSWER_NO,
                   "%" PRIu64 " times a process's count went back or began anew (%" PRIu64
                   " instances changed, %" PRIu64 " states converted)",
                   lost, remade, converted);
    if (r->fired == 0)
        return say(MF_ANSWER_NA, "no upgrade fired");
    if (!r->target.gives_state)
        return say(MF_ANSWER_UNKNOWN, "the target's answers carry no count");
    return say(witnessed && !r->unfinished_workers ? MF_ANSWER_YES : MF_ANSWER_UNKNOWN,
               "no process's count went back; processes answered after %" PRIu32 " of %" PRIu32 " upgrades (%" PRIu64
               " states converted, %" PRIu64 " instances changed)",
               witnessed, r->fired, converted, remade);
}

static struct mf_question_answer trigger_answer(const struct mf_result *r)
{
    uint32_t triggers = 0, outcome[MF_OUTCOME_COUNT] = {0}, unknown = 0, by_new = 0;
    for (uint32_t k = 0; k < r->upgrades_count; k++) {
        const struct mf_upgrade_result *u = r->upgrades + k;
        if (!u->fired || !u->has_trigger)
            continue;
        triggers++;
        if (u->trigger_outcome < 0)
            unknown++;
        else
            outcome[u->trigger_outcome]++;
        by_new += u->trigger_version_is_new;
    }
    if (triggers == 0)
        return say(MF_ANSWER_NA, "no upgrade fired on a message");
    uint32_t answered = outcome[MF_OUTCOME_ANSWERED];
    return say(answered + unknown < triggers ? MF_ANSWER_NO
               : unknown                     ? MF_ANSWER_UNKNOWN
                                             : MF_ANSWER_YES,
               "of %" PRIu32 " triggers: %" PRIu32 " answered (%" PRIu32 " by the new version), %" PRIu32
               " late, %" PRIu32 " error, %" PRIu32 " wrong, %" PRIu32 " lost, %" PRIu32 " not known",
               triggers, answered, by_new, outcome[MF_OUTCOME_LATE], outcome[MF_OUTCOME_ERROR],
               outcome[MF_OUTCOME_WRONG], outcome[MF_OUTCOME_LOST] + outcome[MF_OUTCOME_NOT_SENT], unknown);
}

void mf_questions_answer(struct mf_result *r)
{
    static mf_answered *const answer[MF_QUESTION_COUNT] = {
        [MF_QUESTION_MESSAGES] = messages_answer,   [MF_QUESTION_QUEUE] = queue_answer,
        [MF_QUESTION_PROCESSES] = processes_answer, [MF_QUESTION_SIBLINGS] = siblings_answer,
        [MF_QUESTION_CODE] = code_answer,           [MF_QUESTION_STATE] = state_answer,
        [MF_QUESTION_TRIGGER] = trigger_answer,
    };
    for (uint32_t q = 0; q < MF_QUESTION_COUNT; q++)
        r->question[q] = answer[q](r);
    bool loss = r->outcome[MF_OUTCOME_LOST] || r->outcome[MF_OUTCOME_ERROR] || r->outcome[MF_OUTCOME_WRONG];
    bool twice = r->extra[MF_EXTRA_DUPLICATED] || mf_result_rehandled(r);
    r->delivery = loss ? (twice ? MF_DELIVERY_NONE : MF_DELIVERY_AT_MOST_ONCE)
                       : (twice ? MF_DELIVERY_AT_LEAST_ONCE : MF_DELIVERY_EXACTLY_ONCE);
}
