#include "checker/upgrades.h"

int mf_upgrades_init(struct mf_upgrades *u, const struct mf_recorder *rec, uint32_t worker, uint64_t window_ns,
                     uint32_t first_stream, uint32_t streams)
{
    *u = (struct mf_upgrades){.header = rec->header,
                              .log = rec->log,
                              .tally = mf_recorder_tallies(rec, worker),
                              .window_ns = window_ns,
                              .slots = rec->header->shape.upgrades};
    u->new_answers = &u->nobody;
    u->calm_standing = mf_standing_of(0);
    u->calm_version = u->slots ? rec->log[0].version_from : 0;
    return mf_triggers_init(&u->triggers, u->log, u->tally, u->slots, first_stream, streams);
}

void mf_upgrades_done(struct mf_upgrades *u)
{
    mf_triggers_done(&u->triggers);
}

uint64_t mf_upgrade_requested_ns(const struct mf_upgrades *u, uint32_t k)
{
    return atomic_load_explicit(&u->log[k].phase_ns[MF_PHASE_REQUESTED], memory_order_relaxed);
}

uint64_t mf_upgrade_ended_ns(const struct mf_upgrades *u, uint32_t k)
{
    static const enum mf_phase last[] = {MF_PHASE_COMMITTED, MF_PHASE_ROLLED_BACK, MF_PHASE_FAILED};
    if (atomic_load_explicit(&u->log[k].outcome, memory_order_acquire) == MF_UPGRADE_PENDING)
        return UINT64_MAX;
    uint64_t ended = mf_upgrade_requested_ns(u, k);
    for (uint32_t i = 0; i < sizeof last / sizeof *last; i++) {
        uint64_t at = atomic_load_explicit(&u->log[k].phase_ns[last[i]], memory_order_relaxed);
        ended = at > ended ? at : ended;
    }
    return ended;
}

static enum mf_upgrade_outcome upgrade_outcome(const struct mf_upgrades *u, uint32_t k)
{
    return atomic_load_explicit(&u->log[k].outcome, memory_order_acquire);
}

/* The version of generation g; 0: not known, anything goes. */
static uint32_t generation_version(const struct mf_upgrades *u, uint32_t g)
{
    return g ? u->log[g - 1].version_to : u->log[0].version_from;
}

uint32_t mf_upgrades_look(struct mf_upgrades *u)
{
    uint32_t requested = atomic_load_explicit(&u->header->requested, memory_order_acquire);
    requested = requested < u->slots ? requested : u->slots;
    uint32_t committed = atomic_load_explicit(&u->header->committed, memory_order_acquire);
    u->committed = committed < u->slots ? committed : u->slots;
    if (u->requested < requested) {
        u->requested = requested;
        u->calm_from_ns = UINT64_MAX;
    }
    return mf_triggers_look(&u->triggers, u->requested);
}

uint32_t mf_upgrades_nearest(const struct mf_upgrades *u, uint64_t due_ns, uint64_t end_ns)
{
    uint64_t nearest_ns = UINT64_MAX;
    uint32_t nearest = 0;
    for (uint32_t k = u->requested; k-- > 0;) {
        uint64_t requested = mf_upgrade_requested_ns(u, k), ended = mf_upgrade_ended_ns(u, k), distance = 0;
        if (requested > end_ns)
            distance = requested - end_ns;
        else if (ended < due_ns)
            distance = due_ns - ended;
        if (distance < nearest_ns) {
            nearest_ns = distance;
            nearest = k + 1;
        }
        if (distance == 0)
            break;
    }
    return nearest;
}

