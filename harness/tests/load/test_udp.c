/* The load over UDP: one datagram a message; what is lost, doubled, reordered or cut on the way is told in known
 * numbers. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "rig.h"

static struct rig rig;

/* A server of its own: the rig's speaks streams. It ends with an empty datagram. */
struct target {
    int fd;
    pthread_t thread;
    void (*answer)(struct target *t, const struct sockaddr_in *to, const struct mf_msg *ping);
    struct mf_msg held; /* by those that answer late */
};

static struct target target;

static void target_send(struct target *t, const struct sockaddr_in *to, const void *bytes, size_t n)
{
    ssize_t sent = sendto(t->fd, bytes, n, 0, (const struct sockaddr *)to, sizeof *to);

    cr_assert(eq(i64, sent, (ssize_t)n));
}

static void answer(struct target *t, const struct sockaddr_in *to, const struct mf_msg *ping)
{
    uint8_t out[2048];

    target_send(t, to, out, server_encode(&rig.server, out, ping));
}

static void *target_main(void *ctx)
{
    struct target *t = ctx;
    uint8_t in[2048];

    for (;;) {
        struct sockaddr_in from;
        socklen_t bytes = sizeof from;
        struct mf_msg ping;
        ssize_t n = recvfrom(t->fd, in, sizeof in, 0, (struct sockaddr *)&from, &bytes);
        if (n <= 0)
            return NULL;
        cr_assert(eq(i64, rig.server.codec->decode(NULL, in, (size_t)n, &ping), n), "one datagram, one ping");
        t->answer(t, &from, &ping);
    }
}

static void run(const char *codec,
                void (*on)(struct target *t, const struct sockaddr_in *to, const struct mf_msg *ping))
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof address;

    rig_init(&rig, "tcp", codec);
    rig.plan.timeout_ns = 50 * MF_NS_PER_MS;
    rig.plan.drain_ns = 200 * MF_NS_PER_MS;
    rig.plan.messages = on ? 1000 : 100;
    rig.server.seed = rig.plan.seed;
    rig.server.payload_bytes = rig.plan.payload_bytes;
    target = (struct target){.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), .answer = on};
    int code = bind(target.fd, (struct sockaddr *)&address, sizeof address);
    cr_assert(eq(int, code, 0));
    getsockname(target.fd, (struct sockaddr *)&address, &bytes);
    snprintf(rig.plan.endpoint, sizeof rig.plan.endpoint, "udp:127.0.0.1:%d", ntohs(address.sin_port));
    if (on)
        pthread_create(&target.thread, NULL, target_main, &target);
    else
        close(target.fd);
    rig_start_worker(&rig);
    rig_send_plan(&rig);
    rig_expect_line(&rig, "ready");
    rig_go(&rig);
    rig_expect_line(&rig, "finished");
    rig_stop(&rig);
    rig_expect_balance(&rig);
    if (!on)
        return;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    cr_assert(eq(i64, sendto(fd, "", 0, 0, (struct sockaddr *)&address, sizeof address), 0));
    pthread_join(target.thread, NULL);
    close(fd);
    close(target.fd);
}

static void expect(uint64_t answered, uint64_t unanswered, uint64_t duplicated, uint64_t phantom)
{
    const struct mf_worker_record *r = rig.record;

    cr_expect(eq(u64, r->outcome[MF_OUTCOME_ANSWERED], answered));
    cr_expect(eq(u64, r->lost_by_cause[MF_CAUSE_UNANSWERED], unanswered));
    cr_expect(eq(u64, r->outcome[MF_OUTCOME_LOST], unanswered));
    cr_expect(eq(u64, r->extra[MF_EXTRA_DUPLICATED], duplicated));
    cr_expect(eq(u64, r->extra[MF_EXTRA_PHANTOM], phantom));
    cr_expect(eq(u64, r->opened, 1));
    rig_done(&rig);
}

Test(udp, all_right)
{
    run("frame", answer);
    expect(1000, 0, 0, 0);
    run("line", answer);
    expect(1000, 0, 0, 0);
}

static void some_never_some_twice(struct target *t, const struct sockaddr_in *to, const struct mf_msg *ping)
{
    if (ping->seq % 100 != 7)
        answer(t, to, ping);
    if (ping->seq % 10 == 9)
        answer(t, to, ping);
}

Test(udp, lost_and_doubled)
{
    run("frame", some_never_some_twice);
    expect(990, 10, 100, 0);
}

/* Of ten the first is answered behind the second. */
static void some_later(struct target *t, const struct sockaddr_in *to, const struct mf_msg *ping)
{
    if (ping->seq % 10 == 0) {
        t->held = *ping;
        t->held.payload = NULL;
        return;
    }
    answer(t, to, ping);
    if (ping->seq % 10 == 1)
        answer(t, to, &t->held);
}

Test(udp, reordered)
{
    run("line", some_later);
    cr_expect(eq(u64, rig.record->extra[MF_EXTRA_REORDERED], 100));
    expect(1000, 0, 0, 0);
}

static void some_cut(struct target *t, const struct sockaddr_in *to, const struct mf_msg *ping)
{
    uint8_t out[2048];
    size_t n = server_encode(&rig.server, out, ping);

    if (ping->seq % 10 == 3)
        target_send(t, to, out, n - 1); /* names its ping, and is not whole */
    else if (ping->seq % 10 == 4)
        target_send(t, to, "?", 1);
    if (ping->seq % 10 != 3)
        target_send(t, to, out, n);
}

Test(udp, cut)
{
    run("frame", some_cut);
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_WRONG], 100));
    expect(900, 0, 0, 100);
}

Test(udp, nobody_is_there)
{
    run("frame", NULL);
    cr_expect(gt(u64, rig.record->refused, 0)); /* the kernel says so, but not of which */
    expect(0, 100, 0, 0);
}
