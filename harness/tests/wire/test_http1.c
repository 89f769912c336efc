/* Codec `http1`: what ends a response, what it is taken for, what breaks the stream; the request as configured. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/codec.h"
#include "wire/conf.h"

#define VERSION_IN_BODY "version body ver=\n"

static const struct mf_codec *http1(void)
{
    return mf_codec_find("http1");
}

static struct mf_codec_conf *configured(const char *text)
{
    struct mf_error err = {0};
    struct mf_codec_conf *conf = http1()->configure(text, &err);

    cr_assert(ne(ptr, conf, NULL), "%s: %s", err.place, err.text);
    return conf;
}

/* Each way in which a response can end, and the whole of it is needed: `rest` bytes of what is given belong to the
 * next. */
struct row {
    const char *conf, *response;
    size_t rest;
    enum mf_msg_kind kind;
    bool corrupt, closes;
    uint32_t version;
};

#define PONG(text, v)                                                                                                  \
    {                                                                                                                  \
        VERSION_IN_BODY, text, 0, MF_MSG_PONG, false, false, v                                                         \
    }
#define PONG_CLOSES(text, v)                                                                                           \
    {                                                                                                                  \
        VERSION_IN_BODY, text, 0, MF_MSG_PONG, false, true, v                                                          \
    }
#define WRONG(text)                                                                                                    \
    {                                                                                                                  \
        VERSION_IN_BODY, text, 0, MF_MSG_PONG, true, false, 0                                                          \
    }
#define ERROR(text)                                                                                                    \
    {                                                                                                                  \
        VERSION_IN_BODY, text, 0, MF_MSG_ERROR, false, false, 0                                                        \
    }
#define OTHER(conf, text, rest)                                                                                        \
    {                                                                                                                  \
        conf, text, rest, MF_MSG_PONG, false, false, 0                                                                 \
    }
#define OTHER_VERSION(conf, text)                                                                                      \
    {                                                                                                                  \
        conf, text, 0, MF_MSG_PONG, false, false, 7                                                                    \
    }

static const struct row rows[] = {
    PONG("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nver=12", 12),
    PONG("HTTP/1.1 200 OK\nContent-Length:6\n\nver=12", 12),
    PONG("HTTP/1.1 200\r\nCONTENT-LENGTH:  6  \r\nx: y\r\n\r\nver=12", 12),
    PONG("\r\nHTTP/1.1 201 Created\r\nContent-Length: 14\r\n\r\nver=3 pid=1234", 3),
    PONG("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nver=12\r\n0\r\n\r\n", 12),
    PONG("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n3\r\nxve\r\n2;a=b\r\nr=\r\n1 "
         "\r\n1\r\n02\r\n2.\r\n0\r\n"
         "Trailer: yes\r\n\r\n",
         12),
    PONG("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
         "5\r\n\r\nver=4",
         4),
    PONG_CLOSES("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nver=4", 4),
    PONG_CLOSES("HTTP/1.1 200 OK\r\nConnection: a, Close ,b\r\nContent-Length: 5\r\n\r\nver=4", 4),
    PONG_CLOSES("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nver=4", 4),
    PONG("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nver=4", 4),
    WRONG("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nver:4"),
    WRONG("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nver=x"),
    WRONG("HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nver=4294967296"),
    WRONG("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    WRONG("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"),
    WRONG("HTTP/1.1 302 Found\r\nContent-Length: 5\r\n\r\nver=4"),
    WRONG("HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\n\r\n"),
    ERROR("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nver=4"),
    ERROR("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    OTHER("method HEAD\n", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nHTTP/1.1 200 OK\r\n", 17),
    OTHER("", "HTTP/1.1 204 No\r\n\r\nHTTP", 4),
    OTHER("", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcH", 1),
    OTHER("status 404\nstatus 302\n", "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", 0),
    OTHER_VERSION("version header X-Ver\n", "HTTP/1.1 200 OK\r\nx-ver: 7\r\nX-Ver: 8\r\nContent-Length: 0\r\n\r\n"),
    OTHER_VERSION("version header Server app/\n",
                  "HTTP/1.1 200 OK\r\nServer: the app/7.1\r\nContent-Length: 0\r\n\r\n"),
};

/* As the decoder sees it: in a block of exactly its size. */
static ssize_t decode(const struct mf_codec_conf *conf, const char *text, size_t n, bool at_end, struct mf_msg *msg)
{
    uint8_t *copy = malloc(n + !n);
    memcpy(copy, text, n);
    ssize_t taken = at_end ? http1()->decode_end(conf, copy, n, msg) : http1()->decode(conf, copy, n, msg);
    free(copy);
    return taken;
}

Test(http1, each_response_is_what_it_is)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mf_codec_conf *conf = configured(rows[i].conf);
        size_t n = strlen(rows[i].response) - rows[i].rest;
        struct mf_msg msg;
        for (size_t cut = 0; cut < n; cut++)
            cr_assert(eq(i64, decode(conf, rows[i].response, cut, false, &msg), MF_DECODE_MORE), "row %zu cut to %zu",
                      i, cut);
        cr_assert(eq(i64, decode(conf, rows[i].response, n + rows[i].rest, false, &msg), (ssize_t)n), "row %zu", i);
        cr_expect(eq(int, msg.kind, rows[i].kind), "row %zu", i);
        cr_expect(eq(int, msg.corrupt, rows[i].corrupt), "row %zu", i);
        cr_expect(eq(int, msg.closes, rows[i].closes), "row %zu", i);
        cr_expect(eq(u32, msg.corrupt ? 0 : msg.version, rows[i].version), "row %zu", i);
        cr_expect(eq(int, msg.named, MF_NAMED_NOT), "row %zu", i);
        free(conf);
    }
}

