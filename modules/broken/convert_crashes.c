/* convert_crashes: a state layout that nobody else has, and a convert that crashes. */
#include <signal.h>

#include "never.h"

static int convert_crashes(void *to, uint32_t from_version, const void *from, uint32_t from_bytes)
{
    (void)to;
    (void)from_version;
    (void)from;
    (void)from_bytes;
    signal(SIGSEGV, SIG_DFL); /* a crash, and no report of a sanitizer's about a fault that is meant */
    raise(SIGSEGV);
    return -1;
}

NEVER_CONVERTED("convert_crashes", convert_crashes);
