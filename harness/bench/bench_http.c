/* bench-http LOAD ENDPOINT CONNECTIONS SECONDS TEXT: one load worker over codec http1, in a closed loop with one
 * request outstanding on each connection, as it is shipped and with all its accounts: requests answered a second. TEXT
 * is in the body in front of the version. The place of the driver is taken by what little it has to say. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "recorder/recorder.h"
#include "wire/conf.h"
#include "wire/control.h"
#include "wire/plan.h"

#define PATIENCE_MS 60000
#define WARMUP_NS   (300 * MF_NS_PER_MS)

static void fail(const char *what)
{
    fprintf(stderr, "bench-http: %s\n", what);
    exit(70);
}

static pid_t load_start(const char *program, int recorder_fd, int control_fd)
{
    char recorder[16], control[16];
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    snprintf(recorder, sizeof recorder, "%d", dup(recorder_fd));
    snprintf(control, sizeof control, "%d", dup(control_fd));
    execl(program, program, "--recorder-fd", recorder, "--control-fd", control, (char *)NULL);
    _exit(127);
}

static void say(int fd, const char *verb)
{
    struct mf_control_writer w;

    mf_control_begin(&w, verb);
    if (mf_control_end(&w) != 0 || mf_control_send(fd, &w) != 0)
        fail("the load is gone");
}

static void expect(int fd, struct mf_control_reader *reader, const char *verb)
{
    struct mf_control_line line;
    char *text;

    while (!(text = mf_control_next(reader))) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        size_t space;
        char *to = mf_control_feed_space(reader, &space);
        ssize_t n = poll(&wait, 1, PATIENCE_MS) == 1 ? read(fd, to, space) : -1;
        if (n <= 0)
            fail("the load is gone, or says nothing");
        mf_control_fed(reader, (size_t)n);
    }
    if (mf_control_parse(&line, text) != 0 || strcmp(line.verb, verb) != 0)
        fail(mf_control_get(&line, "text") ? mf_control_get(&line, "text") : "the load does not say what it should");
}

static void plan_send(int fd, const char *endpoint, uint32_t connections, const char *before_version)
{
    struct mf_control_writer w;
    char place[256];
    struct mf_plan plan = {
        .workers = 1,
        .connections = connections,
        .streams_per_connection = 1,
        .streams = connections,
        .processes = 1,
        .mode = MF_MODE_CLOSED,
        .window = 1,
        .pipeline = 1,
        .timeout_ns = MF_NS_PER_S,
        .connect_timeout_ns = MF_NS_PER_S,
        .drain_ns = MF_NS_PER_S,
        .window_ns = 100 * MF_NS_PER_MS,
        .seed = 1,
    };

    snprintf(plan.endpoint, sizeof plan.endpoint, "%s", endpoint);
    snprintf(plan.codec, sizeof plan.codec, "http1");
    snprintf(place, sizeof place, "body %s", before_version);
    if (!mf_conf_put(plan.codec_conf, sizeof plan.codec_conf, "version", place) || mf_plan_write(&plan, &w) != 0 ||
        mf_control_send(fd, &w) != 0)
        fail("no plan for the load");
}

/* Requests answered after the warm-up, and what else there was. */
static void report(const struct mf_recorder *rec, double seconds)
{
    const struct mf_worker_record *r = mf_recorder_worker(rec, 0);
    const struct mf_bin *bins = mf_recorder_bins(rec, 0);
    uint64_t answered = 0, bad = 0;

    for (uint32_t i = 0; i < rec->header->shape.bins; i++)
        answered += (uint64_t)i * MF_NS_PER_MS >= WARMUP_NS ? bins[i].answered : 0;
    for (int i = 0; i < MF_OUTCOME_COUNT; i++)
        bad += i == MF_OUTCOME_ANSWERED ? 0 : r->outcome[i];
    printf("%.0f requests/s, %" PRIu64 " answered, %" PRIu64 " not\n", (double)answered / seconds,
           r->outcome[MF_OUTCOME_ANSWERED], bad);
}

int main(int argc, char **argv)
{
    struct mf_recorder rec = {.fd = -1};
    struct mf_control_reader reader = {0};
    struct mf_error err = {0};
    int pair[2], status;

    if (argc != 6)
        fail("usage: bench-http LOAD ENDPOINT CONNECTIONS SECONDS TEXT");
    uint32_t connections = (uint32_t)strtoul(argv[3], NULL, 10);
    double seconds = strtod(argv[4], NULL);
    struct mf_recorder_shape shape = {.workers = 1,
                                      .upgrades = 1,
                                      .bins = (uint32_t)((seconds + 3) * 1000),
                                      .streams = connections,
                                      .bin_ns = MF_NS_PER_MS};
    if (connections == 0 || seconds <= 0 || mf_recorder_create(&rec, &shape, &err) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        fail("no recorder");
    rec.log[0].version_from = 1;
    pid_t pid = load_start(argv[1], rec.fd, pair[1]);
    close(pair[1]);
    plan_send(pair[0], argv[2], connections, argv[5]);
    expect(pair[0], &reader, "ready");
    uint64_t start_ns = mf_clock_now_ns() + MF_NS_PER_MS;
    atomic_store(&rec.header->start_ns, start_ns);
    atomic_store(&rec.header->measure_ns, start_ns + WARMUP_NS);
    atomic_store(&rec.header->end_ns, start_ns + WARMUP_NS + (uint64_t)(seconds * (double)MF_NS_PER_S));
    say(pair[0], "go");
    expect(pair[0], &reader, "finished");
    say(pair[0], "stop");
    if (waitpid(pid, &status, 0) != pid || status != 0)
        fail("the load ended badly");
    report(&rec, seconds);
    mf_recorder_close(&rec);
    return 0;
}
