/* The scanner of `http1` held against another reader of HTTP, libhttp-parser (2.9, long in use): random responses,
 * right ones and damaged ones, split at random places. Where both take a stream, they must see the same messages with
 * the same bodies, and agree after which the connection ends. Where one refuses, only the differences that are listed
 * here are allowed. Built where that library is installed. */
#ifdef MIDFLIGHT_HTTP_PARSER

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <http_parser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "wire/http1_scan.h"

#define STREAM_BYTES_MAX 8192
#define MESSAGES_MAX     64
#define ROUNDS           20000

/* What a reader has seen in a stream. */
struct seen {
    uint32_t messages;
    struct {
        unsigned status;
        bool closes;
        uint32_t body_bytes, body_sum;
    } message[MESSAGES_MAX];
    bool is_broken, is_open; /* open: the last message is not whole */
    size_t at;               /* in the stream: behind the last whole message */
};

static uint32_t sum_of(uint32_t sum, const uint8_t *p, size_t n)
{
    while (n-- > 0)
        sum = sum * 31 + *p++;
    return sum;
}

/* --- the other reader --------------------------------------------------------------------------------------------- */

struct other {
    struct seen *seen;
    bool begun, is_last;
};

static int on_begin(http_parser *parser)
{
    struct other *o = parser->data;
    o->begun = true;
    o->seen->message[o->seen->messages].body_bytes = 0;
    o->seen->message[o->seen->messages].body_sum = 0;
    return 0;
}

/* That library leaves it to its user to say which responses have no body, whatever their headers say (RFC 9112 6.3). */
static int on_headers(http_parser *parser)
{
    return parser->status_code < 200 || parser->status_code == 204 || parser->status_code == 304;
}

static int on_body(http_parser *parser, const char *at, size_t n)
{
    struct other *o = parser->data;
    o->seen->message[o->seen->messages].body_bytes += (uint32_t)n;
    o->seen->message[o->seen->messages].body_sum =
        sum_of(o->seen->message[o->seen->messages].body_sum, (const uint8_t *)at, n);
    return 0;
}

static int on_complete(http_parser *parser)
{
    struct other *o = parser->data;
    o->begun = parser->status_code < 200; /* an interim one: its final one is still to come */
    if (o->begun)
        return 0;
    o->seen->message[o->seen->messages].status = parser->status_code;
    o->seen->message[o->seen->messages].closes = !http_should_keep_alive(parser);
    o->is_last = o->seen->message[o->seen->messages].closes;
    o->seen->messages++;
    return o->is_last || o->seen->messages == MESSAGES_MAX; /* stops it there */
}

static void other_read(const uint8_t *in, size_t n, struct mf_rng *rng, struct seen *seen)
{
    static const http_parser_settings settings = {.on_message_begin = on_begin,
                                                  .on_headers_complete = on_headers,
                                                  .on_body = on_body,
                                                  .on_message_complete = on_complete};
    struct other o = {.seen = seen};
    http_parser parser;

    *seen = (struct seen){0};
    http_parser_init(&parser, HTTP_RESPONSE);
    parser.data = &o;
    for (size_t at = 0; at < n && !o.is_last;) {
        size_t part = 1 + mf_rng_below(rng, n - at);
        size_t taken = http_parser_execute(&parser, &settings, (const char *)in + at, part);
        enum http_errno code = HTTP_PARSER_ERRNO(&parser);
        if (code == HPE_CB_message_complete)
            return;
        if (code != HPE_OK || parser.upgrade || taken != part) {
            seen->is_broken = true;
            return;
        }
        at += part;
    }
    if (o.begun && !o.is_last) {
        http_parser_execute(&parser, &settings, NULL, 0);
        seen->is_open = o.begun;
    }
}

/* --- ours --------------------------------------------------------------------------------------------------------- */

static const struct mf_http1_wants wants = {.message_bytes_max = STREAM_BYTES_MAX + 1};

static void message_see(const struct mf_http1_message *m, struct seen *seen)
{
    struct mf_http1_slice piece;
    uint32_t bytes = 0, sum = 0;

    for (size_t at = 0; mf_http1_piece(m, &at, &piece);) {
        bytes += (uint32_t)piece.bytes;
        sum = sum_of(sum, piece.at, piece.bytes);
    }
    seen->message[seen->messages].status = m->status;
    seen->message[seen->messages].closes = m->closes;
    seen->message[seen->messages].body_bytes = bytes;
    seen->message[seen->messages++].body_sum = sum;
}

