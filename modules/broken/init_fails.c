/* init_fails: its init says that it cannot. */
#include "never.h"

static int init_fails(const char **why)
{
    *why = "this module was made to refuse";
    return -1;
}

NEVER_INITIALISED("init_fails", init_fails);
