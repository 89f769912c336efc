#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <string.h>

#include "wire/codec.h"

#define FRAME_BYTES 64

static const struct mf_codec *frame(void)
{
    return mf_codec_find("frame");
}

static size_t encode_pong(uint8_t *out, uint8_t *payload)
{
    mf_payload_fill(payload, 16, 5, 2, 77);
    return frame()->encode(NULL, out,
                           &(struct mf_msg){.kind = MF_MSG_PONG,
                                            .stream = 2,
                                            .process = 9,
                                            .seq = 77,
                                            .version = 3,
                                            .instance = 0x1122334455667788,
                                            .count = 40,
                                            .payload = payload,
                                            .payload_bytes = 16});
}

/* The table of wire/README.md, byte by byte. */
Test(frame, layout)
{
    static const uint8_t expected[48] = {
        0x4d, 0x46, 0x01, 0x02, 0, 0, 0, 64, 0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 77,
        0,    0,    0,    3,    0, 0, 0, 0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    };
    uint8_t out[FRAME_BYTES], payload[16];

    cr_assert(eq(sz, encode_pong(out, payload), FRAME_BYTES));
    cr_assert(eq(int, memcmp(out, expected, 28), 0));
    static const uint8_t tail[16] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0, 0, 0, 0, 0, 0, 0, 40};
    cr_assert(eq(int, memcmp(out + 32, tail, 16), 0));
    cr_assert(eq(int, memcmp(out + 48, payload, 16), 0));
    uint32_t crc = (uint32_t)out[28] << 24 | (uint32_t)out[29] << 16 | (uint32_t)out[30] << 8 | out[31];
    memset(out + 28, 0, 4);
    cr_assert(eq(u32, crc, mf_crc32c(0, out, FRAME_BYTES)));
}

/* No flipped bit passes as a right message: the stream is broken, the frame is corrupt, or (length made longer) more is
 * asked for and what comes then makes it corrupt. */
Test(frame, every_flipped_bit_is_found)
{
    uint8_t out[48 + 65536 + FRAME_BYTES] = {0}, payload[16];
    struct mf_msg msg;
    size_t n = encode_pong(out, payload);

    for (size_t bit = 0; bit < n * 8; bit++) {
        out[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ssize_t taken = frame()->decode(NULL, out, n, &msg);
        if (taken == MF_DECODE_MORE)
            taken = frame()->decode(NULL, out, sizeof out, &msg);
        cr_assert(eq(int, taken == MF_DECODE_BROKEN || msg.corrupt, 1), "bit %zu", bit);
        out[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    cr_assert(eq(i64, frame()->decode(NULL, out, n, &msg), (ssize_t)n));
    cr_assert(not(msg.corrupt));
}

Test(frame, impossible_headers_break_at_once)
{
    uint8_t out[FRAME_BYTES], payload[16];
    struct mf_msg msg;

    encode_pong(out, payload);
    static const struct {
        size_t at, have;
        uint8_t value;
    } broken[] = {{0, 1, 'X'}, {1, 2, 'X'}, {2, 3, 2}, {3, 4, 0}, {3, 4, 4}, {7, 8, 47}, {5, 8, 2}, {4, 8, 1}};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        uint8_t was = out[broken[i].at];
        out[broken[i].at] = broken[i].value;
        cr_expect(eq(i64, frame()->decode(NULL, out, broken[i].have, &msg), MF_DECODE_BROKEN), "row %zu", i);
        cr_expect(not(frame()->peek(NULL, out, FRAME_BYTES, &msg)), "row %zu", i);
        out[broken[i].at] = was;
    }
}

Test(frame, the_largest_payload_fits)
{
    static uint8_t payload[65536], out[48 + 65536];
    struct mf_msg msg, sent = {.kind = MF_MSG_PING, .payload = payload, .payload_bytes = sizeof payload};

    mf_payload_fill(payload, sizeof payload, 1, 0, 0);
    cr_assert(eq(sz, frame()->encode(NULL, out, &sent), sizeof out));
    cr_assert(eq(i64, frame()->decode(NULL, out, sizeof out, &msg), (ssize_t)sizeof out));
    cr_assert(not(msg.corrupt));
    cr_assert(mf_payload_matches(msg.payload, msg.payload_bytes, 1, 0, 0));
}
