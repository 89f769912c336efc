/* The bare ping-pong to compare with: a client and a server process, one connection, a window of frames outstanding,
 * and nothing kept.
 *
 *   bare-echo unix|tcp WINDOW FRAME_BYTES SECONDS     prints one line: round trips per second
 * Both sides batch as the kernel lets them: the server writes back what one read gave, the client sends as many new
 * frames in one write as the last read completed. */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum { BUFFER_BYTES = 1 << 16 };

static void fail(const char *what)
{
    fprintf(stderr, "bare-echo: %s: %s\n", what, strerror(errno));
    exit(70);
}

static void write_whole(int fd, const uint8_t *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t n = send(fd, data, bytes, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            fail("send");
        data += n;
        bytes -= (size_t)n;
    }
}

/* Bytes read; 0 where the other side has ended. */
static size_t read_some(int fd, uint8_t *data, size_t bytes)
{
    for (;;) {
        ssize_t n = recv(fd, data, bytes, 0);
        if (n >= 0)
            return (size_t)n;
        if (errno == ECONNRESET)
            return 0;
        if (errno != EINTR)
            fail("recv");
    }
}

static void serve(int fd)
{
    static uint8_t buffer[BUFFER_BYTES];
    for (;;) {
        size_t n = read_some(fd, buffer, sizeof buffer);
        if (n == 0)
            return;
        write_whole(fd, buffer, n);
    }
}

/* Round trips per second over about that time. */
static double ping(int fd, uint32_t window, uint32_t frame_bytes, double seconds)
{
    static uint8_t out[BUFFER_BYTES], in[BUFFER_BYTES];
    memset(out, 'p', sizeof out);
    uint64_t begin_ns = mf_clock_now_ns(), end_ns = begin_ns + (uint64_t)(seconds * 1e9), now_ns = begin_ns;
    uint64_t sent = window, done = 0, bytes = 0;
    write_whole(fd, out, (size_t)window * frame_bytes);
    while (done < sent) { /* the last window is taken in, too: the server must not write into a closed connection */
        size_t n = read_some(fd, in, sizeof in);
        if (n == 0) {
            fprintf(stderr, "bare-echo: the server ended\n");
            exit(70);
        }
        bytes += n;
        uint64_t fresh = bytes / frame_bytes - done;
        done += fresh;
        now_ns = mf_clock_now_ns();
        if (now_ns < end_ns) {
            write_whole(fd, out, (size_t)fresh * frame_bytes);
            sent += fresh;
        }
    }
    return (double)done * 1e9 / (double)(now_ns - begin_ns);
}

/* A connected pair as two strangers would have it: a listener, a connect, an accept. */
static void connect_pair(bool tcp, int *client, int *server)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_un un;
    } address;
    socklen_t bytes = sizeof address;
    memset(&address, 0, sizeof address);
    if (tcp) {
        address.in.sin_family = AF_INET;
        address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        bytes = sizeof address.in;
    } else { /* no name: the kernel gives one in the abstract space */
        address.un.sun_family = AF_UNIX;
        bytes = sizeof address.un.sun_family;
    }
    int listener = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, &address.any, bytes) != 0 || listen(listener, 1) != 0)
        fail("listen");
    bytes = sizeof address;
    if (getsockname(listener, &address.any, &bytes) != 0)
        fail("getsockname");
    *client = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*client < 0 || connect(*client, &address.any, bytes) != 0)
        fail("connect");
    *server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (*server < 0)
        fail("accept");
    close(listener);
    int one = 1;
    if (tcp && (setsockopt(*client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
                setsockopt(*server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0))
        fail("TCP_NODELAY");
}

int main(int argc, char **argv)
{
    bool tcp = argc > 1 && strcmp(argv[1], "tcp") == 0;
    uint32_t window = argc == 5 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
    uint32_t frame_bytes = argc == 5 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
    double seconds = argc == 5 ? strtod(argv[4], NULL) : 0;
    if ((!tcp && (argc < 2 || strcmp(argv[1], "unix") != 0)) || window == 0 || frame_bytes == 0 || !(seconds > 0) ||
        (uint64_t)window * frame_bytes > BUFFER_BYTES) {
        fprintf(stderr, "usage: bare-echo unix|tcp WINDOW FRAME_BYTES SECONDS   (WINDOW x FRAME_BYTES: at most %d)\n",
                BUFFER_BYTES);
        return 2;
    }
    int client, server;
    connect_pair(tcp, &client, &server);
    pid_t pid = fork();
    if (pid < 0)
        fail("fork");
    if (pid == 0) {
        close(client);
        serve(server);
        _exit(0);
    }
    close(server);
    double rate = ping(client, window, frame_bytes, seconds);
    close(client);
    int status;
    if (waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "bare-echo: the server failed\n");
        return 70;
    }
    printf("%.0f\n", rate);
    return 0;
}
