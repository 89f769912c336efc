/* What a run does for its faults, and the relay between load and target where one of them needs it. */
#include "driver/run_internal.h"

static int on_fault_request(void *ctx, uint32_t *k)
{
    struct mf_run *run = ctx;
    return mf_firing_at_once(&run->firing, k);
}

static int on_fault_relay(void *ctx, struct mf_control_writer *w)
{
    struct mf_run *run = ctx;
    return mf_relay_say(&run->relay, w);
}

static pid_t on_fault_supervisor(void *ctx)
{
    struct mf_run *run = ctx;
    return run->target->ops->pid(run->target);
}

static uint32_t on_fault_members(void *ctx, enum mf_fault_whom whom, pid_t *pid, uint32_t room)
{
    struct mf_run *run = ctx;
    return run->target->ops->members(run->target, whom != MF_WHOM_NEW, whom != MF_WHOM_OLD, pid, room);
}

void mf_run_faults_prepare(struct mf_run *run, void (*closed)(void *ctx))
{
    run->faulting = (struct mf_faulting){.timer_fd = -1,
                                         .ctx = run,
                                         .request = on_fault_request,
                                         .relay = on_fault_relay,
                                         .supervisor = on_fault_supervisor,
                                         .members = run->options.cell->command ? on_fault_members : NULL,
                                         .closed = closed};
    run->faulting_open = true;
}

static void on_relay_ready(void *ctx, const char *endpoint)
{
    struct mf_run *run = ctx;
    if (run->phase == PHASE_STARTING)
        mf_run_crew_begin(run, endpoint);
}

static void on_relay_done(void *ctx, uint32_t row, uint64_t connections)
{
    struct mf_run *run = ctx;
    mf_faulting_relayed(&run->faulting, row, connections);
}

static void on_relay_failed(void *ctx, const struct mf_error *err)
{
    mf_run_fail(ctx, err);
}

static void on_relay_gone(void *ctx)
{
    struct mf_run *run = ctx;
    run->relay_lives = false;
    mf_run_end_step(run, false);
}

void mf_run_relay_begin(struct mf_run *run, const char *endpoint)
{
    const struct mf_run_options *o = &run->options;
    struct mf_error err;
    run->relay = (struct mf_relay){.ctx = run,
                                   .ready = on_relay_ready,
                                   .done = on_relay_done,
                                   .failed = on_relay_failed,
                                   .gone = on_relay_gone,
                                   .net_fd = run->net_fd};
    if (mf_relay_start(&run->relay, o->loop, o->places->relay, endpoint, run->faulting.site.scratch, o->dir, &err) != 0)
        mf_run_fail(run, &err);
    else
        run->relay_lives = true;
}
