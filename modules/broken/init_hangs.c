/* init_hangs: its init never returns, and costs no processor meanwhile. */
#include <unistd.h>

#include "never.h"

static int init_hangs(const char **why)
{
    (void)why;
    while (pause() == -1) /* which is all that it ever returns */
        ;
    return -1;
}

NEVER_INITIALISED("init_hangs", init_hangs);
