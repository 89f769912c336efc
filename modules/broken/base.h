/* A small module that works, for the others to break: pingpong's first layout (a count), converted from its second,
 * too.
 */
#ifndef BROKEN_BASE_H
#define BROKEN_BASE_H

#include <string.h>

#include "abi/module.h"

#define BASE_EVERY 10 /* the n-th message of a process that meets the fault, and every n-th from there */

/* Answers with `version`. Returns the process's count, this message included. */
static inline uint64_t base_answer(void *state, struct mf_answer *answer, uint32_t version)
{
    uint64_t count;
    memcpy(&count, state, sizeof count);
    count++;
    memcpy(state, &count, sizeof count);
    answer->count = count;
    answer->version = version;
    return count;
}

static inline int base_convert(void *to, uint32_t from_version, const void *from, uint32_t from_bytes)
{
    uint32_t half[2];
    if (from_version != 2 || from_bytes < sizeof half)
        return -1;
    memcpy(half, from, sizeof half);
    uint64_t count = (uint64_t)half[1] << 32 | half[0];
    memcpy(to, &count, sizeof count);
    return 0;
}

/* The rest of the table of a module whose `handle` is broken. */
#define BASE_MODULE(module_name, module_version, handle_function)                                                      \
    __attribute__((visibility("default"))) extern const struct mf_module midflight_module;                             \
    const struct mf_module midflight_module = {.abi = MF_MODULE_ABI,                                                   \
                                               .name = module_name,                                                    \
                                               .version = module_version,                                              \
                                               .state_version = 1,                                                     \
                                               .state_bytes = sizeof(uint64_t),                                        \
                                               .handle = handle_function,                                              \
                                               .convert = base_convert}

#endif
