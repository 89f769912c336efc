/* The supervisor: holds the line to the driver, keeps a worker, carries out the upgrades that replace it. */
#include "node/supervisor_internal.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "node/hold.h"

#define STOP_DEADLINE_MS 2000

/* --- what strategies may know --- */

uint32_t mf_supervisor_module_index(const struct mf_supervisor *s)
{
    return s->worker.module_index;
}

bool mf_supervisor_has_worker(const struct mf_supervisor *s)
{
    return s->worker.pid != 0;
}

const char *mf_supervisor_retire(const struct mf_supervisor *s)
{
    return mf_retire_keys[s->args->retire];
}

const char *mf_supervisor_module_path(const struct mf_supervisor *s, uint32_t index)
{
    return s->args->modules[index];
}

const char *mf_supervisor_dir(const struct mf_supervisor *s)
{
    return s->args->dir;
}

uint32_t mf_supervisor_schedulers(const struct mf_supervisor *s)
{
    return s->args->schedulers;
}

uint32_t mf_supervisor_processes(const struct mf_supervisor *s)
{
    return s->args->processes;
}

/* --- telling --- */

void mf_supervisor_tell_driver(struct mf_supervisor *s, struct mf_control_writer *w)
{
    if (mf_control_end(w) != 0 || mf_control_send(s->driver_fd, w) != 0)
        s->driver_gone = true;
}

static void line_rewrite(struct mf_control_writer *w, const struct mf_control_line *line)
{
    mf_control_begin(w, line->verb);
    for (uint32_t i = 0; i < line->pairs; i++)
        mf_control_put(w, line->pair[i].key, line->pair[i].value);
}

static void driver_pass_on(struct mf_supervisor *s, const struct mf_control_line *line)
{
    struct mf_control_writer w;
    line_rewrite(&w, line);
    mf_supervisor_tell_driver(s, &w);
}

static void worker_pass_on(struct mf_supervisor *s, const struct mf_control_line *line)
{
    struct mf_control_writer w;
    line_rewrite(&w, line);
    mf_supervisor_tell_worker(s, &w); /* a worker that has gone is told of by its end */
}

static void driver_tell_error(struct mf_supervisor *s, const struct mf_error *err)
{
    struct mf_control_writer w;
    mf_control_begin(&w, "error");
    mf_control_put(&w, "text", err->text);
    mf_control_put_u64(&w, "status", (uint64_t)err->status);
    mf_supervisor_tell_driver(s, &w);
}

/* --- upgrades --- */

static bool slot_is_ours(struct mf_supervisor *s, const struct mf_control_line *line, uint32_t *k)
{
    bool bad = false;
    uint32_t slots = s->rec.header->shape.upgrades;
    *k = (uint32_t)mf_control_u64(line, "k", UINT32_MAX, UINT32_MAX, &bad);
    return !bad && *k < slots && s->rec.log[*k].module_index < s->args->modules_count;
}

/* One that was killed a moment ago may not have been noticed yet. */
static bool worker_is_gone(struct mf_supervisor *s)
{
    struct mf_error ignored; /* that the driver has gone is met again */
    struct pollfd at = {.fd = s->worker.pid_fd, .events = POLLIN};
    if (s->worker.pid && poll(&at, 1, 0) == 1)
        mf_supervisor_pump(s, false, 0, &ignored);
    return s->worker.pid == 0;
}

static void upgrade_supervise(struct mf_supervisor *s, uint32_t k)
{
    struct mf_error err = {0};
    uint32_t index = s->rec.log[k].module_index;
    struct mf_upgrade_request request = {
        .k = k, .module_index = index, .module_path = mf_supervisor_module_path(s, index)};
    mf_supervisor_log_begin(s, k);
    mf_hold_at(&s->rec, s->driver_fd, k, MF_PHASE_REQUESTED);
    s->in_strategy = true;
    int bad = s->strategy->supervise(s, &request, &err);
    s->in_strategy = false;
    if ((!bad || request.rolled_back) && worker_is_gone(s)) { /* whatever the strategy believed, nobody goes on */
        char text[64], why[sizeof err.text];
        snprintf(why, sizeof why, "%.500s%sthe worker had ended by then: %s", bad ? err.text : "", bad ? "; and " : "",
                 mf_worker_end_text(&s->worker, text, sizeof text));
        request.rolled_back = false;
        bad = mf_error_set(&err, MF_STATUS_TARGET, NULL, "%s", why);
    }
    mf_supervisor_log_end(s, k, request.rolled_back, bad ? err.text : NULL);
}

