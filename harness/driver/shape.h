/* What a run needs, computed from its cell before anything starts: the recorder's shape, the upgrade log's plan, each
 * worker's orders. Pure: no clock, no I/O. Threads: any. */
#ifndef MF_DRIVER_SHAPE_H
#define MF_DRIVER_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "recorder/recorder.h"
#include "scenario/scenario.h"
#include "wire/plan.h"

/* The drive's own grace behind the drain: what has not finished by then is not going to. */
#define MF_FINISH_GRACE_MS 5000

uint64_t mf_shape_warmup_ns(const struct mf_cell *cell);
uint64_t mf_shape_duration_ns(const struct mf_cell *cell); /* without the warm-up */
uint64_t mf_shape_drain_ns(const struct mf_cell *cell);

/* Whether a run of this cell can be driven at all. -1 with USAGE: points of the node mixed with the driver's, too many
 * points, fewer messages than workers, more streams and messages than the recorder could hold. */
int mf_shape_check(const struct mf_cell *cell, struct mf_error *err);
/* For a cell that passed the check. */
struct mf_recorder_shape mf_shape_recorder(const struct mf_cell *cell);

/* Which cell's turn it is in round n (from 1): all cells, and then again, every other round backwards (A B B A). A machine
 * that drifts, as all do, drifts for each cell alike, and a difference between two cells is theirs. */
uint32_t mf_shape_turn(uint32_t cells, uint32_t n, uint32_t turn);
/* Of round n, for every cell alike: what is random is the same for those that are compared. */
uint64_t mf_shape_seed(const struct mf_scenario *scenario, uint32_t n);

/* Whether an upgrade is meant to bring new code: not with `none`, the control. (`stale` claims to, and that it doesn't
 * is what a run must show.) */
bool mf_shape_exchanges(const struct mf_cell *cell);
/* Fills the plan of every slot of the log: slot k goes to modules[(k + 1) mod n]; of a command, to the version that its
 * steps are told; `point` where it is known before firing. */
void mf_shape_log(const struct mf_cell *cell, const uint32_t *versions, const struct mf_recorder *rec);
/* Worker w's orders. The points of row i that the load watches belong to worker i mod workers, with that worker's share
 * of the count. Probes are worker 0's. */
void mf_shape_plan(const struct mf_cell *cell, uint32_t w, const char *endpoint, uint64_t seed, struct mf_plan *plan);
/* This worker writes a history into `dir`. -1 with USAGE: the path is too long for an order. */
int mf_shape_history(struct mf_plan *plan, const char *dir, struct mf_error *err);
/* "open, 20000/s" | "closed, window 64" */
void mf_shape_load_text(const struct mf_load *load, char *text, size_t bytes);
/* Whether the node fires this kind of point itself. */
bool mf_point_is_of_node(enum mf_point_kind kind);

#endif
