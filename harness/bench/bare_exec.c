/* The bare upgrade by execve to compare with: a small dynamic program that keeps its socket over execve and answers the
 * next ping.
 *
 *   bare-exec TIMES [THREADS MODULE]
 *
 * prints one line: median microseconds from the request to the first answer of the new image. With THREADS and MODULE
 * each incarnation first loads that shared object and starts so many threads, which wait for ever: what a node is made
 * of, and what execve has to end. The client asks for the upgrade and sends a ping right behind; the answer says which
 * incarnation gave it. */
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum { KIND_PING, KIND_UPGRADE };

struct message {
    uint32_t kind, incarnation;
};

static void fail(const char *what)
{
    fprintf(stderr, "bare-exec: %s: %s\n", what, strerror(errno));
    exit(70);
}

/* 0 where the other side has ended. Messages are small and come one at a time: SOCK_SEQPACKET keeps them whole. */
static int take(int fd, struct message *m)
{
    ssize_t n;
    do
        n = recv(fd, m, sizeof *m, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        fail("recv");
    return n == (ssize_t)sizeof *m;
}

static void give(int fd, const struct message *m)
{
    if (send(fd, m, sizeof *m, MSG_NOSIGNAL) != (ssize_t)sizeof *m)
        fail("send");
}

static void *idle(void *arg)
{
    (void)arg;
    for (;;)
        pause();
    return NULL;
}

static void settle_in(const char *threads, const char *module)
{
    pthread_t thread;
    if (module[0] && !dlopen(module, RTLD_NOW | RTLD_LOCAL)) {
        fprintf(stderr, "bare-exec: %s\n", dlerror());
        exit(70);
    }
    for (int i = atoi(threads); i > 0; i--)
        if (pthread_create(&thread, NULL, idle, NULL) != 0)
            fail("a thread");
}

/* Answers until asked to become the next incarnation. */
static int serve(int fd, uint32_t incarnation, const char *threads, const char *module)
{
    struct message m;
    settle_in(threads, module);
    while (take(fd, &m)) {
        if (m.kind == KIND_UPGRADE) {
            char fd_text[16], incarnation_text[16];
            snprintf(fd_text, sizeof fd_text, "%d", fd);
            snprintf(incarnation_text, sizeof incarnation_text, "%" PRIu32, incarnation + 1);
            execl("/proc/self/exe", "bare-exec", "serve", fd_text, incarnation_text, threads, module, (char *)NULL);
            fail("execve");
        }
        m.incarnation = incarnation;
        give(fd, &m);
    }
    return 0;
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void measure(int fd, uint32_t times)
{
    uint64_t *took_ns = calloc(times, sizeof *took_ns);
    if (!took_ns)
        fail("no memory");
    for (uint32_t i = 0; i < times; i++) {
        struct message ping = {.kind = KIND_PING}, upgrade = {.kind = KIND_UPGRADE}, pong;
        give(fd, &ping); /* the present incarnation is up and warm */
        if (!take(fd, &pong) || pong.incarnation != i) {
            fprintf(stderr, "bare-exec: incarnation %" PRIu32 " did not answer\n", i);
            exit(70);
        }
        uint64_t begin_ns = mf_clock_now_ns();
        give(fd, &upgrade);
        give(fd, &ping);
        if (!take(fd, &pong) || pong.incarnation != i + 1) {
            fprintf(stderr, "bare-exec: incarnation %" PRIu32 " did not answer\n", i + 1);
            exit(70);
        }
        took_ns[i] = mf_clock_now_ns() - begin_ns;
    }
    qsort(took_ns, times, sizeof *took_ns, compare_u64);
    printf("%.1f\n", (double)took_ns[times / 2] / 1e3);
    free(took_ns);
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "serve") == 0)
        return serve(atoi(argv[2]), (uint32_t)strtoul(argv[3], NULL, 10), argv[4], argv[5]);
    uint32_t times = argc == 2 || argc == 4 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    const char *threads = argc == 4 ? argv[2] : "0", *module = argc == 4 ? argv[3] : "";
    if (times == 0) {
        fprintf(stderr, "usage: bare-exec TIMES [THREADS MODULE]\n");
        return 2;
    }
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0)
        fail("socketpair");
    pid_t pid = fork();
    if (pid < 0)
        fail("fork");
    if (pid == 0) {
        close(pair[0]);
        char fd_text[16];
        snprintf(fd_text, sizeof fd_text, "%d", pair[1]);
        execl("/proc/self/exe", "bare-exec", "serve", fd_text, "0", threads, module, (char *)NULL);
        fail("execve");
    }
    close(pair[1]);
    measure(pair[0], times);
    close(pair[0]);
    int status;
    if (waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "bare-exec: the server failed\n");
        return 70;
    }
    return 0;
}
