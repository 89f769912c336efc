/* A fault: something that goes wrong on purpose, at its instant, and is undone.
 *
 * One file per fault with one `const struct mf_fault mf_fault_<id>` at its foot, and one row in faults.def. Life of an
 * act (one firing of a row of the scenario): prepare, before the target's programs start; inject at its point; undo,
 * after its duration, at its upgrade's end, or at the end of the run. All on the driver's thread, which touches no
 * message: each may block for some milliseconds. Its no-op twin (plan->noop) goes through the same calls and system
 * calls without the effect. Errors: -1 with *err; an act whose inject fails has not fired, and its run proves nothing.
 */
#ifndef MF_FAULTS_FAULT_H
#define MF_FAULTS_FAULT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/error.h"
#include "faults/plan.h"
#include "recorder/recorder.h"
#include "wire/control.h"

#define MF_ACT_PIDS       64
#define MF_ACT_WHAT_BYTES 160

/* Where faults act: the run. Lent by the driver. */
struct mf_fault_site {
    const struct mf_recorder *rec;
    pid_t supervisor;                /* of the node; 0: not started */
    char scratch[PATH_MAX];          /* the node's own folder */
    char broken[PATH_MAX];           /* the folder of modules that are broken on purpose */
    const char *const *module_names; /* as the scenario names them, for messages */
    bool is_mounted;                 /* scratch is a file system of its own */
    void *ctx;
    /* Asks the target for the next planned upgrade, whatever is under way, and says which slot that is. -1: none is
     * left. */
    int (*request)(void *ctx, uint32_t *k);
    /* The OS processes of a target that is no node of ours, by whom; at most `room`. NULL: it is our node, whose workers are
     * the supervisor's children. */
    uint32_t (*members)(void *ctx, enum mf_fault_whom whom, pid_t *pid, uint32_t room);
    /* Sends a line to the relay. -1: there is none. */
    int (*relay)(void *ctx, struct mf_control_writer *w);
};

struct mf_fault_act {
    const struct mf_fault_plan *plan;
    struct mf_fault_site *site;
    uint32_t row; /* of the scenario's faults */
    uint32_t k;   /* slot of its upgrade; UINT32_MAX: none */
    bool has_fired, is_undone;
    uint64_t fired_ns, undone_ns; /* 0: not */
    char what[MF_ACT_WHAT_BYTES]; /* what was done, in a line; or why it was not */

    /* The fault's own, for undo. */
    pid_t pid[MF_ACT_PIDS];
    struct rlimit limit[MF_ACT_PIDS];
    uint32_t pids;
    uint32_t requested[2], requests;
};

struct mf_fault {
    const char *name; /* as in faults.def */
    /* NULL: nothing to prepare. Before the target's programs start; site->scratch is there. */
    int (*prepare)(struct mf_fault_act *act, struct mf_error *err);
    /* Required. Fills act->what. */
    int (*inject)(struct mf_fault_act *act, struct mf_error *err);
    /* NULL: it cannot be undone (a death), or undoes itself. */
    int (*undo)(struct mf_fault_act *act, struct mf_error *err);
    const char *module; /* MODULE faults that put another module in place: "init_fails" of modules/broken; NULL: none */
};

const struct mf_fault *mf_fault_of(enum mf_fault_id id);
/* Checks each row of the list against its table; run at the driver's start in every build. */
int mf_faults_check(struct mf_error *err);

/* Writes act->what. */
void mf_act_say(struct mf_fault_act *act, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
