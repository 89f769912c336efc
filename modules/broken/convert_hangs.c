/* convert_hangs: a state layout that nobody else has, and a convert that never returns. */
#include <unistd.h>

#include "never.h"

static int convert_hangs(void *to, uint32_t from_version, const void *from, uint32_t from_bytes)
{
    (void)to;
    (void)from_version;
    (void)from;
    (void)from_bytes;
    while (pause() == -1) /* which is all that it ever returns */
        ;
    return -1;
}

NEVER_CONVERTED("convert_hangs", convert_hangs);
