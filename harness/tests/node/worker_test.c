/* A whole worker in a thread of this process, and a client that does not behave. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fixture.h"

#define DEADLINE_MS 5000

struct running {
    struct bench bench;
    char listen[128];
    int control;
    pthread_t thread;
};

static void *worker_main(void *arg)
{
    struct running *r = arg;
    return (void *)(intptr_t)mf_worker_run(&r->bench.args, NULL);
}

static void running_start(struct running *r)
{
    int line[2];
    char text[256] = "";
    bench_recorder(&r->bench);
    snprintf(r->listen, sizeof r->listen, "unix:%s/s", r->bench.dir);
    cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM, 0, line), 0));
    r->control = line[0];
    r->bench.args.control_fd = line[1];
    r->bench.args.processes = 4;
    r->bench.args.schedulers = 2;
    r->bench.args.transport = "unix";
    r->bench.args.listen = r->listen;
    cr_assert(eq(int, pthread_create(&r->thread, NULL, worker_main, r), 0));
    cr_assert(gt(int, (int)read(r->control, text, sizeof text - 1), 0));
    cr_assert(eq(int, strncmp(text, "ready ", 6), 0), "%s", text);
}

static void running_stop(struct running *r)
{
    void *status;
    cr_assert(eq(int, (int)write(r->control, "stop\n", 5), 5));
    pthread_join(r->thread, &status);
    cr_assert(eq(int, (int)(intptr_t)status, 0));
    close(r->control);
    close(r->bench.args.control_fd);
    bench_remove_dir(&r->bench);
}

static int client_open(const struct running *r)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", r->listen + 5);
    cr_assert(eq(int, connect(fd, (struct sockaddr *)&address, sizeof address), 0));
    return fd;
}

static size_t ping_encode(uint8_t *out, uint32_t stream, uint64_t seq, uint32_t process)
{
    struct mf_msg msg = {.kind = MF_MSG_PING, .stream = stream, .seq = seq, .process = process};
    return mf_codec_find("frame")->encode(NULL, out, &msg);
}

/* Reads one answer; its text points into `buffer`. False: the connection has ended. */
static bool answer_read(int fd, uint8_t *buffer, size_t room, struct mf_msg *msg)
{
    size_t used = 0;
    for (;;) {
        struct pollfd at = {.fd = fd, .events = POLLIN};
        cr_assert(eq(int, poll(&at, 1, DEADLINE_MS), 1), "no answer");
        ssize_t n = read(fd, buffer + used, 1); /* byte by byte: what follows stays in the socket */
        if (n <= 0)
            return false;
        used += (size_t)n;
        cr_assert(lt(sz, used, room));
        ssize_t taken = mf_codec_find("frame")->decode(NULL, buffer, used, msg);
        cr_assert(ge(int, (int)taken, 0));
        if (taken > 0)
            return true;
    }
}

Test(worker, answers_counts_and_stamps)
{
    static struct running r;
    uint8_t bytes[4096], in[4096];
    struct mf_msg msg;
    running_start(&r);
    int fd = client_open(&r);
    size_t n = 0;
    for (uint64_t seq = 0; seq < 8; seq++)
        n += ping_encode(bytes + n, 1, seq, 1);
    cr_assert(eq(int, (int)write(fd, bytes, n - 5), (int)n - 5)); /* the last frame is cut */
    for (uint64_t seq = 0; seq < 8; seq++) {
        if (seq == 7)
            cr_assert(eq(int, (int)write(fd, bytes + n - 5, 5), 5));
        cr_assert(answer_read(fd, in, sizeof in, &msg));
        cr_assert(eq(int, msg.kind, MF_MSG_PONG));
        cr_assert(eq(u64, msg.seq, seq));
        cr_assert(eq(u64, msg.count, seq + 1));
        cr_assert(eq(u32, msg.version, 1));
    }
    close(fd);
    running_stop(&r);
}

