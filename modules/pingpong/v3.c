/* pingpong, version 3: the state's layout has changed. Layout 2 splits the count in two, remembers the last ping, and
 * guards itself with a checksum: a state that was taken over bytewise instead of being converted shows at once. */
#include <stddef.h>

#include "abi/module.h"

struct state_1 {
    uint64_t count;
};

struct state_2 {
    uint32_t count_low, count_high;
    uint64_t last_seq;
    uint32_t checksum, unused;
};

static uint32_t checksum_of(const struct state_2 *s)
{
    uint64_t x = ((uint64_t)s->count_high << 32 | s->count_low) ^ (s->last_seq + 0x9e3779b97f4a7c15ULL);
    x *= 0xff51afd7ed558ccdULL;
    return (uint32_t)(x >> 32);
}

static void pingpong_init_state(void *state)
{
    struct state_2 *s = state;
    s->checksum = checksum_of(s);
}

static enum mf_handle pingpong_handle(void *state, const struct mf_ping *ping, struct mf_answer *answer)
{
    struct state_2 *s = state;
    if (s->checksum != checksum_of(s))
        return MF_HANDLE_ERROR;
    uint64_t count = ((uint64_t)s->count_high << 32 | s->count_low) + 1;
    s->count_low = (uint32_t)count;
    s->count_high = (uint32_t)(count >> 32);
    s->last_seq = ping->seq;
    s->checksum = checksum_of(s);
    answer->count = count;
    answer->version = 3;
    return MF_HANDLE_REPLY;
}

static void pingpong_handle_pong(const struct mf_pinger_api *api, uint32_t stream, uint64_t seq,
                                 const struct mf_answer *answer, uint64_t instance)
{
    api->pong_arrived(api->pinger, stream, seq, answer, instance);
}

/* What layout 1 does not know begins as in a fresh state. */
static int pingpong_convert(void *to, uint32_t from_version, const void *from, uint32_t from_bytes)
{
    struct state_2 *s = to;
    const struct state_1 *old = from;
    if (from_version != 1 || from_bytes != sizeof *old)
        return -1;
    s->count_low = (uint32_t)old->count;
    s->count_high = (uint32_t)(old->count >> 32);
    s->checksum = checksum_of(s);
    return 0;
}

__attribute__((visibility("default"))) extern const struct mf_module midflight_module;
const struct mf_module midflight_module = {
    .abi = MF_MODULE_ABI,
    .name = "pingpong",
    .version = 3,
    .state_version = 2,
    .state_bytes = sizeof(struct state_2),
    .init_state = pingpong_init_state,
    .handle = pingpong_handle,
    .handle_pong = pingpong_handle_pong,
    .convert = pingpong_convert,
};
