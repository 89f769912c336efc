/* A worker: the OS process that runs the processes. This file is its main thread: it opens everything, reads control
 * lines, carries upgrades out one at a time, and ends. */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "node/cargo.h"
#include "node/hand.h"
#include "node/hold.h"
#include "node/probe.h"
#include "node/reason.h"

#define OUTCOME_DEADLINE_NS (1000 * MF_NS_PER_MS)

/* --- lines out
 * -------------------------------------------------------------------------------------------------------- */

static void line_send(struct mf_core *core, struct mf_control_writer *w)
{
    /* where the supervisor has gone, the next read says so */
    if (mf_control_end(w) != 0 || mf_control_send(core->args->control_fd, w) != 0)
        fprintf(stderr, "midflight-node: a line to the supervisor is lost: %.60s\n", w->text);
}

/* The log's reason is short, a path may be long. */
static void reason_text(const struct mf_core *core, char *text, size_t n, const struct mf_error *err)
{
    char whole[sizeof err->place + sizeof err->text + 4];
    snprintf(whole, sizeof whole, "%s%s%s", err->place, err->place[0] ? ": " : "", err->text);
    mf_reason_write(text, n, core->args->dir, whole);
}

static void say_ready(struct mf_core *core)
{
    struct mf_control_writer w;
    mf_control_begin(&w, "ready");
    mf_control_put(&w, "endpoint", core->endpoint);
    mf_control_put_u64(&w, "pid", (uint64_t)getpid());
    line_send(core, &w);
}

static void say_error(struct mf_core *core, const struct mf_error *err)
{
    struct mf_control_writer w;
    char text[sizeof err->place + sizeof err->text + 4];
    reason_text(core, text, sizeof text, err);
    mf_control_begin(&w, "error");
    mf_control_put(&w, "text", text);
    mf_control_put_u64(&w, "status", err->status);
    line_send(core, &w);
}

static void say_slot(struct mf_core *core, const char *verb, uint32_t k, const char *outcome)
{
    struct mf_control_writer w;
    mf_control_begin(&w, verb);
    mf_control_put_u64(&w, "k", k);
    if (outcome)
        mf_control_put(&w, "outcome", outcome);
    if (outcome && core->rec.log[k].reason[0])
        mf_control_put(&w, "reason", core->rec.log[k].reason);
    line_send(core, &w);
}

/* --- upgrades
 * ----------------------------------------------------------------------------------------------------------- */

static void slot_begin(struct mf_core *core, uint32_t k)
{
    struct mf_upgrade_log *log = &core->rec.log[k];
    log->queued = UINT32_MAX;
    log->made_anew = log->converted = log->threads_ended = 0;
    log->threads_before = core->threads;
    log->threads_id_before = core->threads_id;
    log->threads_after = 0;
    log->pid_before = (uint32_t)getpid();
    log->pid_after = 0;
}

static void slot_end(struct mf_core *core, const struct mf_upgrade_request *request, int status,
                     const struct mf_error *err)
{
    struct mf_upgrade_log *log = &core->rec.log[request->k];
    enum mf_upgrade_outcome outcome = status == 0            ? MF_UPGRADE_COMMITTED
                                      : request->rolled_back ? MF_UPGRADE_ROLLED_BACK
                                                             : MF_UPGRADE_FAILED;
    assert(status != 0 || atomic_load(&core->rec.header->committed) > request->k);
    if (status == 0) {
        core->args->module_index = request->module_index; /* what cargo would have to turn back to */
    } else {
        reason_text(core, log->reason, sizeof log->reason, err);
        mf_core_phase(core, request->k, request->rolled_back ? MF_PHASE_ROLLED_BACK : MF_PHASE_FAILED);
    }
    log->threads_after = core->threads;
    log->threads_id_after = core->threads_id;
    log->pid_after = (uint32_t)getpid();
    atomic_store(&log->outcome, outcome);
    static const char *const words[] = {
        [MF_UPGRADE_COMMITTED] = "committed", [MF_UPGRADE_ROLLED_BACK] = "rolled_back", [MF_UPGRADE_FAILED] = "failed"};
    say_slot(core, "ended", request->k, words[outcome]);
}

static struct mf_upgrade_request request_of(const struct mf_core *core, uint32_t k)
{
    uint32_t module_index = core->rec.log[k].module_index;
    return (struct mf_upgrade_request){
        .k = k, .module_index = module_index, .module_path = core->args->modules[module_index]};
}

static void upgrade_run(struct mf_core *core, uint32_t k)
{
    struct mf_error err = {0};
    struct mf_upgrade_request request = request_of(core, k);
    slot_begin(core, k);
    mf_hold_at(&core->rec, core->args->control_fd, k, MF_PHASE_REQUESTED);
    int status = 0;
    if (mf_strategy_flags(core->strategy) & ROLLS_BACK) { /* what fails, crashes or hangs is to do so elsewhere */
        status = mf_core_probe(core, request.module_index, &err);
        request.rolled_back = status != 0;
    }
    if (status == 0)
        status = core->strategy->upgrade(core, &request, &err);
    slot_end(core, &request, status, &err);
    mf_points_ended(core);
}

