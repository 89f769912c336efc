#include "checker/wire.h"

void mf_wire_read(struct mf_result *r, uint32_t states, const struct mf_worker_record *section)
{
    struct mf_probe_counts *p = &r->probes;
    r->wire_states = states;
    for (uint32_t i = 0; i < MF_WIRE_STATE_COUNT; i++)
        r->wire[i] = section->wire[i];
    p->due = atomic_load(&section->due);
    p->replies = section->replies;
    p->lost_before_stage = section->lost_before_stage;
    for (uint32_t i = 0; i < MF_OUTCOME_COUNT; i++)
        p->outcome[i] = section->outcome[i];
    for (uint32_t i = 0; i < MF_EXTRA_COUNT; i++)
        p->extra[i] = section->extra[i];
    for (uint32_t i = 0; i < MF_CAUSE_COUNT; i++)
        p->lost_by_cause[i] = section->lost_by_cause[i];
    for (uint32_t i = 0; i < MF_STAGE_COUNT; i++)
        p->lost_by_stage[i] = section->lost_by_stage[i];
}

static void tally_add(struct mf_wire_tally *to, const struct mf_wire_tally *from)
{
    to->placed += from->placed;
    for (uint32_t i = 0; i < MF_OUTCOME_COUNT; i++)
        to->outcome[i] += from->outcome[i];
    for (uint32_t i = 0; i < MF_CAUSE_COUNT; i++)
        to->lost_by_cause[i] += from->lost_by_cause[i];
    to->new_connection += from->new_connection;
    to->new_connection_answered += from->new_connection_answered;
}

void mf_wire_merge(struct mf_result *to, const struct mf_result *from)
{
    struct mf_probe_counts *a = &to->probes;
    const struct mf_probe_counts *b = &from->probes;
    to->wire_states |= from->wire_states;
    for (uint32_t i = 0; i < MF_WIRE_STATE_COUNT; i++)
        tally_add(&to->wire[i], &from->wire[i]);
    a->due += b->due;
    a->replies += b->replies;
    a->lost_before_stage += b->lost_before_stage;
    for (uint32_t i = 0; i < MF_OUTCOME_COUNT; i++)
        a->outcome[i] += b->outcome[i];
    for (uint32_t i = 0; i < MF_EXTRA_COUNT; i++)
        a->extra[i] += b->extra[i];
    for (uint32_t i = 0; i < MF_CAUSE_COUNT; i++)
        a->lost_by_cause[i] += b->lost_by_cause[i];
    for (uint32_t i = 0; i < MF_STAGE_COUNT; i++)
        a->lost_by_stage[i] += b->lost_by_stage[i];
}

uint64_t mf_wire_answered(const struct mf_wire_tally *t)
{
    return t->outcome[MF_OUTCOME_ANSWERED] + t->outcome[MF_OUTCOME_LATE];
}
