/* The list of strategies.def as tables. */
#include <stdbool.h>
#include <string.h>

#include "strategies/strategy.h"

#define MF_STRATEGY(id, name, flags, text) extern const struct mf_strategy mf_strategy_##id;
#include "strategies/strategies.def"
#undef MF_STRATEGY

static const struct {
    const char *name;
    unsigned flags;
    const struct mf_strategy *strategy;
} rows[] = {
#define MF_STRATEGY(id, name, flags, text) {name, flags, &mf_strategy_##id},
#include "strategies/strategies.def"
#undef MF_STRATEGY
};
#define ROWS (sizeof rows / sizeof rows[0])

const struct mf_strategy *mf_strategy_find(const char *name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].strategy;
    return NULL;
}

unsigned mf_strategy_flags(const struct mf_strategy *strategy)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].strategy == strategy)
            return rows[i].flags;
    return 0;
}

/* What is wrong with a row; NULL: nothing. */
static const char *row_fault(size_t i)
{
    const struct mf_strategy *s = rows[i].strategy;
    if (!s->name || strcmp(s->name, rows[i].name) != 0)
        return "its table has another name";
    if (mf_strategy_find(rows[i].name) != s)
        return "two rows have this name";
    if (!s->supervise == !s->upgrade)
        return "exactly one of `supervise` and `upgrade` is required";
    if (s->command && !s->supervise)
        return "`command` answers `supervise`, which it does not have";
    if (s->resume && !s->upgrade)
        return "`resume` goes on with `upgrade`, which it does not have";
    if (s->hands_over && !s->supervise)
        return "`hands_over` is of use to `supervise` only, which it does not have";
    if (!(rows[i].flags & NEEDS_TCP) != (s->listener != MF_LISTENER_SHARED))
        return "NEEDS_TCP and a shared listener go together";
    if (s->supervise && (rows[i].flags & KEEPS_OS_PROCESS))
        return "it replaces the worker (`supervise`) and promises KEEPS_OS_PROCESS";
    return NULL;
}

int mf_strategies_check(struct mf_error *err)
{
    for (size_t i = 0; i < ROWS; i++) {
        const char *fault = row_fault(i);
        if (fault)
            return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "strategies.def, %s: %s", rows[i].name, fault);
    }
    return 0;
}
