/* What became of the probes: strategies (or whatever the cells are) by wire states. Prints nothing where no cell has
 * placed any. Threads: one. */
#ifndef MF_REPORT_WIRE_TABLE_H
#define MF_REPORT_WIRE_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#include "report/ink.h"
#include "report/rows.h"

/* Whether there is anything to print. */
bool mf_wire_table_has(const struct mf_rows *rows);
void mf_wire_table_text(const struct mf_ink *ink, const struct mf_rows *rows);
void mf_wire_table_markdown(FILE *out, const struct mf_rows *rows);
/* The columns behind a row of CSV, each with a comma before it; nothing where no row has any. */
void mf_wire_table_csv_head(FILE *out, const struct mf_rows *rows);
void mf_wire_table_csv(FILE *out, const struct mf_rows *rows, const struct mf_row *row);

#endif
