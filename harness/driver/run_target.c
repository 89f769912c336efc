/* A run's target: what it says, and how it is started. */
#include <stdio.h>
#include <string.h>

#include "driver/run_internal.h"

static void on_target_phase(void *ctx, uint32_t k, uint32_t phase)
{
    struct mf_run *run = ctx;
    if (run->faulting_open)
        mf_faulting_phase(&run->faulting, k, phase);
}

static void on_target_ready(void *ctx, const char *endpoint)
{
    struct mf_run *run = ctx;
    if (run->phase != PHASE_STARTING)
        return;
    if (mf_run_is_local(run))
        mf_run_go(run);
    else if (mf_faulting_has(run->options.cell, MF_FAULT_KIND_RELAY))
        mf_run_relay_begin(run, endpoint);
    else
        mf_run_crew_begin(run, endpoint);
}

static void on_target_fired(void *ctx, uint32_t k)
{
    (void)ctx;
    (void)k; /* the log counts it; that it has not ended yet is what mf_firing_busy sees */
}

static void on_target_ended(void *ctx, uint32_t k)
{
    struct mf_run *run = ctx;
    if (mf_run_load(run)->wire_states)
        mf_crew_release(&run->crew, k);
    if (run->faulting_open)
        mf_faulting_upgrade_ended(&run->faulting, k); /* before the next one may be asked for */
    if (run->firing_open)
        mf_firing_ended(&run->firing, k);
    if (run->phase == PHASE_PINGING)
        mf_samples_look(&run->samples, &run->witness);
    mf_run_end_if_done(run);
}

static void on_target_died(void *ctx, const char *text)
{
    struct mf_run *run = ctx;
    if (run->witness.died++ == 0)
        snprintf(run->witness.died_text, sizeof run->witness.died_text, "%s", text);
}

static void on_target_failed(void *ctx, const struct mf_error *err)
{
    mf_run_fail(ctx, err);
}

/* What an upgrade ran into. Where the scenario says what it expects of failures, they are findings. */
static void on_target_trouble(void *ctx, const struct mf_error *err)
{
    struct mf_run *run = ctx;
    if (!run->reports_failures && !run->error.text[0])
        run->error = *err;
}

static int on_target_ping(void *ctx, const char *text, const char *expect)
{
    struct mf_run *run = ctx;
    return run->crew_lives ? mf_crew_ping(&run->crew, text, expect) : -1;
}

static void on_target_stopped(void *ctx)
{
    struct mf_run *run = ctx;
    run->target_lives = false;
    mf_run_end_step(run, false);
}

static bool expects_failures(const struct mf_cell *cell)
{
    for (uint32_t i = 0; i < cell->expect_count; i++)
        if (strcmp(cell->expect[i].key, "upgrades.failed") == 0)
            return true;
    return cell->faults_count > 0; /* where things go wrong on purpose, what comes of it is what was to be seen */
}

static struct mf_target *command_new(struct mf_run *run, const struct mf_target_events *events, struct mf_error *err)
{
    const struct mf_run_options *o = &run->options;
    snprintf(run->steps_path, sizeof run->steps_path, "%.4000s/steps.log", o->dir);
    snprintf(run->programs_dir, sizeof run->programs_dir, "%s", o->places->node);
    char *slash = strrchr(run->programs_dir, '/');
    if (slash)
        *slash = 0;
    run->reports_failures = expects_failures(o->cell);
    struct mf_command_options options = {.cell = o->cell,
                                         .recorder = &run->rec,
                                         .run_dir = o->dir,
                                         .log_path = run->log_path,
                                         .steps_path = run->steps_path,
                                         .modules_dir = o->places->modules,
                                         .programs_dir = run->programs_dir,
                                         .has_faults = o->cell->faults_count > 0,
                                         .faults = &run->faulting,
                                         .prepare = mf_faulting_prepare,
                                         .release = mf_faulting_release};
    return mf_target_new_command(o->loop, &options, events, err);
}

int mf_run_target_begin(struct mf_run *run, struct mf_error *err)
{
    const struct mf_run_options *o = &run->options;
    struct mf_node_options options = {.cell = o->cell,
                                      .recorder = &run->rec,
                                      .run_dir = o->dir,
                                      .log_path = run->log_path,
                                      .program = o->places->node,
                                      .modules_dir = o->places->modules,
                                      .local_plan = run->local_plans,
                                      .local_plans = run->local_plans ? mf_run_load(run)->workers : 0,
                                      .seed = o->seed,
                                      .net_fd = run->net_fd,
                                      .has_faults = o->cell->faults_count > 0,
                                      .own_modules = mf_faulting_has(o->cell, MF_FAULT_KIND_MODULE),
                                      .faults = &run->faulting,
                                      .prepare = mf_faulting_prepare,
                                      .release = mf_faulting_release};
    struct mf_target_events events = {.ctx = run,
                                      .ready = on_target_ready,
                                      .fired = on_target_fired,
                                      .ended = on_target_ended,
                                      .phase = on_target_phase,
                                      .finished = mf_run_on_finished,
                                      .died = on_target_died,
                                      .failed = on_target_failed,
                                      .trouble = on_target_trouble,
                                      .ping = on_target_ping,
                                      .stopped = on_target_stopped};
    if (snprintf(run->log_path, sizeof run->log_path, "%s/target.log", o->dir) >= (int)sizeof run->log_path)
        return mf_error_set(err, MF_STATUS_USAGE, o->dir, "the path is too long");
    run->target =
        o->cell->command ? command_new(run, &events, err) : mf_target_new_node(o->loop, &options, &events, err);
    if (!run->target || run->target->ops->start(run->target, err) != 0)
        return -1;
    run->target_lives = true;
    return 0;
}
