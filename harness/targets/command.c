/* A command as the target: any program, driven by what a JSON file says of it. */
#include "targets/command.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define TICK_MS      2   /* while something is waited for */
#define IDLE_MS      100 /* while nothing is: has it died? */
#define TRIM_NS      (100 * MF_NS_PER_MS)
#define TERM_NS      MF_NS_PER_S /* from SIGTERM to SIGKILL */
#define STRANGERS_NS (200 * MF_NS_PER_MS)
#define GIVE_UP_NS   (10 * MF_NS_PER_S)

enum { LEAVE_BY_ITSELF, LEAVE_TERM, LEAVE_KILL };

static struct mf_command *command_of(struct mf_target *t)
{
    return (struct mf_command *)t;
}

static void command_tick(struct mf_command *c);

static void on_tick(uv_timer_t *timer)
{
    command_tick(timer->data);
}

void mf_command_stage_to(struct mf_command *c, enum mf_command_stage stage)
{
    c->stage = stage;
    c->stage_ns = mf_clock_now_ns();
    uv_timer_start(&c->timer, on_tick, stage == MF_COMMAND_IDLE ? IDLE_MS : 0,
                   stage == MF_COMMAND_IDLE ? IDLE_MS : TICK_MS);
}

static double ms_in_stage(const struct mf_command *c)
{
    return (double)(mf_clock_now_ns() - c->stage_ns) / (double)MF_NS_PER_MS;
}

/* --- trouble ------------------------------------------------------------------------------------------------------ */

void mf_command_fail(struct mf_command *c, const struct mf_error *err)
{
    struct mf_error told = *err;
    if (c->has_failed || c->is_stopping)
        return;
    c->has_failed = true;
    if (!told.place[0])
        snprintf(told.place, sizeof told.place, "target%s%s", c->plan->name ? " " : "",
                 c->plan->name ? c->plan->name : "");
    c->target.events.failed(c->target.events.ctx, &told);
}

static pid_t living_pid(const struct mf_command *c)
{
    const struct mf_kindred *all = &c->scene.offspring.living;
    if (c->scene.started && c->scene.started->is_living)
        return c->scene.started->process.pid;
    for (uint32_t i = 0; i < all->count; i++)
        if (mf_kin_lives(&all->kin[i]))
            return all->kin[i].pid;
    return 0;
}

/* One that is seen may fork and end before it is looked at again, as daemons do: nobody lives only where nobody is
 * seen. */
bool mf_command_lives(struct mf_command *c)
{
    pid_t pid = living_pid(c);
    while (!pid && mf_offspring_look(&c->scene.offspring) > 0)
        pid = living_pid(c);
    atomic_store(&c->options.recorder->node->worker_pid, (uint32_t)pid);
    return pid != 0;
}

/* How the started process ended, and what the target printed last. */
static void end_text(const struct mf_command *c, char *text, size_t bytes)
{
    char how[64] = "it is gone", said[320];
    if (c->scene.started)
        mf_program_how(c->scene.started, how, sizeof how);
    mf_output_tail(c->scene.output.path, 0, said, sizeof said);
    snprintf(text, bytes, "%s%s%s", how, said[0] ? "; its last lines: " : "; it printed nothing", said);
}

static bool is_crash(const struct mf_program *p)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        if (p->signal == signals[i])
            return true;
    return false;
}

/* The started process has ended while others of the target live: told where it can't be an upgrade's doing. */
static void started_end_look(struct mf_command *c)
{
    struct mf_program *p = c->scene.started;
    char text[MF_TEXT_BYTES], how[64];
    if (!p || p->is_living)
        return;
    bool first = atomic_load(&c->options.recorder->header->requested) == 0;
    if (is_crash(p) || (first && (p->signal || p->status != 0))) {
        snprintf(text, sizeof text, "the started process (%d) ended: %s; %" PRIu32 " others of the target live on",
                 (int)p->process.pid, mf_program_how(p, how, sizeof how), c->scene.offspring.living.count);
        c->target.events.died(c->target.events.ctx, text);
    }
    mf_program_forget(p);
    c->scene.started = NULL;
}

