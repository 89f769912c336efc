/* Codec `resp`: a ping is a command of the Redis protocol (RESP2), a pong its answer. Answers belong to commands in
 * their order. Specified in README.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/conf.h"
#include "wire/number.h"
#include "wire/ping_text.h"

#define ARGS_MAX            16
#define ELEMENTS_MAX        8
#define DEPTH_MAX           8
#define LINE_BYTES_MAX      65536 /* of a simple string or an error */
#define ANSWER_BYTES_MAX    (1u << 20)
#define ANSWER_BYTES_MOST   (64u << 20)
#define LENGTH_BYTES        16 /* "$" or "*", a length, and two line ends */
#define WHOLE_ANSWER        UINT32_MAX
#define ANSWER_PLACES_BYTES 64

enum place_of { VERSION, INSTANCE, COUNT, IDS, PLACES };
static const char *const place_keys[PLACES] = {"version", "instance", "count", "id"};

/* Where in an answer a number stands. */
struct place {
    bool is_given;
    uint32_t element; /* of an array; WHOLE_ANSWER */
    const char *after;
    size_t after_bytes;
};

struct resp_conf {
    struct mf_codec_conf shared; /* first */
    uint32_t args;
    const char *arg[ARGS_MAX];
    struct place place[PLACES];
    const char *expect; /* NULL: any answer that is no error */
    size_t answer_bytes_max, ping_bytes_max, pong_bytes_max;
    size_t text_bytes;
    char text[MF_CODEC_CONF_BYTES];
};

static const struct resp_conf *of(const struct mf_codec_conf *conf)
{
    return (const struct resp_conf *)conf;
}

/* --- the configuration -------------------------------------------------------------------------------------------- */

/* What is kept is never longer than what it is read from. */
static const char *keep(struct resp_conf *conf, const char *text)
{
    char *kept = conf->text + conf->text_bytes;

    conf->text_bytes += strlen(text) + 1;
    return strcpy(kept, text);
}

static int arg_read(struct resp_conf *conf, const char *value, struct mf_error *err)
{
    size_t bytes;
    const char *unknown = mf_ping_text_unknown(value, &bytes);

    if (unknown)
        return mf_error_set(err, MF_STATUS_USAGE, "command",
                            "has {%.*s}; allowed: {stream}, {seq}, {process}, {id}, and {{ for a brace", (int)bytes,
                            unknown);
    if (conf->args == ARGS_MAX)
        return mf_error_set(err, MF_STATUS_USAGE, "command", "has more than %d words", ARGS_MAX);
    conf->arg[conf->args++] = keep(conf, value);
    return 0;
}

/* "ELEMENT" or "ELEMENT TEXT"; ELEMENT is a digit, or "-" for the answer itself. */
static int place_read(struct resp_conf *conf, enum place_of which, const char *value, struct mf_error *err)
{
    struct place *place = &conf->place[which];

    if (place->is_given || (value[0] != '-' && (value[0] < '0' || value[0] >= '0' + ELEMENTS_MAX)) ||
        (value[1] && value[1] != ' '))
        return mf_error_set(err, MF_STATUS_USAGE, place_keys[which],
                            "stands there twice, or is in no element from 0 to %d", ELEMENTS_MAX - 1);
    place->is_given = true;
    place->element = value[0] == '-' ? WHOLE_ANSWER : (uint32_t)(value[0] - '0');
    place->after = keep(conf, value[1] ? value + 2 : "");
    place->after_bytes = strlen(place->after);
    return 0;
}

static int limit_read(struct resp_conf *conf, const char *value, struct mf_error *err)
{
    size_t n = strlen(value);

    if (n > 0 && n <= 9 && strspn(value, "0123456789") == n)
        conf->answer_bytes_max = strtoul(value, NULL, 10);
    if (conf->answer_bytes_max < 1024 || conf->answer_bytes_max > ANSWER_BYTES_MOST)
        return mf_error_set(err, MF_STATUS_USAGE, "answer_bytes_max", "is no number from 1024 to %u",
                            ANSWER_BYTES_MOST);
    return 0;
}

static int line_read(struct resp_conf *conf, const char *key, const char *value, struct mf_error *err)
{
    for (unsigned i = 0; i < PLACES; i++)
        if (strcmp(key, place_keys[i]) == 0)
            return place_read(conf, (enum place_of)i, value, err);
    if (strcmp(key, "arg") == 0)
        return arg_read(conf, value, err);
    if (strcmp(key, "answer_bytes_max") == 0)
        return limit_read(conf, value, err);
    if (strcmp(key, "expect") != 0)
        return mf_error_set(err, MF_STATUS_USAGE, key, "unknown key");
    conf->expect = keep(conf, value);
    return 0;
}

