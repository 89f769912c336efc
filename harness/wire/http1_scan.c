#include "wire/http1_scan.h"

#include <string.h>
#include <strings.h>

#define METHOD_BYTES_MAX 32
/* So long a line, with its newline, can have a chunk's size: what is behind it (extensions) is of no use to anybody. */
#define CHUNK_LINE_BYTES_MAX 4096

/* What is left of the input. */
struct cursor {
    const uint8_t *at, *end;
};

/* Whether so many lines could be read. */
enum taken { BROKEN = -1, MORE = 0, WHOLE = 1 };

/* What the end of the body depends on. */
struct framing {
    bool minor_0; /* HTTP/1.0 */
    bool close, keep_alive;
    bool has_length, has_coding, is_chunked;
    uint64_t length;
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* RFC 9110 5.6.2: tchar. */
static bool is_token_char(uint8_t c)
{
    static const uint32_t set[8] = {0, 0x03FF6CFA, 0xC7FFFFFE, 0x57FFFFFF};

    return set[c >> 5] >> (c & 31) & 1;
}

/* Whether a header's value may hold these: no control characters but the tab. */
static bool is_text(const uint8_t *p, const uint8_t *end)
{
    const uint64_t ones = 0x0101010101010101ULL, highs = ones << 7;

    for (uint64_t word; end - p >= 8; p += 8) {
        memcpy(&word, p, 8);
        /* the high bit of a byte is set where it is below ' ' or is DEL; what a borrow adds is looked at again */
        uint64_t low = (word - ones * ' ') & ~word, del = ((word ^ ones * 127) - ones) & ~(word ^ ones * 127);
        if ((low | del) & highs)
            break;
    }
    for (; p < end; p++)
        if ((*p < ' ' && *p != '\t') || *p == 127)
            return false;
    return true;
}

/* The next line, without its end. */
static enum taken take_line(struct cursor *c, struct cursor *line, size_t bytes_max)
{
    size_t n = (size_t)(c->end - c->at);
    const uint8_t *newline = memchr(c->at, '\n', n < bytes_max ? n : bytes_max);

