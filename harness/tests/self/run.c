/* One plan, carried out: the driver's part is played here. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "http.h"
#include "self.h"
#include "wire/control.h"
#include "wire/plan.h"

/* Long enough that no honest answer is late on a machine that is merely busy. */
#define TIMEOUT_NS         (400 * MF_NS_PER_MS)
#define CONNECT_TIMEOUT_NS (TIMEOUT_NS / 2)
#define DRAIN_NS           (TIMEOUT_NS / 2 * 5)
/* Who was that late may have made an honest answer late, too: differences of such a run are tried again. */
#define STALL_NS    (TIMEOUT_NS / 8)
#define TRIES_MAX   6
#define PATIENCE_MS 30000
#define ARGS_MAX    (40 + SELF_ACTS_MAX)
/* What the load has open is below this, so that with this limit it gets no further descriptor. */
#define NO_DESCRIPTORS 0

struct program {
    pid_t pid;
    int fd; /* our end of its line */
    struct mf_control_reader reader;
    struct mf_control_line line;
};

struct run {
    const struct self_plan *plan;
    struct self_result *result;
    struct mf_recorder recorder;
    struct program load, liar;
    char folder[128], truth[160], socket[160], endpoint[200];
    char words[ARGS_MAX][64];
    const char *argv[ARGS_MAX + 1];
    uint32_t words_used, args;
    bool failed;
    struct rlimit limit; /* the load's, before it was starved; rlim_max 0: it was not */
};

static void __attribute__((format(printf, 2, 3))) run_fail(struct run *r, const char *format, ...)
{
    va_list list;

    if (r->failed)
        return;
    r->failed = true;
    r->result->verdict = SELF_TROUBLE;
    va_start(list, format);
    vsnprintf(r->result->text, sizeof r->result->text, format, list);
    va_end(list);
}

/* Programs */

static void __attribute__((noreturn)) program_exec(const char *const *argv, int line, int recorder, pid_t parent)
{
    /* whatever happens to us, they do not outlive us */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
        _exit(126);
    if (recorder >= 0 && (dup2(recorder, 3) < 0 || dup2(line, 4) < 0))
        _exit(126);
    if (recorder < 0 && (dup2(line, 0) < 0 || dup2(line, 1) < 0))
        _exit(126);
    execv(argv[0], (char *const *)argv);
    _exit(127);
}

/* With its line as descriptor 4 beside the recorder as 3, or, without a recorder, as standard input and output. */
static void program_start(struct run *r, struct program *p, const char *const *argv, int recorder)
{
    int pair[2];
    pid_t parent = getpid();

    if (r->failed)
        return;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        run_fail(r, "no socket: %s", strerror(errno));
        return;
    }
    p->fd = pair[0];
    /* neither 3 nor 4, which are given away */
    int line = fcntl(pair[1], F_DUPFD_CLOEXEC, 10), block = recorder < 0 ? -1 : fcntl(recorder, F_DUPFD_CLOEXEC, 10);
    close(pair[1]);
    p->pid = line < 0 || (recorder >= 0 && block < 0) ? -1 : fork();
    if (p->pid == 0)
        program_exec(argv, line, block, parent);
    if (p->pid < 0)
        run_fail(r, "%s cannot be started: %s", argv[0], strerror(errno));
    close(line);
    if (block >= 0)
        close(block);
}

static void program_order(struct run *r, struct program *p, const char *verb, const char *key, uint64_t value)
{
    struct mf_control_writer w;

    mf_control_begin(&w, verb);
    if (key)
        mf_control_put_u64(&w, key, value);
    if (!r->failed && (mf_control_end(&w) < 0 || mf_control_send(p->fd, &w) < 0))
        run_fail(r, "an order cannot be sent: %s", strerror(errno));
}

/* Reads what has come. */
static void program_read(struct run *r, struct program *p, const char *name)
{
    size_t space;
    char *to = mf_control_feed_space(&p->reader, &space);
    ssize_t n = read(p->fd, to, space);

    if (n <= 0 && !(n < 0 && errno == EINTR))
        run_fail(r, "%s has gone", name);
    mf_control_fed(&p->reader, n > 0 ? (size_t)n : 0);
}

