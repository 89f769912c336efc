/* slow_load: takes its time to be loaded, and is from then on the module whose path its order holds (none: one of its
 * own). Both are done where the loader runs a shared object's constructors: whoever opens this one waits. */
#include <dlfcn.h>
#include <time.h>

#include "base.h"
#include "order.h"

ORDER(0);
static void *real;

static enum mf_handle own_handle(void *state, const struct mf_ping *ping, struct mf_answer *answer)
{
    (void)ping;
    base_answer(state, answer, 2);
    return MF_HANDLE_REPLY;
}

__attribute__((visibility("default"))) extern struct mf_module midflight_module;
struct mf_module midflight_module = {.abi = MF_MODULE_ABI,
                                     .name = "slow_load",
                                     .version = 2,
                                     .state_version = 1,
                                     .state_bytes = sizeof(uint64_t),
                                     .handle = own_handle,
                                     .convert = base_convert};

/* What cannot be opened shows as a module for another ABI, which the node refuses. */
__attribute__((constructor)) static void slow_open(void)
{
    char path[sizeof order.path];
    struct timespec rest = {.tv_sec = (time_t)(order.number / 1000), .tv_nsec = (long)(order.number % 1000) * 1000000};
    while (nanosleep(&rest, &rest) != 0)
        ;
    for (size_t i = 0; i < sizeof path; i++)
        path[i] = order.path[i];
    if (!path[0])
        return;
    real = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct mf_module *table = real ? dlsym(real, MF_MODULE_SYMBOL) : NULL;
    if (table)
        midflight_module = *table;
    else
        midflight_module.abi = 0;
}

__attribute__((destructor)) static void slow_close(void)
{
    if (real)
        dlclose(real);
}
