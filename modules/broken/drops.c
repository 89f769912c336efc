/* drops: every tenth message of a process is never answered. The ledger must call it lost. */
#include "base.h"

static enum mf_handle drops_handle(void *state, const struct mf_ping *ping, struct mf_answer *answer)
{
    (void)ping;
    return base_answer(state, answer, 2) % BASE_EVERY == 0 ? MF_HANDLE_DROP : MF_HANDLE_REPLY;
}

BASE_MODULE("drops", 2, drops_handle);
