#include "load/endpoint.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define RECEIVE_BYTES (4 << 20)

static int parse_unix(struct mf_endpoint *endpoint, const char *path, struct mf_error *err)
{
    struct sockaddr_un *address = (struct sockaddr_un *)&endpoint->address;

    if (!*path || strlen(path) >= sizeof address->sun_path)
        return mf_error_set(err, MF_STATUS_INTERNAL, "endpoint", "a socket's path has 1 to %zu bytes: \"%s\"",
                            sizeof address->sun_path - 1, path);
    address->sun_family = AF_UNIX;
    strcpy(address->sun_path, path);
    endpoint->address_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
    endpoint->is_unix = true;
    return 0;
}

static int parse_internet(struct mf_endpoint *endpoint, const char *text, struct mf_error *err)
{
    char host[128];
    const char *colon = strrchr(text, ':');
    const char *from = text, *to = colon;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV}, *found;

    if (colon && colon > text + 1 && text[0] == '[' && colon[-1] == ']') {
        from++;
        to--;
    }
    if (!colon || (size_t)(to - from) >= sizeof host || !colon[1] ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1))
        return mf_error_set(err, MF_STATUS_INTERNAL, "endpoint", "no ADDRESS:PORT: \"%s\"", text);
    snprintf(host, sizeof host, "%.*s", (int)(to - from), from);
    int code = getaddrinfo(host, colon + 1, &hints, &found);
    if (code != 0)
        return mf_error_set(err, MF_STATUS_INTERNAL, "endpoint", "no numeric ADDRESS:PORT: \"%s\": %s", text,
                            gai_strerror(code));
    memcpy(&endpoint->address, found->ai_addr, found->ai_addrlen);
    endpoint->address_bytes = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

int mf_endpoint_parse(struct mf_endpoint *endpoint, const char *text, struct mf_error *err)
{
    *endpoint = (struct mf_endpoint){0};
    if (strncmp(text, "unix:", 5) == 0)
        return parse_unix(endpoint, text + 5, err);
    endpoint->is_datagram = strncmp(text, "udp:", 4) == 0;
    if (endpoint->is_datagram || strncmp(text, "tcp:", 4) == 0)
        return parse_internet(endpoint, text + 4, err);
    return mf_error_set(err, MF_STATUS_INTERNAL, "endpoint",
                        "neither unix:PATH nor tcp:ADDRESS:PORT nor udp:ADDRESS:PORT: \"%s\"", text);
}

static enum mf_dial classify(int code)
{
    switch (code) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL:
    case EAGAIN:
        return MF_DIAL_OWN_FAULT;
    case ETIMEDOUT:
        return MF_DIAL_TIMEOUT;
    default:
        return MF_DIAL_REFUSED;
    }
}

/* A TCP socket that looks for a listener on a port from which outgoing connections are numbered can meet itself, and
 * then everything that is sent comes back. Nobody listens there: that is a refusal. */
static bool met_itself(int fd)
{
    struct sockaddr_storage own = {0}, peer = {0};
    socklen_t own_bytes = sizeof own, peer_bytes = sizeof peer;

    if (getsockname(fd, (struct sockaddr *)&own, &own_bytes) < 0 ||
        getpeername(fd, (struct sockaddr *)&peer, &peer_bytes) < 0)
        return false;
    return own.ss_family != AF_UNIX && own_bytes == peer_bytes && memcmp(&own, &peer, own_bytes) == 0;
}

enum mf_dial mf_endpoint_dialled(int fd)
{
    int code = 0;
    socklen_t bytes = sizeof code;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &bytes) < 0)
        code = errno;
    if (code == 0 && met_itself(fd)) {
        /* Without this the kernel would keep the listener's port busy (TIME_WAIT). */
        struct linger reset = {.l_onoff = 1, .l_linger = 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        code = ECONNREFUSED;
    }
    errno = code;
    return code == 0 ? MF_DIAL_MADE : classify(code);
}

static int socket_new(const struct mf_endpoint *endpoint)
{
    int kind = endpoint->is_datagram ? SOCK_DGRAM : SOCK_STREAM;
    int fd = socket(endpoint->address.ss_family, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1, room = RECEIVE_BYTES;

    if (fd >= 0 && endpoint->is_datagram) /* as much as we are given; what does not fit is noticed */
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    if (fd >= 0 && !endpoint->is_unix && !endpoint->is_datagram &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0) {
        int code = errno;
        close(fd);
        errno = code;
        return -1;
    }
    return fd;
}

enum mf_dial mf_endpoint_dial(const struct mf_endpoint *endpoint, int *fd)
{
    enum mf_dial result;

    *fd = socket_new(endpoint);
    if (*fd < 0)
        return MF_DIAL_OWN_FAULT;
    if (connect(*fd, (const struct sockaddr *)&endpoint->address, endpoint->address_bytes) == 0)
        result = mf_endpoint_dialled(*fd);
    else if (errno == EINPROGRESS || errno == EINTR)
        return MF_DIAL_UNDER_WAY;
    else if (errno == EAGAIN && endpoint->is_unix)
        result = MF_DIAL_QUEUE_FULL;
    else
        result = classify(errno);
    if (result != MF_DIAL_MADE) {
        int code = errno;
        close(*fd);
        *fd = -1;
        errno = code;
    }
    return result;
}
