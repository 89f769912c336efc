/* doubles: counts every tenth message of a process twice, as one would that was handled twice. The ledger must call it
 * rehandled. */
#include "base.h"

static enum mf_handle doubles_handle(void *state, const struct mf_ping *ping, struct mf_answer *answer)
{
    (void)ping;
    if (base_answer(state, answer, 2) % BASE_EVERY == 0)
        base_answer(state, answer, 2);
    return MF_HANDLE_REPLY;
}

BASE_MODULE("doubles", 2, doubles_handle);
