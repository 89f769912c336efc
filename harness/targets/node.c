/* The node as a target: midflight-node, spoken to over its control line. */
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "targets/child.h"
#include "targets/group.h"
#include "targets/node_argv.h"
#include "targets/scratch.h"
#include "targets/target.h"

#define NONE        UINT32_MAX
#define SOCKET_NAME "/node.sock"

struct node {
    struct mf_target target; /* first: a target is cast to its node */
    struct mf_node_options options;
    struct mf_child *child;
    uv_timer_t deadline;
    char scratch[PATH_MAX]; /* the node's own folder: socket, saved state, copies of modules */
    char listen[256];
    bool is_ready, has_failed, is_stopping, is_stopped;
    uint32_t under_way;         /* the slot that is being carried out */
    struct mf_error last_error; /* what it said over the line; empty text: nothing */
};

static struct node *node_of(struct mf_target *t)
{
    return (struct node *)t;
}

static const struct mf_node_target *node_plan(const struct node *n)
{
    return &n->options.cell->node;
}

/* --- trouble ------------------------------------------------------------------------------------------------------ */

static void node_fail(struct node *n, const struct mf_error *err)
{
    uv_timer_stop(&n->deadline);
    if (n->has_failed || n->is_stopping)
        return;
    n->has_failed = true;
    n->target.events.failed(n->target.events.ctx, err);
}

__attribute__((format(printf, 2, 3))) static void node_fail_text(struct node *n, const char *format, ...)
{
    struct mf_error err;
    char text[sizeof err.text];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    mf_error_set(&err, MF_STATUS_TARGET, "midflight-node", "%s", text);
    node_fail(n, &err);
}

static void on_ready_late(uv_timer_t *timer)
{
    struct node *n = timer->data;
    node_fail_text(n, "not ready after %.0f ms (target.node.ready_ms)", node_plan(n)->ready_ms);
}

static uint64_t deadline_ms(double ms)
{
    return ms < 1 ? 1 : (uint64_t)ms;
}

static void slot_fail(struct node *n, uint32_t k, const char *reason)
{
    struct mf_upgrade_log *slot = &n->options.recorder->log[k];
    if (atomic_load_explicit(&slot->outcome, memory_order_acquire) != MF_UPGRADE_PENDING)
        return;
    snprintf(slot->reason, sizeof slot->reason, "%s", reason);
    atomic_store(&slot->phase_ns[MF_PHASE_FAILED], mf_clock_now_ns());
    atomic_store_explicit(&slot->outcome, MF_UPGRADE_FAILED, memory_order_release);
}

/* Slots that were given out and never ended: whoever could have written their outcome is dead by now. */
static void log_close(struct node *n)
{
    const struct mf_recorder_header *h = n->options.recorder->header;
    uint32_t requested = atomic_load(&h->requested);
    for (uint32_t k = 0; k < requested && k < h->shape.upgrades; k++)
        slot_fail(n, k,
                  n->has_failed ? "it had not ended when the target had to be stopped" : "the run ended before it did");
    n->under_way = NONE;
}

/* Where things go wrong on purpose, an upgrade that does not end is what was to be seen. */
static void on_upgrade_late(uv_timer_t *timer)
{
    struct node *n = timer->data;
    char reason[MF_REASON_BYTES];
    uint32_t k = n->under_way;
    snprintf(reason, sizeof reason, "it had not ended after %.0f ms (target.node.upgrade_ms)",
             node_plan(n)->upgrade_ms);
    if (!n->options.has_faults || k == NONE) {
        node_fail_text(n, "upgrade %" PRIu32 " had not ended after %.0f ms (target.node.upgrade_ms)", k + 1,
                       node_plan(n)->upgrade_ms);
        return;
    }
    n->under_way = NONE;
    slot_fail(n, k, reason);
    n->target.events.ended(n->target.events.ctx, k);
}

/* --- what it says ------------------------------------------------------------------------------------------------- */

static void say_ready(struct node *n, const struct mf_control_line *line)
{
    const char *endpoint = mf_control_get(line, "endpoint");
    if (n->is_ready)
        return;
    if (!endpoint || !endpoint[0]) {
        node_fail_text(n, "says that it is ready, but not where");
        return;
    }
    uv_timer_stop(&n->deadline);
    n->is_ready = true;
    n->target.events.ready(n->target.events.ctx, endpoint);
}

static bool slot_read(struct node *n, const struct mf_control_line *line, uint32_t *k)
{
    bool bad = !mf_control_get(line, "k");
    uint32_t upgrades = n->options.recorder->header->shape.upgrades;
    *k = (uint32_t)mf_control_u64(line, "k", 0, UINT32_MAX, &bad);
    if (!bad && *k < upgrades)
        return true;
    node_fail_text(n, "says \"%s\" of an upgrade that is not planned", line->verb);
    return false;
}

