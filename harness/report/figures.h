/* Numbers as a table shows them. All into the caller's buffer, never over MF_FIGURE_BYTES. Threads: any. */
#ifndef MF_REPORT_FIGURES_H
#define MF_REPORT_FIGURES_H

#include <stdbool.h>

#include "report/rows.h"

#define MF_FIGURE_BYTES 48

struct mf_figure_style {
    bool brief;         /* counts of five columns at most: 12.3k, 1.23M */
    const char *absent; /* what stands for a value that is not known */
};

/* One value of a row; or, with a baseline, its signed difference to that. */
void mf_figure(char *text, const struct mf_figure_style *style, const struct mf_row *row, const struct mf_row *baseline,
               enum mf_measure m);
/* "a/b" of two; once `absent` where neither is known. `text` holds 2 * MF_FIGURE_BYTES. */
void mf_figure_pair(char *text, const struct mf_figure_style *style, const struct mf_row *row,
                    const struct mf_row *baseline, enum mf_measure a, enum mf_measure b);
/* All digits of a number (15), for files. */
void mf_figure_full(char *text, double x);

#endif