    if (!newline)
        return n < bytes_max ? MORE : BROKEN;
    line->at = c->at;
    line->end = newline > c->at && newline[-1] == '\r' ? newline - 1 : newline;
    c->at = newline + 1;
    return WHOLE;
}

static struct cursor trimmed(const uint8_t *at, const uint8_t *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return (struct cursor){at, end};
}

static bool is_word(const struct cursor *c, const char *word, size_t bytes)
{
    return (size_t)(c->end - c->at) == bytes && strncasecmp((const char *)c->at, word, bytes) == 0;
}

/* --- the first line ----------------------------------------------------------------------------------------------- */

/* "HTTP/1.x" at the cursor. */
static bool take_version(struct cursor *c, struct framing *f)
{
    if (c->end - c->at < 8 || memcmp(c->at, "HTTP/1.", 7) != 0 || !is_digit(c->at[7]))
        return false;
    f->minor_0 = c->at[7] == '0';
    c->at += 8;
    return true;
}

static bool parse_status_line(struct cursor line, struct mf_http1_message *m, struct framing *f)
{
    if (!take_version(&line, f) || line.end - line.at < 4 || line.at[0] != ' ' || line.at[1] < '1' ||
        !is_digit(line.at[1]) || !is_digit(line.at[2]) || !is_digit(line.at[3]))
        return false;
    m->status = (line.at[1] - '0') * 100u + (line.at[2] - '0') * 10u + (line.at[3] - '0');
    line.at += 4;
    if (line.at < line.end && *line.at++ != ' ')
        return false;
    m->line = (struct mf_http1_slice){line.at, (size_t)(line.end - line.at)};
    return is_text(line.at, line.end);
}

static bool parse_request_line(struct cursor line, struct mf_http1_message *m, struct framing *f)
{
    const uint8_t *target = memchr(line.at, ' ', (size_t)(line.end - line.at));
    const uint8_t *version = target ? memchr(target + 1, ' ', (size_t)(line.end - target - 1)) : NULL;

    if (!version || version == target + 1 || !is_text(target, version))
        return false;
    m->line = (struct mf_http1_slice){target + 1, (size_t)(version - target - 1)};
    line.at = version + 1;
    return take_version(&line, f) && line.at == line.end;
}

/* Whether the first bytes, as many as are there, can begin a message. */
static bool can_begin(const struct cursor *c)
{
    size_t n = (size_t)(c->end - c->at);
    const uint8_t *p = c->at;

    if (memcmp(p, "HTTP/1.", n < 7 ? n : 7) == 0)
        return true;
    while (p < c->end && *p >= 'A' && *p <= 'Z' && p - c->at < METHOD_BYTES_MAX)
        p++;
    return p == c->end || (*p == ' ' && p > c->at);
}

/* --- headers ------------------------------------------------------------------------------------------------------ */

static bool parse_length(struct cursor value, struct framing *f)
{
    if (f->has_length || value.at == value.end)
        return false;
    f->has_length = true;
    for (f->length = 0; value.at < value.end; value.at++) {
        if (!is_digit(*value.at) || f->length > (UINT64_MAX - 9) / 10)
            return false;
        f->length = f->length * 10 + (*value.at - '0');
    }
    return true;
}

/* The last coding says how the body ends. */
static void parse_coding(struct cursor value, struct framing *f)
{
    const uint8_t *comma = memrchr(value.at, ',', (size_t)(value.end - value.at));
    struct cursor last = trimmed(comma ? comma + 1 : value.at, value.end);

    f->has_coding = true;
    f->is_chunked = is_word(&last, "chunked", 7);
}

static void parse_connection(struct cursor value, struct framing *f)
{
    while (value.at < value.end) {
        const uint8_t *comma = memchr(value.at, ',', (size_t)(value.end - value.at));
        struct cursor word = trimmed(value.at, comma ? comma : value.end);
        f->close |= is_word(&word, "close", 5);
        f->keep_alive |= is_word(&word, "keep-alive", 10);
        value.at = comma ? comma + 1 : value.end;
    }
}

enum header { HEADER_OTHER, HEADER_LENGTH, HEADER_CODING, HEADER_CONNECTION, HEADER_WANTED };

static enum header header_is(const struct mf_http1_wants *wants, const struct cursor *name, unsigned *which)
{
    size_t n = (size_t)(name->end - name->at);

    if (n == 10 && is_word(name, "connection", 10))
        return HEADER_CONNECTION;
    if (n == 14 && is_word(name, "content-length", 14))
        return HEADER_LENGTH;
    if (n == 17 && is_word(name, "transfer-encoding", 17))
        return HEADER_CODING;
    for (*which = 0; *which < MF_HTTP1_WANTED; ++*which)
        if (wants->header[*which].at &&
            is_word(name, (const char *)wants->header[*which].at, wants->header[*which].bytes))
            return HEADER_WANTED;
    return HEADER_OTHER;
}

/* One name may be wanted more than once. */
static void header_keep(const struct mf_http1_wants *wants, unsigned first, struct cursor value,
                        struct mf_http1_message *m)
{
    const struct mf_http1_slice *name = &wants->header[first];

    for (unsigned i = first; i < MF_HTTP1_WANTED; i++)
        if (!m->value[i].at && wants->header[i].at && wants->header[i].bytes == name->bytes &&
            memcmp(wants->header[i].at, name->at, name->bytes) == 0)
            m->value[i] = (struct mf_http1_slice){value.at, (size_t)(value.end - value.at)};
}

/* Returns what it is, -1 where it is no header. */
static int parse_header(const struct mf_http1_wants *wants, const struct cursor *line, struct mf_http1_message *m,
                        struct framing *f)
{
    struct cursor name = {line->at, line->at}, value;
    unsigned which;