/* Its next line; NULL: none is whole yet. */
static const struct mf_control_line *program_next(struct run *r, struct program *p)
{
    char *text = r->failed ? NULL : mf_control_next(&p->reader);

    if (!text || mf_control_parse(&p->line, text) < 0)
        return NULL;
    if (strcmp(p->line.verb, "error") == 0)
        run_fail(r, "the load says: %s", mf_control_get(&p->line, "text"));
    return &p->line;
}

static void wait_for_lines(struct run *r)
{
    struct pollfd wait[2] = {{.fd = r->load.fd, .events = POLLIN}, {.fd = r->liar.fd, .events = POLLIN}};

    if (r->failed)
        return;
    if (poll(wait, 2, PATIENCE_MS) <= 0) {
        run_fail(r, "nothing has happened for %d s", PATIENCE_MS / 1000);
        return;
    }
    if (wait[0].revents)
        program_read(r, &r->load, "the load");
    if (wait[1].revents)
        program_read(r, &r->liar, "the liar");
}

static const struct mf_control_line *expect(struct run *r, struct program *p, const char *verb)
{
    const struct mf_control_line *line;

    while (!(line = program_next(r, p)) && !r->failed)
        wait_for_lines(r);
    if (line && strcmp(line->verb, verb) != 0)
        run_fail(r, "\"%s\" instead of \"%s\"", line->verb, verb);
    return r->failed ? NULL : line;
}

/* Ends it, by force where there was trouble; it must have ended well. */
static void program_end(struct run *r, struct program *p, const char *name)
{
    int status;

    if (p->pid <= 0)
        return;
    if (r->failed)
        kill(p->pid, SIGKILL);
    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFSIGNALED(status))
        run_fail(r, "%s was ended by signal %d", name, WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        run_fail(r, "%s ended with status %d", name, WEXITSTATUS(status));
    p->pid = 0;
}

/* The liar's arguments */

static void __attribute__((format(printf, 2, 3))) word(struct run *r, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    vsnprintf(r->words[r->words_used], sizeof r->words[0], format, list);
    va_end(list);
    r->argv[r->args++] = r->words[r->words_used++];
}

static uint32_t streams(const struct self_plan *p)
{
    return p->connections * p->streams_per_connection;
}

static void liar_start(struct run *r, const char *program)
{
    const struct self_plan *p = r->plan;

    snprintf(r->endpoint, sizeof r->endpoint, "--endpoint=unix:%s", r->socket);
    r->argv[r->args++] = program;
    r->argv[r->args++] = p->over_udp ? "--endpoint=udp" : p->over_tcp ? "--endpoint=tcp" : r->endpoint;
    r->argv[r->args++] = "--truth";
    r->argv[r->args++] = r->truth;
    word(r, "--codec=%s", p->codec);
    if (p->is_plain)
        word(r, "--plain");
    word(r, "--listen-after-ms=%" PRIu32, p->listen_after_ms);
    word(r, "--mode=%s", p->open_loop ? "open" : "closed");
    word(r, "--seed=%" PRIu64, p->seed);
    word(r, "--payload-bytes=%" PRIu32, p->payload_bytes);
    word(r, "--window=%" PRIu32, p->window);
    word(r, "--connections=%" PRIu32, p->connections);
    word(r, "--streams=%" PRIu32, streams(p));
    word(r, "--processes=%" PRIu32, streams(p) * p->processes_per_stream);
    word(r, "--messages=%" PRIu64, p->messages);
    word(r, "--timeout-ms=%" PRIu64, (uint64_t)(TIMEOUT_NS / MF_NS_PER_MS));
    for (uint32_t i = 0; i < p->acts; i++)
        word(r, "%s@%" PRIu64 ":%" PRIu64, self_act_keys[p->act[i].kind], p->act[i].at, p->act[i].arg);
    r->argv[r->args] = NULL;
    program_start(r, &r->liar, r->argv, -1);
}

/* The run */