/* The last upgrade has failed: that it took the target with it is what came of it. */
static bool last_has_failed(const struct mf_command *c)
{
    return atomic_load(&c->options.recorder->header->requested) > 0 &&
           atomic_load(&c->options.recorder->log[c->k].outcome) == MF_UPGRADE_FAILED;
}

/* Nobody is left, and no upgrade was under way. */
static void death_tell(struct mf_command *c)
{
    struct mf_error err;
    char text[512];
    if (c->was_told_dead)
        return;
    c->was_told_dead = true;
    if (last_has_failed(c))
        return;
    end_text(c, text, sizeof text);
    c->target.events.died(c->target.events.ctx, text);
    if (c->options.has_faults)
        return; /* that is what was to be seen */
    mf_error_set(&err, MF_STATUS_TARGET, NULL, "died in the middle of the run: %s", text);
    mf_command_fail(c, &err);
}

static void idle_tick(struct mf_command *c)
{
    if (!mf_command_lives(c)) {
        death_tell(c);
        return;
    }
    c->was_told_dead = false;
    started_end_look(c);
}

/* --- the start ---------------------------------------------------------------------------------------------------- */

static void start_begin(struct mf_command *c)
{
    struct mf_error err = {0};
    mf_course_end(&c->course);
    mf_ports_release(&c->ports);
    c->scene.started = mf_program_start(&c->scene, &c->plan->start, &c->scene.output, &err);
    if (!c->scene.started) {
        mf_command_fail(c, &err);
        return;
    }
    c->scene.fill.pid = c->scene.started->process.pid;
    atomic_fetch_add(&c->options.recorder->node->starts, 1);
    if (mf_watch_begin(&c->watch, &c->scene, &c->plan->ready, MF_NO_UPGRADE, &err) != 0) {
        mf_command_fail(c, &err);
        return;
    }
    c->watch.search.from = c->watch.search.at = 0; /* what it has printed already counts */
    mf_command_stage_to(c, MF_COMMAND_STARTING);
}

static void preparing_tick(struct mf_command *c)
{
    struct mf_error err = {0};
    enum mf_course_state state = mf_course_look(&c->course, &err);
    if (state == MF_COURSE_DONE)
        start_begin(c);
    else if (state == MF_COURSE_FAILED)
        mf_command_fail(c, &err);
}

/* The port of the endpoint may have gone to another program between our choice and the target's bind. */
static bool port_is_strangers(struct mf_command *c, struct mf_error *err)
{
    const char *colon = strrchr(c->scene.endpoint, ':');
    uint32_t port = (uint32_t)strtoul(colon ? colon + 1 : "", NULL, 10);
    if (strncmp(c->scene.endpoint, "tcp:", 4) != 0)
        return false;
    mf_offspring_look(&c->scene.offspring);
    if (!mf_port_is_strangers(port, &c->scene.offspring))
        return false;
    mf_error_set(err, MF_STATUS_TARGET, NULL,
                 "port %" PRIu32 " belongs to another program, which was faster: run it again", port);
    return true;
}

/* A server that forks or starts itself anew at that very instant hands its socket to somebody whom we have not seen
 * yet: only what stays so is a stranger. False: it is the target's. True, and *err as it was: it may yet be. */
static bool port_stays_strangers(struct mf_command *c, struct mf_error *err)
{
    struct mf_error told = {0};
    uint64_t now_ns = mf_clock_now_ns();
    if (!port_is_strangers(c, &told))
        return false;
    if (c->strangers_ns == 0)
        c->strangers_ns = now_ns;
    if (now_ns - c->strangers_ns > STRANGERS_NS)
        *err = told;
    return true;
}