static void under_way_begin(struct node *n, uint32_t k)
{
    n->under_way = k;
    uv_timer_start(&n->deadline, on_upgrade_late, deadline_ms(node_plan(n)->upgrade_ms), 0);
}

static void say_fired(struct node *n, const struct mf_control_line *line)
{
    uint32_t k;
    if (!slot_read(n, line, &k))
        return;
    under_way_begin(n, k);
    n->target.events.fired(n->target.events.ctx, k);
}

static void say_ended(struct node *n, const struct mf_control_line *line)
{
    uint32_t k;
    if (!slot_read(n, line, &k))
        return;
    if (atomic_load_explicit(&n->options.recorder->log[k].outcome, memory_order_acquire) == MF_UPGRADE_PENDING) {
        node_fail_text(n, "says that upgrade %" PRIu32 " has ended, but the log has no outcome of it", k + 1);
        return;
    }
    if (k == n->under_way) {
        uv_timer_stop(&n->deadline);
        n->under_way = NONE;
    }
    n->target.events.ended(n->target.events.ctx, k);
}

static void say_phase(struct node *n, const struct mf_control_line *line)
{
    uint32_t k;
    const char *key = mf_control_get(line, "phase");
    if (!slot_read(n, line, &k))
        return;
    for (uint32_t p = 0; key && p < MF_PHASE_COUNT; p++)
        if (strcmp(mf_phase_keys[p], key) == 0 && n->target.events.phase)
            n->target.events.phase(n->target.events.ctx, k, p);
}

static void say_died(struct node *n, const struct mf_control_line *line)
{
    const char *pid = mf_control_get(line, "pid"), *status = mf_control_get(line, "status");
    char text[MF_TEXT_BYTES];
    snprintf(text, sizeof text, "the node's worker (pid %s) died: %s", pid ? pid : "?", status ? status : "?");
    n->target.events.died(n->target.events.ctx, text);
}

static void say_error(struct node *n, const struct mf_control_line *line)
{
    const char *text = mf_control_get(line, "text");
    bool bad = false;
    enum mf_status status = (enum mf_status)mf_control_u64(line, "status", MF_STATUS_TARGET, 255, &bad);
    if (bad || mf_status_text((int)status)[0] == '?' || status == MF_STATUS_PASS)
        status = MF_STATUS_TARGET;
    mf_error_set(&n->last_error, status, "midflight-node", "%s",
                 text && text[0] ? text : "an error that it does not name");
    if (n->is_ready)
        node_fail(n, &n->last_error);
}

static void on_line(void *ctx, const struct mf_control_line *line)
{
    struct node *n = ctx;
    static const struct {
        const char *verb;
        void (*say)(struct node *n, const struct mf_control_line *line);
    } verbs[] = {{"ready", say_ready}, {"fired", say_fired}, {"ended", say_ended},
                 {"died", say_died},   {"error", say_error}, {"phase", say_phase}};
    if (n->is_stopping && strcmp(line->verb, "ended") != 0)
        return;
    if (strcmp(line->verb, "finished") == 0) {
        n->target.events.finished(n->target.events.ctx);
        return;
    }
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].verb, line->verb) == 0)
            verbs[i].say(n, line);
}

static void on_garbage(void *ctx, const char *text)
{
    struct node *n = ctx;
    char shown[64];
    snprintf(shown, sizeof shown, "%.40s", text);
    for (char *p = shown; *p; p++)
        if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
            *p = '?';
    node_fail_text(n, "says something that is no control line: \"%s\"", shown);
}

static void on_exited(void *ctx, const char *how, bool asked)
{
    struct node *n = ctx;
    char words[256];
    if (asked)
        return;
    if (n->last_error.text[0]) {
        node_fail(n, &n->last_error);
        return;
    }
    mf_child_last_words(n->options.log_path, words, sizeof words);
    if (n->is_ready) {
        char text[MF_TEXT_BYTES];
        snprintf(text, sizeof text, "midflight-node died: %s", how);
        n->target.events.died(n->target.events.ctx, text);
    }
    node_fail_text(n, "%s: %s%s%s", n->is_ready ? "died in the middle of the run" : "ended before it was ready", how,
                   words[0] ? "; its last words: " : "", words);
}

/* --- the verbs ---------------------------------------------------------------------------------------------------- */

static void on_deadline_closed(uv_handle_t *handle)
{
    struct node *n = handle->data;
    n->is_stopped = true;
    n->target.events.stopped(n->target.events.ctx);
}

