#include "faults/relay/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "faults/relay/pair.h"
#include "wire/control.h"

#define EVENTS 64

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_un unix_path;
        struct sockaddr_in inet;
    } at;
    socklen_t bytes;
};

struct relay {
    int epoll_fd, listen_fd, control_fd;
    struct address node;
    const char *path; /* to be removed; NULL: none */
    struct weather weather;
    struct pair *pairs;
    struct mf_control_reader reader;
    bool stopping;
};

/* --- addresses --- */

static int address_read(const char *text, struct address *a, struct mf_error *err)
{
    char host[64];
    unsigned port;
    *a = (struct address){0};
    if (strncmp(text, "unix:", 5) == 0 && strlen(text + 5) < sizeof a->at.unix_path.sun_path) {
        a->at.unix_path.sun_family = AF_UNIX;
        strcpy(a->at.unix_path.sun_path, text + 5);
        a->bytes = sizeof a->at.unix_path;
        return 0;
    }
    if (sscanf(text, "tcp:%63[0-9.]:%u", host, &port) == 2 && port <= 65535 &&
        inet_pton(AF_INET, host, &a->at.inet.sin_addr) == 1) {
        a->at.inet.sin_family = AF_INET;
        a->at.inet.sin_port = htons((uint16_t)port);
        a->bytes = sizeof a->at.inet;
        return 0;
    }
    return mf_error_set(err, MF_STATUS_USAGE, NULL, "%s is no endpoint; allowed: unix:PATH, tcp:ADDRESS:PORT", text);
}

static int watch(struct relay *r, int fd, void *what, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = what};
    return epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, fd, &e);
}

static int relay_open(struct relay *r, const char *listen_at, struct mf_error *err)
{
    struct address a;
    if (address_read(listen_at, &a, err) != 0)
        return -1;
    r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    r->listen_fd = socket(a.at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (r->epoll_fd < 0 || r->listen_fd < 0)
        return mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "cannot make the relay's listener");
    if (bind(r->listen_fd, &a.at.any, a.bytes) != 0)
        return mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "cannot listen at %s", listen_at);
    if (a.at.any.sa_family == AF_UNIX)
        r->path = listen_at + 5;
    if (listen(r->listen_fd, SOMAXCONN) != 0 || watch(r, r->listen_fd, &r->listen_fd, EPOLLIN) != 0 ||
        watch(r, r->control_fd, &r->control_fd, EPOLLIN) != 0)
        return mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "cannot listen at %s", listen_at);
    return 0;
}

static int ready_say(struct relay *r, const char *listen_at, struct mf_error *err)
{
    char endpoint[256];
    struct sockaddr_in in;
    socklen_t bytes = sizeof in;
    snprintf(endpoint, sizeof endpoint, "%s", listen_at);
    if (!r->path && getsockname(r->listen_fd, (struct sockaddr *)&in, &bytes) == 0)
        snprintf(endpoint, sizeof endpoint, "tcp:127.0.0.1:%u", ntohs(in.sin_port));
    struct mf_control_writer w;
    mf_control_begin(&w, "ready");
    mf_control_put(&w, "endpoint", endpoint);
    if (mf_control_end(&w) == 0 && mf_control_send(r->control_fd, &w) == 0)
        return 0;
    return mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "nobody hears that the relay is ready");
}

/* --- pairs --- */

static void pair_unlink(struct relay *r, struct pair *p)
{
    if (p->prev)
        p->prev->next = p->next;
    else
        r->pairs = p->next;
    if (p->next)
        p->next->prev = p->prev;
}

static void pair_watch(struct relay *r, struct pair *p)
{
    for (int side = 0; side < 2; side++) {
        uint32_t wants = pair_wants(p, side);
        if (wants == p->watched[side])
            continue;
        struct epoll_event e = {.events = wants, .data.ptr = p};
        epoll_ctl(r->epoll_fd, EPOLL_CTL_MOD, p->fd[side], &e);
        p->watched[side] = wants;
    }
}

