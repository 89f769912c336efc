/* A command target's upgrades: the steps, and the signs of their end. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "targets/command.h"

#define ROLLBACK_NS (500 * MF_NS_PER_MS) /* a failed one: so long for an answer of the old version */

static struct mf_upgrade_log *slot_of(const struct mf_command *c, uint32_t k)
{
    return &c->options.recorder->log[k];
}

/* --- who was there ------------------------------------------------------------------------------------------------ */

static void before_keep(struct mf_command *c)
{
    mf_offspring_look(&c->scene.offspring);
    free(c->scene.before);
    c->scene.before_count = 0;
    c->scene.before = calloc(c->scene.offspring.living.count + 1, sizeof *c->scene.before);
    if (!c->scene.before)
        return; /* then nothing is known of them */
    memcpy(c->scene.before, c->scene.offspring.living.kin, c->scene.offspring.living.count * sizeof *c->scene.before);
    c->scene.before_count = c->scene.offspring.living.count;
}

void mf_command_count_gone(struct mf_command *c)
{
    uint32_t gone = 0;
    if (!c->scene.before_count)
        return;
    for (uint32_t i = 0; i < c->scene.before_count; i++)
        gone += !mf_kin_lives(&c->scene.before[i]);
    slot_of(c, c->k)->made_anew = gone;
}

/* --- the end of one ----------------------------------------------------------------------------------------------- */

void mf_command_slot_fail(struct mf_command *c, uint32_t k, enum mf_upgrade_outcome outcome, const char *reason)
{
    struct mf_upgrade_log *slot = slot_of(c, k);
    if (atomic_load_explicit(&slot->outcome, memory_order_acquire) != MF_UPGRADE_PENDING)
        return;
    snprintf(slot->reason, sizeof slot->reason, "%.*s", MF_REASON_BYTES - 1, reason);
    atomic_store(&slot->phase_ns[outcome == MF_UPGRADE_ROLLED_BACK ? MF_PHASE_ROLLED_BACK : MF_PHASE_FAILED],
                 mf_clock_now_ns());
    atomic_store_explicit(&slot->outcome, outcome, memory_order_release);
}

/* A phase that the log marks: the driver's faults fire there, before this returns. */
static void phase_say(struct mf_command *c, enum mf_phase phase)
{
    if ((atomic_load(&slot_of(c, c->k)->hold) & 1u << phase) && c->target.events.phase)
        c->target.events.phase(c->target.events.ctx, c->k, phase);
}

static void upgrade_over(struct mf_command *c)
{
    struct mf_upgrade_log *slot = slot_of(c, c->k);
    mf_course_end(&c->course);
    mf_watch_end(&c->watch);
    mf_watch_end(&c->failure);
    mf_command_lives(c);
    slot->pid_after = atomic_load(&c->options.recorder->node->worker_pid);
    mf_command_count_gone(c);
    mf_command_stage_to(c, MF_COMMAND_IDLE);
    c->target.events.ended(c->target.events.ctx, c->k); /* may ask for the next one */
}

static void upgrade_commit(struct mf_command *c)
{
    struct mf_upgrade_log *slot = slot_of(c, c->k);
    struct mf_scene *scene = &c->scene;
    phase_say(c, MF_PHASE_COMMITTED);
    if (scene->spawned) {
        mf_program_forget(scene->started);
        scene->started = scene->spawned;
        scene->spawned = NULL;
        scene->fill.pid = scene->started->process.pid;
    }
    atomic_store(&slot->phase_ns[MF_PHASE_COMMITTED], mf_clock_now_ns());
    atomic_store_explicit(&c->options.recorder->header->committed, c->k + 1, memory_order_release);
    atomic_store_explicit(&slot->outcome, MF_UPGRADE_COMMITTED, memory_order_release);
    upgrade_over(c);
}

/* It could not be carried out: that is trouble, and no finding. */
static void upgrade_break(struct mf_command *c, const struct mf_error *err)
{
    struct mf_error told;
    mf_command_slot_fail(c, c->k, MF_UPGRADE_FAILED, err->text);
    mf_error_set(&told, err->status, "target", "upgrade %" PRIu32 " failed: %.900s", c->k + 1, err->text);
    c->target.events.trouble(c->target.events.ctx, &told);
    upgrade_over(c);
}

/* --- under way ---------------------------------------------------------------------------------------------------- */

