#include "driver/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "driver/crew.h"
#include "driver/faulting.h"
#include "driver/firing.h"
#include "driver/relay.h"
#include "driver/samples.h"
#include "driver/shape.h"
#include "targets/netspace.h"
#include "targets/target.h"
#include "wire/codec.h"

#define START_LEAD_NS    (20 * MF_NS_PER_MS) /* from `go` to the first ping: every worker has heard it by then */
#define CONNECT_GRACE_MS 5000

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

static const struct mf_load *run_load(const struct mf_run *run)
{
    return &run->options.cell->load;
}

static bool run_is_local(const struct mf_run *run)
{
    return run_load(run)->transport == MF_TRANSPORT_LOCAL;
}

/* --- the end: the load first, so that its books are closed against a target that still lives; then the target
 * --------- */

static void on_deadline_closed(uv_handle_t *handle)
{
    struct mf_run *run = handle->data;
    run->deadline_open = false;
    run->phase = PHASE_OVER;
}

static void run_end_step(struct mf_run *run, bool hurry)
{
    if (run->crew_lives) {
        mf_crew_stop(&run->crew, hurry);
        if (!hurry)
            return;
    }
    if (run->target_lives && (hurry || !run->target_stopping)) {
        run->target_stopping = true;
        run->target->ops->stop(run->target);
        if (hurry)
            run->target->ops->stop(run->target); /* said twice: at once */
    }
    if (run->relay_lives)
        mf_relay_stop(&run->relay, hurry);
    if (run->crew_lives || run->target_lives || run->relay_lives)
        return;
    if (run->firing_open)
        mf_firing_close(&run->firing);
    else if (run->faulting_open)
        mf_faulting_close(&run->faulting);
    else if (run->deadline_open && !uv_is_closing((uv_handle_t *)&run->deadline))
        uv_close((uv_handle_t *)&run->deadline, on_deadline_closed);
}

static void on_firing_closed(void *ctx)
{
    struct mf_run *run = ctx;
    run->firing_open = false;
    run_end_step(run, false);
}

static void on_faulting_closed(void *ctx)
{
    struct mf_run *run = ctx;
    run->faulting_open = false;
    run_end_step(run, false);
}

/* How it was when the last ping had its outcome, and nobody had been told to stop. */
static void witness_end(struct mf_run *run)
{
    run->witness.rss_bytes_last = run->target->ops->rss_bytes(run->target);
    run->witness.dead = atomic_load(&run->rec.node->worker_pid) == 0;
}

static void run_end(struct mf_run *run, bool hurry)
{
    if (run->phase == PHASE_OVER)
        return;
    bool first = run->phase != PHASE_STOPPING;
    run->phase = PHASE_STOPPING;
    uv_timer_stop(&run->deadline);
    if (run->firing_open)
        mf_firing_halt(&run->firing);
    if (first && run->went)
        witness_end(run);
    if (first && run->faulting_open)
        mf_faulting_end(&run->faulting);
    if (first || hurry)
        run_end_step(run, hurry);
}

void mf_run_stop(struct mf_run *run, bool hurry)
{
    run->stopped_early = true;
    run_end(run, hurry);
}

static void run_fail(struct mf_run *run, const struct mf_error *err)
{
    if (!run->error.text[0])
        run->error = *err;
    run_end(run, false);
}

/* --- pinging ------------------------------------------------------------------------------------------------------ */

/* After the last ping has its outcome, an upgrade under way is waited for: the target has a deadline on it. */
static void run_end_if_done(struct mf_run *run)
{
    if (run->phase == PHASE_PINGING && run->finished && !mf_firing_busy(&run->firing))
        run_end(run, false);
}

static void on_finished(void *ctx)
{
    struct mf_run *run = ctx;
    if (run->phase != PHASE_PINGING)
        return;
    run->finished = true;
    uv_timer_stop(&run->deadline);
    mf_firing_halt(&run->firing);
    run_end_if_done(run);
}

static void on_finish_late(uv_timer_t *timer)
{
    struct mf_run *run = timer->data;
    struct mf_error err;
    mf_error_set(&err, MF_STATUS_INTERNAL, NULL, "the load had not finished %d ms after the end of its drain",
                 MF_FINISH_GRACE_MS);
    run_fail(run, &err);
}

static void on_fire(void *ctx, uint32_t k)
{
    struct mf_run *run = ctx;
    run->target->ops->upgrade(run->target, k);
}

static void on_probe(void *ctx, uint32_t k)
{
    struct mf_run *run = ctx;
    mf_crew_probe(&run->crew, k);
}

static void on_placed(void *ctx, uint32_t k)
{
    struct mf_run *run = ctx;
    if (run->phase == PHASE_PINGING)
        mf_firing_placed(&run->firing, k);
}

