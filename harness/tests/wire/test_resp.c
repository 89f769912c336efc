/* Codec `resp`: what an answer is, where it ends, what breaks the stream; the command as configured. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdlib.h>
#include <string.h>

#include "wire/codec.h"

static const struct mf_codec *resp(void)
{
    return mf_codec_find("resp");
}

static struct mf_codec_conf *configured(const char *text)
{
    struct mf_error err = {0};
    struct mf_codec_conf *conf = resp()->configure(text, &err);

    cr_assert(ne(ptr, conf, NULL), "%s: %s", err.place, err.text);
    return conf;
}

static ssize_t decode(const struct mf_codec_conf *conf, const char *text, size_t n, struct mf_msg *msg)
{
    uint8_t *copy = malloc(n + !n);
    memcpy(copy, text, n);
    ssize_t taken = resp()->decode(conf, copy, n, msg);
    free(copy);
    return taken;
}

Test(resp, each_answer_is_what_it_is)
{
    static const struct {
        const char *conf, *answer;
        enum mf_msg_kind kind;
        bool corrupt;
        uint64_t version, count;
    } rows[] = {
        {"", "+PONG\r\n", MF_MSG_PONG, false, 0, 0},
        {"", "$-1\r\n", MF_MSG_PONG, false, 0, 0},
        {"", "*0\r\n", MF_MSG_PONG, false, 0, 0},
        {"", "-ERR no\r\n", MF_MSG_ERROR, false, 0, 0},
        {"expect PONG\n", "+PONG\r\n", MF_MSG_PONG, false, 0, 0},
        {"expect PONG\n", "$4\r\nPONG\r\n", MF_MSG_PONG, false, 0, 0},
        {"expect PONG\n", "+PING\r\n", MF_MSG_PONG, true, 0, 0},
        {"expect PONG\n", "$-1\r\n", MF_MSG_PONG, true, 0, 0},
        {"count -\n", ":17\r\n", MF_MSG_PONG, false, 0, 17},
        {"count -\n", ":-17\r\n", MF_MSG_PONG, true, 0, 0},
        {"count -\n", "*1\r\n:17\r\n", MF_MSG_PONG, true, 0, 0},
        {"version - ver=\n", "$12\r\nx\r\nver=12 \r\n\r\n", MF_MSG_PONG, false, 12, 0},
        {"version - ver=\n", "$5\r\nver=x\r\n", MF_MSG_PONG, true, 0, 0},
        {"version 0\n", "*1\r\n:4294967296\r\n", MF_MSG_PONG, true, 0, 0},
        {"version 1\ncount 0\n", "*3\r\n:5\r\n$1\r\n7\r\n*2\r\n+a\r\n*1\r\n:9\r\n", MF_MSG_PONG, false, 7, 5},
        {"version 3\n", "*3\r\n:5\r\n$1\r\n7\r\n+x\r\n", MF_MSG_PONG, true, 0, 0},
        {"version 0\n", "-ERR no\r\n", MF_MSG_ERROR, false, 0, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mf_codec_conf *conf = configured(rows[i].conf);
        size_t n = strlen(rows[i].answer);
        struct mf_msg msg;
        for (size_t cut = 0; cut < n; cut++)
            cr_assert(eq(i64, decode(conf, rows[i].answer, cut, &msg), MF_DECODE_MORE), "row %zu cut to %zu", i, cut);
        cr_assert(eq(i64, decode(conf, rows[i].answer, n, &msg), (ssize_t)n), "row %zu", i);
        cr_expect(eq(int, msg.kind, rows[i].kind), "row %zu", i);
        cr_expect(eq(int, msg.corrupt, rows[i].corrupt), "row %zu", i);
        cr_expect(eq(int, msg.named, MF_NAMED_NOT), "row %zu", i);
        cr_expect(eq(u64, msg.corrupt ? 0 : msg.version, rows[i].version), "row %zu", i);
        cr_expect(eq(u64, msg.corrupt ? 0 : msg.count, rows[i].count), "row %zu", i);
        free(conf);
    }
}

Test(resp, what_makes_no_sense_breaks_the_stream)
{
    static const char *const broken[] = {
        "PONG\r\n",
        "+PONG\rx",
        ":\r\n",
        ":x\r\n",
        ":1-\r\n",
        "$-2\r\n",
        "$x\r\n",
        "$3\r\nabcd\r\n",
        "$3\r\nabc\rx",
        "*-2\r\n",
        "*1\r\nx",
        "$99999999999\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
    };
    struct mf_codec_conf *conf = configured("");
    struct mf_msg msg;

    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        cr_expect(eq(i64, decode(conf, broken[i], strlen(broken[i]), &msg), MF_DECODE_BROKEN), "row %zu", i);
    free(conf);
}

Test(resp, answers_have_limits)
{
    struct mf_codec_conf *conf = configured("answer_bytes_max 100000\n");
    static char text[100001];
    struct mf_msg msg;

    memset(text, 'a', sizeof text - 1);
    text[0] = '+';
    cr_expect(eq(i64, decode(conf, text, 65536, &msg), MF_DECODE_MORE));
    cr_expect(eq(i64, decode(conf, text, 65538, &msg), MF_DECODE_BROKEN));
    memcpy(text, "$2000000\r\n", 10);
    cr_expect(eq(i64, decode(conf, text, 99999, &msg), MF_DECODE_MORE));
    cr_expect(eq(i64, decode(conf, text, 100000, &msg), MF_DECODE_BROKEN));
    free(conf);
}

Test(resp, commands_are_as_configured)
{
    static const struct {
        const char *conf, *command;
    } rows[] = {
        {"", "*1\r\n$4\r\nPING\r\n"},
        {"arg INCR\narg n{process}\n", "*2\r\n$4\r\nINCR\r\n$2\r\nn5\r\n"},
        {"arg SET\narg {{a}:{stream}\narg {id}{\narg \n",
         "*4\r\n$3\r\nSET\r\n$5\r\n{a}:3\r\n$8\r\n3-170-5{\r\n$0\r\n\r\n"},
    };
    struct mf_msg ping = {.kind = MF_MSG_PING, .stream = 3, .seq = 170, .process = 5};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct mf_codec_conf *conf = configured(rows[i].conf);
        char *out = malloc(resp()->bytes_max(conf, 0) + 1);
        out[resp()->encode(conf, (uint8_t *)out, &ping)] = 0;
        cr_expect(eq(int, strcmp(out, rows[i].command), 0), "row %zu: %s", i, out);
        free(out);
        free(conf);
    }
}

Test(resp, a_bad_configuration_is_named)
{
    static const struct {
        const char *text, *place;
    } bad[] = {
        {"arg {sequ}\n", "command"},
        {"version 8\n", "version"},
        {"version 0x\n", "version"},
        {"count -\ncount 0\n", "count"},
        {"id x\n", "id"},
        {"answer_bytes_max 5\n", "answer_bytes_max"},
        {"colour red\n", "colour"},
        {"arg PING", "codec_conf"},
        {"arg 1\narg 2\narg 3\narg 4\narg 5\narg 6\narg 7\narg 8\narg 9\narg 10\narg 11\narg 12\narg 13\narg 14\narg "
         "15\n"
         "arg 16\narg 17\n",
         "command"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct mf_error err = {0};
        struct mf_codec_conf *conf = resp()->configure(bad[i].text, &err);
        cr_expect(eq(ptr, conf, NULL), "row %zu", i);
        cr_expect(eq(int, strcmp(err.place, bad[i].place), 0), "row %zu: %s: %s", i, err.place, err.text);
        free(conf);
    }
}
