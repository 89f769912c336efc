/* Which fault fires when, and that all of them are undone.
 *
 * Each row of the scenario's `faults` makes as many acts as its count says. An act fires at an instant, when the load
 * says that a message was sent, or at a phase of an upgrade, where the node stands still until it has. It is undone
 * after its duration; without one when its upgrade has ended, and else at the end of the run. Life: mf_faulting_open
 * (marks the phases in the log); prepare, by the target; mf_faulting_go once start_ns stands in the recorder; ...;
 * mf_faulting_end (nothing is injected any more, and all is undone while the target lives); release, by the target;
 * mf_faulting_close, whose `closed` is the last thing that happens. Threads: the loop's; it may be held up by a fault
 * for some milliseconds. */
#ifndef MF_DRIVER_FAULTING_H
#define MF_DRIVER_FAULTING_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "checker/result.h"
#include "driver/locate.h"
#include "faults/fault.h"
#include "scenario/scenario.h"

struct mf_faulting {
    const struct mf_cell *cell;
    const struct mf_places *places;
    struct mf_fault_site site;
    void *ctx;
    int (*request)(void *ctx, uint32_t *k);
    int (*relay)(void *ctx, struct mf_control_writer *w);
    pid_t (*supervisor)(void *ctx);
    uint32_t (*members)(void *ctx, enum mf_fault_whom whom, pid_t *pid, uint32_t room); /* NULL: our node */
    void (*closed)(void *ctx);

    struct mf_faulting_act {
        struct mf_fault_act act;
        uint64_t due_ns, undo_ns; /* instants; 0: none */
        bool is_over;             /* it has been tried */
    } * acts;
    uint32_t acts_count;
    int timer_fd;
    uv_poll_t poll;
    bool polls, ended;
};

/* -1 with INTERNAL. The callbacks and ctx are filled in by the caller before. */
int mf_faulting_open(struct mf_faulting *f, uv_loop_t *loop, const struct mf_cell *cell, const struct mf_places *places,
                     const struct mf_recorder *rec, uint64_t seed, struct mf_error *err);
/* For the target (mf_node_options): `faulting` is the struct. */
int mf_faulting_prepare(void *faulting, const char *folder, struct mf_error *err);
void mf_faulting_release(void *faulting);
int mf_faulting_go(struct mf_faulting *f, struct mf_error *err);
/* Slot k stands still at `phase`: injects what is to fire there, and lets it go on. */
void mf_faulting_phase(struct mf_faulting *f, uint32_t k, uint32_t phase);
void mf_faulting_upgrade_ended(struct mf_faulting *f, uint32_t k);
/* The load says that a point of row `row` of `faults` has come. */
void mf_faulting_message(struct mf_faulting *f, uint32_t row);
/* The relay has done what the act of row `row` asked. */
void mf_faulting_relayed(struct mf_faulting *f, uint32_t row, uint64_t connections);
void mf_faulting_end(struct mf_faulting *f);
void mf_faulting_close(struct mf_faulting *f);

bool mf_faulting_has(const struct mf_cell *cell, enum mf_fault_kind kind);
/* What became of each act: a malloc'ed array of acts_count, times relative to start_ns. NULL: no memory. */
struct mf_fault_result *mf_faulting_results(const struct mf_faulting *f, uint32_t run);

/* The instants (ns after start_ns) at which a row with a point in time fires, seeded; fills out[plan->count]. */
void mf_faulting_instants(const struct mf_cell *cell, const struct mf_fault_plan *plan, uint64_t seed, uint64_t *out);

#endif
