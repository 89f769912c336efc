/* Codec `http1`: a ping is a request, a pong its response. What is asked, and where in a response the version stands,
 * is configured (http1_conf.h); where a message ends, the scanner says (http1_scan.h). Specified in README.md. */
#include <string.h>

#include "wire/http1_conf.h"
#include "wire/number.h"
#include "wire/ping_text.h"

/* So long a number, with what a body may be cut into around it. */
#define NUMBER_BYTES_MAX 64

static const struct mf_http1_conf *of(const struct mf_codec_conf *conf)
{
    return mf_http1_conf(conf);
}

static size_t http1_bytes_max(const struct mf_codec_conf *conf, uint32_t payload_bytes)
{
    (void)payload_bytes;
    return of(conf)->ping_bytes_max > of(conf)->pong_bytes_max ? of(conf)->ping_bytes_max : of(conf)->pong_bytes_max;
}

static size_t http1_in_bytes_max(const struct mf_codec_conf *conf)
{
    return of(conf)->wants.message_bytes_max;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static uint8_t *put(uint8_t *out, const void *bytes, size_t n)
{
    memcpy(out, bytes, n);
    return out + n;
}

static uint8_t *put_text(uint8_t *out, const char *text)
{
    return put(out, text, strlen(text));
}

static uint8_t *put_piece(const struct mf_http1_conf *conf, uint8_t *out, const struct mf_http1_text *piece,
                          const struct mf_msg *msg);

/* How long the pieces from this one on become. */
static size_t body_bytes(const struct mf_http1_conf *conf, const struct mf_http1_text *piece, const struct mf_msg *msg)
{
    uint8_t scratch[NUMBER_BYTES_MAX];
    size_t n = 0;

    while (piece->kind != MF_HTTP1_PIECE_BODY)
        piece++;
    for (; piece < conf->piece + conf->pieces; piece++)
        n += piece->kind == MF_HTTP1_PIECE_TEXT ? piece->bytes
                                                : (size_t)(put_piece(conf, scratch, piece, msg) - scratch);
    return n;
}

static uint8_t *put_piece(const struct mf_http1_conf *conf, uint8_t *out, const struct mf_http1_text *piece,
                          const struct mf_msg *msg)
{
    switch (piece->kind) {
    case MF_HTTP1_PIECE_TEXT:
        return put(out, conf->text + piece->at, piece->bytes);
    case MF_HTTP1_PIECE_STREAM:
        return mf_number_put(out, msg->stream);
    case MF_HTTP1_PIECE_SEQ:
        return mf_number_put(out, msg->seq);
    case MF_HTTP1_PIECE_PROCESS:
        return mf_number_put(out, msg->process);
    case MF_HTTP1_PIECE_ID:
        return mf_ping_id_put(out, msg);
    case MF_HTTP1_PIECE_CLOSE:
        return msg->closes && conf->says_close ? put_text(out, "Connection: close\r\n") : out;
    case MF_HTTP1_PIECE_BODY_LENGTH:
        return mf_number_put(out, body_bytes(conf, piece, msg));
    case MF_HTTP1_PIECE_BODY:
        return out;
    }
    return out;
}

/* A witness, as a response gives it. */
static uint8_t *put_place(const struct mf_http1_conf *conf, uint8_t *out, unsigned which, const struct mf_msg *msg)
{
    const struct mf_http1_place *place = &conf->place[which];

    if (!place->in_body) {
        out = put(out, conf->text + place->name, place->name_bytes);
        out = put_text(out, ": ");
    }
    out = put(out, conf->text + place->after, place->after_bytes);
    out = which == MF_HTTP1_IDS       ? mf_ping_id_put(out, msg)
          : which == MF_HTTP1_VERSION ? mf_number_put(out, msg->version)
                                      : mf_number_put(out, which == MF_HTTP1_COUNT ? msg->count : msg->instance);
    return put_text(out, place->in_body ? "\n" : "\r\n");
}

static bool place_is_told(const struct mf_http1_conf *conf, unsigned which, const struct mf_msg *msg)
{
    static const unsigned has[] = {MF_HAS_VERSION, MF_HAS_INSTANCE, MF_HAS_COUNT};

    if (!conf->place[which].is_given)
        return false;
    return which == MF_HTTP1_IDS || (msg->kind == MF_MSG_PONG && msg->has & has[which]);
}

static uint8_t *put_places(const struct mf_http1_conf *conf, uint8_t *out, bool in_body, const struct mf_msg *msg)
{
    for (unsigned i = 0; i < MF_HTTP1_PLACES; i++)
        if (conf->place[i].in_body == in_body && place_is_told(conf, i, msg))
            out = put_place(conf, out, i, msg);
    return out;
}

/* The text of an error is the reason of its status. */
static uint8_t *put_status(const struct mf_http1_conf *conf, uint8_t *out, const struct mf_msg *msg)
{
    uint32_t n = msg->text_bytes < MF_ERROR_TEXT_BYTES ? msg->text_bytes : MF_ERROR_TEXT_BYTES;

    out = put_text(out, "HTTP/1.1 ");
    if (msg->kind != MF_MSG_ERROR) {
        out = mf_number_put(out, conf->statuses ? conf->status[0] : 200);
        return put_text(out, " OK\r\n");
    }
    out = put_text(out, "503 ");
    for (uint32_t i = 0; i < n; i++)
        *out++ = (uint8_t)msg->text[i] < ' ' || msg->text[i] == 127 ? ' ' : (uint8_t)msg->text[i];
    return put_text(out, "\r\n");
}

static size_t response_encode(const struct mf_http1_conf *conf, uint8_t *out, const struct mf_msg *msg)
{
    uint8_t body[2 * MF_CODEC_CONF_BYTES], *p = put_status(conf, out, msg);
    size_t n = (size_t)(put_places(conf, body, true, msg) - body);

    p = put_places(conf, p, false, msg);
    p = put_text(p, "Content-Length: ");
    p = mf_number_put(p, n);
    p = put_text(p, msg->closes ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n");
    return (size_t)(put(p, body, n) - out);
}

static size_t http1_encode(const struct mf_codec_conf *conf, uint8_t *out, const struct mf_msg *msg)
{
    const struct mf_http1_text *piece = of(conf)->piece;
    uint8_t *p = out;

    if (msg->kind != MF_MSG_PING)
        return response_encode(of(conf), out, msg);
    for (uint32_t i = 0; i < of(conf)->pieces; i++)
        p = put_piece(of(conf), p, &piece[i], msg);
    return (size_t)(p - out);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* What stands behind the first occurrence of a text in a body that may come in chunks: up to NUMBER_BYTES_MAX bytes of
 * it, in `out`. False: it does not occur. */
static bool body_find_split(const struct mf_http1_message *m, const uint8_t *after, size_t n, uint8_t *out,
                            struct mf_http1_slice *found)
{
    uint8_t last[2 * MF_CODEC_CONF_BYTES]; /* the newest n bytes, at its end */
    size_t at = 0, have = 0, used = 0;
    bool is_behind = false;
    struct mf_http1_slice piece;

    while (mf_http1_piece(m, &at, &piece) && used < NUMBER_BYTES_MAX) {
        for (size_t i = 0; i < piece.bytes && used < NUMBER_BYTES_MAX; i++) {
            if (is_behind) {
                out[used++] = piece.at[i];
                continue;
            }
            if (have == sizeof last) {
                memmove(last, last + sizeof last - n, n);
                have = n;
            }
            last[have++] = piece.at[i];
            is_behind = have >= n && memcmp(last + have - n, after, n) == 0;
        }
    }
    *found = (struct mf_http1_slice){out, used};
    return is_behind;
}

static bool body_find(const struct mf_http1_message *m, const uint8_t *after, size_t n, uint8_t *out,
                      struct mf_http1_slice *found)
{
    struct mf_http1_slice piece, more;
    size_t at = 0;

    if (!mf_http1_piece(m, &at, &piece))
        return false;
    if (mf_http1_piece(m, &at, &more))
        return body_find_split(m, after, n, out, found);
    const uint8_t *text = memmem(piece.at, piece.bytes, after, n);
    if (!text)
        return false;
    *found = (struct mf_http1_slice){text + n, (size_t)(piece.at + piece.bytes - text) - n};
    return true;
}

/* What stands in that place of the response; `out` has room for NUMBER_BYTES_MAX. */
static bool place_find(const struct mf_http1_conf *conf, unsigned which, const struct mf_http1_message *m, uint8_t *out,
                       struct mf_http1_slice *found)
{
    const struct mf_http1_place *place = &conf->place[which];
    const uint8_t *after = (const uint8_t *)conf->text + place->after;

    if (place->in_body)
        return body_find(m, after, place->after_bytes, out, found);
    *found = m->value[which];
    if (!found->at || place->after_bytes == 0)
        return found->at;
    const uint8_t *text = memmem(found->at, found->bytes, after, place->after_bytes);
    if (!text)
        return false;
    text += place->after_bytes;
    *found = (struct mf_http1_slice){text, (size_t)(found->at + found->bytes - text)};
    return true;
}

static bool ids_read(const struct mf_http1_conf *conf, const struct mf_http1_message *m, struct mf_msg *msg)
{
    uint8_t out[NUMBER_BYTES_MAX];
    struct mf_http1_slice found;

    return place_find(conf, MF_HTTP1_IDS, m, out, &found) && mf_ping_id_take(found.at, found.bytes, msg);
}

/* A witness that is configured and not there makes an answer wrong: it could be anybody's. */
static bool witness_read(const struct mf_http1_conf *conf, unsigned which, const struct mf_http1_message *m,
                         uint64_t max, uint64_t *value)
{
    uint8_t out[NUMBER_BYTES_MAX];
    struct mf_http1_slice found;

    if (!conf->place[which].is_given)
        return true;
    if (!place_find(conf, which, m, out, &found))
        return false;
    const uint8_t *p = found.at;
    return mf_number_take(&p, found.at + found.bytes, max, value);
}

static bool status_is_right(const struct mf_http1_conf *conf, unsigned status)
{
    for (uint32_t i = 0; i < conf->statuses; i++)
        if (conf->status[i] == status)
            return true;
    return conf->statuses == 0 && status / 100 == 2;
}

static void response_read(const struct mf_http1_conf *conf, const struct mf_http1_message *m, struct mf_msg *msg)
{
    uint64_t version = 0;

    if (!status_is_right(conf, m->status)) {
        msg->kind = m->status >= 400 ? MF_MSG_ERROR : MF_MSG_PONG;
        msg->corrupt = msg->kind == MF_MSG_PONG;
        msg->text = (const char *)m->line.at;
        msg->text_bytes = (uint32_t)m->line.bytes;
        return;
    }
    msg->kind = MF_MSG_PONG;
    msg->has = conf->shared.gives;
    msg->corrupt |= !witness_read(conf, MF_HTTP1_VERSION, m, UINT32_MAX, &version) ||
                    !witness_read(conf, MF_HTTP1_INSTANCE, m, UINT64_MAX, &msg->instance) ||
                    !witness_read(conf, MF_HTTP1_COUNT, m, UINT64_MAX, &msg->count);
    msg->version = (uint32_t)version;
}

static ssize_t message_read(const struct mf_http1_conf *conf, const uint8_t *in, size_t n, bool at_end,
                            struct mf_msg *msg)
{
    struct mf_http1_message m;
    ssize_t taken = mf_http1_scan(&conf->wants, in, n, at_end, &m);

    if (taken <= 0)
        return taken;
    *msg = (struct mf_msg){.kind = MF_MSG_PING, .named = MF_NAMED_NOT, .closes = m.closes};
    bool has_ids = !conf->place[MF_HTTP1_IDS].is_given || ids_read(conf, &m, msg);
    if (m.status > 0) {
        msg->corrupt = !has_ids && m.status < 400;
        response_read(conf, &m, msg);
    }
    return taken;
}

static ssize_t http1_decode(const struct mf_codec_conf *conf, const uint8_t *in, size_t n, struct mf_msg *msg)
{
    ssize_t taken = message_read(of(conf), in, n, false, msg);

    return taken > 0 ? taken : taken < 0 ? MF_DECODE_BROKEN : MF_DECODE_MORE;
}

static ssize_t http1_decode_end(const struct mf_codec_conf *conf, const uint8_t *in, size_t n, struct mf_msg *msg)
{
    ssize_t taken = message_read(of(conf), in, n, true, msg);

    return taken > 0 ? taken : taken < 0 ? MF_DECODE_BROKEN : MF_DECODE_MORE;
}

static bool http1_peek(const struct mf_codec_conf *conf, const uint8_t *in, size_t n, struct mf_msg *msg)
{
    const struct mf_http1_place *ids = &of(conf)->place[MF_HTTP1_IDS];
    struct mf_http1_message m;

    return ids->is_given && !ids->in_body && mf_http1_scan(&of(conf)->wants, in, n, false, &m) >= 0 &&
           ids_read(of(conf), &m, msg);
}

const struct mf_codec mf_codec_http1 = {
    .name = "http1",
    .summary = "HTTP/1.1 requests and responses; the version from a header or the body",
    .carries_payload = false,
    .payload_bytes_max = 0,
    .in_order = true,
    .configure = mf_http1_conf_new,
    .bytes_max = http1_bytes_max,
    .in_bytes_max = http1_in_bytes_max,
    .encode = http1_encode,
    .decode = http1_decode,
    .decode_end = http1_decode_end,
    .peek = http1_peek,
};
