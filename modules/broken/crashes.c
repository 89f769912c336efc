/* crashes: a process that has handled ten messages takes the node down with the tenth. */
#include "base.h"

static enum mf_handle crashes_handle(void *state, const struct mf_ping *ping, struct mf_answer *answer)
{
    (void)ping;
    if (base_answer(state, answer, 2) % BASE_EVERY == 0)
        __builtin_trap();
    return MF_HANDLE_REPLY;
}

BASE_MODULE("crashes", 2, crashes_handle);
