/* What every codec must do; a row in codecs.def brings a codec in here. Input is copied into blocks of exact size, so
 * that the address sanitizer sees a read past the end. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "wire/codec.h"

#define ROUNDS  2000
#define HAS_ALL (MF_HAS_VERSION | MF_HAS_INSTANCE | MF_HAS_COUNT)

static const char error_text[] = "no such process";

/* A number of some random length in bits, so that small and large ones are as likely. */
static uint64_t random_number(struct mf_rng *rng, unsigned bits)
{
    uint64_t length = mf_rng_below(rng, bits + 1);
    return length == 0 ? 0 : mf_rng_next(rng) >> (64 - length);
}

/* Of a kind that decode reads. */
static void random_msg(struct mf_rng *rng, const struct mf_codec *codec, struct mf_msg *msg, uint8_t *payload)
{
    *msg = (struct mf_msg){
        .kind = (enum mf_msg_kind)(codec->answers_only ? 2 + mf_rng_below(rng, 2) : 1 + mf_rng_below(rng, 3))};
    msg->stream = (uint32_t)random_number(rng, 32);
    msg->seq = random_number(rng, 64);
    if (msg->kind == MF_MSG_ERROR) {
        msg->text = error_text;
        msg->text_bytes = (uint32_t)mf_rng_below(rng, sizeof error_text);
        return;
    }
    msg->process = (uint32_t)random_number(rng, 32);
    if (msg->kind == MF_MSG_PONG) {
        msg->has = HAS_ALL;
        msg->version = (uint32_t)random_number(rng, 32);
        msg->instance = random_number(rng, 64);
        msg->count = random_number(rng, 64);
    }
    if (codec->carries_payload) {
        msg->payload = payload;
        msg->payload_bytes = (uint32_t)mf_rng_below(rng, 100);
        mf_payload_fill(payload, msg->payload_bytes, 1, msg->stream, msg->seq);
    }
}

static void expect_same(const struct mf_msg *got, const struct mf_msg *sent)
{
    cr_assert(eq(int, got->kind, sent->kind));
    cr_assert(not(got->corrupt));
    if (got->named != MF_NAMED_NOT) {
        cr_assert(eq(u32, got->stream, sent->stream));
        cr_assert(eq(u64, got->seq, sent->seq));
    }
    if (sent->kind == MF_MSG_ERROR) {
        cr_assert(eq(u32, got->text_bytes, sent->text_bytes));
        cr_assert(eq(int, memcmp(got->text, sent->text, sent->text_bytes), 0));
        return;
    }
    cr_assert(eq(int, got->named, MF_NAMED_WHOLE));
    cr_assert(eq(u32, got->process, sent->process));
    cr_assert(eq(u32, got->payload_bytes, sent->payload_bytes));
    if (sent->payload_bytes > 0)
        cr_assert(eq(int, memcmp(got->payload, sent->payload, sent->payload_bytes), 0));
    if (sent->kind == MF_MSG_PONG) {
        cr_assert(eq(u32, got->has, sent->has));
        cr_assert(eq(u32, got->version, sent->version));
        cr_assert(eq(u64, got->instance, sent->instance));
        cr_assert(eq(u64, got->count, sent->count));
    }
}

/* The configuration that the tests of all codecs use: every witness is told, and the ids are echoed. */
static const struct {
    const char *codec, *text;
} confs[] = {
    {"http1", "path /{stream}?{seq}\nheader X-Ping: {id}\nid header X-Ping\nversion header X-Version v\n"
              "instance body instance=\ncount body count=\n"},
    {"resp", "arg FCALL\narg {id}\nversion 0\ninstance 1\ncount 2 n=\nid 3\n"},
};

static struct mf_codec_conf *conf_of(const struct mf_codec *codec)
{
    struct mf_codec_conf *conf = NULL;
    struct mf_error err = {0};

    for (size_t i = 0; i < sizeof confs / sizeof *confs; i++)
        if (strcmp(confs[i].codec, codec->name) == 0)
            conf = codec->configure(confs[i].text, &err);
    cr_assert(eq(int, conf != NULL, codec->configure != NULL), "%s: %s", codec->name, err.text);
    return conf;
}

static ssize_t decode_copy(const struct mf_codec *codec, const struct mf_codec_conf *conf, const uint8_t *in, size_t n,
                           struct mf_msg *msg)
{
    uint8_t *copy = malloc(n + !n);
    memcpy(copy, in, n);
    ssize_t taken = codec->decode(conf, copy, n, msg);
    free(copy);
    return taken;
}

Test(codecs, are_found_by_name_and_complete)
{
    size_t n = 0;

    for (const struct mf_codec *codec; (codec = mf_codec_at(n)); n++) {
        cr_assert(codec->name && codec->summary && codec->bytes_max && codec->in_bytes_max && codec->encode &&
                  codec->decode && codec->peek);
        cr_assert(eq(ptr, (void *)mf_codec_find(codec->name), (void *)codec));
        cr_assert(eq(int, codec->carries_payload, codec->payload_bytes_max > 0));
    }
    cr_assert(ge(sz, n, 2));
    cr_assert(eq(ptr, (void *)mf_codec_find("lines"), NULL));
}