static void upgrade_hand_on(struct mf_supervisor *s, uint32_t k)
{
    struct mf_control_writer w;
    mf_control_begin(&w, "upgrade");
    mf_control_put_u64(&w, "k", k);
    if (mf_supervisor_tell_worker(s, &w) == 0) {
        s->under_way[k] = 1;
        return;
    }
    mf_supervisor_log_begin(s, k);
    mf_supervisor_log_end(s, k, false, "there is no worker any more that could carry it out");
}

static void upgrade_do(struct mf_supervisor *s, uint32_t k)
{
    if (s->strategy->supervise)
        upgrade_supervise(s, k);
    else
        upgrade_hand_on(s, k);
}

/* --- what the worker says --- */

static void on_prepared(struct mf_supervisor *s, struct mf_worker *w, const struct mf_control_line *line)
{
    (void)s;
    (void)line;
    w->prepared = true;
}

static void on_ready(struct mf_supervisor *s, struct mf_worker *w, const struct mf_control_line *line)
{
    const char *endpoint = mf_control_get(line, "endpoint");
    w->ready = true;
    if (s->endpoint[0] || !endpoint)
        return;
    snprintf(s->endpoint, sizeof s->endpoint, "%s", endpoint);
    driver_pass_on(s, line);
}

static void on_fired(struct mf_supervisor *s, struct mf_worker *w, const struct mf_control_line *line)
{
    uint32_t k, room = s->rec.header->shape.upgrades;
    (void)w;
    if (!slot_is_ours(s, line, &k))
        return;
    driver_pass_on(s, line);
    if (!s->strategy->supervise)
        s->under_way[k] = 1;
    else if (s->fired_count < room) /* a slot fires once, so the ring is never full */
        s->fired[(s->fired_at + s->fired_count++) % room] = k;
}

static void on_ended(struct mf_supervisor *s, struct mf_worker *w, const struct mf_control_line *line)
{
    uint32_t k;
    const char *outcome = mf_control_get(line, "outcome");
    if (!slot_is_ours(s, line, &k) || !outcome)
        return;
    s->under_way[k] = 0;
    if (strcmp(outcome, "committed") == 0)
        w->module_index = s->rec.log[k].module_index;
    driver_pass_on(s, line);
}

static void on_done(struct mf_supervisor *s, struct mf_worker *w, const struct mf_control_line *line)
{
    const char *reason = mf_control_get(line, "reason");
    if (s->command != MF_COMMAND_SENT || w != &s->worker)
        return;
    s->command = reason ? MF_COMMAND_REFUSED : MF_COMMAND_DONE;
    snprintf(s->command_reason, sizeof s->command_reason, "%s", reason ? reason : "");
}

/* Before it is ready, an error is the reason why it cannot be started; mf_supervisor_start_worker gives it to its
 * caller. */
static void on_error(struct mf_supervisor *s, struct mf_worker *w, const struct mf_control_line *line)
{
    bool bad = false;
    const char *text = mf_control_get(line, "text");
    uint64_t status = mf_control_u64(line, "status", MF_STATUS_TARGET, MF_STATUS_INTERRUPTED, &bad);
    if (w->ready)
        driver_pass_on(s, line);
    else
        mf_error_set(&w->error, bad ? MF_STATUS_INTERNAL : (enum mf_status)status, NULL, "%s",
                     text ? text : "the worker cannot start, and does not say why");
}

static void on_passed(struct mf_supervisor *s, struct mf_worker *w, const struct mf_control_line *line)
{
    (void)w;
    driver_pass_on(s, line);
}

void mf_supervisor_on_worker_line(struct mf_supervisor *s, struct mf_worker *w, const struct mf_control_line *line)
{
    static const struct {
        const char *verb;
        void (*on)(struct mf_supervisor *, struct mf_worker *, const struct mf_control_line *);
    } verbs[] = {{"prepared", on_prepared}, {"ready", on_ready}, {"fired", on_fired},     {"ended", on_ended},
                 {"done", on_done},         {"error", on_error}, {"finished", on_passed}, {"phase", on_passed}};
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].verb, line->verb) == 0)
            verbs[i].on(s, w, line);
}

void mf_supervisor_on_worker_end(struct mf_supervisor *s, struct mf_worker *w, pid_t pid)
{
    char text[64], reason[128];
    if (w != &s->worker)
        return; /* a newcomer that has not become the worker: whoever started it asks */
    atomic_store(&s->rec.node->worker_pid, 0);
    if (s->in_strategy || s->stopping || !s->endpoint[0])
        return;
    mf_worker_end_text(w, text, sizeof text);
    struct mf_control_writer line;
    mf_control_begin(&line, "died");
    mf_control_put_u64(&line, "pid", (uint64_t)pid);
    mf_control_put(&line, "status", text);
    mf_supervisor_tell_driver(s, &line);
    snprintf(reason, sizeof reason, "the worker ended in the middle of it: %s", text);
    for (uint32_t k = 0; k < s->rec.header->shape.upgrades; k++)
        if (s->under_way[k]) {
            s->under_way[k] = 0;
            mf_supervisor_log_end(s, k, false, reason);
        }
}