static void clients_accept(struct relay *r)
{
    for (;;) {
        int fd = accept4(r->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return;
        struct pair *p = pair_new(fd, &r->node.at.any, r->node.bytes);
        if (!p)
            continue;
        p->next = r->pairs;
        if (r->pairs)
            r->pairs->prev = p;
        r->pairs = p;
        if (watch(r, p->fd[0], p, 0) != 0 || watch(r, p->fd[1], p, 0) != 0)
            p->broken = true;
    }
}

/* Every pair is worked on in each round: there are as many as the load has connections. Returns the next instant. */
static uint64_t pairs_work(struct relay *r)
{
    uint64_t next_ns = UINT64_MAX, now_ns = mf_clock_now_ns();
    for (struct pair *p = r->pairs, *next; p; p = next) {
        next = p->next;
        uint64_t at_ns = pair_work(p, &r->weather, now_ns);
        next_ns = at_ns < next_ns ? at_ns : next_ns;
        if (pair_is_over(p)) {
            pair_unlink(r, p);
            pair_free(p);
        } else {
            pair_watch(r, p);
        }
    }
    return next_ns;
}

/* --- orders --- */

static uint32_t pairs_each(struct relay *r, void (*act)(struct pair *))
{
    uint32_t n = 0;
    for (struct pair *p = r->pairs; p; p = p->next)
        if (!p->broken && p->fd[0] >= 0) {
            if (act)
                act(p);
            n++;
        }
    return n;
}

/* What was delayed or held back goes at once. */
static void pair_free_flow(struct pair *p)
{
    for (int side = 0; side < 2; side++) {
        p->from[side].allowance = p->from[side].since_ns = 0;
        for (struct chunk *c = p->from[side].first; c; c = c->next)
            c->due_ns = 0;
    }
}

static void order_do(struct relay *r, const struct mf_control_line *line)
{
    bool bad = false;
    uint32_t n = 0;
    struct mf_control_writer w;
    if (strcmp(line->verb, "stop") == 0) {
        r->stopping = true;
        return;
    }
    if (strcmp(line->verb, "cut") == 0)
        n = pairs_each(r, pair_cut);
    else if (strcmp(line->verb, "reset") == 0)
        n = pairs_each(r, pair_reset);
    else if (strcmp(line->verb, "half_close") == 0)
        n = pairs_each(r, pair_half_close);
    else if (strcmp(line->verb, "delay") == 0)
        r->weather.delay_ns = mf_control_u64(line, "us", 0, UINT32_MAX * 1000ULL, &bad) * 1000;
    else if (strcmp(line->verb, "throttle") == 0)
        r->weather.bytes_per_s = mf_control_u64(line, "bytes_per_s", 0, 1ULL << 40, &bad);
    else if (strcmp(line->verb, "clear") == 0) {
        r->weather = (struct weather){0};
        pairs_each(r, pair_free_flow);
    }
    mf_control_begin(&w, "done");
    mf_control_put(&w, "what", line->verb);
    mf_control_put_u64(&w, "connections", n ? n : pairs_each(r, NULL));
    if (mf_control_get(line, "act"))
        mf_control_put(&w, "act", mf_control_get(line, "act"));
    if (mf_control_end(&w) != 0 || mf_control_send(r->control_fd, &w) != 0)
        r->stopping = true;
}

static void orders_read(struct relay *r)
{
    size_t space;
    char *at = mf_control_feed_space(&r->reader, &space), *text;
    ssize_t n = recv(r->control_fd, at, space, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        r->stopping = true;
    if (n <= 0)
        return;
    mf_control_fed(&r->reader, (size_t)n);
    while ((text = mf_control_next(&r->reader))) {
        struct mf_control_line line;
        if (mf_control_parse(&line, text) == 0)
            order_do(r, &line);
    }
}

/* --- life --- */

static int relay_serve(struct relay *r, struct mf_error *err)
{
    struct epoll_event events[EVENTS];
    while (!r->stopping) {
        uint64_t next_ns = pairs_work(r), now_ns = mf_clock_now_ns();
        struct timespec rest = mf_clock_timespec(next_ns > now_ns ? next_ns - now_ns : 0);
        int n = epoll_pwait2(r->epoll_fd, events, EVENTS, next_ns == UINT64_MAX ? NULL : &rest, NULL);
        if (n < 0 && errno != EINTR)
            return mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "the relay cannot wait");
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == &r->listen_fd)
                clients_accept(r);
            else if (events[i].data.ptr == &r->control_fd)
                orders_read(r);
        }
    }
    return 0;
}

static void relay_close(struct relay *r)
{
    for (struct pair *p = r->pairs, *next; p; p = next) {
        next = p->next;
        pair_free(p);
    }
    if (r->listen_fd >= 0)
        close(r->listen_fd);
    if (r->epoll_fd >= 0)
        close(r->epoll_fd);
    if (r->path)
        unlink(r->path);
}

int relay_run(int control_fd, const char *listen_at, const char *to, struct mf_error *err)
{
    struct relay *r = calloc(1, sizeof *r);
    if (!r)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for a relay");
    r->epoll_fd = r->listen_fd = -1;
    r->control_fd = control_fd;
    int bad = address_read(to, &r->node, err);
    if (!bad)
        bad = relay_open(r, listen_at, err);
    if (!bad)
        bad = ready_say(r, listen_at, err);
    if (!bad)
        bad = relay_serve(r, err);
    relay_close(r);
    free(r);
    return bad;
}
