/* What a person sees of a run while it runs, on stderr: a live line on a terminal, a line at the start and at the end
 * of each run elsewhere, nothing where quiet. Threads: the loop's. */
#ifndef MF_DRIVER_PROGRESS_H
#define MF_DRIVER_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "checker/result.h"
#include "driver/run.h"

struct mf_progress {
    bool quiet, live; /* live: stderr is a terminal */
    uint32_t columns;
    bool line_shown;
    uv_timer_t timer;
    bool timer_open;

    /* the run under way */
    const struct mf_run *run;
    const char *cell;
    uint32_t cell_number, cells, run_number, repeat;
    uint64_t seen_due, seen_ns;
    double rate_per_s;
};

void mf_progress_open(struct mf_progress *p, uv_loop_t *loop, bool quiet);
void mf_progress_run_begin(struct mf_progress *p, const struct mf_run *run, const char *cell, uint32_t cell_number,
                           uint32_t cells, uint32_t run_number, uint32_t repeat);
/* `result` NULL: it came to nothing, for the reason in `why`. */
void mf_progress_run_end(struct mf_progress *p, const struct mf_result *result, enum mf_verdict verdict,
                         const char *why);
/* One line beside all this: a note. Not shown where quiet. */
void mf_progress_note(struct mf_progress *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void mf_progress_close(struct mf_progress *p);

#endif
