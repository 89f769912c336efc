#include "targets/dial.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECT_MS 10

static int fail(const char *endpoint, struct mf_error *err, const char *what)
{
    return mf_error_set(err, MF_STATUS_TARGET, endpoint, "%s", what);
}

static int unix_address(const char *path, struct sockaddr_storage *at, socklen_t *bytes)
{
    struct sockaddr_un *un = (struct sockaddr_un *)at;
    if (strlen(path) >= sizeof un->sun_path)
        return -1;
    un->sun_family = AF_UNIX;
    snprintf(un->sun_path, sizeof un->sun_path, "%s", path);
    *bytes = sizeof *un;
    return 0;
}

static int inet_address(const char *text, struct sockaddr_storage *at, socklen_t *bytes)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text || (size_t)(colon - text) >= sizeof host)
        return -1;
    snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
    size_t n = strlen(host);
    bool bracketed = host[0] == '[' && host[n - 1] == ']';
    if (bracketed)
        host[n - 1] = 0;
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(host + bracketed, colon + 1, &hints, &found) != 0)
        return -1;
    memcpy(at, found->ai_addr, found->ai_addrlen);
    *bytes = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

static int socket_connect(int fd, const struct sockaddr_storage *at, socklen_t bytes)
{
    if (connect(fd, (const struct sockaddr *)at, bytes) == 0)
        return 0;
    struct pollfd poll_at = {.fd = fd, .events = POLLOUT};
    int error = errno;
    socklen_t size = sizeof error;
    if (error != EINPROGRESS)
        return -1;
    if (poll(&poll_at, 1, CONNECT_MS) != 1)
        error = ETIMEDOUT;
    else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    errno = error;
    return error ? -1 : 0;
}

int mf_dial(const char *endpoint, struct mf_error *err)
{
    struct sockaddr_storage at = {0};
    socklen_t bytes = 0;
    bool is_unix = strncmp(endpoint, "unix:", 5) == 0, is_udp = strncmp(endpoint, "udp:", 4) == 0;
    if ((is_unix ? unix_address(endpoint + 5, &at, &bytes) : inet_address(endpoint + 4, &at, &bytes)) != 0)
        return fail(endpoint, err, is_unix ? "the path is too long for a socket" : "is no address");
    int fd = socket(at.ss_family, (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && socket_connect(fd, &at, bytes) == 0)
        return fd;
    int bad = fail(endpoint, err, strerror(errno));
    if (fd >= 0)
        close(fd);
    return bad;
}
