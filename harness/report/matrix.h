/* What became of each strategy (or whatever else was swept) under each fault, in one small table.
 *
 * For reports whose sweep has faults among its parameters: a row for each combination of the others, a column for each
 * value of the faults. Threads: one. */
#ifndef MF_REPORT_MATRIX_H
#define MF_REPORT_MATRIX_H

#include "report/ink.h"
#include "report/rows.h"

/* Whether report `r` of the rows is of that kind. */
bool mf_matrix_fits(const struct mf_rows *rows, uint32_t r);
/* Prints it, as many columns beside each other as the ink's limit allows. -1 with INTERNAL: no memory. */
int mf_matrix_print(const struct mf_ink *ink, const struct mf_rows *rows, uint32_t r, struct mf_error *err);

#endif
