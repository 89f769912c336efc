#include "node/reason.h"

#include <string.h>

void mf_reason_write(char *reason, size_t bytes, const char *dir, const char *text)
{
    size_t dir_bytes = dir ? strlen(dir) : 0, used = 0;
    while (*text && used + 1 < bytes) {
        if (dir_bytes > 0 && strncmp(text, dir, dir_bytes) == 0 && text[dir_bytes] == '/')
            text += dir_bytes + 1;
        else
            reason[used++] = *text++;
    }
    reason[used] = 0;
    if (*text && used > 3)
        memcpy(reason + used - 3, "...", 3);
}
