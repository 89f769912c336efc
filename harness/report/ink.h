/* Text for a person: aligned, coloured and folded, on a terminal that may know neither colours nor UTF-8. Control
 * characters, which could steer the terminal, come out as '?'. Threads: one. */
#ifndef MF_REPORT_INK_H
#define MF_REPORT_INK_H

#include <stdbool.h>
#include <stdio.h>

enum mf_colour { MF_COLOUR_NONE, MF_COLOUR_GREEN, MF_COLOUR_RED, MF_COLOUR_YELLOW };

struct mf_ink {
    FILE *out; /* the caller's */
    bool colour, utf8;
    unsigned limit; /* columns */
};

/* How many columns `text` takes. */
unsigned mf_ink_width(const struct mf_ink *ink, const char *text);
/* Prints `text` in `width` columns (wider where it does not fit), to the right where `right`. */
void mf_ink_field(const struct mf_ink *ink, const char *text, unsigned width, bool right, enum mf_colour colour);
/* Prints `text` and a newline, folded at blanks (and within a word that is wider than a line) to the limit; further
 * lines are indented by two. */
void mf_ink_fold(const struct mf_ink *ink, const char *text);

#endif
