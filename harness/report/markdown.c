#include "report/markdown.h"

#include <string.h>

#include "report/utf8.h"

void mf_markdown_print(FILE *out, const char *text)
{
    for (uint32_t code; text && (code = mf_utf8_next(&text)) != 0;) {
        char bytes[4];
        if (code < 0x20 || code == 0x7F) {
            fputc(' ', out);
            continue;
        }
        if (code < 0x80 && strchr("|\\`*_<>[]~", (int)code))
            fputc('\\', out);
        fwrite(bytes, 1, mf_utf8_put(bytes, code), out);
    }
}
