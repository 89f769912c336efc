#include "load/worker.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define BEAT_NS MF_NS_PER_MS
/* After the last outcome so long is waited for second answers, which would else go uncounted. */
#define STRAYS_NS       (20 * MF_NS_PER_MS)
#define QUEUE_BYTES_ALL (256u << 20)
#define QUEUE_BYTES_MIN (1u << 20)
#define INCOMING_BYTES  (256u << 10)
#define WINDOW_HINT_MAX 65536.0

static void worker_say(struct mf_worker *w, const char *verb)
{
    struct mf_control_writer line;

    mf_control_begin(&line, verb);
    mf_channel_send(&w->channel, &line);
}

void mf_worker_fail(struct mf_worker *w, const struct mf_error *err)
{
    if (w->failed)
        return;
    w->failed = true;
    w->error = *err;
    w->phase = MF_WORKER_OVER;
    struct mf_control_writer line;
    char text[600];
    snprintf(text, sizeof text, "%.100s%s%.480s", err->place, err->place[0] ? ": " : "", err->text);
    mf_control_begin(&line, "error");
    mf_control_put(&line, "text", text);
    mf_control_put_u64(&line, "status", err->status);
    mf_channel_send(&w->channel, &line);
    mf_channel_flush(&w->channel);
    uv_stop(&w->loop);
}

/* The phases of life */

/* Datagrams that came and were dropped in front of us are our loss, and not the target's: nothing may be said then. */
static bool worker_has_dropped(struct mf_worker *w)
{
    struct mf_error err;
    uint64_t dropped = 0;

    for (uint32_t i = 0; i < w->plan.connections; i++)
        dropped += mf_connection_dropped(&w->connection[i]);
    if (dropped == 0)
        return false;
    mf_error_set(&err, MF_STATUS_UNKNOWN, "load",
                 "%" PRIu64
                 " datagrams were dropped before the load could read them: who lost what cannot be told; less "
                 "load.rate_per_s, or more load.connections",
                 dropped);
    mf_worker_fail(w, &err);
    return true;
}

static void worker_finish(struct mf_worker *w, uint64_t now_ns)
{
    if (worker_has_dropped(w))
        return;
    w->phase = MF_WORKER_FINISHED;
    mf_pacer_arm(&w->pacer, 0);
    mf_meter_finish(&w->meter, now_ns);
    if (w->retries)
        mf_retries_finish(w->retries);
    mf_account_finish(w->account, now_ns);
    if (w->probes)
        mf_probes_finish(w->probes, now_ns);
    for (uint32_t i = 0; i < w->plan.connections; i++)
        mf_connection_close(&w->connection[i]);
    worker_say(w, "finished");
}

static void worker_drain(struct mf_worker *w, uint64_t now_ns)
{
    w->phase = MF_WORKER_DRAINING;
    w->drain_until_ns = now_ns + w->plan.drain_ns;
}

/* Whether everything that can be waited for has come. */
static bool worker_is_drained(struct mf_worker *w, uint64_t now_ns)
{
    if (w->probes && mf_probes_are_busy(w->probes))
        return false; /* an upgrade ends, and a judgement has its deadlines */
    if (now_ns >= w->drain_until_ns)
        return true;
    if (mf_account_open(w->account, NULL) > 0 || (w->retries && mf_retries_are_busy(w->retries)))
        w->calm_since_ns = 0;
    else if (w->calm_since_ns == 0)
        w->calm_since_ns = now_ns;
    return w->calm_since_ns > 0 && now_ns - w->calm_since_ns >= STRAYS_NS;
}

/* About every millisecond: whatever needs no better clock. */
static void worker_beat(struct mf_worker *w, uint64_t now_ns)
{
    bool closed = w->plan.mode == MF_MODE_CLOSED;

    w->next_beat_ns += (1 + (now_ns - w->next_beat_ns) / BEAT_NS) * BEAT_NS;
    mf_meter_beat(&w->meter, now_ns);
    mf_worker_expire(w, now_ns);
    mf_half_beat(w, now_ns);
    mf_aside_beat(w);
    if (w->probes)
        mf_probes_beat(w->probes, now_ns);
    if (w->retries)
        mf_retries_beat(w->retries, now_ns);
    for (uint32_t i = 0; i < w->plan.connections; i++) {
        struct mf_connection *c = &w->connection[i];
        if (c->link != MF_LINK_UP)
            mf_connection_beat(c, now_ns);
        else
            mf_connection_unstick(c, now_ns);
        if (closed && c->outstanding < w->plan.window)
            mf_worker_list(w, c);
    }
}

