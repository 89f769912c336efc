/* The promises of a strategy, as bits; the names stand in strategies.def, which any program may include as data. */
#ifndef MF_STRATEGIES_FLAGS_H
#define MF_STRATEGIES_FLAGS_H

enum mf_strategy_flags {
    EXCHANGES = 1,
    KEEPS_MESSAGES = 2,
    KEEPS_STATE = 4,
    KEEPS_PROCESSES = 8,
    KEEPS_OS_PROCESS = 16,
    ANSWERS_TRIGGER = 32,
    ROLLS_BACK = 64,
    NEEDS_TCP = 128,
    SAME_LAYOUT = 256,
};

#endif
