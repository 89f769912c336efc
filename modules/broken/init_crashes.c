/* init_crashes: its init crashes. */
#include <signal.h>

#include "never.h"

static int init_crashes(const char **why)
{
    (void)why;
    signal(SIGSEGV, SIG_DFL); /* a crash, and no report of a sanitizer's about a fault that is meant */
    raise(SIGSEGV);
    return 0;
}

NEVER_INITIALISED("init_crashes", init_crashes);
