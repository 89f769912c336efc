/* What whoever reads our output can show. */
#ifndef MF_DRIVER_TERMINAL_H
#define MF_DRIVER_TERMINAL_H

#include <stdio.h>

#include "report/report.h"

/* Colour on a terminal (unless NO_COLOR is set or TERM is dumb), UTF-8 where the locale says so, the terminal's width
 * (120 where there is none). */
struct mf_table_style mf_terminal_style(FILE *out);

#endif