static void on_gone(void *ctx, uint32_t left)
{
    struct node *n = ctx;
    n->child = NULL;
    if (left > 0) {
        struct mf_error err;
        mf_error_set(&err, MF_STATUS_INTERNAL, "midflight-node", "%" PRIu32 " of its OS processes could not be killed",
                     left);
        n->target.events.failed(n->target.events.ctx, &err);
    }
    log_close(n);
    if (n->options.release)
        n->options.release(n->options.faults);
    mf_scratch_remove(n->scratch);
    uv_close((uv_handle_t *)&n->deadline, on_deadline_closed);
}

static void node_listen(struct node *n)
{
    switch (n->options.cell->load.transport) {
    case MF_TRANSPORT_UNIX:
        snprintf(n->listen, sizeof n->listen, "unix:%.200s" SOCKET_NAME, n->scratch);
        break;
    case MF_TRANSPORT_TCP:
        snprintf(n->listen, sizeof n->listen, "tcp:127.0.0.1:0");
        break;
    default: /* local: nobody listens */
        break;
    }
}

static int node_spawn(struct node *n, struct mf_error *err)
{
    const char **argv = mf_node_argv(&n->options, n->listen[0] ? n->listen : NULL, n->scratch, err);
    if (!argv)
        return -1;
    struct mf_child_options options = {.argv = argv,
                                       .log_path = n->options.log_path,
                                       .recorder_fd = n->options.recorder->fd,
                                       .net_fd = n->options.net_fd,
                                       .control = true};
    struct mf_child_events events = {
        .ctx = n, .line = on_line, .garbage = on_garbage, .exited = on_exited, .gone = on_gone};
    n->child = mf_child_start(n->target.loop, &options, &events, err);
    free(argv);
    return n->child ? 0 : -1;
}

static int node_start(struct mf_target *t, struct mf_error *err)
{
    struct node *n = node_of(t);
    if (mf_scratch_make(n->scratch, n->options.run_dir, "node", SOCKET_NAME, err) != 0)
        return -1;
    node_listen(n);
    if ((n->options.prepare && n->options.prepare(n->options.faults, n->scratch, err) != 0) ||
        node_spawn(n, err) != 0) {
        if (n->options.release)
            n->options.release(n->options.faults);
        mf_scratch_remove(n->scratch);
        return -1;
    }
    uv_timer_init(t->loop, &n->deadline);
    n->deadline.data = n;
    uv_timer_start(&n->deadline, on_ready_late, deadline_ms(node_plan(n)->ready_ms), 0);
    return 0;
}

static void node_upgrade(struct mf_target *t, uint32_t k)
{
    struct node *n = node_of(t);
    struct mf_control_writer w;
    mf_control_begin(&w, "upgrade");
    mf_control_put_u64(&w, "k", k);
    mf_control_end(&w);
    under_way_begin(n, k);
    mf_child_say(n->child, &w); /* nobody hears it: its end is told, or the deadline passes */
}

static void node_go(struct mf_target *t)
{
    struct node *n = node_of(t);
    struct mf_control_writer w;
    for (uint32_t i = 0; i < n->options.local_plans; i++) {
        if (mf_plan_write(&n->options.local_plan[i], &w) != 0) {
            node_fail_text(n, "the plan of the load does not fit into a control line");
            return;
        }
        mf_child_say(n->child, &w);
    }
    mf_control_begin(&w, "go");
    mf_control_end(&w);
    mf_child_say(n->child, &w);
}

static void node_stop(struct mf_target *t)
{
    struct node *n = node_of(t);
    bool again = n->is_stopping;
    n->is_stopping = true;
    uv_timer_stop(&n->deadline);
    if (n->child)
        mf_child_stop(n->child, again ? 0 : deadline_ms(node_plan(n)->stop_ms));
}

static pid_t node_pid(struct mf_target *t)
{
    struct node *n = node_of(t);
    return n->child ? mf_child_pid(n->child) : 0;
}

static uint64_t node_rss_bytes(struct mf_target *t)
{
    struct node *n = node_of(t);
    return mf_group_rss_bytes((pid_t)atomic_load(&n->options.recorder->node->worker_pid));
}

static void node_free(struct mf_target *t)
{
    free(node_of(t));
}

static const struct mf_target_ops node_ops = {
    .kind = "node",
    .start = node_start,
    .upgrade = node_upgrade,
    .go = node_go,
    .stop = node_stop,
    .pid = node_pid,
    .rss_bytes = node_rss_bytes,
    .free = node_free,
};

struct mf_target *mf_target_new_node(uv_loop_t *loop, const struct mf_node_options *options,
                                     const struct mf_target_events *events, struct mf_error *err)
{
    struct node *n = calloc(1, sizeof *n);
    if (!n) {
        mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for a target");
        return NULL;
    }
    n->target = (struct mf_target){.ops = &node_ops, .loop = loop, .events = *events};
    n->options = *options;
    n->under_way = NONE;
    return &n->target;
}
