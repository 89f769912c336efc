#include "driver/run_internal.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "driver/shape.h"
#include "targets/netspace.h"

#define START_LEAD_NS    (20 * MF_NS_PER_MS) /* from `go` to the first ping: every worker has heard it by then */
#define CONNECT_GRACE_MS 5000

/* --- the end: the load first, so that its books are closed against a target that still lives; then the target
 * --------- */

static void on_deadline_closed(uv_handle_t *handle)
{
    struct mf_run *run = handle->data;
    run->deadline_open = false;
    run->phase = PHASE_OVER;
}

void mf_run_end_step(struct mf_run *run, bool hurry)
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
    mf_run_end_step(run, false);
}

static void on_faulting_closed(void *ctx)
{
    struct mf_run *run = ctx;
    run->faulting_open = false;
    mf_run_end_step(run, false);
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
        mf_run_end_step(run, hurry);
}

void mf_run_stop(struct mf_run *run, bool hurry)
{
    run->stopped_early = true;
    run_end(run, hurry);
}

void mf_run_fail(struct mf_run *run, const struct mf_error *err)
{
    if (!run->error.text[0])
        run->error = *err;
    run_end(run, false);
}

/* --- pinging ------------------------------------------------------------------------------------------------------ */

void mf_run_end_if_done(struct mf_run *run)
{
    if (run->phase == PHASE_PINGING && run->finished && !mf_firing_busy(&run->firing))
        run_end(run, false);
}

void mf_run_on_finished(void *ctx)
{
    struct mf_run *run = ctx;
    if (run->phase != PHASE_PINGING)
        return;
    run->finished = true;
    uv_timer_stop(&run->deadline);
    mf_firing_halt(&run->firing);
    mf_run_end_if_done(run);
}

static void on_finish_late(uv_timer_t *timer)
{
    struct mf_run *run = timer->data;
    struct mf_error err;
    mf_error_set(&err, MF_STATUS_INTERNAL, NULL, "the load had not finished %d ms after the end of its drain",
                 MF_FINISH_GRACE_MS);
    mf_run_fail(run, &err);
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
    mf_run_fail(run, &err);
}

void mf_run_go(struct mf_run *run)
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
    if (mf_run_is_local(run))
        run->target->ops->go(run->target);
    else
        mf_crew_go(&run->crew);
    uint64_t until_ms =
        (end_ns - start_ns + mf_shape_drain_ns(cell) + START_LEAD_NS) / MF_NS_PER_MS + MF_FINISH_GRACE_MS;
    uv_timer_start(&run->deadline, on_finish_late, until_ms, 0);
    struct mf_error err;
    if (run->phase == PHASE_PINGING &&
        (mf_firing_go(&run->firing, &err) != 0 || mf_faulting_go(&run->faulting, &err) != 0))
        mf_run_fail(run, &err);
}

/* --- the load ----------------------------------------------------------------------------------------------------- */

static void on_crew_ready(void *ctx)
{
    struct mf_run *run = ctx;
    if (run->phase == PHASE_CONNECTING)
        mf_run_go(run);
}

static void on_crew_failed(void *ctx, const struct mf_error *err)
{
    mf_run_fail(ctx, err);
}

static void on_crew_gone(void *ctx)
{
    struct mf_run *run = ctx;
    run->crew_lives = false;
    mf_run_end_step(run, false);
}

static void on_connect_late(uv_timer_t *timer)
{
    struct mf_run *run = timer->data;
    struct mf_error err;
    mf_error_set(&err, MF_STATUS_TARGET, NULL, "the load was not connected to the target after %.0f ms",
                 mf_run_load(run)->connect_timeout_ms + CONNECT_GRACE_MS);
    mf_run_fail(run, &err);
}

void mf_run_crew_begin(struct mf_run *run, const char *endpoint)
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
    uv_timer_start(&run->deadline, on_connect_late, (uint64_t)mf_run_load(run)->connect_timeout_ms + CONNECT_GRACE_MS,
                   0);
    int bad = mf_crew_start(&run->crew, &options, &err);
    run->crew_lives = run->crew.members > 0;
    if (bad)
        mf_run_fail(run, &err);
}

/* --- the start ---------------------------------------------------------------------------------------------------- */

static int local_plans_make(struct mf_run *run, struct mf_error *err)
{
    uint32_t n = mf_run_load(run)->workers;
    if (!mf_run_is_local(run))
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

static void witness_begin(struct mf_run *run)
{
    const struct mf_cell *cell = run->options.cell;
    run->witness = (struct mf_target_witness){.exchanges = mf_shape_exchanges(cell),
                                              .is_command = cell->command != NULL,
                                              .gives_version = true, /* our node says all three, with any codec */
                                              .gives_state = true,
                                              .gives_instance = true,
                                              .processes = cell->node.processes,
                                              .transport_local = mf_run_is_local(run)};
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
                                 .finished = mf_run_on_finished,
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
    mf_run_faults_prepare(run, on_faulting_closed);
    /* From here on the run ends by its own way, however far it comes: what fails now is told when it is gathered. */
    if (mf_firing_open(&run->firing, options->loop, options->cell, &run->rec, options->seed, options->versions[0],
                       &run->error) != 0 ||
        mf_faulting_open(&run->faulting, options->loop, options->cell, options->places, &run->rec, options->seed,
                         &run->error) != 0 ||
        local_plans_make(run, &run->error) != 0 || network_begin(run, &run->error) != 0 ||
        mf_run_target_begin(run, &run->error) != 0)
        run_end(run, false);
    return run;
}
