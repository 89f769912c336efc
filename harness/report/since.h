/* "Has it become worse since?": two reports of one scenario, in the four forms of a table. Each prints to `out`, the
 * caller's. -1 with INTERNAL: no memory. Threads: one. */
#ifndef MF_REPORT_SINCE_H
#define MF_REPORT_SINCE_H

#include <stdio.h>

#include "report/pairs.h"
#include "report/report.h"

int mf_since_print(FILE *out, const struct mf_pairs *pairs, const struct mf_table_style *style, struct mf_error *err);

#endif