static void on_point(void *ctx, const struct mf_trigger *trigger)
{
    struct mf_run *run = ctx;
    struct mf_error err;
    uint32_t upgrades = run->options.cell->upgrades_count;
    if (run->phase == PHASE_PINGING && trigger->row >= upgrades) {
        mf_faulting_message(&run->faulting, trigger->row - upgrades);
        return;
    }
    if (run->phase != PHASE_PINGING || mf_firing_message(&run->firing, trigger) == 0)
        return;
    mf_error_set(&err, MF_STATUS_INTERNAL, "midflight-load",
                 "says that point %" PRIu32 " has come, which is not planned", trigger->row);
    run_fail(run, &err);
}

static void run_go(struct mf_run *run)
{
    const struct mf_cell *cell = run->options.cell;
    struct mf_recorder_header *h = run->rec.header;
    uint64_t start_ns = mf_clock_now_ns() + START_LEAD_NS, measure_ns = start_ns + mf_shape_warmup_ns(cell);
    uint64_t end_ns = measure_ns + mf_shape_duration_ns(cell);
    atomic_store_explicit(&h->measure_ns, measure_ns, memory_order_release);
    atomic_store_explicit(&h->end_ns, end_ns, memory_order_release);
    atomic_store_explicit(&h->start_ns, start_ns, memory_order_release);
    run->witness.rss_bytes_first = run->target->ops->rss_bytes(run->target);
    run->phase = PHASE_PINGING;
    run->went = true;
    if (run_is_local(run))
        run->target->ops->go(run->target);
    else
        mf_crew_go(&run->crew);
    uint64_t until_ms =
        (end_ns - start_ns + mf_shape_drain_ns(cell) + START_LEAD_NS) / MF_NS_PER_MS + MF_FINISH_GRACE_MS;
    uv_timer_start(&run->deadline, on_finish_late, until_ms, 0);
    struct mf_error err;
    if (run->phase == PHASE_PINGING &&
        (mf_firing_go(&run->firing, &err) != 0 || mf_faulting_go(&run->faulting, &err) != 0))
        run_fail(run, &err);
}

/* --- the load ----------------------------------------------------------------------------------------------------- */

static void on_crew_ready(void *ctx)
{
    struct mf_run *run = ctx;
    if (run->phase == PHASE_CONNECTING)
        run_go(run);
}

static void on_crew_failed(void *ctx, const struct mf_error *err)
{
    run_fail(ctx, err);
}

static void on_crew_gone(void *ctx)
{
    struct mf_run *run = ctx;
    run->crew_lives = false;
    run_end_step(run, false);
}

static void on_connect_late(uv_timer_t *timer)
{
    struct mf_run *run = timer->data;
    struct mf_error err;
    mf_error_set(&err, MF_STATUS_TARGET, NULL, "the load was not connected to the target after %.0f ms",
                 run_load(run)->connect_timeout_ms + CONNECT_GRACE_MS);
    run_fail(run, &err);
}

static void crew_begin(struct mf_run *run, const char *endpoint)
{
    struct mf_crew_options options = {.loop = run->options.loop,
                                      .program = run->options.places->load,
                                      .dir = run->options.dir,
                                      .endpoint = endpoint,
                                      .rec = &run->rec,
                                      .net_fd = run->net_fd,
                                      .seed = run->options.seed,
                                      .history = run->options.history};
    struct mf_error err;
    run->phase = PHASE_CONNECTING;
    uv_timer_start(&run->deadline, on_connect_late, (uint64_t)run_load(run)->connect_timeout_ms + CONNECT_GRACE_MS, 0);
    int bad = mf_crew_start(&run->crew, &options, &err);
    run->crew_lives = run->crew.members > 0;
    if (bad)
        run_fail(run, &err);
}

/* --- faults ------------------------------------------------------------------------------------------------------- */

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

static void on_relay_ready(void *ctx, const char *endpoint)
{
    struct mf_run *run = ctx;
    if (run->phase == PHASE_STARTING)
        crew_begin(run, endpoint);
}

static void on_relay_done(void *ctx, uint32_t row, uint64_t connections)
{
    struct mf_run *run = ctx;
    mf_faulting_relayed(&run->faulting, row, connections);
}

static void on_relay_failed(void *ctx, const struct mf_error *err)
{
    run_fail(ctx, err);
}

static void on_relay_gone(void *ctx)
{
    struct mf_run *run = ctx;
    run->relay_lives = false;
    run_end_step(run, false);
}

static void relay_begin(struct mf_run *run, const char *endpoint)
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
        run_fail(run, &err);
    else
        run->relay_lives = true;
}

static void on_target_phase(void *ctx, uint32_t k, uint32_t phase)
{
    struct mf_run *run = ctx;
    if (run->faulting_open)
        mf_faulting_phase(&run->faulting, k, phase);
}

