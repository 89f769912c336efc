#include "report/utf8.h"

uint32_t mf_utf8_next(const char **text)
{
    const unsigned char *s = (const unsigned char *)*text;
    if (!s[0])
        return 0;
    if (s[0] < 0x80) {
        *text += 1;
        return s[0];
    }
    unsigned more = s[0] >= 0xF0 ? 3 : s[0] >= 0xE0 ? 2 : 1;
    static const uint32_t lowest[4] = {0, 0x80, 0x800, 0x10000};
    uint32_t code = s[0] & (0x3Fu >> more);
    unsigned i = 1;
    /* a NUL is no continuation byte, so this never reads past the end */
    while (i <= more && (s[i] & 0xC0) == 0x80)
        code = code << 6 | (s[i++] & 0x3Fu);
    int bad = s[0] < 0xC2 || s[0] > 0xF4 || i <= more || code < lowest[more] || code > 0x10FFFF ||
              (code >= 0xD800 && code <= 0xDFFF);
    *text += bad ? 1 : more + 1;
    return bad ? MF_UTF8_REPLACEMENT : code;
}

unsigned mf_utf8_put(char out[4], uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    unsigned more = code >= 0x10000 ? 3 : code >= 0x800 ? 2 : 1;
    static const uint32_t lead[4] = {0, 0xC0, 0xE0, 0xF0};
    for (unsigned i = more; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)(lead[more] | code);
    return more + 1;
}

unsigned mf_utf8_width(uint32_t code)
{
    static const struct {
        uint32_t first, last;
        unsigned width;
    } range[] = {
        {0x0300, 0x036F, 0}, {0x200B, 0x200F, 0},   {0x20D0, 0x20FF, 0},   {0xFE00, 0xFE0F, 0}, {0x1100, 0x115F, 2},
        {0x2E80, 0xA4CF, 2}, {0xAC00, 0xD7A3, 2},   {0xF900, 0xFAFF, 2},   {0xFE30, 0xFE6F, 2}, {0xFF00, 0xFF60, 2},
        {0xFFE0, 0xFFE6, 2}, {0x1F300, 0x1FAFF, 2}, {0x20000, 0x3FFFD, 2},
    };
    for (unsigned i = 0; i < sizeof range / sizeof range[0]; i++)
        if (code >= range[i].first && code <= range[i].last)
            return range[i].width;
    return 1;
}
