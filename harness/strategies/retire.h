/* How the old copy of strategy reuseport ends; the names stand in retire.def, which any program may include as data. */
#ifndef MF_STRATEGIES_RETIRE_H
#define MF_STRATEGIES_RETIRE_H

enum mf_retire {
#define MF_RETIRE(id, key, text) MF_RETIRE_##id,
#include "strategies/retire.def"
#undef MF_RETIRE
    MF_RETIRE_COUNT
};

/* The keys, by enum mf_retire. */
static const char *const mf_retire_keys[MF_RETIRE_COUNT] __attribute__((unused)) = {
#define MF_RETIRE(id, key, text) key,
#include "strategies/retire.def"
#undef MF_RETIRE
};

#endif
