#include "rig.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "load/worker.h"

#define PATIENCE_MS 20000

/* The server */

void server_send(struct peer *p, const void *bytes, size_t n)
{
    size_t at = 0;

    while (at < n) {
        ssize_t sent = send(p->fd, (const uint8_t *)bytes + at, n - at, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return; /* the worker has gone: the test will see that by its counts */
        at += sent > 0 ? (size_t)sent : 0;
    }
}

size_t server_encode(struct server *s, uint8_t *out, const struct mf_msg *ping)
{
    static _Thread_local uint8_t payload[65536];
    struct mf_msg pong = *ping;

    pong.kind = MF_MSG_PONG;
    pong.version = 1;
    pong.instance = 1;
    pong.count = ping->seq + 1;
    pong.has = MF_HAS_VERSION | MF_HAS_INSTANCE | MF_HAS_COUNT;
    pong.payload = payload;
    pong.payload_bytes = s->payload_bytes;
    mf_payload_fill(payload, s->payload_bytes, s->seed, ping->stream, ping->seq);
    pong.closes = s->closes;
    return s->codec->encode(s->conf, out, &pong);
}

void server_answer(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    uint8_t out[70000];

    server_send(p, out, server_encode(s, out, ping));
    s->unanswered--;
}

void server_hold(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    cr_assert(lt(u32, s->held_count, HELD_MAX));
    s->held[s->held_count++] = (struct held){p, *ping};
}

void server_release(struct server *s)
{
    for (uint32_t i = 0; i < s->held_count; i++)
        server_answer(s, s->held[i].peer, &s->held[i].msg);
    s->held_count = 0;
}

void peer_close(struct peer *p)
{
    close(p->fd);
    p->fd = -1;
    p->bytes = 0;
}

void server_unlisten(struct server *s)
{
    close(s->listener);
    s->listener = -1;
    if (!s->over_tcp)
        unlink(s->path);
}

static void server_ping(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    s->pings++;
    s->unanswered++;
    if (s->unanswered > s->unanswered_max)
        s->unanswered_max = s->unanswered;
    if (s->on_ping)
        s->on_ping(s, p, ping);
    else
        server_answer(s, p, ping);
}

static void server_read(struct server *s, struct peer *p)
{
    ssize_t n = recv(p->fd, p->buffer + p->bytes, sizeof p->buffer - p->bytes, 0);
    size_t at = 0;

    if (n <= 0) {
        peer_close(p);
        return;
    }
    p->bytes += (size_t)n;
    while (p->fd >= 0 && at < p->bytes) {
        struct mf_msg msg;
        ssize_t taken = s->codec->decode(s->conf, p->buffer + at, p->bytes - at, &msg);
        cr_assert(ge(i64, taken, 0), "the worker's bytes make no sense");
        if (taken == 0)
            break;
        cr_assert(eq(int, msg.kind, MF_MSG_PING));
        cr_assert(not(msg.corrupt));
        cr_assert(mf_payload_matches(msg.payload, msg.payload_bytes, s->seed, msg.stream, msg.seq));
        at += (size_t)taken;
        server_ping(s, p, &msg);
    }
    if (p->fd < 0)
        return;
    memmove(p->buffer, p->buffer + at, p->bytes - at);
    p->bytes -= at;
}

static void server_accept(struct server *s)
{
    int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC), on = 1;

    for (int i = 0; i < PEERS_MAX && fd >= 0; i++) {
        if (s->peer[i].fd >= 0)
            continue;
        s->peer[i].fd = fd;
        s->peer[i].bytes = 0;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* a UNIX socket refuses, and has no need */
        return;
    }
    cr_assert(eq(int, fd, -2), "accept: %s", strerror(errno));
}

void server_accept_all(struct server *s)
{
    struct pollfd wait = {.fd = s->listener, .events = POLLIN};

    while (poll(&wait, 1, 0) == 1)
        server_accept(s);
}

static void *server_main(void *ctx)
{
    struct server *s = ctx;

    for (;;) {
        struct pollfd wait[PEERS_MAX + 2] = {{.fd = s->wake[0], .events = POLLIN}};
        wait[1] = (struct pollfd){.fd = s->plugs ? -1 : s->listener, .events = POLLIN};
        for (int i = 0; i < PEERS_MAX; i++)
            wait[i + 2] = (struct pollfd){.fd = s->peer[i].fd, .events = POLLIN};
        if (poll(wait, PEERS_MAX + 2, -1) < 0)
            continue;
        if (wait[0].revents)
            return NULL;
        for (int i = 0; i < PEERS_MAX; i++)
            if (wait[i + 2].revents && s->peer[i].fd == wait[i + 2].fd)
                server_read(s, &s->peer[i]);
        if (wait[1].revents && s->listener >= 0)
            server_accept(s);
    }
}

