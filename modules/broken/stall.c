/* pingpong that takes its time: each state that it takes over from the other layout costs 5 ms, in which the process,
 * and with a strategy that stops all schedulers everybody, stands still. Nothing is lost. Built twice (STALL_VERSION 1
 * and 2), to and fro; see scripts/check-compare. */
#include <errno.h>
#include <time.h>

#include "abi/module.h"

#define STALL_NS 5000000

struct state {
    uint64_t count;
};

static enum mf_handle stall_handle(void *state, const struct mf_ping *ping, struct mf_answer *answer)
{
    struct state *s = state;
    (void)ping;
    answer->count = ++s->count;
    answer->version = STALL_VERSION;
    return MF_HANDLE_REPLY;
}

static int stall_convert(void *to, uint32_t from_version, const void *from, uint32_t from_bytes)
{
    struct state *s = to;
    const struct state *old = from;
    struct timespec left = {.tv_nsec = STALL_NS};
    if (from_version == STALL_VERSION || from_bytes != sizeof *old)
        return -1;
    s->count = old->count;
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
    return 0;
}

__attribute__((visibility("default"))) extern const struct mf_module midflight_module;
const struct mf_module midflight_module = {
    .abi = MF_MODULE_ABI,
    .name = "pingpong",
    .version = STALL_VERSION,
    .state_version = STALL_VERSION,
    .state_bytes = sizeof(struct state),
    .handle = stall_handle,
    .convert = stall_convert,
};
