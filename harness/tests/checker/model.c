#include "model.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

static const struct mf_upgrade_log *slot(const struct model *m, uint32_t k)
{
    return m->rig->rec.log + k;
}

static uint64_t requested_ns(const struct model *m, uint32_t k)
{
    return slot(m, k)->phase_ns[MF_PHASE_REQUESTED];
}

static uint64_t ended_ns(const struct model *m, uint32_t k)
{
    const struct mf_upgrade_log *u = slot(m, k);
    if (u->outcome == MF_UPGRADE_PENDING)
        return UINT64_MAX;
    return u->phase_ns[u->outcome == MF_UPGRADE_COMMITTED     ? MF_PHASE_COMMITTED
                       : u->outcome == MF_UPGRADE_ROLLED_BACK ? MF_PHASE_ROLLED_BACK
                                                              : MF_PHASE_FAILED];
}

/* -1: none. */
static int nearest(const struct model *m, uint64_t due_ns, uint64_t end_ns, uint32_t requested)
{
    int best = -1;
    uint64_t best_ns = 0;
    for (uint32_t k = 0; k < requested; k++) {
        uint64_t from = requested_ns(m, k), to = ended_ns(m, k);
        uint64_t distance = end_ns < from ? from - end_ns : to < due_ns ? due_ns - to : 0;
        if (best < 0 || distance <= best_ns) {
            best = (int)k;
            best_ns = distance;
        }
    }
    return best;
}

static void extra(struct model *m, enum mf_extra e, uint64_t due_ns, uint64_t now_ns)
{
    int k = nearest(m, due_ns, now_ns, m->rig->rec.header->requested);
    if (k >= 0)
        m->charged[k].extra[e]++;
}

struct model_ping *model_find(struct model *m, uint32_t stream, uint64_t seq)
{
    for (uint32_t i = 0; i < m->used; i++)
        if (m->ping[i].stream == stream && m->ping[i].seq == seq)
            return m->ping + i;
    return NULL;
}

struct model_ping *model_due(struct model *m, uint32_t stream, uint64_t seq, uint64_t due_ns)
{
    cr_assert(lt(u32, m->used, MODEL_PINGS));
    struct model_ping *p = m->ping + m->used++;
    *p = (struct model_ping){
        .stream = stream, .seq = seq, .due_ns = due_ns, .outcome = -1, .committed = m->rig->rec.header->committed};
    return p;
}

static uint32_t version_of(const struct model *m, uint32_t g)
{
    return g ? slot(m, g - 1)->version_to : slot(m, 0)->version_from;
}

static bool is_stale(const struct model *m, const struct model_ping *p, uint32_t version)
{
    for (uint32_t g = p->committed; g <= m->rig->rec.header->requested; g++) {
        bool gone = g > p->committed && g > 0 && slot(m, g - 1)->outcome > MF_UPGRADE_COMMITTED &&
                    ended_ns(m, g - 1) <= p->written_ns;
        if (!gone && version_of(m, g) == version)
            return false;
    }
    return true;
}

void model_pong(struct model *m, const struct mf_pong *pong, uint64_t now_ns)
{
    m->replies++;
    struct model_ping *p = model_find(m, pong->stream, pong->seq);
    if (p && p->outcome >= 0 && p->outcome != MF_OUTCOME_LOST && p->outcome != MF_OUTCOME_NOT_SENT) {
        m->duplicated++;
        extra(m, MF_EXTRA_DUPLICATED, now_ns, now_ns);
        return;
    }
    if (!p || p->outcome == MF_OUTCOME_NOT_SENT || !p->written_ns ||
        (!pong->is_error && pong->process != rig_process(m->rig, p->stream, p->seq))) {
        m->phantom++;
        extra(m, MF_EXTRA_PHANTOM, now_ns, now_ns);
        return;
    }
    p->outcome = pong->is_error                  ? MF_OUTCOME_ERROR
                 : pong->is_wrong                ? MF_OUTCOME_WRONG
                 : now_ns > p->due_ns + 100 * MS ? MF_OUTCOME_LATE
                                                 : MF_OUTCOME_ANSWERED;
    p->right = p->outcome == MF_OUTCOME_ANSWERED || p->outcome == MF_OUTCOME_LATE;
    p->end_ns = now_ns;
    p->requested_at_end = m->rig->rec.header->requested;
    p->order = ++m->orders;
    m->by_order[p->order] = (uint32_t)(p - m->ping);
    p->version = pong->version;
    if (!p->right)
        return;
    p->stale = is_stale(m, p, pong->version);
    if (p->stale)
        extra(m, MF_EXTRA_STALE, p->due_ns, now_ns);
    for (uint32_t i = 0; i < m->used; i++) {
        const struct model_ping *q = m->ping + i;
        p->reordered |= q->stream == p->stream && q->seq > p->seq && q->order;
    }
    if (p->reordered)
        extra(m, MF_EXTRA_REORDERED, p->due_ns, now_ns);
}

