/* mf_result_derive: what follows from the counts of a run or a cell. */
#include "base/clock.h"
#include "checker/away.h"
#include "checker/questions.h"
#include "checker/result.h"
#include "checker/statistics.h"

const char *const mf_verdict_keys[4] = {"pass", "skipped", "unknown", "fail"};
const char *const mf_answer_keys[4] = {"yes", "no", "unknown", "n/a"};
const char *const mf_delivery_keys[4] = {"exactly-once", "at-least-once", "at-most-once", "none"};
const char *const mf_question_keys[MF_QUESTION_COUNT] = {
#define MF_QUESTION(id, key, text) key,
#include "checker/questions.def"
#undef MF_QUESTION
};

static bool result_balances(const struct mf_result *r)
{
    uint64_t ended = 0, answers = r->extra[MF_EXTRA_DUPLICATED] + r->extra[MF_EXTRA_PHANTOM];
    for (uint32_t i = 0; i < MF_OUTCOME_COUNT; i++) {
        ended += r->outcome[i];
        answers += i == MF_OUTCOME_LOST || i == MF_OUTCOME_NOT_SENT ? 0 : r->outcome[i];
    }
    return r->unbalanced_workers == 0 && ended == r->due && answers == r->replies;
}

static void upgrades_count(struct mf_result *r)
{
    r->fired = r->committed = r->rolled_back = r->failed = r->dirty = 0;
    for (uint32_t k = 0; k < r->upgrades_count; k++) {
        const struct mf_upgrade_result *u = r->upgrades + k;
        r->fired += u->fired;
        r->committed += u->fired && u->outcome == MF_UPGRADE_COMMITTED;
        r->rolled_back += u->fired && u->outcome == MF_UPGRADE_ROLLED_BACK;
        r->failed += u->fired && u->outcome == MF_UPGRADE_FAILED;
        r->dirty += u->fired && u->dirty;
    }
    r->dirty_upper_bound_95 = mf_upper_bound(r->dirty, r->fired, 0.95);
}

/* What of an upgrade goes into a spread; negative: nothing. */
static double lost_of(const struct mf_upgrade_result *u)
{
    return (double)u->lost;
}

static double ms_of(int64_t ns)
{
    return ns < 0 ? -1 : (double)ns / (double)MF_NS_PER_MS;
}

static double spike_of(const struct mf_upgrade_result *u)
{
    return ms_of(u->spike_ns);
}

static double blackout_of(const struct mf_upgrade_result *u)
{
    return ms_of(u->blackout_ns);
}

static double gap_of(const struct mf_upgrade_result *u)
{
    return ms_of(u->gap_ns);
}

static double first_new_of(const struct mf_upgrade_result *u)
{
    return u->outcome == MF_UPGRADE_COMMITTED ? ms_of(u->first_new_ns) : -1;
}

static double last_old_of(const struct mf_upgrade_result *u)
{
    return u->outcome == MF_UPGRADE_COMMITTED ? ms_of(u->last_old_ns) : -1;
}

static double recovery_of(const struct mf_upgrade_result *u)
{
    return ms_of(u->recovery_ns);
}

static struct mf_spread spread(const struct mf_result *r, double (*of)(const struct mf_upgrade_result *u))
{
    double *room = r->spread_room;
    uint32_t n = 0;
    for (uint32_t k = 0; k < r->upgrades_count; k++) {
        double value = r->upgrades[k].fired ? of(r->upgrades + k) : -1;
        if (value >= 0)
            room[n++] = value;
    }
    return mf_spread_of(room, n);
}

void mf_result_derive(struct mf_result *r)
{
    r->balanced = result_balances(r);
    upgrades_count(r);
    r->lost_per_upgrade = spread(r, lost_of);
    r->spike_ms = spread(r, spike_of);
    r->blackout_ms = spread(r, blackout_of);
    r->gap_ms = spread(r, gap_of);
    r->first_new_ms = spread(r, first_new_of);
    r->last_old_ms = spread(r, last_old_of);
    r->recovery_ms = spread(r, recovery_of);
    mf_away_derive(r);
    r->tainted_fraction = r->judged_bins ? (double)r->tainted_bins / r->judged_bins : 0;
    r->faults_fired = 0;
    for (uint32_t i = 0; i < r->faults_count; i++)
        r->faults_fired += r->faults[i].fired;
    mf_questions_answer(r);
}