static void conf_finish(struct resp_conf *conf)
{
    static const unsigned has[PLACES] = {MF_HAS_VERSION, MF_HAS_INSTANCE, MF_HAS_COUNT, 0};

    if (conf->args == 0)
        conf->arg[conf->args++] = "PING";
    conf->ping_bytes_max = LENGTH_BYTES;
    for (uint32_t i = 0; i < conf->args; i++)
        conf->ping_bytes_max += LENGTH_BYTES + mf_ping_text_bytes_max(conf->arg[i]);
    conf->pong_bytes_max =
        LENGTH_BYTES * (ELEMENTS_MAX + 1) + MF_ERROR_TEXT_BYTES + (conf->expect ? strlen(conf->expect) : 0);
    for (unsigned i = 0; i < PLACES; i++) {
        conf->shared.gives |= conf->place[i].is_given ? has[i] : 0;
        conf->pong_bytes_max += conf->place[i].after_bytes + ANSWER_PLACES_BYTES;
    }
}

static struct mf_codec_conf *resp_configure(const char *text, struct mf_error *err)
{
    struct resp_conf *conf = calloc(1, sizeof *conf);
    char key[32], value[MF_CODEC_CONF_BYTES];
    int bad = conf && strlen(text) < MF_CODEC_CONF_BYTES
                  ? 0
                  : mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no room for a configuration");

    if (!bad)
        conf->answer_bytes_max = ANSWER_BYTES_MAX;
    while (!bad && mf_conf_next(&text, key, sizeof key, value, sizeof value))
        bad = line_read(conf, key, value, err);
    if (!bad && *text)
        bad = mf_error_set(err, MF_STATUS_USAGE, "codec_conf", "is cut or has a line that makes no sense");
    if (bad) {
        free(conf);
        return NULL;
    }
    conf_finish(conf);
    return &conf->shared;
}

static size_t resp_bytes_max(const struct mf_codec_conf *conf, uint32_t payload_bytes)
{
    (void)payload_bytes;
    return of(conf)->ping_bytes_max > of(conf)->pong_bytes_max ? of(conf)->ping_bytes_max : of(conf)->pong_bytes_max;
}

