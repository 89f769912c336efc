/* Codec `line`: one line of text a message, for targets written in an afternoon. Specified in README.md. */
#include <string.h>

#include "wire/codec.h"
#include "wire/number.h"

#define LINE_BYTES_MAX 4096 /* newline included */
/* "PONG" and six numbers are shorter than "ERROR", two numbers and the longest text */
#define ENCODED_BYTES_MAX (sizeof "ERROR 4294967295 18446744073709551615 \n" + MF_ERROR_TEXT_BYTES)

static size_t line_bytes_max(const struct mf_codec_conf *conf, uint32_t payload_bytes)
{
    (void)conf;
    (void)payload_bytes;
    return ENCODED_BYTES_MAX;
}

static size_t line_in_bytes_max(const struct mf_codec_conf *conf)
{
    (void)conf;
    return LINE_BYTES_MAX;
}

static uint8_t *put_number(uint8_t *out, uint64_t value)
{
    *out++ = ' ';
    return mf_number_put(out, value);
}

static uint8_t *put_witness(uint8_t *out, bool given, uint64_t value)
{
    if (given)
        return put_number(out, value);
    memcpy(out, " -", 2);
    return out + 2;
}

static uint8_t *put_text(uint8_t *out, const char *text, uint32_t n)
{
    if (n > MF_ERROR_TEXT_BYTES)
        n = MF_ERROR_TEXT_BYTES;
    *out++ = ' ';
    for (uint32_t i = 0; i < n; i++)
        *out++ = (uint8_t)text[i] < ' ' || text[i] == 127 ? ' ' : (uint8_t)text[i];
    return out;
}

static size_t line_encode(const struct mf_codec_conf *conf, uint8_t *out, const struct mf_msg *msg)
{
    uint8_t *p = out;

    (void)conf;
    if (msg->kind == MF_MSG_ERROR) {
        memcpy(p, "ERROR", 5);
        p = put_number(p + 5, msg->stream);
        p = put_number(p, msg->seq);
        p = put_text(p, msg->text, msg->text_bytes);
    } else {
        memcpy(p, msg->kind == MF_MSG_PING ? "PING" : "PONG", 4);
        p = put_number(p + 4, msg->stream);
        p = put_number(p, msg->seq);
        p = put_number(p, msg->process);
        if (msg->kind == MF_MSG_PONG) {
            p = put_witness(p, msg->has & MF_HAS_VERSION, msg->version);
            p = put_witness(p, msg->has & MF_HAS_INSTANCE, msg->instance);
            p = put_witness(p, msg->has & MF_HAS_COUNT, msg->count);
        }
    }
    *p++ = '\n';
    return (size_t)(p - out);
}

/* What is left of a line. */
struct cursor {
    const uint8_t *at, *end;
};

static bool take_verb(struct cursor *c, const char *verb)
{
    size_t n = strlen(verb);

    if ((size_t)(c->end - c->at) < n || memcmp(c->at, verb, n) != 0 || (c->at + n < c->end && c->at[n] != ' '))
        return false;
    c->at += n;
    return true;
}

/* A blank and a decimal number up to `max`, followed by a blank or the line's end. */
static bool take_number(struct cursor *c, uint64_t max, uint64_t *value)
{
    const uint8_t *p = c->at;
    uint64_t taken;

    if (p == c->end || *p++ != ' ' || !mf_number_take(&p, c->end, max, &taken) || (p < c->end && *p != ' '))
        return false;
    *value = taken;
    c->at = p;
    return true;
}

static bool take_id(struct cursor *c, uint32_t *id)
{
    uint64_t value;

    if (!take_number(c, UINT32_MAX, &value))
        return false;
    *id = (uint32_t)value;
    return true;
}

/* A number, or " -" for one that is not given. */
static bool take_witness(struct cursor *c, struct mf_msg *msg, unsigned bit, uint64_t max, uint64_t *value)
{
    *value = 0;
    if (c->end - c->at >= 2 && memcmp(c->at, " -", 2) == 0 && (c->end - c->at == 2 || c->at[2] == ' ')) {
        c->at += 2;
        return true;
    }
    if (!take_number(c, max, value))
        return false;
    msg->has |= bit;
    return true;
}

static bool parse_pong(struct cursor *c, struct mf_msg *msg)
{
    uint64_t version;

    if (!take_id(c, &msg->process) || !take_witness(c, msg, MF_HAS_VERSION, UINT32_MAX, &version))
        return false;
    msg->version = (uint32_t)version;
    return take_witness(c, msg, MF_HAS_INSTANCE, UINT64_MAX, &msg->instance) &&
           take_witness(c, msg, MF_HAS_COUNT, UINT64_MAX, &msg->count);
}

static bool parse_ids(struct cursor *c, struct mf_msg *msg)
{
    uint32_t stream;
    uint64_t seq;

    if (!take_id(c, &stream) || !take_number(c, UINT64_MAX, &seq))
        return false;
    msg->stream = stream;
    msg->seq = seq;
    return true;
}

static bool parse_line(struct cursor *c, struct mf_msg *msg)
{
    if (take_verb(c, "PONG"))
        return parse_ids(c, msg) && parse_pong(c, msg);
    if (take_verb(c, "PING")) {
        msg->kind = MF_MSG_PING;
        return parse_ids(c, msg) && take_id(c, &msg->process);
    }
    if (!take_verb(c, "ERROR") || !parse_ids(c, msg))
        return false;
    msg->kind = MF_MSG_ERROR;
    if (c->at < c->end)
        c->at++; /* the blank before the text */
    msg->text = (const char *)c->at;
    msg->text_bytes = (uint32_t)(c->end - c->at);
    return true;
}

static ssize_t line_decode(const struct mf_codec_conf *conf, const uint8_t *in, size_t n, struct mf_msg *msg)
{
    const uint8_t *newline = memchr(in, '\n', n < LINE_BYTES_MAX ? n : LINE_BYTES_MAX);

    (void)conf;
    if (!newline)
        return n < LINE_BYTES_MAX ? MF_DECODE_MORE : MF_DECODE_BROKEN;
    struct cursor c = {in, newline};
    if (c.end > c.at && c.end[-1] == '\r')
        c.end--;
    *msg = (struct mf_msg){.kind = MF_MSG_PONG, .stream = UINT32_MAX, .process = UINT32_MAX, .seq = UINT64_MAX};
    msg->corrupt = !parse_line(&c, msg);
    return newline + 1 - in;
}

static bool line_peek(const struct mf_codec_conf *conf, const uint8_t *in, size_t n, struct mf_msg *msg)
{
    struct cursor c = {in, in + n};

    (void)conf;
    if (!take_verb(&c, "PING") && !take_verb(&c, "PONG") && !take_verb(&c, "ERROR"))
        return false;
    /* A number that is not followed by a blank may have lost digits. */
    return parse_ids(&c, msg) && c.at < c.end;
}

const struct mf_codec mf_codec_line = {
    .name = "line",
    .summary = "one line of text a message: PING/PONG <stream> <seq> <process> ...",
    .carries_payload = false,
    .payload_bytes_max = 0,
    .bytes_max = line_bytes_max,
    .in_bytes_max = line_in_bytes_max,
    .encode = line_encode,
    .decode = line_decode,
    .peek = line_peek,
};