Test(codecs, round_trip_and_every_truncation)
{
    struct mf_rng rng;
    mf_rng_init(&rng, 11, 1);

    for (size_t i = 0; mf_codec_at(i); i++) {
        const struct mf_codec *codec = mf_codec_at(i);
        struct mf_codec_conf *conf = conf_of(codec);
        for (int round = 0; round < ROUNDS; round++) {
            uint8_t payload[100], out[1024];
            struct mf_msg sent, got;
            random_msg(&rng, codec, &sent, payload);
            size_t n = codec->encode(conf, out, &sent);
            cr_assert(le(sz, n, codec->bytes_max(conf, sent.payload_bytes)));
            cr_assert(eq(i64, codec->decode(conf, out, n, &got), (ssize_t)n));
            expect_same(&got, &sent);
            for (size_t cut = 0; cut < n; cut++)
                cr_assert(eq(i64, decode_copy(codec, conf, out, cut, &got), MF_DECODE_MORE), "%s cut to %zu",
                          codec->name, cut);
            memset(out + n, 'x', 8); /* what follows is none of its business */
            cr_assert(eq(i64, codec->decode(conf, out, n + 8, &got), (ssize_t)n));
            expect_same(&got, &sent);
        }
        free(conf);
    }
}

/* Of an answer cut anywhere: right ids or none. */
Test(codecs, peek_tells_the_truth_or_nothing)
{
    struct mf_rng rng;
    mf_rng_init(&rng, 12, 1);

    for (size_t i = 0; mf_codec_at(i); i++) {
        const struct mf_codec *codec = mf_codec_at(i);
        struct mf_codec_conf *conf = conf_of(codec);
        for (int round = 0; round < ROUNDS; round++) {
            uint8_t payload[100], out[1024];
            struct mf_msg sent, cut;
            random_msg(&rng, codec, &sent, payload);
            if (sent.kind == MF_MSG_PING)
                continue;
            size_t n = codec->encode(conf, out, &sent);
            bool told = false;
            for (size_t have = 0; have < n; have++) {
                uint8_t *copy = malloc(have + !have);
                memcpy(copy, out, have);
                bool tells = codec->peek(conf, copy, have, &cut);
                free(copy);
                cr_assert(eq(int, !told || tells, 1));
                told |= tells;
                if (tells) {
                    cr_assert(eq(u32, cut.stream, sent.stream));
                    cr_assert(eq(u64, cut.seq, sent.seq));
                }
            }
            cr_assert(eq(int, told, !codec->answers_only));
        }
        free(conf);
    }
}

Test(codecs, long_error_texts_are_cut)
{
    static char text[5000];
    uint8_t out[1024];
    struct mf_msg msg = {.kind = MF_MSG_ERROR,
                         .stream = UINT32_MAX,
                         .seq = UINT64_MAX,
                         .text = text,
                         .text_bytes = 5000},
                  got;

    memset(text, 'e', sizeof text);
    for (size_t i = 0; mf_codec_at(i); i++) {
        const struct mf_codec *codec = mf_codec_at(i);
        struct mf_codec_conf *conf = conf_of(codec);
        size_t n = codec->encode(conf, out, &msg);
        cr_assert(le(sz, n, codec->bytes_max(conf, 0)));
        cr_assert(eq(i64, codec->decode(conf, out, n, &got), (ssize_t)n));
        cr_assert(eq(u32, got.text_bytes, MF_ERROR_TEXT_BYTES));
        free(conf);
    }
}

/* Random bytes, and messages with random damage: never a read past the end, always progress or a stop. */
Test(codecs, survive_anything)
{
    struct mf_rng rng;
    mf_rng_init(&rng, 13, 1);

    for (size_t i = 0; mf_codec_at(i); i++) {
        const struct mf_codec *codec = mf_codec_at(i);
        struct mf_codec_conf *conf = conf_of(codec);
        for (int round = 0; round < 20 * ROUNDS; round++) {
            size_t n = mf_rng_below(&rng, 200), at = 0;
            uint8_t *in = malloc(n + !n), payload[100], one[1024];
            struct mf_msg msg;
            if (round % 2 == 0) {
                for (size_t k = 0; k < n; k++)
                    in[k] = (uint8_t)mf_rng_next(&rng);
            } else {
                size_t filled = 0;
                while (filled < n) {
                    random_msg(&rng, codec, &msg, payload);
                    size_t length = codec->encode(conf, one, &msg);
                    length = length < n - filled ? length : n - filled;
                    memcpy(in + filled, one, length);
                    filled += length;
                }
                for (uint64_t hits = mf_rng_below(&rng, 4); n > 0 && hits > 0; hits--)
                    in[mf_rng_below(&rng, n)] = (uint8_t)mf_rng_next(&rng);
            }
            while (at < n) {
                ssize_t taken = codec->decode(conf, in + at, n - at, &msg);
                cr_assert(ge(i64, taken, MF_DECODE_BROKEN));
                cr_assert(le(i64, taken, (ssize_t)(n - at)));
                (void)codec->peek(conf, in + at, n - at, &msg);
                if (taken <= 0)
                    break;
                at += (size_t)taken;
            }
            free(in);
        }
        free(conf);
    }
}