    while (name.end < line->end && is_token_char(*name.end))
        name.end++;
    if (name.end == name.at || name.end == line->end || *name.end != ':' || !is_text(name.end + 1, line->end))
        return -1;
    value = trimmed(name.end + 1, line->end);
    enum header is = header_is(wants, &name, &which);
    if (is == HEADER_LENGTH && !parse_length(value, f))
        return -1;
    if (is == HEADER_CODING)
        parse_coding(value, f);
    else if (is == HEADER_CONNECTION)
        parse_connection(value, f);
    else if (is == HEADER_WANTED)
        header_keep(wants, which, value, m);
    return (int)is;
}

/* Header lines up to the empty one; those of trailers (f NULL) say nothing. */
static enum taken take_headers(const struct mf_http1_wants *wants, struct cursor *c, const uint8_t *from,
                               struct mf_http1_message *m, struct framing *f)
{
    static const struct mf_http1_wants nothing;
    struct mf_http1_message unread;
    struct framing unused = {0};
    enum header last = HEADER_CONNECTION; /* the first line is no continuation */
    struct cursor line;

    for (;;) {
        enum taken got = take_line(c, &line, MF_HTTP1_HEAD_BYTES_MAX - (size_t)(c->at - from));
        if (got != WHOLE || line.at == line.end)
            return got;
        if (*line.at == ' ' || *line.at == '\t') { /* the last one goes on (obs-fold) */
            if (last != HEADER_OTHER || !is_text(line.at, line.end))
                return BROKEN;
            continue;
        }
        int is = f ? parse_header(wants, &line, m, f) : parse_header(&nothing, &line, &unread, &unused);
        if (is < 0 || (!f && (is == HEADER_LENGTH || is == HEADER_CODING)))
            return BROKEN;
        last = (enum header)is;
    }
}

/* --- the body ----------------------------------------------------------------------------------------------------- */

static int hex_digit(uint8_t c)
{
    if (is_digit(c))
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A chunk's size and the end of its line. */
static enum taken take_chunk_size(struct cursor *c, uint64_t *size)
{
    const uint8_t *p = c->at;

    for (*size = 0; p < c->end && hex_digit(*p) >= 0; p++) {
        if (*size >> 60)
            return BROKEN;
        *size = *size << 4 | (unsigned)hex_digit(*p);
    }
    if (p < c->end && (p == c->at || (*p != '\r' && *p != ';' && *p != ' ')))
        return BROKEN;
    size_t left = (size_t)(c->end - p);
    const uint8_t *cr = memchr(p, '\r', left < CHUNK_LINE_BYTES_MAX ? left : CHUNK_LINE_BYTES_MAX);
    if (!cr)
        return left < CHUNK_LINE_BYTES_MAX ? MORE : BROKEN;
    if (cr + 1 == c->end)
        return MORE;
    c->at = cr + 2;
    return cr[1] == '\n' ? WHOLE : BROKEN;
}

static enum taken take_chunks(struct cursor *c, size_t bytes_max)
{
    const uint8_t *from = c->at;

    for (;;) {
        uint64_t size;
        enum taken got = take_chunk_size(c, &size);
        if (got != WHOLE)
            return got;
        if (size == 0)
            return take_headers(NULL, c, c->at, NULL, NULL);
        if (size > bytes_max || (size_t)(c->at - from) + size > bytes_max)
            return BROKEN;
        size_t left = (size_t)(c->end - c->at);
        if ((left > size && c->at[size] != '\r') || (left > size + 1 && c->at[size + 1] != '\n'))
            return BROKEN;
        if (left < size + 2)
            return MORE;
        c->at += size + 2;
    }
}

static void body_is(const struct mf_http1_wants *wants, const struct framing *f, struct mf_http1_message *m)
{
    bool none =
        m->status ? wants->answers_head || m->status == 204 || m->status == 304 : !f->has_coding && !f->has_length;

    m->framing = none            ? MF_HTTP1_BODY_NONE
                 : f->is_chunked ? MF_HTTP1_BODY_CHUNKED
                 : f->has_length ? MF_HTTP1_BODY_LENGTH
                                 : MF_HTTP1_BODY_TO_END;
    m->closes = m->framing == MF_HTTP1_BODY_TO_END || f->close || (f->minor_0 && !f->keep_alive);
}

static enum taken take_body(const struct mf_http1_wants *wants, const struct framing *f, struct cursor *c, bool at_end,
                            struct mf_http1_message *m)
{
    size_t left = (size_t)(c->end - c->at);
    enum taken got = WHOLE;

    m->body = (struct mf_http1_slice){c->at, 0};
    switch (m->framing) {
    case MF_HTTP1_BODY_NONE:
        return WHOLE;
    case MF_HTTP1_BODY_LENGTH:
        if (f->length > wants->message_bytes_max)
            return BROKEN;
        if (left < f->length)
            return MORE;
        c->at += f->length;
        break;
    case MF_HTTP1_BODY_CHUNKED:
        got = take_chunks(c, wants->message_bytes_max);
        break;
    case MF_HTTP1_BODY_TO_END:
        got = at_end ? WHOLE : MORE;
        c->at = c->end;
        break;
    }
    m->body.bytes = (size_t)(c->at - m->body.at);
    return got;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static enum taken take_message(const struct mf_http1_wants *wants, struct cursor *c, bool at_end,
                               struct mf_http1_message *m)
{
    struct framing f = {0};
    struct cursor line;
    const uint8_t *from = c->at;

    if (!can_begin(c))
        return BROKEN;
    enum taken got = take_line(c, &line, MF_HTTP1_HEAD_BYTES_MAX);
    if (got != WHOLE)
        return got;
    bool is_response = line.end - line.at >= 5 && memcmp(line.at, "HTTP/", 5) == 0;
    if (is_response ? !parse_status_line(line, m, &f) : !parse_request_line(line, m, &f))
        return BROKEN;
    got = take_headers(wants, c, from, m, &f);
    if (got != WHOLE)
        return got;
    /* Two readers could see two ends here. */
    if ((f.has_length && f.has_coding) || (!is_response && f.has_coding && !f.is_chunked) || m->status == 101)
        return BROKEN;
    if (is_response && m->status < 200)
        return WHOLE;
    body_is(wants, &f, m);
    return take_body(wants, &f, c, at_end, m);
}

ssize_t mf_http1_scan(const struct mf_http1_wants *wants, const uint8_t *in, size_t n, bool at_end,
                      struct mf_http1_message *m)
{
    struct cursor c = {in, in + n};

    for (;;) {
        *m = (struct mf_http1_message){0};
        while (c.at < c.end && (*c.at == '\r' || *c.at == '\n')) /* empty lines in front of a message are passed over */
            c.at++;
        enum taken got = c.at < c.end ? take_message(wants, &c, at_end, m) : MORE;
        if (got == BROKEN || (got == MORE && n >= wants->message_bytes_max))
            return -1;
        if (got == MORE)
            return 0;
        if (m->status == 0 || m->status >= 200)
            return c.at - in;
    }
}

bool mf_http1_piece(const struct mf_http1_message *m, size_t *at, struct mf_http1_slice *piece)
{
    struct cursor c = {m->body.at + *at, m->body.at + m->body.bytes};
    uint64_t size;

    if (*at >= m->body.bytes)
        return false;
    if (m->framing != MF_HTTP1_BODY_CHUNKED) {
        *piece = m->body;
        *at = m->body.bytes;
        return true;
    }
    if (take_chunk_size(&c, &size) != WHOLE || size == 0) {
        *at = m->body.bytes;
        return false;
    }
    *piece = (struct mf_http1_slice){c.at, (size_t)size};
    *at = (size_t)(c.at + size + 2 - m->body.at);
    return true;
}
