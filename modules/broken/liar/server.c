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

#include "liar.h"

#define BACKLOG       64
#define READ_BYTES    65536
#define PLUG_WAIT_MS  50
#define DATAGRAMS_MAX 64

static size_t peer_room(const struct liar *l)
{
    return l->plan.codec->bytes_max(l->plan.asks, l->plan.payload_bytes) + READ_BYTES;
}

static socklen_t server_address(const struct liar *l, struct sockaddr_storage *address)
{
    memset(address, 0, sizeof *address);
    if (l->plan.over_tcp || l->plan.over_udp) {
        struct sockaddr_in *in = (struct sockaddr_in *)address;
        in->sin_family = AF_INET;
        in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        in->sin_port = htons(l->port);
        return sizeof *in;
    }
    struct sockaddr_un *un = (struct sockaddr_un *)address;
    un->sun_family = AF_UNIX;
    strcpy(un->sun_path, l->plan.path);
    return sizeof *un;
}

/* A bound socket; over TCP two may have the port, of which only one listens. */
static int server_bind(const struct liar *l)
{
    struct sockaddr_storage address;
    socklen_t bytes = server_address(l, &address);
    int on = 1, fd = socket(address.ss_family, (l->plan.over_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    if ((l->plan.over_tcp && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0) ||
        bind(fd, (struct sockaddr *)&address, bytes) < 0) {
        int code = errno;
        close(fd);
        errno = code;
        return -1;
    }
    return fd;
}

int liar_server_listen(struct liar *l, struct mf_error *err)
{
    l->listen_at_ns = 0;
    l->listener = server_bind(l);
    if (l->listener < 0 || (!l->plan.over_udp && listen(l->listener, BACKLOG) < 0))
        return mf_error_errno(err, MF_STATUS_INTERNAL, l->plan.path[0] ? l->plan.path : "port", "cannot listen");
    return 0;
}

static int port_read(struct liar *l, int fd, struct mf_error *err)
{
    struct sockaddr_in in;
    socklen_t bytes = sizeof in;

    if (fd < 0 || getsockname(fd, (struct sockaddr *)&in, &bytes) < 0)
        return mf_error_errno(err, MF_STATUS_INTERNAL, "port", "there is none");
    l->port = ntohs(in.sin_port);
    return 0;
}

int liar_server_open(struct liar *l, struct mf_error *err)
{

    l->listener = l->anchor = -1;
    l->port = l->plan.port;
    for (int i = 0; i < LIAR_PEERS_MAX; i++)
        l->peer[i].fd = -1;
    if (l->plan.over_tcp) {
        l->anchor = server_bind(l);
        if (port_read(l, l->anchor, err) < 0)
            return -1;
    }
    if (l->plan.over_udp)
        return liar_server_listen(l, err) < 0 ? -1 : port_read(l, l->listener, err);
    if (l->plan.listen_after_ns == 0)
        return liar_server_listen(l, err);
    l->listen_at_ns = mf_clock_now_ns() + l->plan.listen_after_ns;
    return 0;
}

void liar_server_unlisten(struct liar *l)
{
    if (l->listener < 0)
        return;
    close(l->listener);
    l->listener = -1;
    if (l->plan.path[0])
        unlink(l->plan.path);
}

void liar_server_close(struct liar *l)
{
    liar_server_unlisten(l);
    if (l->anchor >= 0)
        close(l->anchor);
    for (uint32_t i = 0; i < l->plugs; i++)
        close(l->plug[i]);
    for (int i = 0; i < LIAR_PEERS_MAX; i++) {
        if (l->peer[i].fd >= 0)
            close(l->peer[i].fd);
        free(l->peer[i].open);
        free(l->peer[i].bytes);
    }
}

/* Whether this connection, begun, was made: then it takes a place in the queue for ever. */
static bool plug_is_made(int fd, int code)
{
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    socklen_t bytes = sizeof code;

    if (code == 0)
        return true;
    if (errno != EINPROGRESS)
        return false;
    return poll(&wait, 1, PLUG_WAIT_MS) == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &bytes) == 0 && code == 0;
}

void liar_server_fill_queue(struct liar *l)
{
    struct sockaddr_storage address;
    socklen_t bytes = server_address(l, &address);

    l->never_accepts = true;
    listen(l->listener, 0);
    for (bool made = true; made && l->plugs < LIAR_PLUGS_MAX;) {
        int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
            return;
        made = plug_is_made(fd, connect(fd, (struct sockaddr *)&address, bytes));
        l->plug[l->plugs++] = fd;
    }
}

/* A place for whom this descriptor, which is taken, leads to. NULL: there is none, and the liar fails. */
static struct liar_peer *peer_begin(struct liar *l, int fd)
{
    struct mf_error err;

    for (int i = 0; fd >= 0 && i < LIAR_PEERS_MAX; i++) {
        struct liar_peer *p = &l->peer[i];
        if (p->fd >= 0)
            continue;
        if (!p->bytes && !(p->bytes = malloc(peer_room(l))))
            break;
        p->fd = fd;
        p->end = LIAR_END_NONE;
        p->since_commit = p->opens = 0;
        p->bytes_used = 0;
        return p;
    }
    if (fd >= 0)
        close(fd);
    mf_error_set(&err, MF_STATUS_INTERNAL, NULL, "too many connections, or no memory");
    liar_fail(l, &err);
    return NULL;
}

static bool server_receive(struct liar *l);

void liar_server_accept(struct liar *l)
{
    struct mf_error err;
    int on = 1;

    if (l->plan.over_udp) {
        server_receive(l);
        return;
    }
    int fd = accept4(l->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno != EINTR && errno != ECONNABORTED) {
            mf_error_errno(&err, MF_STATUS_INTERNAL, NULL, "accept");
            liar_fail(l, &err);
        }
        return;
    }
    if (peer_begin(l, fd) && l->plan.over_tcp)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

uint32_t liar_peers(const struct liar *l)
{
    uint32_t live = 0;

    for (int i = 0; i < LIAR_PEERS_MAX; i++)
        live += l->peer[i].fd >= 0 && l->peer[i].end == LIAR_END_NONE;
    return live;
}

void liar_peer_shut(struct liar_peer *p, enum liar_end end)
{
    p->end = end;
    shutdown(p->fd, SHUT_WR);
}

void liar_peer_reset_on_close(const struct liar_peer *p)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};

    setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