/* --- what the driver says --- */

void mf_supervisor_on_driver_line(struct mf_supervisor *s, const struct mf_control_line *line)
{
    uint32_t k;
    if (strcmp(line->verb, "plan") == 0 || strcmp(line->verb, "go") == 0) {
        worker_pass_on(s, line);
    } else if (strcmp(line->verb, "stop") == 0) {
        s->stopping = true;
    } else if (strcmp(line->verb, "upgrade") == 0) {
        if (slot_is_ours(s, line, &k)) {
            upgrade_do(s, k);
            return;
        }
        struct mf_error err;
        mf_error_set(&err, MF_STATUS_INTERNAL, NULL, "upgrade: the log has no such slot, or the slot no such module");
        driver_tell_error(s, &err);
    }
}

/* --- life --- */

static int supervisor_init(struct mf_supervisor *s, const struct mf_node_args *args, const char *program,
                           struct mf_error *err)
{
    *s = (struct mf_supervisor){.args = args,
                                .program = program,
                                .strategy = mf_strategy_find(args->strategy),
                                .driver_fd = args->control_fd,
                                .take_fd = -1,
                                .listen_fd = -1,
                                .worker = {.pid_fd = -1, .fd = -1, .hand_fd = -1},
                                .newcomer = {.pid_fd = -1, .fd = -1, .hand_fd = -1}};
    /* A terminal's Ctrl-C reaches every program of the group; the driver alone decides what it means. Workers inherit
     * this. */
    signal(SIGINT, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    if (fcntl(s->driver_fd, F_SETFD, FD_CLOEXEC) != 0)
        return mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "--control-fd %d", s->driver_fd);
    if (mf_recorder_map(&s->rec, args->recorder_fd, err) != 0)
        return -1;
    uint32_t slots = s->rec.header->shape.upgrades;
    s->under_way = calloc(slots + 1, sizeof *s->under_way);
    s->fired = calloc(slots + 1, sizeof *s->fired);
    if (!s->under_way || !s->fired)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the supervisor");
    return 0;
}

static int supervisor_serve(struct mf_supervisor *s, struct mf_error *err)
{
    while (!s->stopping) {
        if (s->fired_count > 0) {
            uint32_t k = s->fired[s->fired_at];
            s->fired_at = (s->fired_at + 1) % s->rec.header->shape.upgrades;
            s->fired_count--;
            upgrade_supervise(s, k);
        } else if (mf_supervisor_pump(s, true, UINT64_MAX, err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Asks the worker to stop, and sees to it that it does. */
static int supervisor_stop(struct mf_supervisor *s, struct mf_error *err)
{
    struct mf_control_writer w;
    struct mf_error late;
    mf_control_begin(&w, "stop");
    if (s->worker.pid && mf_supervisor_tell_worker(s, &w) == 0 &&
        mf_supervisor_wait_worker(s, STOP_DEADLINE_MS, &late) != 0 && s->driver_gone) {
        *err = late;
        return -1;
    }
    if (mf_supervisor_kill_worker(s, err) != 0)
        return -1;
    mf_control_begin(&w, "stopped");
    mf_supervisor_tell_driver(s, &w);
    return 0;
}

static void supervisor_done(struct mf_supervisor *s)
{
    struct mf_error ignored;
    s->stopping = true;
    mf_supervisor_kill_worker(s, &ignored);
    mf_supervisor_dismiss_newcomer(s);
    mf_supervisor_unlink_endpoint(s);
    if (s->listen_fd >= 0)
        close(s->listen_fd);
    free(s->under_way);
    free(s->fired);
    if (s->rec.header) /* mapped */
        mf_recorder_close(&s->rec);
}

int mf_supervisor_run(struct mf_node_args *args, char **argv)
{
    struct mf_supervisor s;
    struct mf_error err = {0};
    int bad = supervisor_init(&s, args, argv[0], &err);
    if (!bad) {
        bad = s.strategy->listener == MF_LISTENER_HELD && mf_supervisor_listen(&s, &err) != 0;
        if (!bad)
            bad = mf_supervisor_start_worker(&s, args->module_index, -1, &err);
        if (bad && !s.driver_gone)
            driver_tell_error(&s, &err);
    }
    if (!bad)
        bad = supervisor_serve(&s, &err);
    if (!bad)
        bad = supervisor_stop(&s, &err);
    supervisor_done(&s);
    if (!bad)
        return MF_STATUS_PASS;
    mf_error_print("midflight-node", &err);
    return err.status;
}