void mf_command_upgrade(struct mf_command *c, uint32_t k)
{
    struct mf_error err = {0};
    mf_command_count_gone(c); /* of the one before: those that took their time */
    c->k = k;
    c->requested_ns = mf_clock_now_ns();
    before_keep(c);
    mf_command_lives(c);
    slot_of(c, k)->pid_before = atomic_load(&c->options.recorder->node->worker_pid);
    slot_of(c, k)->made_anew = slot_of(c, k)->converted = slot_of(c, k)->threads_ended = UINT32_MAX;
    c->scene.fill.n = mf_command_version(c->plan, k);
    c->scene.fill.k = k + 1;
    phase_say(c, MF_PHASE_REQUESTED);
    mf_command_stage_to(c, MF_COMMAND_UPGRADING);
    mf_course_begin(&c->course, &c->scene, &c->plan->upgrade, k, c->plan->upgrade_ms);
    if (c->plan->upgrade.count == 0) {
        upgrade_commit(c);
        return;
    }
    if (mf_watch_begin(&c->watch, &c->scene, &c->plan->complete, k, &err) != 0 ||
        (c->plan->failed.is_set && mf_watch_begin(&c->failure, &c->scene, &c->plan->failed, k, &err) != 0))
        upgrade_break(c, &err);
}

static void failure_seen(struct mf_command *c)
{
    mf_course_end(&c->course);
    mf_watch_end(&c->watch);
    mf_command_stage_to(c, MF_COMMAND_FAILING);
}

static void failure_reason(const struct mf_command *c, char *reason, size_t bytes)
{
    if (c->failure.search.found)
        snprintf(reason, bytes, "%s", c->failure.search.line);
    else
        snprintf(reason, bytes, "target.command.failed holds");
}

/* The old version goes on answering, or it does not. */
static void failing_tick(struct mf_command *c)
{
    char reason[MF_REASON_BYTES];
    uint64_t now_ns = mf_clock_now_ns();
    struct mf_sight sight = mf_sight_of(c->options.recorder, c->k);
    bool goes_on = sight.last_old_ns > c->stage_ns;
    if (!goes_on && now_ns - c->stage_ns < ROLLBACK_NS)
        return;
    failure_reason(c, reason, sizeof reason);
    mf_command_slot_fail(c, c->k, goes_on ? MF_UPGRADE_ROLLED_BACK : MF_UPGRADE_FAILED, reason);
    upgrade_over(c);
}

/* All of it has died while its completion was waited for. */
static bool death_seen(struct mf_command *c)
{
    struct mf_error err = {0};
    char how[64] = "it ended", said[256];
    if (c->stage != MF_COMMAND_COMPLETING || mf_command_lives(c))
        return false;
    if (c->scene.started && !c->scene.started->is_living)
        mf_program_how(c->scene.started, how, sizeof how);
    mf_output_tail(c->scene.output.path, 0, said, sizeof said);
    mf_error_set(&err, MF_STATUS_TARGET, NULL, "no process of the target lives any more: %s%s%s", how,
                 said[0] ? "; its last lines: " : "", said);
    c->was_told_dead = true;
    upgrade_break(c, &err);
    return true;
}

static void completing_tick(struct mf_command *c)
{
    struct mf_error err = {0};
    if (mf_watch_holds(&c->watch)) {
        upgrade_commit(c);
        return;
    }
    if (death_seen(c) || (double)(mf_clock_now_ns() - c->requested_ns) / 1e6 <= c->plan->upgrade_ms)
        return;
    mf_error_set(&err, MF_STATUS_TARGET, NULL, "not complete after %.0f ms (target.command.upgrade_ms): %s",
                 c->plan->upgrade_ms, c->watch.missing);
    upgrade_break(c, &err);
}

void mf_command_upgrade_tick(struct mf_command *c)
{
    struct mf_error err = {0};
    if (c->stage == MF_COMMAND_FAILING) {
        failing_tick(c);
        return;
    }
    if (c->failure.condition && mf_watch_holds(&c->failure)) {
        failure_seen(c);
        return;
    }
    if (c->stage == MF_COMMAND_COMPLETING) {
        completing_tick(c);
        return;
    }
    enum mf_course_state state = mf_course_look(&c->course, &err);
    if (state == MF_COURSE_FAILED)
        upgrade_break(c, &err);
    else if (state == MF_COURSE_DONE)
        mf_command_stage_to(c, MF_COMMAND_COMPLETING);
}