void model_lost(struct model *m, struct model_ping *p, enum mf_outcome outcome, enum mf_cause cause, uint64_t now_ns)
{
    if (p->outcome >= 0 || (outcome == MF_OUTCOME_NOT_SENT && p->written_ns))
        return;
    p->outcome = (int)outcome;
    p->cause = cause;
    p->end_ns = now_ns;
    p->requested_at_end = m->rig->rec.header->requested;
}

/* 1 + the upgrade that a bad ping is charged to. */
static int charge_of(const struct model *m, const struct model_ping *p)
{
    return 1 + nearest(m, p->due_ns, p->end_ns == UINT64_MAX ? p->due_ns : p->end_ns, p->requested_at_end);
}

static void totals_check(struct model *m, uint64_t seed)
{
    const struct mf_worker_record *r = m->rig->record;
    uint64_t outcome[MF_OUTCOME_COUNT] = {0}, cause[MF_CAUSE_COUNT] = {0}, stale = 0, reordered = 0, sum = 0, n = 0,
             max = 0;
    for (uint32_t i = 0; i < m->used; i++) {
        const struct model_ping *p = m->ping + i;
        outcome[p->outcome]++;
        if (p->outcome == MF_OUTCOME_LOST)
            cause[p->cause]++;
        stale += p->stale;
        reordered += p->reordered;
        if (p->right) {
            n++;
            sum += p->end_ns - p->due_ns;
            max = p->end_ns - p->due_ns > max ? p->end_ns - p->due_ns : max;
        }
    }
    for (int i = 0; i < MF_OUTCOME_COUNT; i++)
        cr_assert(eq(u64, r->outcome[i], outcome[i]), "seed %d %s", (int)seed, mf_outcome_keys[i]);
    for (int i = 0; i < MF_CAUSE_COUNT; i++)
        cr_assert(eq(u64, r->lost_by_cause[i], cause[i]), "seed %d %s", (int)seed, mf_cause_keys[i]);
    cr_assert(eq(u64, r->replies, m->replies));
    cr_assert(eq(u64, r->extra[MF_EXTRA_DUPLICATED], m->duplicated));
    cr_assert(eq(u64, r->extra[MF_EXTRA_PHANTOM], m->phantom));
    cr_assert(eq(u64, r->extra[MF_EXTRA_REORDERED], reordered));
    cr_assert(eq(u64, r->extra[MF_EXTRA_STALE], stale), "seed %d", (int)seed);
    cr_assert(eq(u64, r->response.count, n));
    cr_assert(eq(u64, r->response.sum, sum));
    cr_assert(eq(u64, r->response.max, max));
}

static uint64_t in_flight_end(const struct model_ping *p)
{
    return p->end_ns == UINT64_MAX ? p->due_ns + 100 * MS : p->end_ns;
}

static void upgrade_check(struct model *m, uint32_t k, uint64_t seed)
{
    const struct mf_upgrade_tally *t = m->rig->tally + k;
    uint64_t outcome[MF_OUTCOME_COUNT] = {0}, in_flight = 0, in_flight_lost = 0, max = 0;
    uint64_t from = requested_ns(m, k), next = UINT64_MAX;
    if (k + 1 < m->rig->rec.header->requested)
        next = requested_ns(m, k + 1);
    for (uint32_t i = 0; i < m->used; i++) {
        const struct model_ping *p = m->ping + i;
        if (p->written_ns && p->written_ns < from && in_flight_end(p) >= from && k < p->requested_at_end) {
            in_flight++;
            in_flight_lost += p->outcome == MF_OUTCOME_LOST;
        }
        if (p->outcome != MF_OUTCOME_ANSWERED && charge_of(m, p) == 1 + (int)k)
            outcome[p->outcome]++;
        if (p->right && p->end_ns >= from && p->end_ns < next && p->due_ns < from + 50 * MS) {
            outcome[MF_OUTCOME_ANSWERED] += p->outcome == MF_OUTCOME_ANSWERED;
            max = p->end_ns - p->due_ns > max ? p->end_ns - p->due_ns : max;
        }
    }
    for (int i = 0; i < MF_OUTCOME_COUNT; i++)
        cr_assert(eq(u64, t->outcome[i], outcome[i]), "seed %d upgrade %u %s", (int)seed, k, mf_outcome_keys[i]);
    cr_assert(eq(u64, t->in_flight, in_flight), "seed %d upgrade %u", (int)seed, k);
    cr_assert(eq(u64, t->in_flight_lost, in_flight_lost), "seed %d upgrade %u", (int)seed, k);
    cr_assert(eq(u64, t->response_max_ns, max), "seed %d upgrade %u", (int)seed, k);
    static const enum mf_extra extras[] = {MF_EXTRA_DUPLICATED, MF_EXTRA_PHANTOM, MF_EXTRA_REORDERED, MF_EXTRA_STALE};
    for (int i = 0; i < 4; i++)
        cr_assert(eq(u64, t->extra[extras[i]], m->charged[k].extra[extras[i]]), "seed %d upgrade %u %s", (int)seed, k,
                  mf_extra_keys[extras[i]]);
}