static size_t resp_in_bytes_max(const struct mf_codec_conf *conf)
{
    return of(conf)->answer_bytes_max;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static uint8_t *put(uint8_t *out, const void *bytes, size_t n)
{
    memcpy(out, bytes, n);
    return out + n;
}

static uint8_t *put_head(uint8_t *out, char type, uint64_t value)
{
    *out++ = (uint8_t)type;
    out = mf_number_put(out, value);
    return put(out, "\r\n", 2);
}

static uint8_t *put_bulk(uint8_t *out, const void *bytes, size_t n)
{
    out = put_head(out, '$', n);
    out = put(out, bytes, n);
    return put(out, "\r\n", 2);
}

static size_t ping_encode(const struct resp_conf *conf, uint8_t *out, const struct mf_msg *msg)
{
    uint8_t word[MF_PING_ID_BYTES_MAX * MF_CODEC_CONF_BYTES / 4], *p = put_head(out, '*', conf->args);

    for (uint32_t i = 0; i < conf->args; i++)
        p = put_bulk(p, word, (size_t)(mf_ping_text_put(word, conf->arg[i], msg) - word));
    return (size_t)(p - out);
}

static size_t error_encode(uint8_t *out, const struct mf_msg *msg)
{
    uint32_t n = msg->text_bytes < MF_ERROR_TEXT_BYTES ? msg->text_bytes : MF_ERROR_TEXT_BYTES;
    uint8_t *p = put(out, "-", 1);

    for (uint32_t i = 0; i < n; i++)
        *p++ = (uint8_t)msg->text[i] < ' ' ? ' ' : (uint8_t)msg->text[i];
    return (size_t)(put(p, "\r\n", 2) - out);
}

/* What stands in this element of an answer. */
static uint8_t *put_element(const struct resp_conf *conf, uint8_t *out, uint32_t element, const struct mf_msg *msg)
{
    uint8_t text[MF_CODEC_CONF_BYTES + ANSWER_PLACES_BYTES], *p = text;

    for (unsigned i = 0; i < PLACES; i++) {
        const struct place *place = &conf->place[i];
        if (!place->is_given || place->element != element)
            continue;
        p = put(p, place->after, place->after_bytes);
        p = i == IDS ? mf_ping_id_put(p, msg)
                     : mf_number_put(p, i == VERSION ? msg->version
                                        : i == COUNT ? msg->count
                                                     : msg->instance);
        break;
    }
    return put_bulk(out, text, (size_t)(p - text));
}

static size_t pong_encode(const struct resp_conf *conf, uint8_t *out, const struct mf_msg *msg)
{
    uint32_t elements = 0;
    bool whole = false;

    for (unsigned i = 0; i < PLACES; i++) {
        const struct place *place = &conf->place[i];
        whole |= place->is_given && place->element == WHOLE_ANSWER;
        if (place->is_given && place->element != WHOLE_ANSWER && place->element >= elements)
            elements = place->element + 1;
    }
    if (whole)
        return (size_t)(put_element(conf, out, WHOLE_ANSWER, msg) - out);
    if (elements == 0) {
        const char *text = conf->expect ? conf->expect : "PONG";
        return (size_t)(put_bulk(out, text, strlen(text)) - out);
    }
    uint8_t *p = put_head(out, '*', elements);
    for (uint32_t i = 0; i < elements; i++)
        p = put_element(conf, p, i, msg);
    return (size_t)(p - out);
}

static size_t resp_encode(const struct mf_codec_conf *conf, uint8_t *out, const struct mf_msg *msg)
{
    return msg->kind == MF_MSG_PING    ? ping_encode(of(conf), out, msg)
           : msg->kind == MF_MSG_ERROR ? error_encode(out, msg)
                                       : pong_encode(of(conf), out, msg);
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

enum taken { BROKEN = -1, MORE = 0, WHOLE = 1 };

struct cursor {
    const uint8_t *at, *end;
};

struct slice {
    const uint8_t *at; /* NULL: null, or an array */
    size_t bytes;
};

struct answer {
    char type;
    struct slice value;
    uint32_t elements;
    struct slice element[ELEMENTS_MAX];
};

static enum taken take_line(struct cursor *c, struct slice *line)
{
    size_t n = (size_t)(c->end - c->at);
    const uint8_t *cr = memchr(c->at, '\r', n < LINE_BYTES_MAX ? n : LINE_BYTES_MAX);

    if (!cr)
        return n < LINE_BYTES_MAX ? MORE : BROKEN;
    if (cr + 1 == c->end)
        return MORE;
    if (cr[1] != '\n')
        return BROKEN;
    *line = (struct slice){c->at, (size_t)(cr - c->at)};
    c->at = cr + 2;
    return WHOLE;
}

/* A length; -1 is null. */
static bool length_parse(const struct slice *line, int64_t *length)
{
    const uint8_t *p = line->at, *end = p + line->bytes;
    uint64_t value;

    if (line->bytes == 2 && memcmp(p, "-1", 2) == 0) {
        *length = -1;
        return true;
    }
    if (!mf_number_take(&p, end, INT32_MAX, &value) || p != end)
        return false;
    *length = (int64_t)value;
    return true;
}

static bool integer_is_good(const struct slice *line)
{
    const uint8_t *p = line->at, *end = p + line->bytes;
    uint64_t value;

    p += p < end && *p == '-';
    return mf_number_take(&p, end, UINT64_MAX, &value) && p == end;
}

static enum taken take_bulk(struct cursor *c, int64_t length, struct slice *value)
{
    uint64_t left = (uint64_t)(c->end - c->at), n = (uint64_t)length;

    if (length < 0)
        return WHOLE;
    if ((left > n && c->at[n] != '\r') || (left > n + 1 && c->at[n + 1] != '\n'))
        return BROKEN;
    if (left < n + 2)
        return MORE;
    *value = (struct slice){c->at, (size_t)n};
    c->at += n + 2;
    return WHOLE;
}

/* One value; the elements of an array are read by the caller. *elements is how many there are. */
static enum taken take_value(struct cursor *c, char *type, struct slice *value, int64_t *elements)
{
    struct slice line;

    *elements = 0;
    *value = (struct slice){0};
    if (c->at == c->end)
        return MORE;
    *type = (char)*c->at++;
    if (!strchr("+-:$*", *type) || *type == 0)
        return BROKEN;
    enum taken got = take_line(c, &line);
    if (got != WHOLE)
        return got;
    if (*type == '+' || *type == '-' || *type == ':') {
        *value = line;
        return *type != ':' || integer_is_good(&line) ? WHOLE : BROKEN;
    }
    int64_t length;
    if (!length_parse(&line, &length))
        return BROKEN;
    if (*type == '$')
        return take_bulk(c, length, value);
    *elements = length > 0 ? length : 0;
    return WHOLE;
}

/* A whole answer: an array's elements, and what is nested in them, one behind the other. */
static enum taken take_answer(struct cursor *c, struct answer *a)
{
    int64_t left[DEPTH_MAX] = {1}; /* values to come, by depth */
    unsigned depth = 0;
    *a = (struct answer){0};

    for (;;) {
        while (left[depth] == 0)
            if (depth-- == 0)
                return WHOLE;
        struct slice value;
        int64_t elements;
        char type = 0;
        enum taken got = take_value(c, &type, &value, &elements);
        if (got != WHOLE)
            return got;
        left[depth]--;
        if (depth == 0) {
            a->type = type;
            a->value = value;
        } else if (depth == 1 && a->elements < ELEMENTS_MAX) {
            a->element[a->elements++] = value;
        }
        if (elements == 0)
            continue;
        if (++depth == DEPTH_MAX)
            return BROKEN;
        left[depth] = elements;
    }
}

static bool place_find(const struct resp_conf *conf, enum place_of which, const struct answer *a, struct slice *found)
{
    const struct place *place = &conf->place[which];

    if (place->element != WHOLE_ANSWER && place->element >= a->elements)
        return false;
    *found = place->element == WHOLE_ANSWER ? a->value : a->element[place->element];
    if (!found->at || place->after_bytes == 0)
        return found->at;
    const uint8_t *text = memmem(found->at, found->bytes, place->after, place->after_bytes);
    if (!text)
        return false;
    text += place->after_bytes;
    *found = (struct slice){text, (size_t)(found->at + found->bytes - text)};
    return true;
}

static bool witness_read(const struct resp_conf *conf, enum place_of which, const struct answer *a, uint64_t max,
                         uint64_t *value)
{
    struct slice found;

    if (!conf->place[which].is_given)
        return true;
    if (!place_find(conf, which, a, &found))
        return false;
    const uint8_t *p = found.at;
    return mf_number_take(&p, found.at + found.bytes, max, value);
}

static bool is_expected(const struct resp_conf *conf, const struct answer *a)
{
    return !conf->expect || (a->value.at && a->value.bytes == strlen(conf->expect) &&
                             memcmp(a->value.at, conf->expect, a->value.bytes) == 0);
}

static void answer_read(const struct resp_conf *conf, const struct answer *a, struct mf_msg *msg)
{
    struct slice ids;
    uint64_t version = 0;

    *msg = (struct mf_msg){.kind = a->type == '-' ? MF_MSG_ERROR : MF_MSG_PONG, .named = MF_NAMED_NOT};
    if (a->type == '-') {
        msg->text = (const char *)a->value.at;
        msg->text_bytes = (uint32_t)a->value.bytes;
        return;
    }
    if (conf->place[IDS].is_given)
        msg->corrupt = !place_find(conf, IDS, a, &ids) || !mf_ping_id_take(ids.at, ids.bytes, msg);
    msg->has = conf->shared.gives;
    msg->corrupt |= !is_expected(conf, a) || !witness_read(conf, VERSION, a, UINT32_MAX, &version) ||
                    !witness_read(conf, INSTANCE, a, UINT64_MAX, &msg->instance) ||
                    !witness_read(conf, COUNT, a, UINT64_MAX, &msg->count);
    msg->version = (uint32_t)version;
}

static ssize_t resp_decode(const struct mf_codec_conf *conf, const uint8_t *in, size_t n, struct mf_msg *msg)
{
    struct cursor c = {in, in + n};
    struct answer a;
    enum taken got = take_answer(&c, &a);

    if (got == BROKEN || (got == MORE && n >= of(conf)->answer_bytes_max))
        return MF_DECODE_BROKEN;
    if (got == MORE)
        return MF_DECODE_MORE;
    answer_read(of(conf), &a, msg);
    return c.at - in;
}

/* Nothing names a ping before its answer is whole; by order it can only be the oldest one's. */
static bool resp_peek(const struct mf_codec_conf *conf, const uint8_t *in, size_t n, struct mf_msg *msg)
{
    (void)conf;
    (void)in;
    (void)n;
    (void)msg;
    return false;
}

const struct mf_codec mf_codec_resp = {
    .name = "resp",
    .summary = "the Redis protocol: PING or any other command; answers in order",
    .carries_payload = false,
    .payload_bytes_max = 0,
    .in_order = true,
    .answers_only = true,
    .configure = resp_configure,
    .bytes_max = resp_bytes_max,
    .in_bytes_max = resp_in_bytes_max,
    .encode = resp_encode,
    .decode = resp_decode,
    .peek = resp_peek,
};
