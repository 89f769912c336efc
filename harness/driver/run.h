/* One run of one cell: recorder, target, load, upgrades, and an end that leaves nothing behind.
 *
 * Life: mf_run_start; turn the loop until mf_run_is_over; mf_run_gather; mf_run_free. mf_run_stop at any time between:
 * what was measured so far can still be gathered. The driver's loop may stall without moving a measurement: it touches
 * no message. Threads: the loop's. */
#ifndef MF_DRIVER_RUN_H
#define MF_DRIVER_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"
#include "checker/result.h"
#include "driver/locate.h"
#include "scenario/scenario.h"

struct mf_run;

/* Everything is borrowed until mf_run_free. */
struct mf_run_options {
    uv_loop_t *loop;
    const struct mf_cell *cell;
    const struct mf_places *places;
    const uint32_t *versions; /* of the cell's modules; of a command, the first alone */
    const char *dir;          /* cells/<cell>/run-<n>, which exists */
    uint64_t seed;
    bool history; /* every message's record is written into `dir` */
};

/* How it goes; torn by a message or two, since the others go on writing. */
struct mf_run_view {
    const char *phase;           /* "starting", "connecting", "warm-up", "measuring", "draining", "stopping" */
    uint64_t due, lost, left_ns; /* left: until the last ping is due and drained; 0: not known, or over */
    uint32_t fired, planned;
};

/* NULL with *err: nothing was started, nothing is left. */
struct mf_run *mf_run_start(const struct mf_run_options *options, struct mf_error *err);
bool mf_run_is_over(const struct mf_run *run);
/* Ends it early: politely, or at once where `hurry` (may be said after the polite way). */
void mf_run_stop(struct mf_run *run, bool hurry);
void mf_run_look(const struct mf_run *run, struct mf_run_view *view);
/* After it is over. Fills an empty result and derives it. Returns 0 (then err->text is empty, or says what broke off a
 * run that has measured something), or -1 with *err: it never came so far as to send a ping, or the result cannot be
 * made. */
int mf_run_gather(struct mf_run *run, uint32_t number, struct mf_result *result, struct mf_error *err);
/* After mf_run_gather: for the history. */
const struct mf_recorder *mf_run_recorder(const struct mf_run *run);
const struct mf_target_witness *mf_run_witness(const struct mf_run *run);
void mf_run_free(struct mf_run *run); /* takes NULL; after it is over */

#endif