static bool came_to_nothing(struct model *m, uint32_t k, uint64_t now_ns)
{
    return slot(m, k)->outcome > MF_UPGRADE_COMMITTED && now_ns >= ended_ns(m, k);
}

/* The upgrade for which this answer is a new one; -1: none. */
static int brought_by(struct model *m, const struct model_ping *p)
{
    int newest = (int)m->rig->rec.header->requested - 1;
    while (newest >= 0 && requested_ns(m, (uint32_t)newest) > p->end_ns)
        newest--;
    if (newest < 0 || came_to_nothing(m, (uint32_t)newest, p->end_ns))
        return -1;
    for (int k = newest; k >= 0; k--)
        if (slot(m, (uint32_t)k)->version_to == p->version && !came_to_nothing(m, (uint32_t)k, p->end_ns))
            return k;
    return -1;
}

static void answers_check(struct model *m, uint32_t k, uint64_t seed)
{
    const struct mf_upgrade_tally *t = m->rig->tally + k;
    uint64_t from = requested_ns(m, k), next = UINT64_MAX, first = 0, last = 0, new_answers = 0;
    if (k + 1 < m->rig->rec.header->requested)
        next = requested_ns(m, k + 1);
    if (slot(m, k)->outcome > MF_UPGRADE_COMMITTED)
        next = ended_ns(m, k) < next ? ended_ns(m, k) : next;
    for (uint32_t i = 0; i < m->used; i++) {
        const struct model_ping *p = m->ping + i;
        if (!p->right)
            continue;
        if (brought_by(m, p) == (int)k) {
            new_answers++;
            first = !first || p->end_ns < first ? p->end_ns : first;
        }
        if (p->end_ns >= from && p->end_ns < next && p->version != slot(m, k)->version_to)
            last = p->end_ns > last ? p->end_ns : last;
    }
    uint64_t gap = 0, before = 0;
    from = requested_ns(m, k);
    next = k + 1 < m->rig->rec.header->requested ? requested_ns(m, k + 1) : UINT64_MAX;
    for (uint64_t o = 1; o <= m->orders; o++) {
        const struct model_ping *p = m->ping + m->by_order[o];
        if (p->outcome != MF_OUTCOME_ANSWERED)
            continue;
        if (before && before < from + 50 * MS && p->end_ns >= from && p->end_ns < next && p->end_ns - before > gap)
            gap = p->end_ns - before;
        before = p->end_ns;
    }
    cr_assert(eq(u64, t->gap_ns, gap), "seed %d upgrade %u", (int)seed, k);
    cr_assert(eq(u64, t->new_answers, new_answers), "seed %d upgrade %u", (int)seed, k);
    cr_assert(eq(u64, t->first_new_ns, first), "seed %d upgrade %u", (int)seed, k);
    cr_assert(eq(u64, t->last_old_ns, last), "seed %d upgrade %u", (int)seed, k);
}

/* Runs of bad pings of each stream in due order. Only where no answer came after its ping was declared lost or expired
 * do account and model have to agree. */
static void blackout_check(struct model *m, uint64_t seed)
{
    uint64_t longest[MODEL_UPGRADES] = {0};
    for (uint32_t s = 0; s < m->rig->config.streams; s++) {
        const struct model_ping *first = NULL, *last = NULL;
        for (uint32_t i = 0; i <= m->used; i++) {
            const struct model_ping *p = i < m->used ? m->ping + i : NULL;
            if (p && p->stream != s)
                continue;
            if (p && p->outcome != MF_OUTCOME_ANSWERED) {
                first = first ? first : p;
                last = p;
            } else if (first) {
                int charged = charge_of(m, first);
                uint64_t length = (p ? p : last)->due_ns - first->due_ns;
                if (charged && length > longest[charged - 1])
                    longest[charged - 1] = length;
                first = NULL;
            }
        }
    }
    for (uint32_t k = 0; k < m->rig->rec.header->requested; k++)
        cr_assert(eq(u64, m->rig->tally[k].blackout_ns, longest[k]), "seed %d upgrade %u", (int)seed, k);
}

void model_check(struct model *m, uint64_t seed, bool blackouts)
{
    for (uint32_t i = 0; i < m->used; i++) {
        struct model_ping *p = m->ping + i;
        model_lost(m, p, MF_OUTCOME_LOST, p->written_ns ? MF_CAUSE_UNANSWERED : MF_CAUSE_UNSENT, UINT64_MAX);
    }
    rig_finish(m->rig);
    totals_check(m, seed);
    for (uint32_t k = 0; k < m->rig->rec.header->requested; k++) {
        upgrade_check(m, k, seed);
        answers_check(m, k, seed);
    }
    if (blackouts)
        blackout_check(m, seed);
}