static void starting_tick(struct mf_command *c)
{
    struct mf_error err = {0};
    char text[512];
    struct mf_program *p = c->scene.started;
    if (!p->is_living && (p->status != 0 || p->signal || !mf_command_lives(c))) {
        end_text(c, text, sizeof text);
        if (!port_is_strangers(c, &err))
            mf_error_set(&err, MF_STATUS_TARGET, NULL, "ended before it was ready: %s", text);
        mf_command_fail(c, &err);
    } else if (mf_watch_holds(&c->watch)) {
        if (port_stays_strangers(c, &err)) {
            if (err.status)
                mf_command_fail(c, &err);
            return;
        }
        mf_watch_end(&c->watch);
        mf_output_say(&c->scene.steps, "[midflight] ready at %s after %.1f ms", c->scene.endpoint, ms_in_stage(c));
        c->is_ready = true;
        mf_command_lives(c);
        mf_command_stage_to(c, MF_COMMAND_IDLE);
        c->target.events.ready(c->target.events.ctx, c->scene.endpoint);
    } else if (ms_in_stage(c) > c->plan->ready_ms) {
        mf_output_tail(c->scene.output.path, 0, text, sizeof text);
        mf_error_set(&err, MF_STATUS_TARGET, NULL, "not ready after %.0f ms (target.command.ready_ms): %s%s%s",
                     c->plan->ready_ms, c->watch.missing, text[0] ? "; its last lines: " : "; it printed nothing",
                     text);
        mf_command_fail(c, &err);
    }
}