uint64_t mf_upgrades_sent_ns(const struct mf_upgrades *u, uint32_t stream, uint64_t seq, uint64_t written_ns)
{
    for (uint32_t k = u->requested; k-- > 0;) {
        const struct mf_upgrade_log *slot = u->log + k;
        uint64_t requested = mf_upgrade_requested_ns(u, k);
        if (requested > written_ns)
            continue;
        bool is_half = slot->trigger_stage >= MF_STAGE_COUNT && slot->trigger_stage != MF_POINT_STAGE_SENT;
        bool is_trigger = atomic_load_explicit(&slot->has_trigger, memory_order_acquire) && !is_half &&
                          slot->trigger_stream == stream && slot->trigger_seq == seq;
        return is_trigger ? requested - 1 : written_ns;
    }
    return written_ns;
}

void mf_upgrades_in_flight(struct mf_upgrades *u, uint64_t written_ns, uint64_t end_ns, bool lost, int by)
{
    for (uint32_t k = u->requested; k-- > 0;) {
        uint64_t requested = mf_upgrade_requested_ns(u, k);
        if (requested <= written_ns)
            break;
        if (requested > end_ns)
            continue;
        u->tally[k].in_flight += (uint64_t)by;
        if (lost)
            u->tally[k].in_flight_lost += (uint64_t)by;
    }
}

void mf_upgrades_bad(struct mf_upgrades *u, uint32_t charged, enum mf_outcome outcome, uint32_t process, int by)
{
    if (!charged)
        return;
    u->tally[charged - 1].outcome[outcome] += (uint64_t)by;
    mf_triggers_bad(&u->triggers, charged - 1, process, by);
}

void mf_upgrades_hurt(struct mf_upgrades *u, uint32_t charged, uint32_t process)
{
    if (charged)
        mf_triggers_bad(&u->triggers, charged - 1, process, 1);
}

/* Calm again, for pings due from `due_ns` on, if every requested upgrade has ended and their windows are past. */
static void upgrades_calm(struct mf_upgrades *u, uint64_t due_ns)
{
    while (u->over < u->requested && upgrade_outcome(u, u->over) != MF_UPGRADE_PENDING)
        u->over++;
    if (u->over < u->requested)
        return;
    uint32_t newest = u->requested - 1;
    bool committed = upgrade_outcome(u, newest) == MF_UPGRADE_COMMITTED;
    if (committed && u->committed != u->requested)
        return;
    u->calm_version = generation_version(u, u->committed);
    u->new_answers = committed ? &u->tally[newest].new_answers : &u->nobody;
    u->calm_standing = mf_standing_of(u->committed);
    u->calm_from_ns = due_ns;
}

bool mf_upgrades_in_window(const struct mf_upgrades *u, uint64_t due_ns, uint64_t now_ns)
{
    for (uint32_t k = u->requested; k-- > 0;) {
        uint64_t requested = mf_upgrade_requested_ns(u, k);
        if (requested <= now_ns)
            return due_ns < requested + u->window_ns;
    }
    return false;
}

void mf_upgrades_good(struct mf_upgrades *u, uint64_t due_ns, uint64_t now_ns, bool late)
{
    for (uint32_t k = u->requested; k-- > 0;) {
        uint64_t requested = mf_upgrade_requested_ns(u, k);
        struct mf_upgrade_tally *tally = u->tally + k;
        if (requested > now_ns)
            continue;
        if (!late && u->last_good_ns && u->last_good_ns < requested + u->window_ns && now_ns > u->last_good_ns &&
            now_ns - u->last_good_ns > tally->gap_ns)
            tally->gap_ns = now_ns - u->last_good_ns;
        if (due_ns >= requested + u->window_ns)
            break;
        if (!late)
            tally->outcome[MF_OUTCOME_ANSWERED]++;
        if (now_ns - due_ns > tally->response_max_ns)
            tally->response_max_ns = now_ns - due_ns;
        break;
    }
    if (late)
        return;
    if (now_ns > u->last_good_ns)
        u->last_good_ns = now_ns;
    if (u->calm_from_ns == UINT64_MAX && u->requested &&
        due_ns >= mf_upgrade_requested_ns(u, u->requested - 1) + u->window_ns)
        upgrades_calm(u, due_ns);
}
