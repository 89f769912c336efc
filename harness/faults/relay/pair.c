#include "faults/relay/pair.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"

#define BURST_NS (20 * MF_NS_PER_MS) /* a throttle's allowance never grows beyond what flows in so long */

struct pair *pair_new(int client_fd, const struct sockaddr *node, socklen_t node_bytes)
{
    struct pair *p = calloc(1, sizeof *p);
    int fd = p ? socket(node->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;
    if (fd < 0) {
        close(client_fd);
        free(p);
        return NULL;
    }
    p->fd[0] = client_fd;
    p->fd[1] = fd;
    if (connect(fd, node, node_bytes) != 0) {
        p->connecting = errno == EINPROGRESS;
        p->broken = !p->connecting;
    }
    return p;
}

/* --- a direction --- */

static void chunks_drop(struct direction *d)
{
    while (d->first) {
        struct chunk *next = d->first->next;
        free(d->first);
        d->first = next;
    }
    d->last = NULL;
    d->queued = 0;
}

/* Reads what is there. False: the connection is broken. */
static bool direction_read(struct direction *d, int fd, const struct weather *w, uint64_t now_ns)
{
    while (!d->input_ended && d->queued < QUEUE_MAX) {
        struct chunk *c = malloc(sizeof *c);
        if (!c)
            return true; /* later */
        ssize_t n = recv(fd, c->bytes, sizeof c->bytes, MSG_DONTWAIT);
        if (n <= 0 || d->deaf) {
            int code = errno;
            free(c);
            if (n > 0)
                continue;
            d->input_ended = n == 0;
            return n == 0 || code == EAGAIN || code == EINTR;
        }
        c->next = NULL;
        c->begin = 0;
        c->end = (uint32_t)n;
        c->due_ns = now_ns + w->delay_ns;
        d->queued += (uint64_t)n;
        if (d->last)
            d->last->next = c;
        else
            d->first = c;
        d->last = c;
    }
    return true;
}

static void allowance_grow(struct direction *d, const struct weather *w, uint64_t now_ns)
{
    uint64_t most = w->bytes_per_s * BURST_NS / MF_NS_PER_S + 1;
    uint64_t more =
        (now_ns - d->since_ns > MF_NS_PER_S ? MF_NS_PER_S : now_ns - d->since_ns) * w->bytes_per_s / MF_NS_PER_S;
    if (more == 0)
        return; /* the fraction stays in since_ns */
    d->allowance = d->allowance + more > most ? most : d->allowance + more;
    d->since_ns = now_ns;
}

/* Writes what is due and allowed. False: broken. *next_ns: when more will be. */
static bool direction_write(struct direction *d, int fd, const struct weather *w, uint64_t now_ns, uint64_t *next_ns)
{
    if (w->bytes_per_s)
        allowance_grow(d, w, now_ns);
    while (d->first && !d->output_ended) {
        struct chunk *c = d->first;
        size_t n = c->end - c->begin;
        if (c->due_ns > now_ns) {
            *next_ns = c->due_ns < *next_ns ? c->due_ns : *next_ns;
            return true;
        }
        if (w->bytes_per_s && n > d->allowance)
            n = (size_t)d->allowance;
        if (n == 0) {
            uint64_t at_ns = now_ns + MF_NS_PER_S / w->bytes_per_s + MF_NS_PER_MS;
            *next_ns = at_ns < *next_ns ? at_ns : *next_ns;
            return true;
        }
        ssize_t sent = send(fd, c->bytes + c->begin, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        d->blocked = sent < 0 && errno == EAGAIN;
        if (sent < 0)
            return d->blocked || errno == EINTR;
        c->begin += (uint32_t)sent;
        d->queued -= (uint64_t)sent;
        if (w->bytes_per_s)
            d->allowance -= (uint64_t)sent;
        if (c->begin == c->end) {
            d->first = c->next;
            if (!d->first)
                d->last = NULL;
            free(c);
        }
    }
    if (!d->first && d->input_ended && !d->output_ended) {
        d->output_ended = true;
        shutdown(fd, SHUT_WR);
    }
    return true;
}

/* --- a pair --- */

static bool connect_look(struct pair *p)
{
    int code = 0;
    socklen_t bytes = sizeof code;
    if (getsockopt(p->fd[1], SOL_SOCKET, SO_ERROR, &code, &bytes) != 0 || code != 0)
        return false;
    struct sockaddr_storage peer;
    bytes = sizeof peer;
    if (getpeername(p->fd[1], (struct sockaddr *)&peer, &bytes) == 0)
        p->connecting = false;
    return true;
}

uint64_t pair_work(struct pair *p, const struct weather *w, uint64_t now_ns)
{
    uint64_t next_ns = UINT64_MAX;
    if (p->broken || p->fd[0] < 0)
        return next_ns;
    if (p->connecting && !connect_look(p))
        p->broken = true;
    if (p->connecting || p->broken)
        return next_ns;
    for (int side = 0; side < 2 && !p->broken; side++) {
        struct direction *d = &p->from[side];
        p->broken =
            !direction_read(d, p->fd[side], w, now_ns) || !direction_write(d, p->fd[1 - side], w, now_ns, &next_ns);
    }
    return next_ns;
}

uint32_t pair_wants(const struct pair *p, int side)
{
    const struct direction *in = &p->from[side], *out = &p->from[1 - side];
    if (p->connecting)
        return side == 1 ? EPOLLOUT : 0;
    return (!in->input_ended && in->queued < QUEUE_MAX ? EPOLLIN : 0) | (out->blocked ? EPOLLOUT : 0);
}

bool pair_is_over(const struct pair *p)
{
    return p->broken || p->fd[0] < 0 || (p->from[0].output_ended && p->from[1].output_ended);
}

void pair_cut(struct pair *p)
{
    for (int side = 0; side < 2; side++) {
        chunks_drop(&p->from[side]);
        shutdown(p->fd[side], SHUT_RDWR);
        close(p->fd[side]);
        p->fd[side] = -1;
    }
}

void pair_reset(struct pair *p)
{
    struct linger hard = {.l_onoff = 1};
    for (int side = 0; side < 2; side++) {
        chunks_drop(&p->from[side]);
        setsockopt(p->fd[side], SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        close(p->fd[side]);
        p->fd[side] = -1;
    }
}

void pair_half_close(struct pair *p)
{
    chunks_drop(&p->from[0]);
    p->from[0].deaf = true;
    p->from[0].output_ended = true;
    shutdown(p->fd[1], SHUT_WR);
}

void pair_free(struct pair *p)
{
    if (p->broken && p->fd[0] >= 0)
        pair_reset(p); /* what came as a reset on one side is one on the other */
    for (int side = 0; side < 2; side++) {
        chunks_drop(&p->from[side]);
        if (p->fd[side] >= 0)
            close(p->fd[side]);
    }
    free(p);
}