/* --- the target --------------------------------------------------------------------------------------------------- */

static void on_target_ready(void *ctx, const char *endpoint)
{
    struct mf_run *run = ctx;
    if (run->phase != PHASE_STARTING)
        return;
    if (run_is_local(run))
        run_go(run);
    else if (mf_faulting_has(run->options.cell, MF_FAULT_KIND_RELAY))
        relay_begin(run, endpoint);
    else
        crew_begin(run, endpoint);
}

static void on_target_fired(void *ctx, uint32_t k)
{
    (void)ctx;
    (void)k; /* the log counts it; that it has not ended yet is what mf_firing_busy sees */
}

static void on_target_ended(void *ctx, uint32_t k)
{
    struct mf_run *run = ctx;
    if (run_load(run)->wire_states)
        mf_crew_release(&run->crew, k);
    if (run->faulting_open)
        mf_faulting_upgrade_ended(&run->faulting, k); /* before the next one may be asked for */
    if (run->firing_open)
        mf_firing_ended(&run->firing, k);
    if (run->phase == PHASE_PINGING)
        mf_samples_look(&run->samples, &run->witness);
    run_end_if_done(run);
}

static void on_target_died(void *ctx, const char *text)
{
    struct mf_run *run = ctx;
    if (run->witness.died++ == 0)
        snprintf(run->witness.died_text, sizeof run->witness.died_text, "%s", text);
}

static void on_target_failed(void *ctx, const struct mf_error *err)
{
    run_fail(ctx, err);
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
    run_end_step(run, false);
}

/* --- the start ---------------------------------------------------------------------------------------------------- */

