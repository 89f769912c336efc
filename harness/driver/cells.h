/* What has become of each cell so far: its runs taken together, its troubles, its judgement. Threads: one. */
#ifndef MF_DRIVER_CELLS_H
#define MF_DRIVER_CELLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "checker/result.h"
#include "report/report.h"
#include "scenario/scenario.h"

struct mf_cell_state {
    const struct mf_cell *cell;
    uint64_t seed;      /* of its first run */
    uint32_t *versions; /* [modules_count] */
    struct mf_result result;
    bool has_result;
    uint32_t runs_count;     /* whose results are in */
    struct mf_error trouble; /* the first; empty text: none */
    struct mf_judgement judgement;
    struct mf_report_parameter *parameters;
    char load_text[64];
};

/* One per cell of the scenario, which must outlive them. NULL with INTERNAL. */
struct mf_cell_state *mf_cell_states_new(const struct mf_scenario *scenario, struct mf_error *err);
void mf_cell_states_free(struct mf_cell_state *states, uint32_t n); /* takes NULL */

/* What became of a run, in a line. */
struct mf_run_said {
    enum mf_verdict verdict;
    char why[MF_TEXT_BYTES];
};
/* A run is in: judges it, writes its folder, adds it to the cell. `trouble`: what broke it off, if its text is not
 * empty. -1 with INTERNAL; *said stands then, too. */
int mf_cell_state_run(struct mf_cell_state *state, const char *dir, const struct mf_result *result,
                      const struct mf_error *trouble, bool interrupted, struct mf_run_said *said, struct mf_error *err);
void mf_cell_state_trouble(struct mf_cell_state *state, const struct mf_error *err);
/* When its last run is in: derives and judges all of them together. */
void mf_cell_state_judge(struct mf_cell_state *state, bool interrupted);
/* Borrows from the state. */
struct mf_report_cell mf_cell_state_report(const struct mf_cell_state *state);

/* One more reason; the verdict becomes the worse one. Where the list is full, its last line gives way. */
void mf_judgement_note(struct mf_judgement *judgement, enum mf_verdict verdict, const char *text);
/* Trouble of ours or of the target's proves nothing: unknown; what this machine lacks: skipped. */
void mf_judgement_trouble(struct mf_judgement *judgement, const struct mf_error *err);

#endif
