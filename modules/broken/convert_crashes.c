/* convert_crashes: a state layout that nobody else has, and a convert that crashes. */
#include <signal.h>

#include "base.h"
#include "order.h"

ORDER(90); /* the version that it answers with, where it comes to answer */

static int convert_crashes(void *to, uint32_t from_version, const void *from, uint32_t from_bytes)
{
    (void)to;
    (void)from_version;
    (void)from;
    (void)from_bytes;
    signal(SIGSEGV, SIG_DFL); /* a crash, and no report of a sanitizer's about a fault that is meant */
    raise(SIGSEGV);
    return -1;
}

static enum mf_handle never_handles(void *state, const struct mf_ping *ping, struct mf_answer *answer)
{
    (void)ping;
    base_answer(state, answer, (uint32_t)order.number);
    return MF_HANDLE_REPLY;
}

__attribute__((visibility("default"))) extern const struct mf_module midflight_module;
const struct mf_module midflight_module = {.abi = MF_MODULE_ABI,
                                           .name = "convert_crashes",
                                           .version = 90,
                                           .state_version = 90,
                                           .state_bytes = 3 * sizeof(uint64_t),
                                           .handle = never_handles,
                                           .convert = convert_crashes};
