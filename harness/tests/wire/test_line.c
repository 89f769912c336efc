#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <string.h>

#include "wire/codec.h"

static bool same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static ssize_t decode(const char *text, struct mf_msg *msg)
{
    return mf_codec_find("line")->decode(NULL, (const uint8_t *)text, strlen(text), msg);
}

static size_t encode(char *out, const struct mf_msg *msg)
{
    size_t n = mf_codec_find("line")->encode(NULL, (uint8_t *)out, msg);
    out[n] = 0;
    return n;
}

Test(line, is_written_as_the_contract_says)
{
    char out[512];

    encode(out, &(struct mf_msg){.kind = MF_MSG_PING, .stream = 1, .seq = 20, .process = 300});
    cr_expect(same(out, "PING 1 20 300\n"));
    encode(out, &(struct mf_msg){.kind = MF_MSG_PONG,
                                 .stream = 4294967295,
                                 .seq = UINT64_MAX,
                                 .has = MF_HAS_VERSION | MF_HAS_COUNT,
                                 .version = 2,
                                 .count = 0});
    cr_expect(same(out, "PONG 4294967295 18446744073709551615 0 2 - 0\n"));
    encode(out, &(struct mf_msg){.kind = MF_MSG_ERROR, .stream = 1, .seq = 2, .text = "no\nway", .text_bytes = 6});
    cr_expect(same(out, "ERROR 1 2 no way\n"));
}

Test(line, witnesses_may_be_missing_and_words_may_follow)
{
    struct mf_msg msg;

    cr_assert(eq(i64, decode("PONG 1 2 3 - 5 - and more - 7\r\nPONG", &msg), 31));
    cr_expect(not(msg.corrupt));
    cr_expect(eq(u32, msg.has, MF_HAS_INSTANCE));
    cr_expect(eq(u64, msg.instance, 5));
    decode("ERROR 1 2\n", &msg);
    cr_expect(not(msg.corrupt));
    cr_expect(eq(u32, msg.text_bytes, 0));
    decode("PING 1 2 3 so what\n", &msg);
    cr_expect(not(msg.corrupt));
}

/* A line that is no message is handed on, with what could be read of it. */
Test(line, nonsense_is_corrupt_and_keeps_the_ids_that_it_shows)
{
    static const struct {
        const char *text;
        uint32_t stream, process;
        uint64_t seq;
    } rows[] = {
        {"\n", UINT32_MAX, UINT32_MAX, UINT64_MAX},
        {"hello\n", UINT32_MAX, UINT32_MAX, UINT64_MAX},
        {"PONGS 1 2 3 - - -\n", UINT32_MAX, UINT32_MAX, UINT64_MAX},
        {"PONG 1\n", UINT32_MAX, UINT32_MAX, UINT64_MAX},
        {"PONG  1 2 3 - - -\n", UINT32_MAX, UINT32_MAX, UINT64_MAX},
        {"PONG -1 2 3 - - -\n", UINT32_MAX, UINT32_MAX, UINT64_MAX},
        {"PONG 4294967296 2 3 - - -\n", UINT32_MAX, UINT32_MAX, UINT64_MAX},
        {"PONG 1 18446744073709551616 3 - - -\n", UINT32_MAX, UINT32_MAX, UINT64_MAX},
        {"PONG 1 2\n", 1, UINT32_MAX, 2},
        {"PONG 1 2 x - - -\n", 1, UINT32_MAX, 2},
        {"PONG 1 2 3\n", 1, 3, 2},
        {"PONG 1 2 3 v2 - -\n", 1, 3, 2},
        {"PONG 1 2 3 4294967296 - -\n", 1, 3, 2},
        {"PONG 1 2 3 1 -- 1\n", 1, 3, 2},
        {"PONG 1 2 3 1 1 1x\n", 1, 3, 2},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mf_msg msg;
        cr_expect(eq(i64, decode(rows[i].text, &msg), (ssize_t)strlen(rows[i].text)), "row %zu", i);
        cr_expect(msg.corrupt, "row %zu", i);
        cr_expect(eq(u32, msg.stream, rows[i].stream), "row %zu", i);
        cr_expect(eq(u64, msg.seq, rows[i].seq), "row %zu", i);
        cr_expect(eq(u32, msg.process, rows[i].process), "row %zu", i);
    }
}

Test(line, too_long_a_line_breaks_the_stream)
{
    static char text[4200];
    struct mf_msg msg;

    memset(text, 'x', sizeof text - 1);
    memcpy(text, "PING 1 2 3 ", 11);
    text[4095] = '\n';
    cr_expect(eq(i64, decode(text, &msg), 4096));
    cr_expect(not(msg.corrupt));
    text[4095] = 'x';
    text[4096] = '\n';
    cr_expect(eq(i64, decode(text, &msg), MF_DECODE_BROKEN));
    text[4095] = 0;
    cr_expect(eq(i64, decode(text, &msg), MF_DECODE_MORE));
}

Test(line, a_number_that_may_have_lost_digits_is_not_told)
{
    struct mf_msg msg;
    const struct mf_codec *line = mf_codec_find("line");

    cr_expect(not(line->peek(NULL, (const uint8_t *)"PONG 3 17", 9, &msg)));
    cr_assert(line->peek(NULL, (const uint8_t *)"PONG 3 17 ", 10, &msg));
    cr_assert(line->peek(NULL, (const uint8_t *)"PING 3 17 ", 10, &msg));
    cr_expect(eq(u64, msg.seq, 17));
    cr_expect(not(line->peek(NULL, (const uint8_t *)"PON", 3, &msg)));
}
