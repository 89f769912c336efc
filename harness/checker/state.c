#include "checker/state.h"
#include "checker/sabotage.h"

static void count_judge(struct mf_witness *w, struct mf_state_finding *found, uint64_t seq, uint32_t turns, bool shared,
                        uint64_t count)
{
    if (count < w->next_count) {
        found->state_lost = MF_SABOTAGE(10, true, count > 1);
        return;
    }
    /* asked once more for each of its turns since the ping that gave next_count - 1 */
    uint64_t asked = (seq - w->next_seq) / turns + w->credit, counted = count - w->next_count;
    if (!shared && counted > asked)
        found->rehandled = MF_SABOTAGE(11, counted - asked, 1);
}

struct mf_state_finding mf_state_judge(struct mf_witness *w, uint64_t seq, uint32_t turns, bool shared,
                                       const uint64_t *count, const uint64_t *instance)
{
    struct mf_state_finding found = {0};
    /* another incarnation than the last that answered: two may stand side by side, each with a count of its own */
    bool another = instance && (w->known & MF_WITNESS_INSTANCE) && w->instance != *instance;
    if (count) {
        if (w->known & MF_WITNESS_COUNT)
            count_judge(w, &found, seq, turns, shared || another, *count);
        w->next_count = *count == UINT64_MAX ? UINT64_MAX : *count + 1;
        w->known |= MF_WITNESS_COUNT;
    } else {
        w->known &= (uint16_t)~MF_WITNESS_COUNT;
    }
    if (instance) {
        found.remade =
            (w->known & MF_WITNESS_INSTANCE) && MF_SABOTAGE(13, w->instance != *instance, w->instance > *instance);
        w->instance = *instance;
        w->known |= MF_WITNESS_INSTANCE;
    }
    w->next_seq = seq + turns;
    w->known |= MF_WITNESS_SEQ;
    w->credit = 0;
    return found;
}

void mf_state_skip(struct mf_witness *w, const uint64_t *count)
{
    if ((!count || *count >= w->next_count) && w->credit < UINT16_MAX)
        w->credit++;
}
