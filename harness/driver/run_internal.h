/* The inside of a run, for the files run*.c of this folder. run.c: how it begins, pings and ends; run_target.c and
 * run_faults.c: what it hears of its target, of faults and of the relay; run_view.c: what it was. Threads: the loop's.
 */
#ifndef MF_DRIVER_RUN_INTERNAL_H
#define MF_DRIVER_RUN_INTERNAL_H

#include "driver/crew.h"
#include "driver/faulting.h"
#include "driver/firing.h"
#include "driver/relay.h"
#include "driver/run.h"
#include "driver/samples.h"
#include "targets/target.h"

enum phase { PHASE_STARTING, PHASE_CONNECTING, PHASE_PINGING, PHASE_STOPPING, PHASE_OVER };

struct mf_run {
    struct mf_run_options options;
    enum phase phase;
    bool went;     /* `go` was said: pings are due */
    bool finished; /* every ping has its outcome */
    bool stopped_early;
    struct mf_error error; /* the first trouble; empty text: none */

    struct mf_recorder rec;
    struct mf_target *target;
    struct mf_crew crew;
    struct mf_firing firing;
    struct mf_faulting faulting;
    struct mf_fault_result *faults; /* what became of them, once asked for */
    struct mf_relay relay;
    struct mf_plan *local_plans;
    struct mf_samples samples;
    int net_fd; /* the run's own network namespace; 0: none */
    uv_timer_t deadline;
    struct mf_target_witness witness;
    char log_path[PATH_MAX], steps_path[PATH_MAX], programs_dir[PATH_MAX];
    bool reports_failures; /* an upgrade that fails is what this cell expects something of */
    bool target_lives, crew_lives, relay_lives, firing_open, faulting_open, deadline_open, target_stopping;
};

static inline const struct mf_load *mf_run_load(const struct mf_run *run)
{
    return &run->options.cell->load;
}

static inline bool mf_run_is_local(const struct mf_run *run)
{
    return mf_run_load(run)->transport == MF_TRANSPORT_LOCAL;
}

/* The next step of the end, as far as what has ended allows. */
void mf_run_end_step(struct mf_run *run, bool hurry);
/* After the last ping has its outcome, an upgrade under way is waited for: the target has a deadline on it. */
void mf_run_end_if_done(struct mf_run *run);
/* The first trouble counts, and ends the run. */
void mf_run_fail(struct mf_run *run, const struct mf_error *err);
void mf_run_on_finished(void *ctx); /* every ping has its outcome */
/* Lets the load ping. */
void mf_run_go(struct mf_run *run);
/* Starts the load, against the target's endpoint or the relay's. */
void mf_run_crew_begin(struct mf_run *run, const char *endpoint);

/* Of run_faults.c and run_target.c. */
void mf_run_faults_prepare(struct mf_run *run, void (*closed)(void *ctx));
void mf_run_relay_begin(struct mf_run *run, const char *endpoint);
int mf_run_target_begin(struct mf_run *run, struct mf_error *err);

#endif