static void server_listen(struct server *s)
{
    int code;

    s->listener = socket(s->over_tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->over_tcp) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t bytes = sizeof address;
        code = bind(s->listener, (struct sockaddr *)&address, sizeof address);
        cr_assert(eq(int, code, 0));
        getsockname(s->listener, (struct sockaddr *)&address, &bytes);
        snprintf(s->endpoint, sizeof s->endpoint, "tcp:127.0.0.1:%d", ntohs(address.sin_port));
    } else {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        const char *base = getenv("TMPDIR");
        snprintf(s->folder, sizeof s->folder, "%s/mf-load-XXXXXX", base && strlen(base) < 80 ? base : P_tmpdir);
        cr_assert(ne(ptr, mkdtemp(s->folder), NULL));
        snprintf(s->path, sizeof s->path, "%s/s", s->folder);
        snprintf(address.sun_path, sizeof address.sun_path, "%.100s", s->path);
        snprintf(s->endpoint, sizeof s->endpoint, "unix:%s", s->path);
        code = bind(s->listener, (struct sockaddr *)&address, sizeof address);
        cr_assert(eq(int, code, 0));
    }
    cr_assert(eq(int, listen(s->listener, 16), 0));
}

/* The rig */

void rig_init(struct rig *rig, const char *transport, const char *codec)
{
    *rig = (struct rig){.control = -1, .is_joined = true, .duration_ns = 60 * MF_NS_PER_S};
    rig->plan = (struct mf_plan){
        .workers = 1,
        .connections = 1,
        .streams_per_connection = 1,
        .streams = 1,
        .processes = 1,
        .mode = MF_MODE_CLOSED,
        .rate_per_s = 1000,
        .window = 4,
        .messages = 1000,
        .payload_bytes = strcmp(codec, "frame") == 0 ? 16 : 0,
        .timeout_ns = 10 * MF_NS_PER_S,
        .connect_timeout_ns = 5 * MF_NS_PER_S,
        .drain_ns = 10 * MF_NS_PER_S,
        .window_ns = MF_NS_PER_S,
        .seed = 42,
    };
    if (strcmp(codec, "http1") == 0) {
        struct mf_error err = {0};
        strcpy(rig->plan.codec_conf,
               "header X-Ping: {id}\nversion header X-Version\ninstance body instance=\ncount body count=\n");
        rig->plan.pipeline = rig->plan.window;
        rig->server.conf = mf_codec_find(codec)->configure("header X-Ping: {id}\nid header X-Ping\nversion header "
                                                           "X-Version\ninstance body instance=\ncount body count=\n",
                                                           &err);
        cr_assert(ne(ptr, rig->server.conf, NULL), "%s", err.text);
    }
    snprintf(rig->plan.codec, sizeof rig->plan.codec, "%s", codec);
    rig->server.codec = mf_codec_find(codec);
    rig->server.over_tcp = strcmp(transport, "tcp") == 0;
    rig->server.listener = -1;
    for (int i = 0; i < PEERS_MAX; i++)
        rig->server.peer[i].fd = -1;
}

static void *worker_main(void *ctx)
{
    struct rig *rig = ctx;

    rig->worker_result = mf_worker_run(rig->worker_fds[0], rig->worker_fds[1], &rig->worker_error);
    return NULL;
}

void rig_start_worker(struct rig *rig)
{
    struct mf_error err;
    int pair[2];

    rig->shape = (struct mf_recorder_shape){.workers = rig->plan.workers,
                                            .probes = rig->plan.probes,
                                            .upgrades = 1,
                                            .bins = 6100,
                                            .streams = rig->plan.streams,
                                            .bin_ns = 10 * MF_NS_PER_MS};
    cr_assert(eq(int, mf_recorder_create(&rig->recorder, &rig->shape, &err), 0));
    rig->recorder.log[0].version_from = 1;
    rig->recorder.log[0].version_to = 2;
    rig->record = mf_recorder_worker(&rig->recorder, rig->plan.worker);
    cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0));
    rig->control = pair[0];
    rig->worker_fds[0] = dup(rig->recorder.fd);
    rig->worker_fds[1] = pair[1];
    cr_assert(eq(int, pthread_create(&rig->worker, NULL, worker_main, rig), 0));
    rig->is_joined = false;
}

void rig_send_plan(struct rig *rig)
{
    struct mf_control_writer w;

    cr_assert(eq(int, mf_plan_write(&rig->plan, &w), 0));
    cr_assert(eq(int, mf_control_send(rig->control, &w), 0));
}

