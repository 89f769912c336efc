/* When every run is in: the cells' verdicts, report.json, junit.xml, plan.txt, and the status to exit with. Of a
 * session, and of one that is judged again. Threads: one. */
#ifndef MF_DRIVER_CONCLUDE_H
#define MF_DRIVER_CONCLUDE_H

#include <stdbool.h>

#include "base/error.h"
#include "checker/result.h"
#include "driver/cells.h"
#include "scenario/scenario.h"

struct mf_conclusion {
    const char *folder;
    const struct mf_scenario *scenario;
    struct mf_cell_state *cells; /* [scenario->cells_count] */
    bool interrupted;
    const char *broken; /* why it ended early; NULL: it didn't */
};

/* Judges the cells and writes. The worst verdict in *verdict. -1 with INTERNAL. */
int mf_conclude(const struct mf_conclusion *c, enum mf_verdict *verdict, struct mf_error *err);

/* The graver of two troubles: our own, the user's, the target's, none. */
enum mf_status mf_status_gravest(enum mf_status a, enum mf_status b);
/* `trouble`: the gravest there was; PASS: none. */
enum mf_status mf_conclusion_status(enum mf_verdict verdict, enum mf_status trouble);

#endif
