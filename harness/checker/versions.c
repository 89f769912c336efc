/* Which version is right: the generations of code, and the answers held against them. Part of upgrades.h. */
#include "checker/upgrades.h"
#include "checker/sabotage.h"

/* Generation g is the g-th slot of the log; generation 0 was there before the first. */
static bool generation_fits(const struct mf_upgrades *u, uint32_t g, uint32_t version)
{
    uint32_t is = g ? u->log[g - 1].version_to : u->log[0].version_from;
    return is == version || is == 0;
}

/* A generation that was asked for may answer; one whose upgrade came to nothing only pings that were written before
 * that stood. */
static bool generation_counts(const struct mf_upgrades *u, uint32_t g, uint64_t written_ns)
{
    uint32_t outcome = atomic_load_explicit(&u->log[g - 1].outcome, memory_order_acquire);
    return (outcome != MF_UPGRADE_ROLLED_BACK && outcome != MF_UPGRADE_FAILED) ||
           written_ns < mf_upgrade_ended_ns(u, g - 1);
}

static bool version_is_stale(const struct mf_upgrades *u, uint32_t version, uint32_t committed, uint64_t written_ns)
{
    if (generation_fits(u, committed, version) ||
        MF_SABOTAGE(8, false, committed > 0 && generation_fits(u, committed - 1, version)))
        return false;
    for (uint32_t g = committed + 1; g <= u->requested; g++)
        if (generation_fits(u, g, version) && generation_counts(u, g, written_ns))
            return false;
    return true;
}

/* The lowest generation from `from` up to the newest that has this version; -1: none. */
static int64_t generation_up(const struct mf_upgrades *u, uint32_t from, uint32_t version)
{
    for (uint32_t g = from; g <= u->requested; g++)
        if (generation_fits(u, g, version))
            return g;
    return -1;
}

/* Moves the witness to the generation that the answer shows, as little up as possible. True: it could only go down. */
static bool witness_regresses(const struct mf_upgrades *u, struct mf_witness *w, uint32_t version, uint32_t committed)
{
    uint32_t from = w->known & MF_WITNESS_VERSION ? w->generation : 0;
    bool known = w->known & MF_WITNESS_VERSION;
    int64_t g = generation_up(u, committed > from ? committed : from, version);
    if (g < 0)
        g = generation_up(u, from, version);
    w->known |= MF_WITNESS_VERSION;
    if (g >= 0) {
        w->generation = (uint32_t)g;
        return false;
    }
    for (uint32_t down = from; down-- > 0;) {
        if (generation_fits(u, down, version)) {
            w->generation = down;
            return MF_SABOTAGE(9, known, false);
        }
    }
    return false;
}

static void answer_credit(struct mf_upgrade_tally *tally, uint64_t now_ns)
{
    tally->new_answers++;
    if (!tally->first_new_ns)
        tally->first_new_ns = now_ns;
}

/* An answer of the newest upgrade's version (of those asked for by now that have not come to nothing) is a new one for
 * it. Any other is an old one for it, and a new one for the latest earlier upgrade that brought its version: where
 * upgrades come close together, a version's answers are still on their way when the next is asked for. */
static void answers_count(struct mf_upgrades *u, uint32_t version, uint64_t now_ns)
{
    uint32_t k = u->requested;
    while (k > 0 && mf_upgrade_requested_ns(u, k - 1) > now_ns)
        k--;
    if (k == 0 || !generation_counts(u, k, now_ns))
        return;
    struct mf_upgrade_tally *tally = u->tally + k - 1;
    if (version == u->log[k - 1].version_to) {
        answer_credit(tally, now_ns);
        return;
    }
    tally->last_old_ns = now_ns > tally->last_old_ns ? now_ns : tally->last_old_ns;
    for (uint32_t earlier = k - 1; earlier > 0; earlier--) {
        if (u->log[earlier - 1].version_to == version && generation_counts(u, earlier, now_ns)) {
            answer_credit(u->tally + earlier - 1, now_ns);
            return;
        }
    }
}

struct mf_version_finding mf_upgrades_version(struct mf_upgrades *u, struct mf_witness *w, uint32_t version,
                                              uint32_t committed, uint64_t written_ns, uint64_t now_ns, bool in_order)
{
    struct mf_version_finding found = {0};
    if (u->slots == 0) {
        u->calm_version = version; /* nothing to hold it against */
        w->known |= MF_WITNESS_VERSION;
        return found;
    }
    found.stale = version_is_stale(u, version, committed, written_ns);
    if (in_order)
        found.regressed = witness_regresses(u, w, version, committed);
    answers_count(u, version, now_ns);
    return found;
}
