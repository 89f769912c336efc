/* A module that never comes to answer: its init or its convert is broken. The state's layout of the latter is one that
 * nobody else has, so that its convert is always asked. */
#ifndef BROKEN_NEVER_H
#define BROKEN_NEVER_H

#include "base.h"
#include "order.h"

ORDER(90); /* the version that it answers with, where it comes to answer after all */

static enum mf_handle never_handles(void *state, const struct mf_ping *ping, struct mf_answer *answer)
{
    (void)ping;
    base_answer(state, answer, (uint32_t)order.number);
    return MF_HANDLE_REPLY;
}

#define NEVER_MODULE(module_name, layout, words, ...)                                                                  \
    __attribute__((visibility("default"))) extern const struct mf_module midflight_module;                             \
    const struct mf_module midflight_module = {.abi = MF_MODULE_ABI,                                                   \
                                               .name = module_name,                                                    \
                                               .version = 90,                                                          \
                                               .state_version = layout,                                                \
                                               .state_bytes = words * sizeof(uint64_t),                                \
                                               .handle = never_handles,                                                \
                                               __VA_ARGS__}
#define NEVER_INITIALISED(module_name, function)                                                                       \
    NEVER_MODULE(module_name, 1, 1, .init = function, .convert = base_convert)
#define NEVER_CONVERTED(module_name, function) NEVER_MODULE(module_name, 90, 3, .convert = function)

#endif
