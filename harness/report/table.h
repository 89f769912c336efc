/* The comparison in its four forms. Each prints to `out`, the caller's. -1 with INTERNAL: no memory. Threads: one. */
#ifndef MF_REPORT_TABLE_H
#define MF_REPORT_TABLE_H

#include <stdio.h>

#include "report/report.h"
#include "report/rows.h"

/* For a person: at most 120 columns whatever the numbers; digits and blanks are given up only as far as that needs. */
int mf_table_text(FILE *out, const struct mf_rows *rows, const struct mf_table_style *style, struct mf_error *err);
/* For programs and documents: full precision. Where there is a baseline, differences stand behind (csv: columns
 * *_difference, markdown: in parentheses, json: `difference`). */
int mf_table_markdown(FILE *out, const struct mf_rows *rows, struct mf_error *err);
void mf_table_csv(FILE *out, const struct mf_rows *rows);
int mf_table_json(FILE *out, const struct mf_rows *rows, struct mf_error *err);

#endif
