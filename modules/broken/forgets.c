/* forgets: every tenth message of a process begins its state anew. The ledger must call the state lost. */
#include "base.h"

static enum mf_handle forgets_handle(void *state, const struct mf_ping *ping, struct mf_answer *answer)
{
    (void)ping;
    if (base_answer(state, answer, 2) % BASE_EVERY == 0)
        memset(state, 0, sizeof(uint64_t));
    return MF_HANDLE_REPLY;
}

BASE_MODULE("forgets", 2, forgets_handle);
