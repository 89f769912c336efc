#include "report/ink.h"

#include "report/utf8.h"

static const char *const colour_on[] = {"", "\033[32m", "\033[31m", "\033[33m"};
static const char colour_off[] = "\033[0m";

/* What is shown in the place of a code point. */
static uint32_t shown(const struct mf_ink *ink, uint32_t code)
{
    bool control = code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x202A && code <= 0x202E) ||
                   (code >= 0x2066 && code <= 0x2069);
    return control || (!ink->utf8 && code >= 0x80) ? '?' : code;
}

unsigned mf_ink_width(const struct mf_ink *ink, const char *text)
{
    unsigned width = 0;
    for (uint32_t code; (code = mf_utf8_next(&text)) != 0;)
        width += mf_utf8_width(shown(ink, code));
    return width;
}

static void code_print(const struct mf_ink *ink, uint32_t code)
{
    char bytes[4];
    fwrite(bytes, 1, mf_utf8_put(bytes, shown(ink, code)), ink->out);
}

static void blanks_print(const struct mf_ink *ink, unsigned n)
{
    while (n--)
        fputc(' ', ink->out);
}

void mf_ink_field(const struct mf_ink *ink, const char *text, unsigned width, bool right, enum mf_colour colour)
{
    unsigned own = mf_ink_width(ink, text), blanks = own < width ? width - own : 0;
    bool coloured = ink->colour && colour != MF_COLOUR_NONE && own > 0;
    if (right)
        blanks_print(ink, blanks);
    if (coloured)
        fputs(colour_on[colour], ink->out);
    for (uint32_t code; (code = mf_utf8_next(&text)) != 0;)
        code_print(ink, code);
    if (coloured)
        fputs(colour_off, ink->out);
    if (!right)
        blanks_print(ink, blanks);
}

/* The columns up to the next blank. */
static unsigned word_width(const struct mf_ink *ink, const char *text)
{
    unsigned width = 0;
    for (uint32_t code; (code = mf_utf8_next(&text)) != 0 && code != ' ';)
        width += mf_utf8_width(shown(ink, code));
    return width;
}

void mf_ink_fold(const struct mf_ink *ink, const char *text)
{
    unsigned at = 0, pending = 0;
    bool begun = false;
    for (uint32_t code; (code = mf_utf8_next(&text)) != 0;) {
        unsigned width = mf_utf8_width(shown(ink, code));
        if (code == ' ') {
            pending++;
            unsigned next = word_width(ink, text);
            if (begun && at + pending + next > ink->limit && next > 0) {
                fputs("\n  ", ink->out);
                at = 2;
                pending = 0;
                begun = false;
            }
            continue;
        }
        blanks_print(ink, pending);
        at += pending;
        pending = 0;
        if (at + width > ink->limit) {
            fputs("\n  ", ink->out);
            at = 2;
        }
        code_print(ink, code);
        at += width;
        begun = true;
    }
    fputc('\n', ink->out);
}
