/* pingpong, version 2: the code has changed, the state has not. Layout 1, as in version 1. */
#include <stddef.h>

#include "abi/module.h"

struct state_1 {
    uint64_t count;
};

/* As version 3 has it. */
struct state_2 {
    uint32_t count_low, count_high;
    uint64_t last_seq;
    uint32_t checksum, unused;
};

static enum mf_handle pingpong_handle(void *state, const struct mf_ping *ping, struct mf_answer *answer)
{
    struct state_1 *s = state;
    s->count++;
    answer->count = s->count;
    answer->payload = ping->payload;
    answer->payload_bytes = ping->payload_bytes;
    answer->version = 2;
    return MF_HANDLE_REPLY;
}

static void pingpong_handle_pong(const struct mf_pinger_api *api, uint32_t stream, uint64_t seq,
                                 const struct mf_answer *answer, uint64_t instance)
{
    api->pong_arrived(api->pinger, stream, seq, answer, instance);
}

static int pingpong_convert(void *to, uint32_t from_version, const void *from, uint32_t from_bytes)
{
    struct state_1 *s = to;
    const struct state_2 *old = from;
    if (from_version != 2 || from_bytes != sizeof *old)
        return -1;
    s->count = (uint64_t)old->count_high << 32 | old->count_low;
    return 0;
}

__attribute__((visibility("default"))) extern const struct mf_module midflight_module;
const struct mf_module midflight_module = {
    .abi = MF_MODULE_ABI,
    .name = "pingpong",
    .version = 2,
    .state_version = 1,
    .state_bytes = sizeof(struct state_1),
    .handle = pingpong_handle,
    .handle_pong = pingpong_handle_pong,
    .convert = pingpong_convert,
};
