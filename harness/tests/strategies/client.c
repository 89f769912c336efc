#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fixture.h"
#include "wire/codec.h"

#define IN_BYTES    (4u << 20)
#define OUT_BYTES   (128u << 10)
#define SEED        7
#define FENCE_MS    50 /* after so long without an answer another ping is sent: one that was lost holds nobody up */
#define PATIENCE_MS 30000

static uint8_t out[OUT_BYTES];

static int connection_of(uint32_t stream)
{
    return (int)(stream * CONNECTIONS / STREAMS);
}

static int socket_open(const struct node *n)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bool tcp = strncmp(n->endpoint, "tcp:", 4) == 0;
    const struct sockaddr *address = tcp ? (struct sockaddr *)&place : (struct sockaddr *)&path;
    if (tcp)
        place.sin_port = htons((uint16_t)atoi(strrchr(n->endpoint, ':') + 1));
    else
        snprintf(path.sun_path, sizeof path.sun_path, "%s", n->endpoint + strlen("unix:"));
    int on = 1, fd = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(ge(int, fd, 0));
    if (tcp)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    cr_assert(eq(int, connect(fd, address, tcp ? sizeof place : sizeof path), 0), "cannot connect: %s",
              strerror(errno));
    return fd;
}

struct client *client_open(const struct node *n)
{
    struct client *c = calloc(1, sizeof *c);
    cr_assert(ne(ptr, c, NULL));
    c->node = n;
    for (int i = 0; i < CONNECTIONS; i++) {
        c->fd[i] = socket_open(n);
        c->in[i] = malloc(IN_BYTES);
        cr_assert(ne(ptr, c->in[i], NULL));
    }
    return c;
}

void client_close(struct client *c)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        if (c->fd[i] >= 0)
            close(c->fd[i]);
        free(c->in[i]);
    }
    free(c);
}

/* --- connections --- */

static void stream_give_up(struct stream *s)
{
    s->given_up = s->sent - s->answered;
}

static void connection_end(struct client *c, int i)
{
    close(c->fd[i]);
    c->fd[i] = -1;
    c->in_bytes[i] = 0;
    c->closed++;
    for (uint32_t s = 0; s < STREAMS; s++)
        if (connection_of(s) == i)
            stream_give_up(&c->stream[s]);
}

/* --- in --- */

static uint32_t process_of(uint32_t stream, uint64_t seq)
{
    return stream + STREAMS * (uint32_t)(seq % ASKED);
}

static void pong_take(struct client *c, const struct mf_msg *m)
{
    cr_assert(m->stream < STREAMS && m->seq < c->stream[m->stream].sent, "an answer to a ping that was never sent");
    struct stream *s = &c->stream[m->stream];
    struct asked *a = &s->asked[m->seq % ASKED];
    s->wrong += m->kind != MF_MSG_PONG || m->corrupt || m->process != process_of(m->stream, m->seq) ||
                !mf_payload_matches(m->payload, m->payload_bytes, SEED, m->stream, m->seq);
    if (s->seen[m->seq]) {
        s->duplicated++;
        return;
    }
    s->seen[m->seq] = 1;
    s->overtaken += s->answered++ > 0 && m->seq < s->last_seq;
    s->last_seq = m->seq;
    if (a->answered++ > 0) {
        a->reordered += m->seq < a->last_seq;
        a->remade += m->instance != a->instance;
        a->went_back += m->count <= a->count;
    }
    a->last_seq = m->seq;
    a->instance = m->instance;
    a->count = m->count;
    a->version = m->version;
}

static void connection_decode(struct client *c, int i)
{
    const struct mf_codec *codec = mf_codec_find("frame");
    size_t at = 0;
    while (at < c->in_bytes[i]) {
        struct mf_msg msg;
        ssize_t taken = codec->decode(NULL, c->in[i] + at, c->in_bytes[i] - at, &msg);
        cr_assert(ne(i64, taken, (ssize_t)MF_DECODE_BROKEN), "the node's bytes are no answers");
        if (taken == MF_DECODE_MORE)
            break;
        pong_take(c, &msg);
        at += (size_t)taken;
    }
    memmove(c->in[i], c->in[i] + at, c->in_bytes[i] - at);
    c->in_bytes[i] -= at;
}