Test(worker, stages_outlive_it)
{
    static struct running r;
    uint8_t bytes[256], in[256];
    struct mf_msg msg;
    running_start(&r);
    struct mf_recorder *rec = &r.bench.rec;
    int fd = client_open(&r);
    for (int i = 0; i < 2; i++) { /* the same ping twice: handled twice, and counted so */
        size_t n = ping_encode(bytes, 2, 9, 2);
        cr_assert(eq(int, (int)write(fd, bytes, n), (int)n));
        cr_assert(answer_read(fd, in, sizeof in, &msg));
    }
    close(fd);
    uint8_t *byte = mf_recorder_stage(rec, 2, 9);
    struct mf_node_record *node = rec->node;
    struct pollfd none = {.fd = -1};
    for (int ms = 0; ms < DEADLINE_MS && atomic_load(&node->reached[MF_STAGE_FLUSHED]) < 2; ms++)
        poll(&none, 1, 1); /* stamped behind the write that we have already read */
    cr_assert(eq(u8, *byte, 1 + MF_STAGE_FLUSHED));
    for (int stage = 0; stage < MF_STAGE_COUNT; stage++)
        cr_assert(eq(u64, atomic_load(&node->reached[stage]), 2));
    cr_assert(eq(u64, atomic_load(&node->rehandled), 1));
    running_stop(&r);
}

Test(worker, hostile_ids_get_an_error_and_touch_nothing)
{
    static struct running r;
    uint8_t bytes[256], in[512];
    struct mf_msg msg;
    running_start(&r);
    int fd = client_open(&r);
    size_t n = ping_encode(bytes, UINT32_MAX, UINT64_MAX, 4); /* there are 0 to 3 */
    cr_assert(eq(int, (int)write(fd, bytes, n), (int)n));
    cr_assert(answer_read(fd, in, sizeof in, &msg));
    cr_assert(eq(int, msg.kind, MF_MSG_ERROR));
    n = ping_encode(bytes, UINT32_MAX, UINT64_MAX, 3); /* a stream that nobody planned: answered, without a stage */
    cr_assert(eq(int, (int)write(fd, bytes, n), (int)n));
    cr_assert(answer_read(fd, in, sizeof in, &msg));
    cr_assert(eq(int, msg.kind, MF_MSG_PONG));
    n = ping_encode(bytes, 0, 0, 0);
    bytes[n - 20] ^= 1; /* a bit of its checksum's field */
    cr_assert(eq(int, (int)write(fd, bytes, n), (int)n));
    cr_assert(answer_read(fd, in, sizeof in, &msg));
    cr_assert(eq(int, msg.kind, MF_MSG_ERROR));
    close(fd);
    running_stop(&r);
}

Test(worker, broken_framing_ends_that_connection_only)
{
    static struct running r;
    uint8_t bytes[256], in[256];
    struct mf_msg msg;
    running_start(&r);
    int bad = client_open(&r), good = client_open(&r);
    cr_assert(eq(int, (int)write(bad, "GET / HTTP/1.0\r\n\r\n", 18), 18));
    cr_assert(not(answer_read(bad, in, sizeof in, &msg)));
    size_t n = ping_encode(bytes, 0, 0, 0);
    cr_assert(eq(int, (int)write(good, bytes, n), (int)n));
    cr_assert(answer_read(good, in, sizeof in, &msg));
    close(bad);
    close(good);
    running_stop(&r);
}

Test(worker, a_half_closed_connection_gets_its_answers)
{
    static struct running r;
    uint8_t bytes[4096], in[256];
    struct mf_msg msg;
    size_t n = 0;
    running_start(&r);
    int fd = client_open(&r);
    for (uint64_t seq = 0; seq < 20; seq++)
        n += ping_encode(bytes + n, 0, seq, 0);
    cr_assert(eq(int, (int)write(fd, bytes, n), (int)n));
    cr_assert(eq(int, shutdown(fd, SHUT_WR), 0));
    for (uint64_t seq = 0; seq < 20; seq++)
        cr_assert(answer_read(fd, in, sizeof in, &msg));
    cr_assert(not(answer_read(fd, in, sizeof in, &msg)));
    close(fd);
    running_stop(&r);
}

Test(worker, says_why_it_cannot_start)
{
    static struct running r;
    char text[512] = "";
    int line[2];
    bench_recorder(&r.bench);
    cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM, 0, line), 0));
    r.bench.args.control_fd = line[1];
    r.bench.args.processes = r.bench.args.schedulers = 1;
    r.bench.args.transport = "local";
    r.bench.args.modules[0] = "/nowhere/v1.so";
    cr_assert(eq(int, mf_worker_run(&r.bench.args, NULL), MF_STATUS_TARGET));
    cr_assert(gt(int, (int)read(line[0], text, sizeof text - 1), 0));
    cr_assert(ne(ptr, strstr(text, "/nowhere/v1.so"), NULL), "%s", text);
    close(line[0]);
    close(line[1]);
    bench_remove_dir(&r.bench);
}