static void worker_connect(struct mf_worker *w, uint64_t now_ns)
{
    if (w->up == w->plan.connections) {
        w->phase = MF_WORKER_READY;
        worker_say(w, "ready");
        return;
    }
    if (now_ns - w->planned_ns < w->plan.connect_timeout_ns)
        return;
    int code = ETIMEDOUT;
    for (uint32_t i = 0; i < w->plan.connections; i++)
        if (w->connection[i].link != MF_LINK_UP && w->connection[i].dial_errno)
            code = w->connection[i].dial_errno;
    struct mf_error err;
    mf_error_set(&err, MF_STATUS_TARGET, w->plan.endpoint, "%" PRIu32 " of %" PRIu32 " connections made in %.3g ms: %s",
                 w->up, w->plan.connections, (double)w->plan.connect_timeout_ns / MF_NS_PER_MS, strerror(code));
    mf_worker_fail(w, &err);
}

static void worker_pinging(struct mf_worker *w, uint64_t now_ns)
{
    if (w->plan.mode == MF_MODE_OPEN)
        mf_worker_send_due(w, now_ns);
    /* Not before the end although no ping is left: upgrades may be. */
    bool has_more = w->plan.mode == MF_MODE_OPEN && w->schedule.next_ns < w->end_ns;
    if ((now_ns >= w->end_ns && !has_more) || !mf_worker_may_ping(w))
        worker_drain(w, now_ns);
}

static void worker_arm(struct mf_worker *w)
{
    uint64_t next_ns = w->next_beat_ns;

    if (w->phase == MF_WORKER_PINGING && w->plan.mode == MF_MODE_OPEN && w->schedule.next_ns < next_ns)
        next_ns = w->schedule.next_ns;
    mf_pacer_arm(&w->pacer, next_ns);
}

static void on_due(void *ctx, uint64_t deadline_ns, uint64_t now_ns)
{
    struct mf_worker *w = ctx;

    if (w->phase >= MF_WORKER_PINGING && deadline_ns >= w->start_ns)
        mf_account_wakeup(w->account, now_ns, now_ns - deadline_ns);
    if (now_ns >= w->next_beat_ns)
        worker_beat(w, now_ns);
    if (w->phase == MF_WORKER_CONNECTING)
        worker_connect(w, now_ns);
    else if (w->phase == MF_WORKER_PINGING && now_ns >= w->start_ns)
        worker_pinging(w, now_ns);
    mf_worker_settle(w);
    if (w->phase == MF_WORKER_DRAINING && worker_is_drained(w, now_ns))
        worker_finish(w, now_ns);
    if (w->phase < MF_WORKER_FINISHED)
        worker_arm(w);
}

/* Orders */

static int worker_account(struct mf_worker *w, struct mf_error *err)
{
    const struct mf_plan *plan = &w->plan;
    const struct mf_recorder_shape *shape = &w->recorder.header->shape;
    uint32_t streams = plan->connections * plan->streams_per_connection;
    double hint = plan->mode == MF_MODE_CLOSED
                      ? (double)plan->window
                      : plan->rate_per_s * ((double)plan->timeout_ns / MF_NS_PER_S) / streams + 1;

    if (plan->worker >= shape->workers || plan->streams > shape->streams)
        return mf_error_set(err, MF_STATUS_INTERNAL, "plan", "does not fit the recorder's shape");
    w->record = mf_recorder_worker(&w->recorder, plan->worker);
    w->account = mf_account_new(&w->recorder,
                                &(struct mf_account_config){
                                    .worker = plan->worker,
                                    .first_stream = plan->first_stream,
                                    .streams = streams,
                                    .streams_total = plan->streams,
                                    .processes = plan->processes,
                                    .counts_run_ahead = plan->retry,
                                    .timeout_ns = plan->timeout_ns,
                                    .window_ns = plan->window_ns,
                                    .window_hint = (uint32_t)(hint < WINDOW_HINT_MAX ? hint : WINDOW_HINT_MAX),
                                    .history_dir = plan->history,
                                },
                                err);
    return w->account ? 0 : -1;
}

