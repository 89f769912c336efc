/* A module whose processes crash over a ping with 13 bytes of payload. */
#include <string.h>

#include "abi/module.h"

#define UNLUCKY_BYTES 13

static enum mf_handle crasher_handle(void *state, const struct mf_ping *ping, struct mf_answer *answer)
{
    uint64_t count;
    if (ping->payload_bytes == UNLUCKY_BYTES)
        return MF_HANDLE_CRASH;
    memcpy(&count, state, sizeof count);
    answer->count = ++count;
    memcpy(state, &count, sizeof count);
    answer->version = 1;
    return MF_HANDLE_REPLY;
}

extern const struct mf_module midflight_module;
const struct mf_module midflight_module = {.abi = MF_MODULE_ABI,
                                           .name = "crasher",
                                           .version = 1,
                                           .state_version = 1,
                                           .state_bytes = sizeof(uint64_t),
                                           .handle = crasher_handle};