Test(http1, a_body_may_end_with_the_connection)
{
    static const char text[] = "HTTP/1.1 200 OK\r\n\r\nver=12",
                      coded[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nver=9",
                      cut[] = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nver=12";
    struct mf_codec_conf *conf = configured(VERSION_IN_BODY);
    struct mf_msg msg;

    for (size_t n = 0; n < sizeof text; n++)
        cr_assert(eq(i64, decode(conf, text, n, false, &msg), MF_DECODE_MORE));
    cr_assert(eq(i64, decode(conf, text, sizeof text - 1, true, &msg), sizeof text - 1));
    cr_expect(eq(u32, msg.version, 12));
    cr_expect(msg.closes && !msg.corrupt);
    cr_assert(eq(i64, decode(conf, coded, sizeof coded - 1, true, &msg), sizeof coded - 1));
    cr_expect(eq(u32, msg.version, 9));
    cr_expect(eq(i64, decode(conf, cut, sizeof cut - 1, true, &msg), MF_DECODE_MORE));
    cr_expect(eq(i64, decode(conf, text, 12, true, &msg), MF_DECODE_MORE));
    free(conf);
}

Test(http1, what_makes_no_sense_breaks_the_stream)
{
    static const char *const broken[] = {
        "hello\r\n",
        "HTTP/2 200\r\n",
        "HTTP/1.1 20 OK\r\n",
        "HTTP/1.1 2000 OK\r\n",
        "HTTP/1.1 099 OK\r\n",
        "HTTP/1.1200 OK\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 200 OK\r\n: x\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n",
        "HTTP/1.1 200 OK\r\nblank : x\r\n",
        "HTTP/1.1 200 OK\r\n continued: x\r\n",
        "HTTP/1.1 200 OK\r\nx: a\001b\r\n",
        "HTTP/1.1 200 OK\r\nx: a\rb\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\rx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n",
    };
    struct mf_codec_conf *conf = configured("");
    struct mf_msg msg;

    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        size_t n = strlen(broken[i]), at = 0;
        while (at <= n && decode(conf, broken[i], at, false, &msg) == MF_DECODE_MORE)
            at++;
        cr_expect(le(sz, at, n), "row %zu is taken for the beginning of something", i);
        cr_expect(eq(i64, decode(conf, broken[i], n, false, &msg), MF_DECODE_BROKEN), "row %zu", i);
    }
    free(conf);
}

Test(http1, heads_and_bodies_have_limits)
{
    struct mf_codec_conf *conf = configured("response_bytes_max 200000\n");
    static char text[200001];
    struct mf_msg msg;
    int head = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nx: ");

    cr_assert(eq(sz, http1()->in_bytes_max(conf), 200000));
    memset(text + head, 'a', sizeof text - (size_t)head);
    cr_expect(eq(i64, decode(conf, text, 60000, false, &msg), MF_DECODE_MORE));
    cr_expect(eq(i64, decode(conf, text, 65536, false, &msg), MF_DECODE_BROKEN));
    head = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n\r\n");
    text[head] = 'a';
    cr_expect(eq(i64, decode(conf, text, 199999, false, &msg), MF_DECODE_MORE));
    cr_expect(eq(i64, decode(conf, text, 200000, false, &msg), MF_DECODE_BROKEN));
    head = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: 199000\r\n\r\n");
    text[head] = 'a';
    cr_expect(eq(i64, decode(conf, text, sizeof text - 1, false, &msg), head + 199000));
    free(conf);
}

