#include "http.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t *find(uint8_t *in, size_t n, const char *text)
{
    uint8_t *at = memmem(in, n, text, strlen(text));

    assert(at);
    return at;
}

static uint8_t *put(uint8_t *to, const void *bytes, size_t n)
{
    memcpy(to, bytes, n);
    return to + n;
}

/* In chunks of 1, 2, 3 ... bytes: whatever is looked for in the body begins in one and ends in another. */
static uint8_t *chunks_put(uint8_t *to, const uint8_t *body, size_t n)
{
    for (size_t at = 0, step = 1; at < n; at += step, step++) {
        step = step < n - at ? step : n - at;
        to += sprintf((char *)to, "%zx;x=y\r\n", step);
        to = put(to, body + at, step);
        to = put(to, "\r\n", 2);
    }
    return put(to, "0\r\nX-Trailer: none\r\n\r\n", 22);
}

size_t liar_http_frame(uint8_t *out, size_t n, enum liar_framing framing)
{
    static const char length[] = "Content-Length: ", chunked[] = "Transfer-Encoding: chunked",
                      interim[] = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n";
    uint8_t *whole, *from, *body, *to = out;

    if (framing == LIAR_FRAMING_LENGTH)
        return n;
    if (framing == LIAR_FRAMING_INTERIM) {
        memmove(out + sizeof interim - 1, out, n);
        memcpy(out, interim, sizeof interim - 1);
        return n + sizeof interim - 1;
    }
    whole = malloc(n + 1);
    assert(whole);
    memcpy(whole, out, n);
    from = find(whole, n, length);
    body = find(whole, n, "\r\n\r\n") + 4;
    to = put(to, whole, (size_t)(from - whole));
    from = find(from, n - (size_t)(from - whole), "\r\n");
    to = framing == LIAR_FRAMING_CHUNKED ? put(to, chunked, sizeof chunked - 1) : to - 2; /* no header: no line */
    to = put(to, from, (size_t)(body - from));
    size_t rest = n - (size_t)(body - whole);
    to = framing == LIAR_FRAMING_CHUNKED ? chunks_put(to, body, rest) : put(to, body, rest);
    free(whole);
    return (size_t)(to - out);
}

void liar_http_damage(uint8_t *out, size_t n)
{
    *(find(out, n, "x-ver: ") + 7) = 'v'; /* the codec writes names of headers in small letters */
}
