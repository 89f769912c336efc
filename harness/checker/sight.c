#include "checker/sight.h"

#include <stdlib.h>
#include <string.h>

/* The phase in which an upgrade of this outcome ends. */
static const enum mf_phase end_phase[] = {[MF_UPGRADE_PENDING] = MF_PHASE_REQUESTED,
                                          [MF_UPGRADE_COMMITTED] = MF_PHASE_COMMITTED,
                                          [MF_UPGRADE_ROLLED_BACK] = MF_PHASE_ROLLED_BACK,
                                          [MF_UPGRADE_FAILED] = MF_PHASE_FAILED};

struct mf_sight *mf_sight_new(const struct mf_recorder *live)
{
    uint32_t slots = live->header->shape.upgrades;
    struct mf_sight *s = calloc(1, sizeof *s + slots * sizeof *s->log);
    if (!s)
        return NULL;
    memcpy(&s->header, live->header, sizeof s->header);
    s->header.requested = s->header.committed = 0;
    for (uint32_t k = 0; k < slots; k++) {
        s->log[k].version_from = live->log[k].version_from;
        s->log[k].version_to = live->log[k].version_to;
    }
    s->live = live;
    s->seen = *live;
    s->seen.header = &s->header;
    s->seen.log = s->log;
    return s;
}

void mf_sight_free(struct mf_sight *s)
{
    free(s);
}

static void note(struct mf_sight *s, struct mf_history_writer *history, const struct mf_history_record *record)
{
    int bad = mf_sight_show(s, record);
    (void)bad; /* what was read of our own recorder fits */
    mf_history_note(history, record);
}

/* Whoever has named a trigger has written what it is before. */
static void trigger_note(struct mf_sight *s, struct mf_history_writer *history, uint32_t k)
{
    const struct mf_upgrade_log *slot = &s->live->log[k];
    if (s->log[k].has_trigger || !atomic_load_explicit(&slot->has_trigger, memory_order_acquire))
        return;
    note(s, history,
         &(struct mf_history_record){.kind = MF_HISTORY_KIND_TRIGGER,
                                     .of = {[MF_HISTORY_STREAM] = slot->trigger_stream,
                                            [MF_HISTORY_SEQ] = slot->trigger_seq,
                                            [MF_HISTORY_PROCESS] = slot->trigger_process,
                                            [MF_HISTORY_UPGRADE] = k,
                                            [MF_HISTORY_WHAT] = slot->trigger_stage}});
}

static void requests_look(struct mf_sight *s, struct mf_history_writer *history, uint32_t requested)
{
    while (s->header.requested < requested) {
        uint32_t k = s->header.requested;
        const struct mf_upgrade_log *slot = &s->live->log[k];
        note(s, history,
             &(struct mf_history_record){.kind = MF_HISTORY_KIND_REQUESTED,
                                         .of = {[MF_HISTORY_AT] = atomic_load(&slot->phase_ns[MF_PHASE_REQUESTED]),
                                                [MF_HISTORY_VERSION] = slot->version_to,
                                                [MF_HISTORY_UPGRADE] = k}});
        trigger_note(s, history, k);
    }
}

static uint64_t ended_ns(const struct mf_upgrade_log *slot)
{
    uint64_t ended = 0;
    for (uint32_t i = MF_UPGRADE_PENDING; i <= MF_UPGRADE_FAILED; i++) {
        uint64_t at = atomic_load_explicit(&slot->phase_ns[end_phase[i]], memory_order_relaxed);
        ended = at > ended ? at : ended;
    }
    return ended;
}

static void ends_look(struct mf_sight *s, struct mf_history_writer *history)
{
    for (uint32_t k = s->over; k < s->header.requested; k++) {
        const struct mf_upgrade_log *slot = &s->live->log[k];
        uint32_t outcome = atomic_load_explicit(&slot->outcome, memory_order_acquire);
        trigger_note(s, history, k); /* behind the outcome: no trigger is named once that stands */
        if (outcome != MF_UPGRADE_PENDING && s->log[k].outcome == MF_UPGRADE_PENDING)
            note(s, history,
                 &(struct mf_history_record){
                     .kind = MF_HISTORY_KIND_ENDED,
                     .of = {[MF_HISTORY_AT] = ended_ns(slot), [MF_HISTORY_UPGRADE] = k, [MF_HISTORY_WHAT] = outcome}});
        if (k == s->over && s->log[k].outcome != MF_UPGRADE_PENDING)
            s->over++;
    }
}

void mf_sight_look(struct mf_sight *s, struct mf_history_writer *history)
{
    struct mf_recorder_header *live = s->live->header;
    s->header.start_ns = atomic_load_explicit(&live->start_ns, memory_order_acquire);
    s->header.measure_ns = atomic_load_explicit(&live->measure_ns, memory_order_acquire);
    /* committed before requested: more are never committed than requested, then */
    uint32_t committed = atomic_load_explicit(&live->committed, memory_order_acquire);
    uint32_t requested = atomic_load_explicit(&live->requested, memory_order_acquire);
    requests_look(s, history, requested < live->shape.upgrades ? requested : live->shape.upgrades);
    ends_look(s, history);
    if (committed != s->header.committed && committed <= s->header.requested)
        note(s, history,
             &(struct mf_history_record){.kind = MF_HISTORY_KIND_COMMITTED, .of = {[MF_HISTORY_UPGRADE] = committed}});
}

int mf_sight_show(struct mf_sight *s, const struct mf_history_record *note)
{
    const uint64_t *of = note->of;
    uint64_t k = of[MF_HISTORY_UPGRADE];
    struct mf_upgrade_log *slot = s->log + k;
    switch (note->kind) {
    case MF_HISTORY_KIND_REQUESTED:
        if (k != s->header.requested || k >= s->header.shape.upgrades)
            return -1;
        slot->version_to = (uint32_t)of[MF_HISTORY_VERSION];
        slot->phase_ns[MF_PHASE_REQUESTED] = of[MF_HISTORY_AT];
        s->header.requested++;
        return 0;
    case MF_HISTORY_KIND_TRIGGER:
        if (k >= s->header.requested || slot->has_trigger)
            return -1;
        slot->trigger_stream = (uint32_t)of[MF_HISTORY_STREAM];
        slot->trigger_seq = of[MF_HISTORY_SEQ];
        slot->trigger_process = (uint32_t)of[MF_HISTORY_PROCESS];
        slot->trigger_stage = (uint8_t)of[MF_HISTORY_WHAT];
        slot->has_trigger = true;
        return 0;
    case MF_HISTORY_KIND_ENDED:
        if (k >= s->header.requested || of[MF_HISTORY_WHAT] == 0 || of[MF_HISTORY_WHAT] > MF_UPGRADE_FAILED)
            return -1;
        slot->phase_ns[end_phase[of[MF_HISTORY_WHAT]]] = of[MF_HISTORY_AT];
        slot->outcome = (uint32_t)of[MF_HISTORY_WHAT];
        return 0;
    case MF_HISTORY_KIND_COMMITTED:
        if (k > s->header.requested)
            return -1;
        s->header.committed = (uint32_t)k;
        return 0;
    default:
        return -1;
    }
}