static int worker_codec(struct mf_worker *w, struct mf_error *err)
{
    const struct mf_plan *plan = &w->plan;

    w->codec = mf_codec_find(plan->codec);
    if (!w->codec)
        return mf_error_set(err, MF_STATUS_INTERNAL, "plan", "unknown codec \"%s\"", plan->codec);
    if (plan->payload_bytes > w->codec->payload_bytes_max)
        return mf_error_set(err, MF_STATUS_USAGE, "load.payload_bytes", "codec %s carries at most %" PRIu32 " bytes",
                            plan->codec, w->codec->payload_bytes_max);
    if (w->codec->configure && !(w->conf = w->codec->configure(plan->codec_conf, err)))
        return -1;
    w->ping_bytes_max = w->codec->bytes_max(w->conf, plan->payload_bytes);
    w->incoming_room = INCOMING_BYTES + w->codec->in_bytes_max(w->conf);
    w->payload = malloc(plan->payload_bytes + 1);
    w->incoming = malloc(w->incoming_room);
    if (!w->payload || !w->incoming)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory");
    return 0;
}

static int worker_connections(struct mf_worker *w, struct mf_error *err)
{
    size_t limit = QUEUE_BYTES_ALL / w->plan.connections;

    if (limit < QUEUE_BYTES_MIN)
        limit = QUEUE_BYTES_MIN;
    w->connection = calloc(w->plan.connections, sizeof *w->connection);
    if (!w->connection)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for %" PRIu32 " connections",
                            w->plan.connections);
    for (uint32_t i = 0; i < w->plan.connections; i++)
        mf_connection_init(&w->connection[i], w, i, limit);
    return 0;
}

static void worker_on_plan(struct mf_worker *w, const struct mf_control_line *line)
{
    struct mf_error err = {0};
    const char *what;

    if (w->phase != MF_WORKER_IDLE)
        mf_error_set(&err, MF_STATUS_INTERNAL, "plan", "a second one");
    else if (mf_plan_read(&w->plan, line, &what) < 0)
        mf_error_set(&err, MF_STATUS_INTERNAL, "plan", "%s is missing or out of range", what);
    else if (worker_codec(w, &err) == 0 && mf_endpoint_parse(&w->endpoint, w->plan.endpoint, &err) == 0 &&
             worker_account(w, &err) == 0 && worker_connections(w, &err) == 0 && w->plan.probes)
        w->probes = mf_probes_new(w, &err);
    if (err.status == MF_STATUS_PASS && w->plan.retry)
        w->retries = mf_retries_new(w, &err);
    if (err.status != MF_STATUS_PASS) {
        mf_worker_fail(w, &err);
        return;
    }
    mf_points_init(&w->points, &w->plan);
    w->phase = MF_WORKER_CONNECTING;
    w->planned_ns = w->next_beat_ns = mf_clock_now_ns();
    worker_arm(w);
}

static void worker_on_go(struct mf_worker *w)
{
    const struct mf_recorder_header *h = w->recorder.header;

    if (w->phase != MF_WORKER_READY) {
        struct mf_error err;
        mf_error_set(&err, MF_STATUS_INTERNAL, "go", "not ready");
        mf_worker_fail(w, &err);
        return;
    }
    w->phase = MF_WORKER_PINGING;
    w->start_ns = atomic_load_explicit(&h->start_ns, memory_order_acquire);
    w->end_ns = atomic_load_explicit(&h->end_ns, memory_order_acquire);
    w->next_beat_ns = w->start_ns;
    mf_meter_start(&w->meter, w->account, mf_clock_now_ns());
    if (w->plan.mode == MF_MODE_OPEN)
        mf_schedule_init(&w->schedule, &w->plan, w->start_ns);
    worker_arm(w);
}

static void worker_on_stop(struct mf_worker *w)
{
    if (w->phase == MF_WORKER_PINGING || w->phase == MF_WORKER_DRAINING)
        worker_finish(w, mf_clock_now_ns());
    w->phase = MF_WORKER_OVER;
    uv_stop(&w->loop);
}

