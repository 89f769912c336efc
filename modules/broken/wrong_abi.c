/* wrong_abi: built for an ABI that no node speaks. */
#include "base.h"

static enum mf_handle never_handles(void *state, const struct mf_ping *ping, struct mf_answer *answer)
{
    (void)ping;
    base_answer(state, answer, 90);
    return MF_HANDLE_REPLY;
}

__attribute__((visibility("default"))) extern const struct mf_module midflight_module;
const struct mf_module midflight_module = {.abi = MF_MODULE_ABI + 1000,
                                           .name = "wrong_abi",
                                           .version = 90,
                                           .state_version = 1,
                                           .state_bytes = sizeof(uint64_t),
                                           .handle = never_handles,
                                           .convert = base_convert};