/* A point has come due, or a held message's supervised upgrade has ended. */
static void points_do(struct mf_core *core)
{
    uint32_t k = mf_points_take(core);
    if (k == UINT32_MAX)
        return;
    say_slot(core, "fired", k, NULL);
    if (core->strategy->upgrade)
        upgrade_run(core, k);
}

/* Where the supervisor carries the upgrade out, the log says when it has ended. Usually this worker ends with it. */
static bool supervised_is_under_way(struct mf_core *core)
{
    uint32_t k = mf_points_slot(core);
    if (!core->strategy->supervise || k == UINT32_MAX)
        return false;
    if (atomic_load(&core->rec.log[k].outcome) == MF_UPGRADE_PENDING)
        return true;
    mf_points_ended(core);
    return false;
}

/* --- lines in
 * -------------------------------------------------------------------------------------------------------------- */

static void on_upgrade(struct mf_core *core, const struct mf_control_line *line)
{
    bool bad = false;
    uint32_t k = (uint32_t)mf_control_u64(line, "k", UINT32_MAX, UINT32_MAX, &bad);
    if (bad || k >= core->rec.header->shape.upgrades || core->rec.log[k].module_index >= core->args->modules_count ||
        !core->strategy->upgrade) {
        fprintf(stderr, "midflight-node: no such upgrade to carry out\n");
        return;
    }
    points_do(core); /* what has come due before goes first */
    upgrade_run(core, k);
}

static void on_command(struct mf_core *core, const struct mf_control_line *line)
{
    const char *what = mf_control_get(line, "what");
    struct mf_error err = {0};
    struct mf_control_writer w;
    char text[sizeof err.place + sizeof err.text + 4];
    uint32_t index;
    int status;
    if (what && sscanf(what, MF_COMMAND_PROBE " %u", &index) == 1 && index < core->args->modules_count)
        status = mf_core_probe(core, index, &err); /* mf_supervisor_probe asks */
    else
        status = !what || !core->strategy->command
                     ? mf_error_set(&err, MF_STATUS_INTERNAL, NULL, "this strategy takes no commands")
                     : core->strategy->command(core, what, &err);
    mf_control_begin(&w, "done");
    mf_control_put(&w, "what", what ? what : "");
    reason_text(core, text, sizeof text, &err);
    if (status != 0)
        mf_control_put(&w, "reason", text);
    line_send(core, &w);
}

static int on_plan(struct mf_core *core, const struct mf_control_line *line, struct mf_error *err)
{
    struct mf_plan plan;
    const char *what;
    if (mf_plan_read(&plan, line, &what) != 0)
        return mf_error_set(err, MF_STATUS_INTERNAL, "plan", "%s is missing or out of range", what);
    return mf_local_new(core, &plan, err);
}

static void on_go(struct mf_core *core)
{
    core->pingers_started = true;
    for (uint32_t i = 0; i < core->schedulers_count; i++)
        if (core->schedulers[i].local)
            atomic_fetch_add(&core->pingers_left, 1);
    for (uint32_t i = 0; i < core->schedulers_count; i++)
        if (core->schedulers[i].local)
            mf_scheduler_ask(&core->schedulers[i], MF_ATTENTION_GO);
}

/* 0: go on; 1: stop; -1: *err. */
static int line_do(struct mf_core *core, const struct mf_control_line *line, struct mf_error *err)
{
    if (strcmp(line->verb, "stop") == 0)
        return 1;
    if (strcmp(line->verb, "plan") == 0)
        return on_plan(core, line, err);
    if (strcmp(line->verb, "go") == 0)
        on_go(core);
    else if (strcmp(line->verb, "upgrade") == 0)
        on_upgrade(core, line);
    else if (strcmp(line->verb, "command") == 0)
        on_command(core, line);
    return 0;
}

/* Takes one line out of the socket and no more: what stands behind it must still be there for whatever an exec makes of
 * us. Returns its length, 0 where none is whole yet, -1 where the supervisor has gone. */