static int local_plans_make(struct mf_run *run, struct mf_error *err)
{
    uint32_t n = run_load(run)->workers;
    if (!run_is_local(run))
        return 0;
    run->local_plans = calloc(n, sizeof *run->local_plans);
    if (!run->local_plans)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the pingers' plans");
    for (uint32_t w = 0; w < n; w++) {
        mf_shape_plan(run->options.cell, w, "local", run->options.seed, &run->local_plans[w]);
        if (run->options.history && mf_shape_history(&run->local_plans[w], run->options.dir, err) != 0)
            return -1;
    }
    return 0;
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

static int target_begin(struct mf_run *run, struct mf_error *err)
{
    const struct mf_run_options *o = &run->options;
    struct mf_node_options options = {.cell = o->cell,
                                      .recorder = &run->rec,
                                      .run_dir = o->dir,
                                      .log_path = run->log_path,
                                      .program = o->places->node,
                                      .modules_dir = o->places->modules,
                                      .local_plan = run->local_plans,
                                      .local_plans = run->local_plans ? run_load(run)->workers : 0,
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
                                      .finished = on_finished,
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

static void witness_begin(struct mf_run *run)
{
    const struct mf_cell *cell = run->options.cell;
    run->witness = (struct mf_target_witness){.exchanges = mf_shape_exchanges(cell),
                                              .is_command = cell->command != NULL,
                                              .gives_version = true, /* our node says all three, with any codec */
                                              .gives_state = true,
                                              .gives_instance = true,
                                              .processes = cell->node.processes,
                                              .transport_local = run_is_local(run)};
}

static int network_begin(struct mf_run *run, struct mf_error *err)
{
    uint32_t migrate_req = run->options.cell->node.tcp_migrate_req;
    return migrate_req == MF_OWN_NETWORK ? 0 : mf_netspace_open(migrate_req, &run->net_fd, err);
}

static void crew_prepare(struct mf_run *run)
{
    run->crew = (struct mf_crew){.cell = run->options.cell,
                                 .ctx = run,
                                 .ready = on_crew_ready,
                                 .point = on_point,
                                 .placed = on_placed,
                                 .finished = on_finished,
                                 .failed = on_crew_failed,
                                 .gone = on_crew_gone};
}

struct mf_run *mf_run_start(const struct mf_run_options *options, struct mf_error *err)
{
    struct mf_run *run = calloc(1, sizeof *run);
    if (!run) {
        mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for a run");
        return NULL;
    }
    run->options = *options;
    run->rec.fd = -1;
    witness_begin(run);
    crew_prepare(run);
    struct mf_recorder_shape shape = mf_shape_recorder(options->cell);
    if (mf_recorder_create(&run->rec, &shape, err) != 0) {
        free(run);
        return NULL;
    }
    mf_shape_log(options->cell, options->versions, &run->rec);
    run->samples.rec = &run->rec;
    uv_timer_init(options->loop, &run->deadline);
    run->deadline.data = run;
    run->deadline_open = true;
    run->firing = (struct mf_firing){.ctx = run, .fire = on_fire, .closed = on_firing_closed};
    if (options->cell->load.wire_states)
        run->firing.probe = on_probe;
    run->firing_open = true;
    run->faulting = (struct mf_faulting){.timer_fd = -1,
                                         .ctx = run,
                                         .request = on_fault_request,
                                         .relay = on_fault_relay,
                                         .supervisor = on_fault_supervisor,
                                         .members = options->cell->command ? on_fault_members : NULL,
                                         .closed = on_faulting_closed};
    run->faulting_open = true;
    /* From here on the run ends by its own way, however far it comes: what fails now is told when it is gathered. */
    if (mf_firing_open(&run->firing, options->loop, options->cell, &run->rec, options->seed, options->versions[0],
                       &run->error) != 0 ||
        mf_faulting_open(&run->faulting, options->loop, options->cell, options->places, &run->rec, options->seed,
                         &run->error) != 0 ||
        local_plans_make(run, &run->error) != 0 || network_begin(run, &run->error) != 0 ||
        target_begin(run, &run->error) != 0)
        run_end(run, false);
    return run;
}

/* --- what it was -------------------------------------------------------------------------------------------------- */

bool mf_run_is_over(const struct mf_run *run)
{
    return run->phase == PHASE_OVER;
}

static const char *phase_text(const struct mf_run *run, uint64_t now_ns)
{
    const struct mf_recorder_header *h = run->rec.header;
    if (run->phase == PHASE_PINGING && now_ns < atomic_load(&h->measure_ns))
        return "warm-up";
    if (run->phase == PHASE_PINGING)
        return now_ns < atomic_load(&h->end_ns) ? "measuring" : "draining";
    return run->phase == PHASE_STARTING ? "starting" : run->phase == PHASE_CONNECTING ? "connecting" : "stopping";
}

void mf_run_look(const struct mf_run *run, struct mf_run_view *view)
{
    const struct mf_recorder_header *h = run->rec.header;
    uint64_t now_ns = mf_clock_now_ns(), over_ns = atomic_load(&h->end_ns) + mf_shape_drain_ns(run->options.cell);
    *view = (struct mf_run_view){.phase = phase_text(run, now_ns),
                                 .fired = atomic_load(&h->requested),
                                 .planned = h->shape.upgrades,
                                 .left_ns = run->phase == PHASE_PINGING && over_ns > now_ns ? over_ns - now_ns : 0};
    for (uint32_t w = 0; w < h->shape.workers; w++) {
        const struct mf_worker_record *worker = mf_recorder_worker(&run->rec, w);
        view->due += atomic_load_explicit(&worker->due, memory_order_relaxed);
        view->lost += __atomic_load_n(&worker->outcome[MF_OUTCOME_LOST], __ATOMIC_RELAXED);
    }
}

/* What a command's answers carry is what was seen in them. */
static void witness_of_answers(struct mf_run *run)
{
    uint32_t has = 0, lacks = 0;
    for (uint32_t w = 0; w < run->rec.header->shape.workers; w++) {
        has |= mf_recorder_worker(&run->rec, w)->has;
        lacks |= mf_recorder_worker(&run->rec, w)->lacks;
    }
    run->witness.gives_version = has & MF_HAS_VERSION;
    run->witness.gives_state = has & ~lacks & MF_HAS_COUNT;
    run->witness.gives_instance = has & ~lacks & MF_HAS_INSTANCE;
}

int mf_run_gather(struct mf_run *run, uint32_t number, struct mf_result *result, struct mf_error *err)
{
    if (!run->went) {
        if (!run->error.text[0])
            mf_error_set(&run->error, MF_STATUS_INTERRUPTED, NULL, "interrupted before the first ping");
        *err = run->error;
        return -1;
    }
    if (run->options.cell->command)
        witness_of_answers(run);
    run->faults = mf_faulting_results(&run->faulting, number);
    if (!run->faults)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the faults of a run");
    run->witness.faults = run->faults;
    run->witness.faults_count = run->faulting.acts_count;
    if (mf_result_from_recorder(result, &run->rec, number, &run->witness, err) != 0)
        return -1;
    mf_result_derive(result);
    *err = run->error;
    return 0;
}

const struct mf_recorder *mf_run_recorder(const struct mf_run *run)
{
    return &run->rec;
}

const struct mf_target_witness *mf_run_witness(const struct mf_run *run)
{
    return &run->witness;
}

void mf_run_free(struct mf_run *run)
{
    if (!run)
        return;
    if (run->target)
        run->target->ops->free(run->target);
    if (run->net_fd > 0)
        close(run->net_fd);
    mf_recorder_close(&run->rec);
    free(run->local_plans);
    free(run->faulting.acts);
    free(run->faults);
    free(run);
}
