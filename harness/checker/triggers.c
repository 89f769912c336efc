#include "checker/triggers.h"

#include <stdlib.h>

int mf_triggers_init(struct mf_triggers *t, const struct mf_upgrade_log *log, struct mf_upgrade_tally *tally,
                     uint32_t slots, uint32_t first_stream, uint32_t streams)
{
    *t = (struct mf_triggers){
        .log = log, .tally = tally, .slots = slots, .first_stream = first_stream, .streams = streams};
    t->trigger = calloc(slots + 1, sizeof *t->trigger);
    return t->trigger ? 0 : -1;
}

void mf_triggers_done(struct mf_triggers *t)
{
    free(t->trigger);
    free(t->heard);
    free(t->bad);
    *t = (struct mf_triggers){0};
}

size_t mf_triggers_bytes(const struct mf_triggers *t)
{
    return (t->slots + 1) * sizeof *t->trigger + (t->heard ? MF_HEARD : 0) * sizeof *t->heard +
           t->bad_room * sizeof *t->bad;
}

static void trigger_settle(struct mf_triggers *t, uint32_t upgrade, enum mf_outcome outcome, const uint32_t *version)
{
    struct mf_upgrade_tally *tally = t->tally + upgrade;
    tally->trigger_outcome = (uint8_t)(1 + outcome);
    tally->trigger_version_is_new = version && *version == t->log[upgrade].version_to;
}

static void sibling_count(struct mf_triggers *t, uint32_t upgrade, uint32_t process, int by)
{
    if (t->log[upgrade].trigger_process != process)
        t->tally[upgrade].sibling_bad += (uint64_t)by;
}

/* Slot k has a trigger: notes it, and what was heard of it and of its siblings. */
static void trigger_take(struct mf_triggers *t, uint32_t k)
{
    const struct mf_upgrade_log *slot = t->log + k;
    for (uint32_t i = 0; i < t->bad_count; i++)
        if (t->bad[i].upgrade == k)
            sibling_count(t, k, t->bad[i].process, t->bad[i].by);
    if (slot->trigger_stream - t->first_stream >= t->streams)
        return;
    t->trigger[t->used++] = (struct mf_trigger){.seq = slot->trigger_seq, .stream = slot->trigger_stream, .upgrade = k};
    for (uint64_t i = t->heard_count; i-- > 0 && t->heard_count - i <= MF_HEARD;) {
        const struct mf_heard *h = t->heard + i % MF_HEARD;
        if (h->seq != slot->trigger_seq || h->stream != slot->trigger_stream)
            continue;
        trigger_settle(t, k, (enum mf_outcome)h->outcome, h->has_version ? &h->version : NULL);
        return;
    }
}

/* False: it may still get one. */
static bool slot_look(struct mf_triggers *t, uint32_t k)
{
    /* in this order: who names a trigger does so before the outcome stands */
    bool has_ended = atomic_load_explicit(&t->log[k].outcome, memory_order_acquire) != MF_UPGRADE_PENDING;
    if (!atomic_load_explicit(&t->log[k].has_trigger, memory_order_acquire))
        return has_ended;
    trigger_take(t, k);
    return true;
}

uint32_t mf_triggers_look(struct mf_triggers *t, uint32_t requested)
{
    uint32_t fresh = t->used;
    while (t->named < requested && slot_look(t, t->named))
        t->named++;
    if (t->named == requested)
        t->heard_count = t->bad_count = 0;
    return fresh;
}

void mf_triggers_heard(struct mf_triggers *t, uint32_t requested, uint32_t stream, uint64_t seq,
                       enum mf_outcome outcome, const uint32_t *version)
{
    while (t->settled < t->used && t->tally[t->trigger[t->settled].upgrade].trigger_outcome)
        t->settled++;
    for (uint32_t i = t->settled; i < t->used; i++)
        if (t->trigger[i].seq == seq && t->trigger[i].stream == stream)
            trigger_settle(t, t->trigger[i].upgrade, outcome, version);
    if (t->named == requested)
        return;
    if (!t->heard && !(t->heard = calloc(MF_HEARD, sizeof *t->heard)))
        return; /* what is named late is then looked up, as far as that can be told */
    t->heard[t->heard_count++ % MF_HEARD] = (struct mf_heard){.seq = seq,
                                                              .stream = stream,
                                                              .version = version ? *version : 0,
                                                              .outcome = (uint8_t)outcome,
                                                              .has_version = version != NULL};
}

void mf_triggers_reopen(struct mf_triggers *t, uint32_t stream, uint64_t seq)
{
    for (uint32_t i = 0; i < t->used; i++) {
        if (t->trigger[i].seq != seq || t->trigger[i].stream != stream)
            continue;
        t->tally[t->trigger[i].upgrade].trigger_outcome = 0;
        t->settled = i < t->settled ? i : t->settled;
    }
}

void mf_triggers_bad(struct mf_triggers *t, uint32_t upgrade, uint32_t process, int by)
{
    if (upgrade < t->named) {
        if (atomic_load_explicit(&t->log[upgrade].has_trigger, memory_order_relaxed))
            sibling_count(t, upgrade, process, by);
        return;
    }
    if (t->bad_count == t->bad_room) {
        uint32_t room = t->bad_room ? 2 * t->bad_room : 64;
        struct mf_heard_bad *more = realloc(t->bad, room * sizeof *more);
        if (!more) { /* whose it was can't be kept: better one sibling too many than one too few */
            t->tally[upgrade].sibling_bad += (uint64_t)by;
            return;
        }
        t->bad = more;
        t->bad_room = room;
    }
    t->bad[t->bad_count++] = (struct mf_heard_bad){.upgrade = upgrade, .process = process, .by = by};
}
