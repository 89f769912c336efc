/* A module that names a function of its own besides those of its table. LISTER is its version. */
#include "abi/module.h"

static uint32_t lister_number(void)
{
    return LISTER;
}

static enum mf_handle lister_handle(void *state, const struct mf_ping *ping, struct mf_answer *answer)
{
    (void)ping;
    answer->count = ++*(uint64_t *)state;
    answer->version = lister_number();
    return MF_HANDLE_REPLY;
}

extern const struct mf_function midflight_functions[];
const struct mf_function midflight_functions[] = {{"lister_number", (void (*)(void))lister_number}, {0}};

extern const struct mf_module midflight_module;
const struct mf_module midflight_module = {.abi = MF_MODULE_ABI,
                                           .name = "lister",
                                           .version = LISTER,
                                           .state_version = 1,
                                           .state_bytes = sizeof(uint64_t),
                                           .handle = lister_handle};
