/* A small server that speaks codec `line` and takes a new version while it runs: the example of a command target, and
 * what the tests of command targets are tried on. It knows nothing of midflight.
 *
 *   midflight-server ADDRESS VERSION-FILE [WORD]...
 *
 * ADDRESS is tcp:127.0.0.1:PORT or unix:PATH. The version is the number in VERSION-FILE, read at the start and at each
 * SIGHUP; also at a line that begins with RELOAD, which is answered by "RELOADED <version>"; and at the ping behind a
 * line that begins with RELOAD-ON-PING, which is answered by "trigger <stream> <seq> <process>" and the same. A file
 * without a number is refused, with a line that begins with "refused:", and the old version goes on. "ready" is printed
 * when it listens. SIGTERM and SIGQUIT end it. Words for what a server may do wrong, or otherwise:
 *
 * - daemon FILE: leaves its session as daemons do, and writes its process's number into FILE
 * - overlap MS: the old version goes on answering every third ping for so long after a reload
 * - deaf: never listens
 * - stubborn: ignores SIGHUP, SIGTERM and SIGQUIT
 * - chatty MIB: prints so many MiB at each reload
 * - crash N: crashes (SIGSEGV) at the N-th ping
 * - child: forks a child that sleeps for ever, in a session of its own
 * - plain: answers carry no version, instance or count
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 1024
#define LINE_BYTES  4096

struct client {
    int fd;
    size_t used;
    char in[LINE_BYTES];
};

static struct {
    const char *version_file, *pid_file;
    uint32_t version, old_version;
    uint64_t answered, crash_at, overlap_ms, overlap_until_ms, chatty_mib;
    int asker; /* who is told of the ping that sets the next reload off; 0: nobody */
    bool is_deaf, is_stubborn, has_child, is_plain;
    struct client *client;
    nfds_t clients;
} server;

static volatile sig_atomic_t asked_to_reload, asked_to_end;

static void on_signal(int number)
{
    if (number == SIGHUP)
        asked_to_reload = 1;
    else
        asked_to_end = 1;
}

static void fail(const char *what)
{
    fprintf(stderr, "midflight-server: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* --- versions ----------------------------------------------------------------------------------------------------- */

static void chatter(void)
{
    char line[1024];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    for (uint64_t i = 0; i < server.chatty_mib * 1024; i++)
        fwrite(line, 1, sizeof line, stdout);
    fflush(stdout);
}

static void reload(void)
{
    unsigned version;
    FILE *file = fopen(server.version_file, "r");
    bool good = file && fscanf(file, "%u", &version) == 1;
    if (file)
        fclose(file);
    chatter();
    if (good) {
        server.old_version = server.version;
        server.version = version;
        server.overlap_until_ms = server.old_version ? now_ms() + server.overlap_ms : 0;
        printf("version %u\n", version);
    } else {
        printf("refused: %s holds no version\n", server.version_file);
    }
    fflush(stdout);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void text_send(int fd, const char *text)
{
    size_t bytes = strlen(text);
    while (bytes > 0) {
        ssize_t n = send(fd, text, bytes, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return; /* the reader sees its end */
        text += n > 0 ? n : 0;
        bytes -= n > 0 ? (size_t)n : 0;
    }
}

static void line_answer(int fd, const char *line)
{
    unsigned stream, process;
    uint64_t seq;
    char answer[256];
    if (strncmp(line, "RELOAD-ON-PING", 14) == 0) {
        server.asker = fd;
        return;
    }
    if (strncmp(line, "RELOAD", 6) == 0) {
        reload();
        snprintf(answer, sizeof answer, "RELOADED %" PRIu32 "\n", server.version);
        text_send(fd, answer);
        return;
    }
    if (sscanf(line, "PING %u %" SCNu64 " %u", &stream, &seq, &process) != 3)
        return;
    if (server.asker > 0) {
        reload();
        snprintf(answer, sizeof answer, "trigger %u %" PRIu64 " %u\nRELOADED %" PRIu32 "\n", stream, seq, process,
                 server.version);
        text_send(server.asker, answer);
        server.asker = 0;
    }
    if (++server.answered == server.crash_at) {
        signal(SIGSEGV, SIG_DFL); /* a crash, and no report of a sanitizer's about a fault that is meant */
        raise(SIGSEGV);
    }
    bool old = server.overlap_ms && now_ms() < server.overlap_until_ms && server.answered % 3 == 0;
    if (server.is_plain)
        snprintf(answer, sizeof answer, "PONG %u %" PRIu64 " %u - - -\n", stream, seq, process);
    else
        snprintf(answer, sizeof answer, "PONG %u %" PRIu64 " %u %" PRIu32 " %d %" PRIu64 "\n", stream, seq, process,
                 old ? server.old_version : server.version, (int)getpid(), server.answered);
    text_send(fd, answer);
}

/* Answers every line that is whole. */
static bool client_read(struct client *c)
{
    ssize_t n = recv(c->fd, c->in + c->used, sizeof c->in - 1 - c->used, 0);
    if (n <= 0)
        return n < 0 && errno == EINTR;
    c->used += (size_t)n;
    c->in[c->used] = 0;
    char *line = c->in;
    for (char *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = 0;
        line_answer(c->fd, line);
    }
    c->used -= (size_t)(line - c->in);
    memmove(c->in, line, c->used);
    return c->used < sizeof c->in - 1;
}

/* --- the loop ----------------------------------------------------------------------------------------------------- */

static int listen_at(const char *address)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bool is_unix = strncmp(address, "unix:", 5) == 0;
    const char *colon = strrchr(address, ':');
    int one = 1, fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || !colon)
        fail(address);
    snprintf(un.sun_path, sizeof un.sun_path, "%s", address + 5);
    in.sin_port = htons((uint16_t)atoi(colon + 1));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, is_unix ? (struct sockaddr *)&un : (struct sockaddr *)&in, is_unix ? sizeof un : sizeof in) != 0 ||
        listen(fd, 511) != 0)
        fail(address);
    return fd;
}

