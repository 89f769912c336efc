/* A module that loads well, and cannot convert the state of every process: those that have answered more than a few
 * pings it refuses, the idle ones it takes. An exchange that believed the first conversions would end with a node of
 * both kinds. */
#include <string.h>

#include "abi/module.h"

#define REFUSED_FROM 3

static enum mf_handle refuser_handle(void *state, const struct mf_ping *ping, struct mf_answer *answer)
{
    uint64_t count;
    (void)ping;
    memcpy(&count, state, sizeof count);
    answer->count = ++count;
    memcpy(state, &count, sizeof count);
    answer->version = 9;
    return MF_HANDLE_REPLY;
}

/* Every layout of pingpong holds the count in its first eight bytes or says 0 there: enough to refuse by. */
static int refuser_convert(void *to, uint32_t from_version, const void *from, uint32_t from_bytes)
{
    uint64_t count = 0;
    (void)from_version;
    memcpy(&count, from, from_bytes < sizeof count ? from_bytes : sizeof count);
    if (count >= REFUSED_FROM)
        return -1;
    memcpy(to, &count, sizeof count);
    return 0;
}

extern const struct mf_module midflight_module;
const struct mf_module midflight_module = {.abi = MF_MODULE_ABI,
                                           .name = "refuser",
                                           .version = 9,
                                           .state_version = 99,
                                           .state_bytes = 512,
                                           .handle = refuser_handle,
                                           .convert = refuser_convert};