Test(http1, an_echoed_id_names_the_ping)
{
    static const struct {
        const char *text;
        enum mf_named named;
        bool corrupt;
    } ids[] = {
        {"3-17-5", MF_NAMED_WHOLE, false}, {"3/17", MF_NAMED_PING, false}, {"3-17", MF_NAMED_PING, false},
        {"3", MF_NAMED_NOT, true},         {"", MF_NAMED_NOT, true},       {"4294967296-1", MF_NAMED_NOT, true},
        {"x3-17", MF_NAMED_NOT, true},
    };
    struct mf_codec_conf *by_header = configured("id header X-Ping\n"), *by_body = configured("id body id=\n");
    char text[300];
    struct mf_msg msg;

    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        for (int in_body = 0; in_body < 2; in_body++) {
            size_t n =
                (size_t)snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nX-Ping: %s\r\nContent-Length: %zu\r\n\r\nid=%s",
                                 in_body ? "no" : ids[i].text, 3 + strlen(ids[i].text), ids[i].text);
            cr_assert(eq(i64, decode(in_body ? by_body : by_header, text, n, false, &msg), (ssize_t)n));
            cr_expect(eq(int, msg.named, ids[i].named), "row %zu", i);
            cr_expect(eq(int, msg.corrupt, ids[i].corrupt), "row %zu", i);
            if (ids[i].named == MF_NAMED_NOT)
                continue;
            cr_expect(eq(u32, msg.stream, 3));
            cr_expect(eq(u64, msg.seq, 17));
        }
    free(by_header);
    free(by_body);
}

static void expect_request(const char *conf_text, const struct mf_msg *ping, const char *request)
{
    struct mf_codec_conf *conf = configured(conf_text);
    char *out = malloc(http1()->bytes_max(conf, 0) + 1);

    out[http1()->encode(conf, (uint8_t *)out, ping)] = 0;
    cr_expect(eq(int, strcmp(out, request), 0), "%s", out);
    free(out);
    free(conf);
}

Test(http1, requests_are_as_configured)
{
    struct mf_msg ping = {.kind = MF_MSG_PING, .stream = 3, .seq = 170, .process = 5};

    expect_request("", &ping, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    expect_request(
        "method POST\npath /a/{stream}?{seq}&{{x}&{process}\nheader Host: me\nheader X: {id} y\nbody {\"n\": "
        "{seq}}\\n\n",
        &ping, "POST /a/3?170&{x}&5 HTTP/1.1\r\nHost: me\r\nX: 3-170-5 y\r\nContent-Length: 11\r\n\r\n{\"n\": 170}\n");
    ping.closes = true;
    expect_request("", &ping, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    expect_request("say_close no\n", &ping, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

Test(http1, a_bad_configuration_is_named)
{
    static const struct {
        const char *text, *place;
    } bad[] = {
        {"method get\n", "method"},
        {"method CONNECT\n", "method"},
        {"path x\n", "path"},
        {"path /a b\n", "path"},
        {"path /{sequ}\n", "path"},
        {"header x\n", "headers"},
        {"header Content-Length: 5\n", "headers"},
        {"header connection: close\n", "headers"},
        {"version nowhere x\n", "version"},
        {"version header X\nversion header Y\n", "version"},
        {"version body \n", "version"},
        {"method HEAD\nversion body v=\n", "version"},
        {"status 100\n", "expect_status"},
        {"response_bytes_max 5\n", "response_bytes_max"},
        {"colour red\n", "colour"},
        {"method GET", "codec_conf"},
        {"path /\\x\n", "codec_conf"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct mf_error err = {0};
        struct mf_codec_conf *conf = http1()->configure(bad[i].text, &err);
        cr_expect(eq(ptr, conf, NULL), "row %zu", i);
        cr_expect(eq(int, strcmp(err.place, bad[i].place), 0), "row %zu: %s: %s", i, err.place, err.text);
        free(conf);
    }
}

Test(http1, the_text_of_a_configuration_comes_back)
{
    char text[64] = "", key[8], value[16];
    const char *at = text;

    cr_assert(mf_conf_put(text, sizeof text, "a", "b \n\\n\\"));
    cr_assert(mf_conf_put(text, sizeof text, "cc", ""));
    cr_expect(not(mf_conf_put(text, sizeof text, "d", "012345678901234567890123456789012345678901234567890123456789")));
    cr_assert(mf_conf_next(&at, key, sizeof key, value, sizeof value));
    cr_expect(eq(int, strcmp(key, "a"), 0));
    cr_expect(eq(int, strcmp(value, "b \n\\n\\"), 0));
    cr_assert(mf_conf_next(&at, key, sizeof key, value, sizeof value));
    cr_expect(eq(int, strcmp(key, "cc"), 0));
    cr_expect(eq(int, strcmp(value, ""), 0));
    cr_expect(not(mf_conf_next(&at, key, sizeof key, value, sizeof value)));
    cr_expect(eq(int, *at, 0));
}
