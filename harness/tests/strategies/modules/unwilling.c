/* A module whose init says no. */
#include "abi/module.h"

static int unwilling_init(const char **why)
{
    *why = "unwilling, as it was made to be";
    return -1;
}

static enum mf_handle unwilling_handle(void *state, const struct mf_ping *ping, struct mf_answer *answer)
{
    (void)state;
    (void)ping;
    (void)answer;
    return MF_HANDLE_DROP;
}

extern const struct mf_module midflight_module;
const struct mf_module midflight_module = {.abi = MF_MODULE_ABI,
                                           .name = "unwilling",
                                           .version = 8,
                                           .state_version = 1,
                                           .state_bytes = 8,
                                           .init = unwilling_init,
                                           .handle = unwilling_handle};
