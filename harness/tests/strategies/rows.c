/* Every check for every row: a new strategy is a new row, and no new tests. */
#include <criterion/criterion.h>

#include "conformance.h"
#include "strategies/flags.h"

#define MF_STRATEGY(id, name, flags, text)                                                                             \
    Test(id, held, .timeout = 120)                                                                                     \
    {                                                                                                                  \
        check_held(name, flags);                                                                                       \
    }                                                                                                                  \
    Test(id, value, .timeout = 120)                                                                                    \
    {                                                                                                                  \
        check_value(name, flags);                                                                                      \
    }                                                                                                                  \
    Test(id, load, .timeout = 120)                                                                                     \
    {                                                                                                                  \
        check_load(name, flags);                                                                                       \
    }                                                                                                                  \
    Test(id, partial, .timeout = 120)                                                                                  \
    {                                                                                                                  \
        check_partial(name, flags);                                                                                    \
    }                                                                                                                  \
    Test(id, layouts, .timeout = 120)                                                                                  \
    {                                                                                                                  \
        check_layouts(name, flags);                                                                                    \
    }                                                                                                                  \
    Test(id, back_to_back, .timeout = 120)                                                                             \
    {                                                                                                                  \
        check_back_to_back(name, flags);                                                                               \
    }                                                                                                                  \
    Test(id, missing, .timeout = 120)                                                                                  \
    {                                                                                                                  \
        check_missing(name, flags);                                                                                    \
    }                                                                                                                  \
    Test(id, no_elf, .timeout = 120)                                                                                   \
    {                                                                                                                  \
        check_no_elf(name, flags);                                                                                     \
    }                                                                                                                  \
    Test(id, stranger, .timeout = 120)                                                                                 \
    {                                                                                                                  \
        check_stranger(name, flags);                                                                                   \
    }                                                                                                                  \
    Test(id, unwilling, .timeout = 120)                                                                                \
    {                                                                                                                  \
        check_unwilling(name, flags);                                                                                  \
    }                                                                                                                  \
    Test(id, refuser, .timeout = 120)                                                                                  \
    {                                                                                                                  \
        check_refuser(name, flags);                                                                                    \
    }                                                                                                                  \
    Test(id, broken_init, .timeout = 120)                                                                              \
    {                                                                                                                  \
        check_broken_init(name, flags);                                                                                \
    }                                                                                                                  \
    Test(id, broken_convert, .timeout = 120)                                                                           \
    {                                                                                                                  \
        check_broken_convert(name, flags);                                                                             \
    }                                                                                                                  \
    Test(id, growth, .timeout = 120)                                                                                   \
    {                                                                                                                  \
        check_growth(name, flags);                                                                                     \
    }
#include "strategies/strategies.def"