static ssize_t line_take(int fd, char *text, size_t room)
{
    ssize_t n = recv(fd, text, room - 1, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (n == 0)
        return -1;
    char *end = memchr(text, '\n', (size_t)n);
    if (!end && (size_t)n < room - 1)
        return 0;
    size_t line = end ? (size_t)(end - text) + 1 : (size_t)n; /* a line over the limit is dropped, as what it is */
    if (recv(fd, text, line, 0) != (ssize_t)line)
        return -1;
    text[line - 1] = 0;
    return (ssize_t)line;
}

static int line_read_and_do(struct mf_core *core, struct mf_error *err)
{
    char text[MF_CONTROL_BYTES + 1];
    struct mf_control_line line;
    ssize_t n = line_take(core->args->control_fd, text, sizeof text);
    if (n < 0)
        return 1;
    return n > 0 && mf_control_parse(&line, text) == 0 ? line_do(core, &line, err) : 0;
}

static void bell_do(struct mf_core *core)
{
    uint64_t rung;
    if (read(core->event_fd, &rung, sizeof rung) < 0 && errno != EAGAIN && errno != EINTR)
        return;
    points_do(core);
    if (core->pingers_started && !core->pingers_reported && atomic_load(&core->pingers_left) == 0) {
        struct mf_control_writer w;
        core->pingers_reported = true;
        mf_control_begin(&w, "finished");
        line_send(core, &w);
    }
}

static int worker_serve(struct mf_core *core, struct mf_error *err)
{
    struct pollfd at[] = {{.fd = core->event_fd, .events = POLLIN}, {.fd = core->args->control_fd, .events = POLLIN}};
    for (;;) {
        int n = poll(at, 2, supervised_is_under_way(core) ? 1 : -1);
        if (n < 0 && errno != EINTR)
            return mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "the worker cannot wait");
        if (n <= 0)
            continue;
        if (at[0].revents)
            bell_do(core);
        int over = at[1].revents ? line_read_and_do(core, err) : 0;
        if (over)
            return over > 0 ? 0 : -1;
    }
}

static void schedulers_stop_early(struct mf_core *core)
{
    core->schedulers_stopped = true;
    for (uint32_t i = 0; i < core->schedulers_count; i++)
        atomic_fetch_or(&core->schedulers[i].attention, MF_ATTENTION_PAUSE);
}

/* An exec is not over until the strategy has said so in the new program. Everybody waits for that, so the threads start
 * before it is told; but where it came to nothing nobody runs until it is, or what passes in between could fire no
 * point. */
static int worker_resume(struct mf_core *core, struct mf_error *err)
{
    struct mf_error why = {0};
    struct mf_upgrade_request request = request_of(core, core->args->cargo_k);
    int status = core->strategy->resume ? core->strategy->resume(core, &request, &why) : 0;
    core->args->cargo_k = UINT32_MAX;
    core->args->cargo_fd = -1;
    if (status != 0)
        schedulers_stop_early(core);
    int bad = mf_threads_start(core, err);
    slot_end(core, &request, status, &why);
    if (status != 0)
        mf_core_resume_schedulers(core);
    return bad;
}

/* Where points hold messages, losses are to be the same in every run. The supervisor, who has started this worker in
 * the middle of an upgrade, writes that upgrade's outcome some microseconds after we are ready; messages that were
 * handled in between could not fire the next one, and how many they are is chance. So they wait. */
static bool worker_is_early(struct mf_core *core)
{
    return core->strategy->supervise && mf_points_hold(core) && mf_points_upgrade_under_way(core);
}

static void outcome_wait(struct mf_core *core)
{
    uint64_t deadline_ns = mf_clock_now_ns() + OUTCOME_DEADLINE_NS;
    struct pollfd line = {.fd = core->args->control_fd, .events = POLLIN};
    bool over = false;
    while (!over && mf_clock_now_ns() < deadline_ns &&
           ppoll(&line, 1, &(struct timespec){.tv_nsec = 100000}, NULL) <= 0) {
        pthread_mutex_lock(&core->points.lock);
        over = !mf_points_upgrade_under_way(core);
        pthread_mutex_unlock(&core->points.lock);
    }
    mf_core_resume_schedulers(core);
}

/* A newcomer is loaded and initialised; the old worker serves on until it is told to hand over. */
static int newcomer_begin(struct mf_core *core, bool *early, struct mf_error *err)
{
    struct mf_control_writer w;
    uint32_t k;
    mf_control_begin(&w, "prepared");
    line_send(core, &w);
    if (mf_core_take_over(core, &k, err) != 0)
        return -1;
    mf_core_commit(core, k);
    *early = worker_is_early(core);
    mf_core_resume_io(core);
    if (!*early)
        mf_core_resume_schedulers(core);
    return 0;
}

static int worker_begin(struct mf_core *core, bool *early, struct mf_error *err)
{
    if (core->args->take_fd >= 0)
        return newcomer_begin(core, early, err);
    if (core->args->cargo_k != UINT32_MAX)
        return worker_resume(core, err);
    *early = worker_is_early(core);
    if (*early)
        schedulers_stop_early(core);
    return mf_threads_start(core, err);
}

int mf_worker_run(struct mf_node_args *args, char **argv)
{
    struct mf_error err = {0};
    struct mf_core *core = malloc(sizeof *core);
    if (!core)
        return MF_STATUS_INTERNAL;
    bool early = false;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on files is an error to report, not an end */
    int status = mf_core_init(core, args, argv, &err);
    if (status == 0)
        status = mf_core_open(core, &err);
    if (status != 0)
        mf_cargo_turn_back(args, argv, &err); /* returns where there is no way back */
    if (status == 0)
        status = worker_begin(core, &early, &err);
    if (status == 0) {
        say_ready(core);
        if (early)
            outcome_wait(core);
        status = worker_serve(core, &err);
    }
    if (status != 0)
        say_error(core, &err);
    mf_core_done(core);
    free(core);
    return status == 0 ? 0 : (int)err.status;
}