static void ours_read(const uint8_t *in, size_t n, struct mf_rng *rng, struct seen *seen)
{
    size_t have = 0;
    struct mf_http1_message m;

    *seen = (struct seen){0};
    while (seen->messages < MESSAGES_MAX) {
        bool at_end = have == n;
        size_t part = have - seen->at;
        if (at_end && part == 0)
            return;
        uint8_t *copy = malloc(part + !part);
        memcpy(copy, in + seen->at, part);
        ssize_t taken = part > 0 ? mf_http1_scan(&wants, copy, part, at_end, &m) : 0;
        if (taken > 0)
            message_see(&m, seen);
        free(copy);
        if (taken < 0 || (taken > 0 && m.status == 0)) {
            seen->is_broken = true;
            return;
        }
        if (taken > 0 && m.closes)
            return;
        seen->at += (size_t)taken;
        if (taken > 0)
            continue;
        if (at_end) { /* empty lines are not the beginning of a message */
            while (seen->at < n && (in[seen->at] == '\r' || in[seen->at] == '\n'))
                seen->at++;
            seen->is_open = seen->at < n;
            return;
        }
        have += 1 + mf_rng_below(rng, n - have);
    }
}

/* --- responses ---------------------------------------------------------------------------------------------------- */

struct stream {
    size_t n;
    uint8_t in[STREAM_BYTES_MAX];
};

static void add(struct stream *s, const char *text)
{
    size_t n = strlen(text);
    if (n > sizeof s->in - s->n)
        n = sizeof s->in - s->n;
    memcpy(s->in + s->n, text, n);
    s->n += n;
}

static const char *pick(struct mf_rng *rng, const char *const *texts)
{
    uint32_t n = 0;
    while (texts[n])
        n++;
    return texts[mf_rng_below(rng, n)];
}

static void add_noise(struct stream *s, struct mf_rng *rng, size_t n)
{
    char text[2] = "";
    while (n-- > 0) {
        text[0] = (char)(' ' + mf_rng_below(rng, 95));
        add(s, text);
    }
}

static void add_body(struct stream *s, struct mf_rng *rng, unsigned status)
{
    size_t n = mf_rng_below(rng, 60);
    char line[64];

    switch (mf_rng_below(rng, 8)) {
    case 0: /* until the end; where the status has a body */
        add(s, "\r\n");
        if (status != 204 && status != 304 && status >= 200)
            add_noise(s, rng, n);
        return;
    case 1:
    case 2:
    case 3:
        add(s, "Transfer-Encoding: chunked\r\n\r\n");
        if (status == 204 || status == 304 || status < 200)
            return;
        for (uint64_t chunks = mf_rng_below(rng, 4); chunks > 0; chunks--) {
            n = 1 + mf_rng_below(rng, 40);
            snprintf(line, sizeof line, mf_rng_below(rng, 2) ? "%zx\r\n" : "%zX;ext=1\r\n", n);
            add(s, line);
            add_noise(s, rng, n);
            add(s, "\r\n");
        }
        add(s, mf_rng_below(rng, 3) ? "0\r\n\r\n" : "0\r\nTrailer: x\r\n\r\n");
        return;
    default:
        snprintf(line, sizeof line, "Content-Length: %zu\r\n\r\n", n);
        add(s, line);
        if (status != 204 && status != 304 && status >= 200)
            add_noise(s, rng, n);
    }
}

static void add_response(struct stream *s, struct mf_rng *rng)
{
    static const unsigned statuses[] = {200, 200, 200, 200, 201, 204, 304, 404, 500, 503, 100, 103};
    static const char *const versions[] = {"HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", NULL};
    /* one at most: keep-alive and close both, which HTTP/1.0 does not say what to make of, are read otherwise there */
    static const char *const connections[] = {"Connection: keep-alive\r\n", "connection: Close\r\n",
                                              "Connection: x, y\r\n", "Connection: a,KEEP-alive\r\n", NULL};
    static const char *const headers[] = {"Server: some/1.0 (thing)\r\n",
                                          "X:\r\n",
                                          "Date: Thu, 01 Jan 1970 00:00:00 GMT\n",
                                          "X-Folded: a\r\n  b\r\n",
                                          "X-Tab:\ta\tb \r\n",
                                          "X-High: \xc3\xbc\r\n",
                                          NULL};
    unsigned status = statuses[mf_rng_below(rng, 12)];
    char line[64];

    snprintf(line, sizeof line, "%s %u%s\r\n", pick(rng, versions), status, mf_rng_below(rng, 4) ? " Some Reason" : "");
    add(s, line);
    for (uint64_t n = mf_rng_below(rng, 4); n > 0; n--)
        add(s, pick(rng, headers));
    if (mf_rng_below(rng, 2))
        add(s, pick(rng, connections));
    add_body(s, rng, status);
}

