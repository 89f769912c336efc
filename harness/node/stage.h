/* Stamps a message with the stage that it has reached: the byte that survives us, the counter, the points. Inline: five
 * times a message. */
#ifndef MF_NODE_STAGE_H
#define MF_NODE_STAGE_H

#include "node/core_internal.h"

/* Counters live in the flight recorder, so that they are right at the instant of a SIGKILL too. Where a stage has one
 * writer a plain addition does. */
static inline void mf_stage_count(struct mf_core *core, enum mf_stage stage)
{
    _Atomic uint64_t *counter = &core->rec.node->reached[stage];
    bool io_stage = stage == MF_STAGE_RECEIVED || stage == MF_STAGE_REPLIED || stage == MF_STAGE_FLUSHED;
    if (core->schedulers_count == 1 || (io_stage && !core->local))
        atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_relaxed);
    else
        atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* Ids come from the wire: a message that no planned stream can have sent has no byte. Returns how far it had come
 * before. */
static inline uint8_t mf_stage_stamp(struct mf_core *core, uint32_t stream, uint64_t seq, enum mf_stage stage)
{
    uint8_t *byte = mf_recorder_stage(&core->rec, stream, seq);
    if (!byte)
        return 0;
    uint8_t before = __atomic_load_n(byte, __ATOMIC_RELAXED);
    if (before < stage + 1)
        __atomic_store_n(byte, (uint8_t)(stage + 1), __ATOMIC_RELAXED);
    return before;
}

/* True: a point wants it held at this stage, in `process` or `connection`. */
static inline bool mf_stage_reach(struct mf_core *core, struct mf_message *m, enum mf_stage stage,
                                  struct mf_process *process, struct mf_connection *connection)
{
    m->stage = (uint8_t)(stage + 1);
    mf_stage_stamp(core, m->stream, m->seq, stage);
    mf_stage_count(core, stage);
    return core->points.at_stage[stage] && mf_points_seen(core, m, stage, process, connection);
}

#endif