void liar_peer_settle(struct liar *l, struct liar_peer *p, enum mf_cause cause, uint64_t unseen)
{
    for (uint32_t i = 0; i < p->opens; i++)
        liar_truth_lost(&l->truth, p->open[i].wait == LIAR_WAIT_CUT ? MF_CAUSE_PARTIAL : cause, 1);
    if (p->end == LIAR_END_ANNOUNCED) {
        l->truth.closed_announced++;
    } else if (cause != MF_CAUSE_UNANSWERED) {
        l->truth.closed_inflight += p->opens + unseen > 0;
        l->truth.closed_idle += p->opens + unseen == 0;
    }
    close(p->fd);
    p->fd = -1;
    p->opens = 0;
}

void liar_peer_forget(struct liar_peer *p, uint32_t index)
{
    p->opens--;
    memmove(p->open + index, p->open + index + 1, (p->opens - index) * sizeof *p->open);
}

static int peer_note(struct liar_peer *p, const struct mf_msg *msg, uint64_t now_ns, uint32_t owed)
{
    if (p->opens == p->room) {
        uint32_t room = p->room ? 2 * p->room : 64;
        struct liar_open *open = realloc(p->open, room * sizeof *open);
        if (!open)
            return -1;
        p->open = open;
        p->room = room;
    }
    p->open[p->opens++] = (struct liar_open){
        .stream = msg->stream, .process = msg->process, .seq = msg->seq, .came_ns = now_ns, .owed = owed};
    return 0;
}