static void recorder_make(struct run *r)
{
    const struct self_plan *p = r->plan;
    struct mf_error err;
    struct mf_recorder_shape shape = {.workers = 1,
                                      .upgrades = p->upgrades ? p->upgrades : 1,
                                      .bins = 2000,
                                      .streams = streams(p),
                                      .bin_ns = 10 * MF_NS_PER_MS};

    if (mf_recorder_create(&r->recorder, &shape, &err) < 0) {
        run_fail(r, "%s", err.text);
        return;
    }
    for (uint32_t k = 0; k < shape.upgrades; k++) {
        r->recorder.log[k].version_from = k + 1;
        r->recorder.log[k].version_to = k + 2;
    }
}

static void folder_make(struct run *r)
{
    const char *base = getenv("TMPDIR");

    /* a UNIX socket's path is short */
    snprintf(r->folder, sizeof r->folder, "%s/mf-self-XXXXXX", base && strlen(base) < 80 ? base : P_tmpdir);
    if (!mkdtemp(r->folder)) {
        run_fail(r, "no folder: %s", strerror(errno));
        r->folder[0] = '\0';
        return;
    }
    snprintf(r->socket, sizeof r->socket, "%s/s", r->folder);
    snprintf(r->truth, sizeof r->truth, "%s/truth", r->folder);
}

static void load_plan(struct run *r, const char *endpoint)
{
    const struct self_plan *p = r->plan;
    struct mf_control_writer w;
    struct mf_plan plan = {
        .workers = 1,
        .connections = p->connections,
        .streams_per_connection = p->streams_per_connection,
        .streams = streams(p),
        .processes = streams(p) * p->processes_per_stream,
        .mode = p->open_loop ? MF_MODE_OPEN : MF_MODE_CLOSED,
        .rate_per_s = p->rate_per_s,
        .window = p->window,
        .pipeline = p->pipeline,
        .messages = p->messages,
        .payload_bytes = p->payload_bytes,
        .timeout_ns = TIMEOUT_NS,
        .connect_timeout_ns = CONNECT_TIMEOUT_NS,
        .drain_ns = DRAIN_NS,
        .window_ns = 100 * MF_NS_PER_MS,
        .seed = p->seed,
    };

    snprintf(plan.codec, sizeof plan.codec, "%s", p->codec);
    if (p->is_http)
        snprintf(plan.codec_conf, sizeof plan.codec_conf, "%s", p->is_plain ? LIAR_HTTP_PLAIN : LIAR_HTTP_FULL);
    snprintf(plan.endpoint, sizeof plan.endpoint, "%s", endpoint);
    if (mf_plan_write(&plan, &w) < 0)
        run_fail(r, "the plan does not fit into a line");
    else if (!r->failed && mf_control_send(r->load.fd, &w) < 0)
        run_fail(r, "the plan cannot be sent: %s", strerror(errno));
}

static void load_go(struct run *r)
{
    struct mf_recorder_header *h = r->recorder.header;
    uint64_t start_ns = mf_clock_now_ns() + MF_NS_PER_MS;

    if (r->failed)
        return;
    atomic_store(&h->start_ns, start_ns);
    atomic_store(&h->measure_ns, start_ns);
    atomic_store(&h->end_ns, start_ns + 20 * MF_NS_PER_S);
    program_order(r, &r->load, "go", NULL, 0);
}

static void load_starve(struct run *r)
{
    struct rlimit none;

    if (prlimit(r->load.pid, RLIMIT_NOFILE, NULL, &r->limit) < 0)
        run_fail(r, "the load's limits cannot be read: %s", strerror(errno));
    none = r->limit;
    none.rlim_cur = NO_DESCRIPTORS;
    if (prlimit(r->load.pid, RLIMIT_NOFILE, &none, NULL) < 0)
        run_fail(r, "the load's limits cannot be set: %s", strerror(errno));
}

/* What the driver does at an upgrade: the request stands in the log before the target hears of it, the commit before it
 * may answer wrongly. */
