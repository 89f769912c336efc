/* Text that came from elsewhere, inside a Markdown document. Threads: any. */
#ifndef MF_REPORT_MARKDOWN_H
#define MF_REPORT_MARKDOWN_H

#include <stdio.h>

/* Prints it so that it stands between the bars of a table: no bar, no line break, and no HTML of someone else's. */
void mf_markdown_print(FILE *out, const char *text);

#endif
