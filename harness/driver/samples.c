#include "driver/samples.h"

#include "base/clock.h"

#define FIRST_AFTER 100
#define BETWEEN_NS  (50 * MF_NS_PER_MS)

static uint32_t first_after(const struct mf_recorder *rec)
{
    uint32_t quarter = rec->header->shape.upgrades / 4;
    return quarter < FIRST_AFTER ? quarter : FIRST_AFTER;
}

/* How many upgrades were requested, all of them ended; UINT32_MAX: one is under way. */
static uint32_t ended_count(const struct mf_recorder *rec)
{
    uint32_t requested = atomic_load(&rec->header->requested);
    if (requested > 0 && atomic_load(&rec->log[requested - 1].outcome) == MF_UPGRADE_PENDING)
        return UINT32_MAX;
    return requested;
}

void mf_samples_look(struct mf_samples *samples, struct mf_target_witness *witness)
{
    const struct mf_recorder *rec = samples->rec;
    uint64_t now_ns = mf_clock_now_ns();
    uint32_t ended = ended_count(rec), pid = atomic_load(&rec->node->worker_pid);
    struct mf_footprint now;
    bool is_last = ended == rec->header->shape.upgrades;
    if (ended == UINT32_MAX || (now_ns < samples->next_ns && !is_last) || mf_footprint_read((pid_t)pid, &now) != 0 ||
        ended_count(rec) != ended || atomic_load(&rec->node->worker_pid) != pid)
        return;
    samples->next_ns = now_ns + BETWEEN_NS;
    if (!witness->sampled && ended >= first_after(rec)) {
        witness->sampled = true;
        witness->sampled_first = now;
        witness->sampled_first_after = ended;
    }
    witness->sampled_last = now;
    witness->sampled_last_after = ended;
}