static void on_liar(struct run *r, const struct mf_control_line *line)
{
    bool bad = false;
    uint32_t k = (uint32_t)mf_control_u64(line, "k", 0, UINT32_MAX, &bad);
    struct mf_upgrade_log *slot = r->recorder.log + k;

    if (bad || (r->plan->upgrades <= k && mf_control_get(line, "k"))) {
        run_fail(r, "the liar speaks of an upgrade that is not planned");
    } else if (strcmp(line->verb, "mark") == 0) {
        atomic_store(&slot->phase_ns[MF_PHASE_REQUESTED], mf_clock_now_ns());
        atomic_store(&r->recorder.header->requested, k + 1);
        program_order(r, &r->liar, "upgrade", "k", k);
    } else if (strcmp(line->verb, "ended") == 0) {
        atomic_store(&slot->phase_ns[MF_PHASE_COMMITTED], mf_clock_now_ns());
        atomic_store(&slot->outcome, MF_UPGRADE_COMMITTED);
        atomic_store(&r->recorder.header->committed, k + 1);
        program_order(r, &r->liar, "committed", "k", k);
    } else if (strcmp(line->verb, "starve") == 0) {
        load_starve(r);
        program_order(r, &r->liar, "starved", NULL, 0);
    }
}

static void run_until_finished(struct run *r)
{
    bool finished = false;

    while (!finished && !r->failed) {
        const struct mf_control_line *line;
        while ((line = program_next(r, &r->liar)))
            on_liar(r, line);
        while ((line = program_next(r, &r->load)))
            finished |= strcmp(line->verb, "finished") == 0;
        if (!finished)
            wait_for_lines(r);
    }
}

static void run_once(struct run *r, const struct self_programs *programs)
{
    const char *load[] = {programs->load, "--recorder-fd", "3", "--control-fd", "4", NULL};
    const struct mf_control_line *ready;

    folder_make(r);
    recorder_make(r);
    liar_start(r, programs->liar);
    if ((ready = expect(r, &r->liar, "ready"))) {
        program_start(r, &r->load, load, r->recorder.fd);
        load_plan(r, mf_control_get(ready, "endpoint"));
        expect(r, &r->load, "ready");
        load_go(r);
        run_until_finished(r);
        if (r->limit.rlim_max && prlimit(r->load.pid, RLIMIT_NOFILE, &r->limit, NULL) < 0)
            run_fail(r, "the load's limits cannot be given back: %s", strerror(errno));
        program_order(r, &r->load, "stop", NULL, 0);
        program_end(r, &r->load, "the load");
    }
    program_order(r, &r->liar, "stop", NULL, 0);
    program_end(r, &r->liar, "the liar");
    if (r->failed)
        return;
    self_books_of(&r->result->reported, mf_recorder_worker(&r->recorder, 0));
    if (self_books_read(&r->result->planted, r->truth) < 0)
        run_fail(r, "the liar's books are not whole");
}

static void run_done(struct run *r)
{
    if (r->load.fd >= 0)
        close(r->load.fd);
    if (r->liar.fd >= 0)
        close(r->liar.fd);
    mf_recorder_close(&r->recorder);
    if (r->folder[0]) {
        unlink(r->socket);
        unlink(r->truth);
        rmdir(r->folder);
    }
}

void self_run(const struct self_plan *plan, const struct self_programs *programs, struct self_result *result)
{
    static struct run r;

    for (uint32_t tries = 1; tries <= TRIES_MAX; tries++) {
        *result = (struct self_result){.tries = tries};
        memset(&r, 0, sizeof r);
        r.plan = plan;
        r.result = result;
        r.load.fd = r.liar.fd = -1;
        run_once(&r, programs);
        run_done(&r);
        if (r.failed)
            return;
        if (self_books_compare(&result->planted, &result->reported, result->text, sizeof result->text) == 0) {
            result->verdict = SELF_EQUAL;
            return;
        }
        bool stalled = result->planted.late_ns_max > STALL_NS || result->reported.late_ns_max > STALL_NS;
        result->verdict = stalled ? SELF_STALLED : SELF_DISCREPANCY;
        if (!stalled)
            return;
    }
}
