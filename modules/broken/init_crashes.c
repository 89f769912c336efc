/* init_crashes: its init crashes. */
#include <signal.h>

#include "base.h"
#include "order.h"

ORDER(90); /* the version that it answers with, where it comes to answer */

static int init_crashes(const char **why)
{
    (void)why;
    signal(SIGSEGV, SIG_DFL); /* a crash, and no report of a sanitizer's about a fault that is meant */
    raise(SIGSEGV);
    return 0;
}

static enum mf_handle never_handles(void *state, const struct mf_ping *ping, struct mf_answer *answer)
{
    (void)ping;
    base_answer(state, answer, (uint32_t)order.number);
    return MF_HANDLE_REPLY;
}

__attribute__((visibility("default"))) extern const struct mf_module midflight_module;
const struct mf_module midflight_module = {.abi = MF_MODULE_ABI,
                                           .name = "init_crashes",
                                           .version = 90,
                                           .state_version = 1,
                                           .state_bytes = sizeof(uint64_t),
                                           .init = init_crashes,
                                           .handle = never_handles,
                                           .convert = base_convert};
