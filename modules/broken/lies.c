/* lies: says that it is version 2 (as its table does) and answers as version 1 for ever. The ledger must call its
 * answers stale. */
#include "base.h"

static enum mf_handle lies_handle(void *state, const struct mf_ping *ping, struct mf_answer *answer)
{
    (void)ping;
    base_answer(state, answer, 1);
    return MF_HANDLE_REPLY;
}

BASE_MODULE("lies", 2, lies_handle);
