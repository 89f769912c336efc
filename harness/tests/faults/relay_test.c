/* midflight-relay as it is shipped, between a client and a server that are both here. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "wire/control.h"

#define PATIENCE_MS 10000

static char folder[32], node_path[64], load_path[64];
static int control = -1, listener = -1, client = -1, server = -1;
static pid_t relay;
static struct mf_control_reader reader;

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%.100s", path);
    return a;
}

static void say(const char *verb, const char *key, uint64_t value)
{
    struct mf_control_writer w;
    mf_control_begin(&w, verb);
    if (key)
        mf_control_put_u64(&w, key, value);
    mf_control_put_u64(&w, "act", 3);
    mf_control_end(&w);
    cr_assert(eq(int, mf_control_send(control, &w), 0));
}

static void await(const char *verb, uint64_t connections)
{
    struct mf_control_line line;
    char *text;
    bool bad = false;
    while (!(text = mf_control_next(&reader))) {
        size_t space;
        char *at = mf_control_feed_space(&reader, &space);
        struct pollfd wait = {.fd = control, .events = POLLIN};
        cr_assert(eq(int, poll(&wait, 1, PATIENCE_MS), 1), "the relay does not say %s", verb);
        ssize_t n = read(control, at, space);
        cr_assert(gt(i64, n, 0));
        mf_control_fed(&reader, (size_t)n);
    }
    cr_assert(eq(int, mf_control_parse(&line, text), 0));
    cr_assert(eq(int, strcmp(line.verb, verb), 0), "%s", line.verb);
    if (connections != UINT64_MAX) {
        cr_expect(eq(u64, mf_control_u64(&line, "connections", 99, 99, &bad), connections));
        cr_expect(eq(u64, mf_control_u64(&line, "act", 99, 99, &bad), 3));
    }
}

static void setup(void)
{
    int line[2];
    char to[80], listen_at[80];
    snprintf(folder, sizeof folder, "/tmp/midflight-test-XXXXXX");
    cr_assert(ne(ptr, mkdtemp(folder), NULL));
    snprintf(node_path, sizeof node_path, "%s/node.sock", folder);
    snprintf(load_path, sizeof load_path, "%s/load.sock", folder);
    snprintf(to, sizeof to, "unix:%s", node_path);
    snprintf(listen_at, sizeof listen_at, "unix:%s", load_path);
    struct sockaddr_un at = address_of(node_path), load = address_of(load_path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(eq(int, bind(listener, (struct sockaddr *)&at, sizeof at), 0));
    cr_assert(eq(int, listen(listener, 8), 0));
    cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line), 0));
    control = line[0];
    relay = fork();
    if (relay == 0) {
        if (line[1] == 4)
            fcntl(4, F_SETFD, 0);
        else
            dup2(line[1], 4);
        execl(MIDFLIGHT_BINARY_DIR "/midflight-relay", "midflight-relay", "--listen", listen_at, "--to", to,
              (char *)NULL);
        _exit(127);
    }
    close(line[1]);
    await("ready", UINT64_MAX);
    client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(eq(int, connect(client, (struct sockaddr *)&load, sizeof load), 0));
    server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    cr_assert(ge(int, server, 0));
}

static void teardown(void)
{
    int status;
    say("stop", NULL, 0);
    cr_expect(eq(int, waitpid(relay, &status, 0), relay));
    cr_expect(eq(int, status, 0));
    cr_expect(ne(int, access(load_path, F_OK), 0)); /* it has taken its socket away */
    unlink(node_path);
    cr_expect(eq(int, rmdir(folder), 0));
}
TestSuite(relay, .init = setup, .fini = teardown, .timeout = 60);

/* What comes within the patience: bytes, 0 at the end, -1 with errno. */
static ssize_t take(int fd, char *text, size_t room)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    cr_assert(eq(int, poll(&wait, 1, PATIENCE_MS), 1), "nothing comes");
    return recv(fd, text, room, 0);
}

static void pass(int from, int to)
{
    char text[8];
    cr_assert(eq(i64, send(from, "hello", 5, MSG_NOSIGNAL), 5));
    cr_assert(eq(i64, take(to, text, sizeof text), 5));
    cr_expect(eq(int, memcmp(text, "hello", 5), 0));
}

Test(relay, passes_on_both_ways)
{
    pass(client, server);
    pass(server, client);
    say("noop", NULL, 0);
    await("done", 1);
    pass(client, server);
}

Test(relay, an_end_goes_through)
{
    char text[8];
    cr_assert(eq(i64, send(client, "bye", 3, MSG_NOSIGNAL), 3));
    shutdown(client, SHUT_WR);
    cr_expect(eq(i64, take(server, text, sizeof text), 3));
    cr_expect(eq(i64, take(server, text, sizeof text), 0));
    pass(server, client); /* the way back is still open */
    close(server);
    cr_expect(eq(i64, take(client, text, sizeof text), 0));
}

Test(relay, cuts)
{
    char text[8];
    say("cut", NULL, 0);
    await("done", 1);
    cr_expect(eq(i64, take(client, text, sizeof text), 0));
    cr_expect(eq(i64, take(server, text, sizeof text), 0));
}

Test(relay, half_closes)
{
    char text[8];
    say("half_close", NULL, 0);
    await("done", 1);
    cr_expect(eq(i64, take(server, text, sizeof text), 0));
    cr_assert(eq(i64, send(client, "lost", 4, MSG_NOSIGNAL), 4));
    pass(server, client);
}

Test(relay, delays)
{
    say("delay", "us", 50000);
    await("done", 1);
    uint64_t before_ns = mf_clock_now_ns();
    pass(client, server);
    cr_expect(ge(u64, mf_clock_now_ns() - before_ns, 50 * MF_NS_PER_MS));
    say("clear", NULL, 0);
    await("done", 1);
    pass(client, server);
}

Test(relay, throttles)
{
    static char block[2000], text[4096];
    say("throttle", "bytes_per_s", 10000);
    await("done", 1);
    uint64_t before_ns = mf_clock_now_ns();
    cr_assert(eq(i64, send(client, block, sizeof block, MSG_NOSIGNAL), (ssize_t)sizeof block));
    for (size_t got = 0; got < sizeof block;) {
        ssize_t n = take(server, text, sizeof text);
        cr_assert(gt(i64, n, 0));
        got += (size_t)n;
    }
    /* 2000 bytes at 10 000 a second, less what an allowance may have gathered */
    cr_expect(ge(u64, mf_clock_now_ns() - before_ns, 150 * MF_NS_PER_MS));
}

Test(relay, a_node_that_refuses_ends_the_client)
{
    char text[8];
    struct sockaddr_un load = address_of(load_path);
    close(listener);
    int late = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(eq(int, connect(late, (struct sockaddr *)&load, sizeof load), 0));
    cr_expect(le(i64, take(late, text, sizeof text), 0));
    close(late);
    pass(client, server);
}
