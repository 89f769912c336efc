/* What each row of strategies.def is held to. Each check starts a node of its own with that strategy. */
#ifndef MF_TESTS_STRATEGIES_CONFORMANCE_H
#define MF_TESTS_STRATEGIES_CONFORMANCE_H

/* One upgrade, fired by a message that is held while others queue behind it: every promise of the row, and every
 * promise that it does not make. */
void check_held(const char *strategy, unsigned flags);
/* One upgrade on a value, held: the trigger's answer. */
void check_value(const char *strategy, unsigned flags);
/* Upgrades while a window of pings is always in flight. */
void check_load(const char *strategy, unsigned flags);
/* An exchange in the middle of a ping, and with answers half written. */
void check_partial(const char *strategy, unsigned flags);
/* 1, 2, 3, 1: the state's layout changes up and down. */
void check_layouts(const char *strategy, unsigned flags);
/* A second upgrade asked for before the first has ended: it waits its turn. And back to the old version. */
void check_back_to_back(const char *strategy, unsigned flags);
/* Modules that cannot be loaded, that refuse to begin, that cannot convert. */
void check_missing(const char *strategy, unsigned flags);
void check_no_elf(const char *strategy, unsigned flags);
void check_stranger(const char *strategy, unsigned flags);
void check_unwilling(const char *strategy, unsigned flags);
void check_refuser(const char *strategy, unsigned flags);
/* Modules that crash and hang where they are asked anything: who promises to roll back does not notice. */
void check_broken_init(const char *strategy, unsigned flags);
void check_broken_convert(const char *strategy, unsigned flags);
/* Descriptors, mappings, threads, over many upgrades. */
void check_growth(const char *strategy, unsigned flags);

#endif