static void client_accept(int listener)
{
    int fd = accept(listener, NULL, NULL);
    if (fd < 0)
        return;
    if (server.clients == CLIENTS_MAX) {
        close(fd);
        return;
    }
    server.client[server.clients++] = (struct client){.fd = fd};
}

static void serve(int listener)
{
    static struct pollfd poll_at[CLIENTS_MAX + 1];
    while (!asked_to_end) {
        if (asked_to_reload) {
            asked_to_reload = 0;
            reload();
        }
        nfds_t clients = server.clients;
        poll_at[clients] = (struct pollfd){.fd = listener, .events = POLLIN};
        for (nfds_t i = 0; i < clients; i++)
            poll_at[i] = (struct pollfd){.fd = server.client[i].fd, .events = POLLIN};
        if (poll(poll_at, clients + 1, 20) < 0)
            continue; /* a signal */
        if (poll_at[clients].revents)
            client_accept(listener);
        for (nfds_t i = clients; i-- > 0;) {
            if (!poll_at[i].revents || client_read(&server.client[i]))
                continue;
            close(server.client[i].fd);
            server.client[i] = server.client[--server.clients];
        }
    }
}

/* --- the start ---------------------------------------------------------------------------------------------------- */

static void daemon_become(void)
{
    if (fork() != 0)
        exit(0);
    setsid();
    if (fork() != 0)
        exit(0);
    FILE *file = fopen(server.pid_file, "w");
    if (!file)
        fail(server.pid_file);
    fprintf(file, "%d\n", (int)getpid());
    fclose(file);
}

static void child_leave_behind(void)
{
    if (fork() != 0)
        return;
    setsid();
    for (;;)
        pause();
}

static void words_read(int argc, char **argv)
{
    for (int i = 3; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "0";
        if (strcmp(argv[i], "daemon") == 0)
            server.pid_file = argv[++i];
        else if (strcmp(argv[i], "overlap") == 0)
            server.overlap_ms = strtoull(next, NULL, 10), i++;
        else if (strcmp(argv[i], "crash") == 0)
            server.crash_at = strtoull(next, NULL, 10), i++;
        else if (strcmp(argv[i], "chatty") == 0)
            server.chatty_mib = strtoull(next, NULL, 10), i++;
        else if (strcmp(argv[i], "deaf") == 0)
            server.is_deaf = true;
        else if (strcmp(argv[i], "stubborn") == 0)
            server.is_stubborn = true;
        else if (strcmp(argv[i], "child") == 0)
            server.has_child = true;
        else if (strcmp(argv[i], "plain") == 0)
            server.is_plain = true;
        else {
            fprintf(stderr, "midflight-server: %s: no such word\n", argv[i]);
            exit(2);
        }
    }
}

static void signals_take(void)
{
    struct sigaction take = {.sa_handler = server.is_stubborn ? SIG_IGN : on_signal};
    sigaction(SIGHUP, &take, NULL);
    sigaction(SIGTERM, &take, NULL);
    sigaction(SIGQUIT, &take, NULL);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: midflight-server ADDRESS VERSION-FILE [WORD]...\n");
        return 2;
    }
    server.version_file = argv[2];
    words_read(argc, argv);
    server.client = calloc(CLIENTS_MAX, sizeof *server.client);
    if (!server.client)
        fail("no memory");
    if (server.pid_file)
        daemon_become();
    signals_take();
    if (server.has_child)
        child_leave_behind();
    reload();
    while (server.is_deaf && !asked_to_end)
        pause();
    int listener = server.is_deaf ? -1 : listen_at(argv[1]);
    printf("ready\n");
    fflush(stdout);
    serve(listener);
    return 0;
}