static void damage(struct stream *s, struct mf_rng *rng)
{
    static const char signs[] = "\r\n :;,0159afAF-HTcC{\x7f\x01";

    for (uint64_t hits = 1 + mf_rng_below(rng, 3); hits > 0 && s->n > 1; hits--) {
        size_t at = mf_rng_below(rng, s->n);
        switch (mf_rng_below(rng, 4)) {
        case 0:
            memmove(s->in + at, s->in + at + 1, s->n - at - 1);
            s->n--;
            break;
        case 1:
            s->in[at] = (uint8_t)mf_rng_next(rng);
            s->in[at] += s->in[at] == '\t'; /* behind "chunked" the other reader does not know it for a blank */
            break;
        case 2:
            s->n = at + 1; /* cut */
            break;
        default:
            s->in[at] = (uint8_t)signs[mf_rng_below(rng, sizeof signs - 1)];
        }
    }
}

/* Whether b has seen all messages of a. */
static bool begins_with(const struct seen *b, const struct seen *a)
{
    if (a->messages > b->messages)
        return false;
    for (uint32_t i = 0; i < a->messages; i++)
        if (a->message[i].status != b->message[i].status || a->message[i].closes != b->message[i].closes ||
            a->message[i].body_bytes != b->message[i].body_bytes || a->message[i].body_sum != b->message[i].body_sum)
            return false;
    return true;
}

static bool same(const struct seen *a, const struct seen *b)
{
    return a->messages == b->messages && a->is_broken == b->is_broken && a->is_open == b->is_open && begins_with(b, a);
}

static void show(const struct stream *s, const struct seen *ours, const struct seen *other)
{
    char text[4 * STREAM_BYTES_MAX + 1];
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, s->in[i] < ' ' || s->in[i] > 126 ? "\\x%02x" : "%c", s->in[i]);
    text[n] = 0;
    cr_assert(false, "ours: %u messages%s%s, other: %u messages%s%s: %s", ours->messages,
              ours->is_broken ? ", broken" : "", ours->is_open ? ", open" : "", other->messages,
              other->is_broken ? ", broken" : "", other->is_open ? ", open" : "", text);
}

/* Ours looks at whole lines of a head: what makes no sense is seen when its line has ended. */
static bool breaks_with_its_line(struct stream *s, struct mf_rng *rng)
{
    struct seen ours;

    add(s, "\r\n");
    ours_read(s->in, s->n, rng, &ours);
    return ours.is_broken;
}

/* "Connection: ,close": the other reader makes nothing of a list that has empty words (RFC 9110 5.6.1: they are
 * nothing). Behind the message where only one of the two sees an end, it reads no further. */
static bool differs_in_connection(const struct seen *a, const struct seen *b)
{
    for (uint32_t i = 0; i < a->messages && i < b->messages; i++) {
        if (a->message[i].status != b->message[i].status || a->message[i].body_bytes != b->message[i].body_bytes ||
            a->message[i].body_sum != b->message[i].body_sum)
            return false;
        if (a->message[i].closes != b->message[i].closes)
            return true;
    }
    return false;
}

Test(http1_cross, right_streams_are_read_alike)
{
    struct mf_rng rng;
    static struct stream s;
    struct seen ours, other;
    uint64_t messages = 0;

    mf_rng_init(&rng, 21, 1);
    for (int round = 0; round < ROUNDS; round++) {
        s.n = 0;
        for (uint64_t n = 1 + mf_rng_below(&rng, 5); n > 0; n--)
            add_response(&s, &rng);
        ours_read(s.in, s.n, &rng, &ours);
        other_read(s.in, s.n, &rng, &other);
        if (!same(&ours, &other))
            show(&s, &ours, &other);
        messages += ours.messages;
    }
    cr_expect(gt(u64, messages, ROUNDS));
}

Test(http1_cross, damaged_streams_are_read_alike)
{
    struct mf_rng rng;
    static struct stream s;
    struct seen ours, other;
    uint64_t alike = 0, stricter = 0, later = 0, connection = 0;

    mf_rng_init(&rng, 22, 1);
    for (int round = 0; round < ROUNDS; round++) {
        s.n = 0;
        for (uint64_t n = 1 + mf_rng_below(&rng, 4); n > 0; n--)
            add_response(&s, &rng);
        damage(&s, &rng);
        ours_read(s.in, s.n, &rng, &ours);
        other_read(s.in, s.n, &rng, &other);
        if (same(&ours, &other))
            alike++;
        else if (ours.is_broken && begins_with(&other, &ours))
            stricter++;
        else if (ours.is_open && begins_with(&other, &ours) && breaks_with_its_line(&s, &rng))
            later++;
        else if (differs_in_connection(&ours, &other))
            connection++;
        else
            show(&s, &ours, &other);
    }
    printf("%llu alike; %llu where ours is stricter, %llu where it waits for the line's end, %llu lists with empty "
           "words\n",
           (unsigned long long)alike, (unsigned long long)stricter, (unsigned long long)later,
           (unsigned long long)connection);
}

#endif