/* A ping as this plan's load would send it; or any, and we give it its name. */
static bool ping_is_right(const struct liar *l, struct mf_msg *msg)
{
    const struct liar_plan *plan = &l->plan;

    if (plan->anybody) {
        msg->stream = msg->process = 0;
        msg->seq = l->received;
        return msg->kind == MF_MSG_PING;
    }
    return msg->kind == MF_MSG_PING && !msg->corrupt && msg->stream < plan->streams && msg->process < plan->processes &&
           msg->process % plan->streams == msg->stream && msg->payload_bytes == plan->payload_bytes &&
           mf_payload_matches(msg->payload, msg->payload_bytes, plan->seed, msg->stream, msg->seq);
}

static void peer_take(struct liar *l, struct liar_peer *p)
{
    struct mf_msg msg;
    size_t at = 0;

    while (p->fd >= 0 && !l->error.status) {
        ssize_t taken = l->plan.codec->decode(l->plan.asks, p->bytes + at, p->bytes_used - at, &msg);
        if (taken == MF_DECODE_MORE)
            break;
        if (taken < 0 || !ping_is_right(l, &msg) || peer_note(p, &msg, l->now_ns, l->owed) < 0) {
            struct mf_error err;
            mf_error_set(&err, MF_STATUS_INTERNAL, NULL, "what came is no ping of this plan, or memory is out");
            liar_fail(l, &err);
            return;
        }
        at += (size_t)taken;
        l->received++;
        p->since_commit++;
        liar_on_ping(l, p);
    }
    if (p->fd < 0)
        return;
    p->bytes_used -= at;
    memmove(p->bytes, p->bytes + at, p->bytes_used);
}

/* Whom a datagram came from. */
static struct liar_peer *peer_of(struct liar *l, const struct sockaddr_in *from)
{
    struct liar_peer *p;

    for (int i = 0; i < LIAR_PEERS_MAX; i++) {
        p = &l->peer[i];
        if (p->fd >= 0 && p->from.sin_port == from->sin_port && p->from.sin_addr.s_addr == from->sin_addr.s_addr)
            return p;
    }
    p = peer_begin(l, fcntl(l->listener, F_DUPFD_CLOEXEC, 0));
    if (p)
        p->from = *from;
    return p;
}

/* The datagrams that are there, each a ping of its own, up to a number after which others should have a turn: the load
 * answers as fast as we do. When each came is asked behind it, since it may have been sent since poll returned. Returns
 * whether there may be more. */
static bool server_receive(struct liar *l)
{
    static uint8_t datagram[READ_BYTES];
    struct sockaddr_in from;

    for (int received = 0; received < DATAGRAMS_MAX && !l->error.status; received++) {
        socklen_t bytes = sizeof from;
        ssize_t n = recvfrom(l->listener, datagram, sizeof datagram, MSG_DONTWAIT, (struct sockaddr *)&from, &bytes);
        if (n < 0 && errno == EAGAIN)
            return false;
        liar_look_at_clock(l);
        struct liar_peer *p = n > 0 ? peer_of(l, &from) : NULL;
        if (!p)
            continue; /* interrupted, or the news that some answer of ours met nobody */
        memcpy(p->bytes, datagram, (size_t)n);
        p->bytes_used = (size_t)n;
        peer_take(l, p);
        if (p->bytes_used > 0) {
            struct mf_error err;
            mf_error_set(&err, MF_STATUS_INTERNAL, NULL, "a datagram came that is no whole ping");
            liar_fail(l, &err);
        }
    }
    return !l->error.status;
}

bool liar_peer_read(struct liar *l, struct liar_peer *p)
{
    if (l->plan.over_udp)
        return server_receive(l);
    ssize_t n = recv(p->fd, p->bytes + p->bytes_used, peer_room(l) - p->bytes_used, MSG_DONTWAIT);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return errno == EINTR;
    if (n > 0) {
        p->bytes_used += (size_t)n;
        peer_take(l, p);
        return p->fd >= 0;
    }
    /* Where we have not ended it, the load has: it is finished, and what is open will not be answered. */
    liar_peer_settle(l, p,
                     p->end == LIAR_END_NONE  ? MF_CAUSE_UNANSWERED
                     : p->end == LIAR_END_RST ? MF_CAUSE_INFLIGHT_RST
                                              : MF_CAUSE_INFLIGHT_FIN,
                     0);
    return false;
}