/* `probe` and `release`: an order of a driver that this plan does not know of is an error of ours. */
static void worker_on_probes(struct mf_worker *w, const struct mf_control_line *line, bool place)
{
    bool bad = !mf_control_get(line, "k") || !w->probes || w->phase < MF_WORKER_PINGING;
    uint32_t k = (uint32_t)mf_control_u64(line, "k", 0, UINT32_MAX - 1, &bad);

    if (bad) {
        struct mf_error err;
        mf_error_set(&err, MF_STATUS_INTERNAL, line->verb, "makes no sense here");
        mf_worker_fail(w, &err);
    } else if (place) {
        mf_probes_place(w->probes, k, mf_clock_now_ns());
    } else {
        mf_probes_release(w->probes, k, mf_clock_now_ns());
    }
}

static void worker_on_say(struct mf_worker *w, const struct mf_control_line *line)
{
    const char *text = mf_control_get(line, "text");
    struct mf_error err;

    if (text && w->phase >= MF_WORKER_PINGING && mf_aside_say(w, text, mf_control_get(line, "expect")))
        return;
    mf_error_set(&err, MF_STATUS_INTERNAL, "say", "makes no sense here");
    mf_worker_fail(w, &err);
}

static void on_line(void *ctx, const struct mf_control_line *line)
{
    struct mf_worker *w = ctx;

    if (w->phase == MF_WORKER_OVER)
        return;
    if (strcmp(line->verb, "plan") == 0)
        worker_on_plan(w, line);
    else if (strcmp(line->verb, "go") == 0)
        worker_on_go(w);
    else if (strcmp(line->verb, "stop") == 0)
        worker_on_stop(w);
    else if (strcmp(line->verb, "probe") == 0)
        worker_on_probes(w, line, true);
    else if (strcmp(line->verb, "release") == 0)
        worker_on_probes(w, line, false);
    else if (strcmp(line->verb, "say") == 0)
        worker_on_say(w, line);
}

static void on_driver_gone(void *ctx, const char *why)
{
    struct mf_worker *w = ctx;

    if (w->phase != MF_WORKER_FINISHED && !w->failed) {
        w->failed = true;
        mf_error_set(&w->error, MF_STATUS_INTERNAL, NULL, "%s before the end", why);
    }
    w->phase = MF_WORKER_OVER;
    uv_stop(&w->loop);
}

/* The whole life */

static void worker_done(struct mf_worker *w)
{
    mf_channel_flush(&w->channel);
    mf_channel_close(&w->channel);
    mf_pacer_close(&w->pacer);
    mf_meter_close(&w->meter);
    for (uint32_t i = 0; w->connection && i < w->plan.connections; i++)
        mf_connection_close(&w->connection[i]);
    mf_probes_close(w->probes);
    mf_retries_close(w->retries);
    while (uv_run(&w->loop, UV_RUN_DEFAULT) !=
           0) /* only closing handles are left; a stop from before ends the first call */
        continue;
    int code = uv_loop_close(&w->loop);
    assert(code == 0);
    for (uint32_t i = 0; w->connection && i < w->plan.connections; i++)
        mf_connection_done(&w->connection[i]);
    mf_probes_free(w->probes);
    mf_retries_free(w->retries);
    free(w->connection);
    free(w->payload);
    free(w->incoming);
    free(w->conf);
    mf_account_free(w->account);
    mf_recorder_close(&w->recorder);
}

int mf_worker_run(int recorder_fd, int control_fd, struct mf_error *err)
{
    struct mf_worker *w = calloc(1, sizeof *w);
    int code = w ? uv_loop_init(&w->loop) : UV_ENOMEM;

    if (code < 0) {
        free(w);
        close(recorder_fd);
        close(control_fd);
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no loop: %s", uv_strerror(code));
    }
    w->channel.ctx = w->pacer.ctx = w;
    w->channel.on_line = on_line;
    w->channel.on_end = on_driver_gone;
    w->pacer.on_due = on_due;
    if (mf_channel_open(&w->channel, &w->loop, control_fd, &w->error) < 0) {
        w->failed = true;
        close(recorder_fd);
    } else if (mf_recorder_map(&w->recorder, recorder_fd, &w->error) < 0 ||
               mf_pacer_open(&w->pacer, &w->loop, &w->error) < 0) {
        struct mf_error first = w->error;
        mf_worker_fail(w, &first);
    } else {
        mf_meter_open(&w->meter, &w->loop);
        uv_run(&w->loop, UV_RUN_DEFAULT);
    }
    worker_done(w);
    bool failed = w->failed;
    if (failed)
        *err = w->error;
    free(w);
    return failed ? -1 : 0;
}