static int command_start(struct mf_target *t, struct mf_error *err)
{
    struct mf_command *c = command_of(t);
    char text[512];
    if (mf_command_lacks(c->plan, c->options.modules_dir, c->options.programs_dir, text, sizeof text))
        return mf_error_set(err, MF_STATUS_SKIPPED, c->plan->name, "%s", text);
    mf_offspring_init(&c->scene.offspring);
    if (mf_command_folder_make(c, err) != 0 ||
        (c->options.prepare && c->options.prepare(c->options.faults, c->dir, err) != 0)) {
        if (c->options.release)
            c->options.release(c->options.faults);
        mf_command_folder_remove(c);
        return -1;
    }
    uv_timer_init(t->loop, &c->timer);
    c->timer.data = c;
    mf_course_begin(&c->course, &c->scene, &c->plan->prepare, MF_NO_UPGRADE, c->plan->prepare_ms);
    mf_command_stage_to(c, MF_COMMAND_PREPARING);
    return 0;
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void on_timer_closed(uv_handle_t *handle)
{
    struct mf_command *c = handle->data;
    c->target.events.stopped(c->target.events.ctx);
}

/* Slots that were given out and never ended. */
static void log_close(struct mf_command *c)
{
    const struct mf_recorder_header *h = c->options.recorder->header;
    uint32_t requested = atomic_load(&h->requested);
    for (uint32_t k = 0; k < requested && k < h->shape.upgrades; k++)
        mf_command_slot_fail(c, k, MF_UPGRADE_FAILED,
                             c->has_failed ? "it had not ended when the target had to be stopped"
                                           : "the run ended before it did");
}

/* Nobody is left, or nobody more can be got rid of; the programs' handles are closed too. */
static void closing_tick(struct mf_command *c)
{
    if (c->scene.programs > 0 || uv_is_closing((uv_handle_t *)&c->timer))
        return;
    log_close(c);
    if (c->options.release)
        c->options.release(c->options.faults);
    mf_command_folder_remove(c);
    mf_offspring_done(&c->scene.offspring);
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
}

static void close_begin(struct mf_command *c, uint32_t left)
{
    struct mf_error err;
    if (left > 0) {
        mf_error_set(&err, MF_STATUS_INTERNAL, c->plan->name, "%" PRIu32 " of its OS processes could not be killed",
                     left);
        c->target.events.failed(c->target.events.ctx, &err);
    }
    mf_output_say(&c->scene.steps, "[midflight] gone after %.1f ms", ms_in_stage(c));
    mf_program_forget(c->scene.started);
    mf_program_forget(c->scene.spawned);
    c->scene.started = c->scene.spawned = NULL;
    mf_command_stage_to(c, MF_COMMAND_CLOSING);
}

static void leave_say(struct mf_command *c, int signal)
{
    mf_output_say(&c->scene.steps, "[midflight] SIG%s to %" PRIu32 " processes", sigabbrev_np(signal),
                  c->scene.offspring.living.count);
    mf_offspring_signal(&c->scene.offspring, signal);
    c->stage_ns = mf_clock_now_ns();
}

/* By itself, where it was told to stop; then by SIGTERM; then by SIGKILL, again and again, since one that is about to
 * die may fork. */
static void leaving_tick(struct mf_command *c)
{
    uint32_t left = mf_offspring_look(&c->scene.offspring);
    uint64_t in_stage_ns = mf_clock_now_ns() - c->stage_ns;
    if (left == 0) {
        close_begin(c, 0);
    } else if (c->escalation == LEAVE_BY_ITSELF && (double)in_stage_ns / 1e6 > c->plan->stop_ms) {
        c->escalation = LEAVE_TERM;
        leave_say(c, SIGTERM);
    } else if (c->escalation == LEAVE_TERM && in_stage_ns > TERM_NS) {
        c->escalation = LEAVE_KILL;
        leave_say(c, SIGKILL);
    } else if (c->escalation == LEAVE_KILL) {
        mf_offspring_signal(&c->scene.offspring, SIGKILL);
        if (in_stage_ns > GIVE_UP_NS)
            close_begin(c, left);
    }
}

static void leave_begin(struct mf_command *c, int escalation)
{
    mf_course_end(&c->course);
    mf_offspring_look(&c->scene.offspring);
    c->escalation = escalation;
    mf_command_stage_to(c, MF_COMMAND_LEAVING);
    if (escalation == LEAVE_KILL)
        leave_say(c, SIGKILL);
}

static void stopping_tick(struct mf_command *c)
{
    struct mf_error err = {0};
    switch (mf_course_look(&c->course, &err)) {
    case MF_COURSE_MORE:
        break;
    case MF_COURSE_DONE:
        leave_begin(c, LEAVE_BY_ITSELF);
        break;
    case MF_COURSE_FAILED:
        leave_begin(c, LEAVE_BY_ITSELF);
        mf_offspring_signal(&c->scene.offspring, SIGTERM);
        break;
    }
}

/* SIGTERM to the started process, or where that has gone to all: what most servers take for a wish to go. */
static void stop_by_signal(struct mf_command *c)
{
    leave_begin(c, LEAVE_BY_ITSELF);
    if (c->scene.started && c->scene.started->is_living)
        kill(c->scene.started->process.pid, SIGTERM);
    else
        mf_offspring_signal(&c->scene.offspring, SIGTERM);
}

static void command_stop(struct mf_target *t)
{
    struct mf_command *c = command_of(t);
    bool again = c->is_stopping;
    c->is_stopping = true;
    if (c->stage == MF_COMMAND_CLOSING)
        return;
    if (again) {
        leave_begin(c, LEAVE_KILL);
        return;
    }
    mf_command_count_gone(c);
    mf_course_end(&c->course);
    mf_watch_end(&c->watch);
    mf_watch_end(&c->failure);
    if (!c->is_ready || c->plan->stop.count == 0 || mf_offspring_look(&c->scene.offspring) == 0) {
        stop_by_signal(c);
        return;
    }
    mf_course_begin(&c->course, &c->scene, &c->plan->stop, MF_NO_UPGRADE, c->plan->stop_ms);
    mf_command_stage_to(c, MF_COMMAND_STOPPING);
}

/* --- the tick ----------------------------------------------------------------------------------------------------- */

static void command_tick(struct mf_command *c)
{
    uint64_t now_ns = mf_clock_now_ns();
    if (now_ns >= c->next_trim_ns) {
        c->next_trim_ns = now_ns + TRIM_NS;
        mf_output_trim(&c->scene.output);
        mf_output_trim(&c->scene.steps);
    }
    if (c->has_failed && !c->is_stopping)
        return; /* until it is told to stop */
    switch (c->stage) {
    case MF_COMMAND_PREPARING:
        preparing_tick(c);
        break;
    case MF_COMMAND_STARTING:
        starting_tick(c);
        break;
    case MF_COMMAND_IDLE:
        idle_tick(c);
        break;
    case MF_COMMAND_STOPPING:
        stopping_tick(c);
        break;
    case MF_COMMAND_LEAVING:
        leaving_tick(c);
        break;
    case MF_COMMAND_CLOSING:
        closing_tick(c);
        break;
    default:
        mf_command_upgrade_tick(c);
        break;
    }
}

static void on_wake(void *ctx)
{
    struct mf_command *c = ctx;
    if (!uv_is_closing((uv_handle_t *)&c->timer))
        uv_timer_start(&c->timer, on_tick, 0, c->stage == MF_COMMAND_IDLE ? IDLE_MS : TICK_MS);
}

static int on_ping(void *ctx, const char *text, const char *expect)
{
    struct mf_command *c = ctx;
    return c->target.events.ping ? c->target.events.ping(c->target.events.ctx, text, expect) : -1;
}

/* --- the other verbs ---------------------------------------------------------------------------------------------- */

static void command_upgrade(struct mf_target *t, uint32_t k)
{
    mf_command_upgrade(command_of(t), k);
}

static pid_t command_pid(struct mf_target *t)
{
    return command_of(t)->scene.fill.pid;
}

static uint64_t command_rss_bytes(struct mf_target *t)
{
    struct mf_command *c = command_of(t);
    mf_offspring_look(&c->scene.offspring);
    mf_command_lives(c);
    return mf_offspring_rss_bytes(&c->scene.offspring);
}

static bool was_before(const struct mf_command *c, const struct mf_kin *kin)
{
    for (uint32_t i = 0; i < c->scene.before_count; i++)
        if (c->scene.before[i].pid == kin->pid && c->scene.before[i].born == kin->born)
            return true;
    return c->scene.before_count == 0;
}

static uint32_t command_members(struct mf_target *t, bool old, bool young, pid_t *pid, uint32_t room)
{
    struct mf_command *c = command_of(t);
    const struct mf_kindred *all = &c->scene.offspring.living;
    uint32_t n = 0, before = 0;
    mf_offspring_look(&c->scene.offspring);
    for (uint32_t i = 0; i < all->count; i++)
        before += was_before(c, &all->kin[i]);
    bool alike = before == all->count && !old; /* there is no other than the old ones */
    for (uint32_t i = 0; i < all->count && n < room; i++)
        if (alike || (was_before(c, &all->kin[i]) ? old : young))
            pid[n++] = all->kin[i].pid;
    return n;
}

static void command_free(struct mf_target *t)
{
    free(command_of(t)->scene.before);
    free(t);
}

static const struct mf_target_ops command_ops = {
    .kind = "command",
    .start = command_start,
    .upgrade = command_upgrade,
    .stop = command_stop,
    .pid = command_pid,
    .rss_bytes = command_rss_bytes,
    .members = command_members,
    .free = command_free,
};

struct mf_target *mf_target_new_command(uv_loop_t *loop, const struct mf_command_options *options,
                                        const struct mf_target_events *events, struct mf_error *err)
{
    struct mf_command *c = calloc(1, sizeof *c);
    if (!c) {
        mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for a target");
        return NULL;
    }
    c->target = (struct mf_target){.ops = &command_ops, .loop = loop, .events = *events};
    c->options = *options;
    c->plan = options->cell->command;
    c->scene = (struct mf_scene){.loop = loop,
                                 .rec = options->recorder,
                                 .ctx = c,
                                 .wake = on_wake,
                                 .ping = on_ping,
                                 .output.fd = -1,
                                 .steps.fd = -1};
    for (uint32_t i = 0; i < 2 * MF_PORTS_MAX; i++)
        c->ports.fd[i] = -1;
    return &c->target;
}
