/* convert_fails: a state layout that nobody else has, and no way to make it of another. */
#include "never.h"

static int convert_fails(void *to, uint32_t from_version, const void *from, uint32_t from_bytes)
{
    (void)to;
    (void)from_version;
    (void)from;
    (void)from_bytes;
    return -1;
}

NEVER_CONVERTED("convert_fails", convert_fails);
