/* The listening socket: the node's endpoint. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "node/core_internal.h"
#include "node/listener.h"

#define BACKLOG     4096
#define LISTENER_FD 1000 /* or the next that is free */

static bool is_unix(const char *endpoint)
{
    return strncmp(endpoint, "unix:", 5) == 0;
}

static int unix_bind(const struct mf_listener_plan *plan, int fd, char *endpoint, size_t n, struct mf_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = plan->at + 5;
    if (strlen(path) >= sizeof address.sun_path)
        return mf_error_set(err, MF_STATUS_TARGET, path, "a UNIX socket's path has at most %zu bytes",
                            sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, strlen(path) + 1);
    unlink(path); /* of one that was killed */
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, BACKLOG) != 0)
        return mf_error_errno(err, MF_STATUS_TARGET, path, "cannot listen");
    snprintf(endpoint, n, "unix:%s", path);
    return 0;
}

static int tcp_bind(const struct mf_listener_plan *plan, int fd, char *endpoint, size_t room, struct mf_error *err)
{
    char host[64] = "";
    const char *text = plan->at + 4, *colon = strrchr(text, ':');
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t n = sizeof address;
    if (colon && (size_t)(colon - text) < sizeof host)
        memcpy(host, text, (size_t)(colon - text));
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        return mf_error_set(err, MF_STATUS_TARGET, text, "tcp:ADDRESS:PORT is wanted");
    address.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        (plan->shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) ||
        bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &n) != 0)
        return mf_error_errno(err, MF_STATUS_TARGET, text, "cannot listen");
    snprintf(endpoint, room, "tcp:%s:%u", host, ntohs(address.sin_port));
    return 0;
}

/* When this process is killed the kernel lets go of its descriptors from the highest number down. A client whose
 * connection ended before the listener would connect again, to nobody, and lose what it sends: sometimes, by
 * microseconds. With a high number the listener goes first. */
static int fd_raise(int fd)
{
    int high = fcntl(fd, F_DUPFD_CLOEXEC, LISTENER_FD);
    if (high < 0)
        return fd;
    close(fd);
    return high;
}

int mf_listener_make(const struct mf_listener_plan *plan, char *endpoint, size_t n, struct mf_error *err)
{
    bool path = is_unix(plan->at);
    int fd = socket(path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return mf_error_errno(err, MF_STATUS_TARGET, plan->at, "cannot make the listening socket");
    if ((path ? unix_bind(plan, fd, endpoint, n, err) : tcp_bind(plan, fd, endpoint, n, err)) == 0)
        return fd_raise(fd);
    close(fd);
    return -1;
}

void mf_listener_lend(struct mf_core *core, int fd)
{
    core->io.listen_fd = fd_raise(fd);
    core->io.listener_is_lent = true;
    snprintf(core->endpoint, sizeof core->endpoint, "%s", core->args->listen);
}

int mf_listener_open(struct mf_core *core, struct mf_error *err)
{
    const struct mf_node_args *args = core->args;
    if (args->listen_fd >= 0) {
        mf_listener_lend(core, args->listen_fd);
        return 0;
    }
    struct mf_listener_plan plan = {.at = args->listen, .shared = core->strategy->listener == MF_LISTENER_SHARED};
    core->io.listen_fd = mf_listener_make(&plan, core->endpoint, sizeof core->endpoint, err);
    return core->io.listen_fd < 0 ? -1 : 0;
}

/* --- watching --- */

int mf_listener_watch(struct mf_core *core)
{
    struct mf_io *io = &core->io;
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = &io->listen_fd};
    return epoll_ctl(io->epoll_fd, EPOLL_CTL_ADD, io->listen_fd, &e);
}

/* A server that is slow to accept: the listener is not looked at again before the delay is over. */
static void listener_rest(struct mf_core *core)
{
    struct mf_io *io = &core->io;
    uint64_t delay_ns = core->args->accept_delay_us * 1000ULL;
    struct itimerspec when = {.it_value = mf_clock_timespec(delay_ns)};
    if (timerfd_settime(io->accept_timer_fd, 0, &when, NULL) == 0)
        epoll_ctl(io->epoll_fd, EPOLL_CTL_DEL, io->listen_fd, NULL);
}

void mf_listener_rested(struct mf_core *core)
{
    uint64_t times;
    if (read(core->io.accept_timer_fd, &times, sizeof times) < 0)
        return; /* not yet */
    if (core->io.listen_fd >= 0)
        mf_listener_watch(core);
}

void mf_listener_close(struct mf_core *core)
{
    struct mf_io *io = &core->io;
    if (io->listen_fd < 0)
        return;
    if (io->epoll_fd >= 0)
        epoll_ctl(io->epoll_fd, EPOLL_CTL_DEL, io->listen_fd, NULL);
    close(io->listen_fd);
    io->listen_fd = -1;
    if (is_unix(core->endpoint) && !io->listener_is_lent)
        unlink(core->endpoint + 5);
}

/* Descriptors are out: gives the spare one up for a moment, so that the peer is refused rather than left waiting, and
 * this loop does not spin on a listener that stays readable. */
static bool connection_refuse(struct mf_io *io)
{
    if (io->spare_fd < 0)
        return false;
    close(io->spare_fd);
    int fd = accept4(io->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    io->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd >= 0;
}

/* Returns whether there may be more. */
static bool connection_accept(struct mf_core *core)
{
    struct mf_io *io = &core->io;
    int fd = accept4(io->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        int on = 1;
        if (!is_unix(core->endpoint))
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (!mf_connection_new(core, fd, io->next_id))
            fprintf(stderr, "midflight-node: a connection is refused: %s\n", strerror(errno));
        return true;
    }
    if (errno == EINTR || errno == ECONNABORTED)
        return true;
    if ((errno == EMFILE || errno == ENFILE) && connection_refuse(io)) {
        fprintf(stderr, "midflight-node: a connection is refused: no descriptor is left\n");
        return true;
    }
    return false;
}

void mf_listener_accept(struct mf_core *core)
{
    if (core->args->accept_delay_us == 0) {
        mf_listener_accept_all(core);
    } else {
        connection_accept(core);
        listener_rest(core);
    }
}

void mf_listener_accept_all(struct mf_core *core)
{
    while (connection_accept(core))
        ;
}