void rig_start(struct rig *rig)
{
    struct server *s = &rig->server;

    s->seed = rig->plan.seed;
    s->payload_bytes = rig->plan.payload_bytes;
    s->window = rig->plan.window;
    server_listen(s);
    cr_assert(eq(int, pipe2(s->wake, O_CLOEXEC), 0));
    cr_assert(eq(int, pthread_create(&s->thread, NULL, server_main, s), 0));
    s->is_running = true;
    strcpy(rig->plan.endpoint, s->endpoint);
    rig_start_worker(rig);
    rig_send_plan(rig);
}

void rig_say(struct rig *rig, const char *verb)
{
    struct mf_control_writer w;

    mf_control_begin(&w, verb);
    cr_assert(eq(int, mf_control_end(&w), 0));
    cr_assert(eq(int, mf_control_send(rig->control, &w), 0));
}

void rig_say_k(struct rig *rig, const char *verb, uint32_t k)
{
    struct mf_control_writer w;

    mf_control_begin(&w, verb);
    mf_control_put_u64(&w, "k", k);
    cr_assert(eq(int, mf_control_end(&w), 0));
    cr_assert(eq(int, mf_control_send(rig->control, &w), 0));
}

void rig_expect_line(struct rig *rig, const char *verb)
{
    char *text;

    while (!(text = mf_control_next(&rig->reader))) {
        struct pollfd wait = {.fd = rig->control, .events = POLLIN};
        cr_assert(eq(int, poll(&wait, 1, PATIENCE_MS), 1), "no line \"%s\"", verb);
        size_t space;
        char *to = mf_control_feed_space(&rig->reader, &space);
        ssize_t n = read(rig->control, to, space);
        cr_assert(gt(i64, n, 0), "the worker is gone instead of \"%s\"", verb);
        mf_control_fed(&rig->reader, (size_t)n);
    }
    cr_assert(eq(int, mf_control_parse(&rig->line, text), 0));
    cr_assert(eq(int, strcmp(rig->line.verb, verb), 0), "\"%s\" instead of \"%s\"", rig->line.verb, verb);
}

void rig_go(struct rig *rig)
{
    struct mf_recorder_header *h = rig->recorder.header;
    uint64_t start_ns = mf_clock_now_ns() + MF_NS_PER_MS;

    atomic_store(&h->start_ns, start_ns);
    atomic_store(&h->measure_ns, start_ns);
    atomic_store(&h->end_ns, start_ns + rig->duration_ns);
    rig_say(rig, "go");
}

void rig_join_worker(struct rig *rig)
{
    if (rig->is_joined)
        return;
    pthread_join(rig->worker, NULL);
    rig->is_joined = true;
}

void rig_stop(struct rig *rig)
{
    rig_say(rig, "stop");
    rig_join_worker(rig);
    cr_assert(eq(int, rig->worker_result, 0), "%s", rig->worker_error.text);
}

void rig_run(struct rig *rig)
{
    rig_start(rig);
    rig_expect_line(rig, "ready");
    rig_go(rig);
    rig_expect_line(rig, "finished");
    rig_stop(rig);
    rig_expect_balance(rig);
}

void rig_done(struct rig *rig)
{
    struct server *s = &rig->server;

    if (rig->control >= 0)
        close(rig->control);
    rig_join_worker(rig);
    if (s->is_running) {
        cr_assert(eq(i64, write(s->wake[1], "x", 1), 1));
        pthread_join(s->thread, NULL);
        close(s->wake[0]);
        close(s->wake[1]);
    }
    for (int i = 0; i < PEERS_MAX; i++)
        if (s->peer[i].fd >= 0)
            close(s->peer[i].fd);
    for (uint32_t i = 0; i < s->plugs; i++)
        close(s->plug[i]);
    if (s->listener >= 0)
        server_unlisten(s);
    if (s->folder[0])
        rmdir(s->folder);
    free(s->conf);
    mf_recorder_close(&rig->recorder);
}

void rig_expect_balance(const struct rig *rig)
{
    rig_expect_books(rig->record);
}

void rig_expect_books(const struct mf_worker_record *r)
{
    uint64_t outcomes = 0, causes = 0;

    for (int i = 0; i < MF_OUTCOME_COUNT; i++)
        outcomes += r->outcome[i];
    for (int i = 0; i < MF_CAUSE_COUNT; i++)
        causes += r->lost_by_cause[i];
    cr_expect(eq(u64, atomic_load(&r->due), outcomes));
    cr_expect(eq(u64, r->outcome[MF_OUTCOME_LOST], causes));
    cr_expect(eq(u64, r->replies,
                 outcomes - r->outcome[MF_OUTCOME_LOST] - r->outcome[MF_OUTCOME_NOT_SENT] +
                     r->extra[MF_EXTRA_DUPLICATED] + r->extra[MF_EXTRA_PHANTOM]));
    cr_expect(eq(u32, atomic_load(&r->finished), 1));
}