/* Something more of it; false where it has ended. */
static bool connection_read(struct client *c, int i)
{
    ssize_t n = recv(c->fd[i], c->in[i] + c->in_bytes[i], IN_BYTES - c->in_bytes[i], 0);
    if (n <= 0) {
        connection_end(c, i);
        return false;
    }
    c->in_bytes[i] += (size_t)n;
    connection_decode(c, i);
    return true;
}

bool client_read(struct client *c, int deadline_ms)
{
    struct pollfd at[CONNECTIONS];
    for (int i = 0; i < CONNECTIONS; i++)
        at[i] = (struct pollfd){.fd = c->fd[i], .events = POLLIN};
    if (poll(at, CONNECTIONS, deadline_ms) <= 0)
        return false;
    for (int i = 0; i < CONNECTIONS; i++)
        if (at[i].revents)
            connection_read(c, i);
    return true;
}

/* --- out --- */

static size_t ping_encode(const struct client *c, uint32_t stream, uint32_t payload_bytes)
{
    static uint8_t payload[64u << 10];
    uint64_t seq = c->stream[stream].sent;
    cr_assert(lt(u64, seq, SEQS));
    mf_payload_fill(payload, payload_bytes, SEED, stream, seq);
    struct mf_msg msg = {.kind = MF_MSG_PING,
                         .stream = stream,
                         .process = process_of(stream, seq),
                         .seq = seq,
                         .payload = payload,
                         .payload_bytes = payload_bytes};
    return mf_codec_find("frame")->encode(NULL, out, &msg);
}

static void bytes_send(struct client *c, int i, const uint8_t *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(c->fd[i], bytes, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0) { /* the node has closed it: what it had answered until then is still there */
            while (connection_read(c, i))
                ;
            return;
        }
        bytes += sent;
        n -= (size_t)sent;
    }
}

uint64_t client_ping(struct client *c, uint32_t stream, uint32_t payload_bytes)
{
    int i = connection_of(stream);
    if (c->fd[i] < 0)
        c->fd[i] = socket_open(c->node);
    size_t n = ping_encode(c, stream, payload_bytes);
    uint64_t seq = c->stream[stream].sent++;
    bytes_send(c, i, out, n);
    return seq;
}

void client_ping_begin(struct client *c, uint32_t stream, size_t bytes)
{
    ping_encode(c, stream, 0);
    bytes_send(c, connection_of(stream), out, bytes);
}

void client_ping_finish(struct client *c, uint32_t stream, size_t bytes)
{
    size_t n = ping_encode(c, stream, 0);
    c->stream[stream].sent++;
    bytes_send(c, connection_of(stream), out + bytes, n - bytes);
}

/* --- both --- */

uint64_t client_lost(const struct client *c)
{
    uint64_t lost = 0;
    for (uint32_t s = 0; s < STREAMS; s++)
        lost += c->stream[s].sent - c->stream[s].answered;
    return lost;
}

uint64_t client_outstanding(const struct client *c)
{
    uint64_t outstanding = client_lost(c);
    for (uint32_t s = 0; s < STREAMS; s++)
        outstanding -= c->stream[s].given_up;
    return outstanding;
}

void client_drain(struct client *c)
{
    while (client_outstanding(c) > 0)
        cr_assert(client_read(c, PATIENCE_MS), "no answer comes any more");
}

/* One of the stream's processes: the next ping goes to it. */
static bool fence_answered(struct client *c, uint32_t s)
{
    uint64_t seq = client_ping(c, s, 16);
    while (!c->stream[s].seen[seq] && c->fd[connection_of(s)] >= 0)
        if (!client_read(c, FENCE_MS))
            break;
    return c->stream[s].seen[seq];
}

void client_fence(struct client *c)
{
    for (uint32_t s = 0; s < STREAMS; s++) {
        int tries = 0;
        for (int in_turn = 0; in_turn < ASKED; in_turn = fence_answered(c, s) ? in_turn + 1 : 0)
            cr_assert(lt(int, tries++, 50), "no fence of stream %u is answered", s);
        stream_give_up(&c->stream[s]);
    }
}

enum mf_upgrade_outcome client_exchange(struct client *c, struct node *n, uint32_t k)
{
    node_upgrade(n, k);
    while (!node_says(n, "ended", k, 1)) {
        for (uint32_t s = 0; s < STREAMS; s++)
            if (c->fd[connection_of(s)] >= 0)
                client_ping(c, s, 16);
        client_read(c, 1);
    }
    return (enum mf_upgrade_outcome)atomic_load(&n->rec.log[k].outcome);
}
