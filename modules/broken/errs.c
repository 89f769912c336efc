/* errs: every tenth message of a process is answered with an error. */
#include "base.h"

static enum mf_handle errs_handle(void *state, const struct mf_ping *ping, struct mf_answer *answer)
{
    (void)ping;
    return base_answer(state, answer, 2) % BASE_EVERY == 0 ? MF_HANDLE_ERROR : MF_HANDLE_REPLY;
}

BASE_MODULE("errs", 2, errs_handle);
