/* CRC-32C against RFC 3720's vectors, both ways of computing it; payloads. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "wire/codec.h"
#include "wire/crc32c.h"

/* RFC 3720, B.4; the value as a number (the RFC lists its bytes, lowest first). */
static const uint8_t rfc_read_pdu[48] = {
    0x01, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x14, 0x00, 0x00, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x14, 0x00, 0x00, 0x00, 0x18,
    0x28, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};

static void check_vectors(uint32_t (*crc32c)(uint32_t crc, const void *data, size_t n))
{
    uint8_t data[32];

    memset(data, 0, sizeof data);
    cr_expect(eq(u32, crc32c(0, data, 32), 0x8a9136aau));
    memset(data, 0xff, sizeof data);
    cr_expect(eq(u32, crc32c(0, data, 32), 0x62a8ab43u));
    for (int i = 0; i < 32; i++)
        data[i] = (uint8_t)i;
    cr_expect(eq(u32, crc32c(0, data, 32), 0x46dd794eu));
    for (int i = 0; i < 32; i++)
        data[i] = (uint8_t)(31 - i);
    cr_expect(eq(u32, crc32c(0, data, 32), 0x113fdb5cu));
    cr_expect(eq(u32, crc32c(0, rfc_read_pdu, 48), 0xd9963a56u));
    cr_expect(eq(u32, crc32c(0, "123456789", 9), 0xe3069283u));
    cr_expect(eq(u32, crc32c(0, "", 0), 0));
}

Test(crc32c, vectors_by_table)
{
    check_vectors(mf_crc32c_table);
}

Test(crc32c, vectors_by_hardware)
{
    if (!mf_crc32c_has_hardware())
        cr_skip_test("no SSE4.2 here");
    check_vectors(mf_crc32c_hardware);
}

Test(crc32c, vectors_by_choice)
{
    check_vectors(mf_crc32c);
}

Test(crc32c, both_ways_agree_on_any_length_and_cut)
{
    uint8_t data[300];
    struct mf_rng rng;

    mf_rng_init(&rng, 1, 1);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)mf_rng_next(&rng);
    for (size_t n = 0; n < sizeof data; n++) {
        size_t cut = n ? mf_rng_below(&rng, n) : 0;
        uint32_t whole = mf_crc32c_table(0, data, n);
        cr_assert(eq(u32, mf_crc32c_table(mf_crc32c_table(0, data, cut), data + cut, n - cut), whole));
        cr_assert(eq(u32, mf_crc32c(0, data, n), whole));
        cr_assert(eq(u32, mf_crc32c(mf_crc32c(0, data, cut), data + cut, n - cut), whole));
    }
}

Test(payload, matches_what_was_filled_and_nothing_else)
{
    uint8_t data[67];

    for (uint32_t n = 0; n <= sizeof data; n++) {
        mf_payload_fill(data, n, 7, 3, 1000);
        cr_assert(mf_payload_matches(data, n, 7, 3, 1000));
        for (uint32_t i = 0; i < n; i++)
            for (int bit = 0; bit < 8; bit++) {
                data[i] ^= (uint8_t)(1 << bit);
                cr_assert(not(mf_payload_matches(data, n, 7, 3, 1000)));
                data[i] ^= (uint8_t)(1 << bit);
            }
    }
}

/* The payloads of all pings near each other differ, in every combination of seed, stream and seq. */
Test(payload, differs_from_ping_to_ping)
{
    enum { SIDE = 12, ALL = SIDE * SIDE * SIDE };
    static uint64_t seen[ALL];
    size_t n = 0;

    for (uint64_t seed = 0; seed < SIDE; seed++)
        for (uint32_t stream = 0; stream < SIDE; stream++)
            for (uint64_t seq = 0; seq < SIDE; seq++)
                mf_payload_fill((uint8_t *)&seen[n++], 8, seed, stream, seq);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            cr_assert(ne(u64, seen[i], seen[j]));
}

Test(payload, writes_only_its_bytes)
{
    uint8_t data[32];

    for (uint32_t n = 0; n < 24; n++) {
        memset(data, 0xee, sizeof data);
        mf_payload_fill(data + 4, n, 1, 2, 3);
        cr_assert(eq(u8, data[3], 0xee));
        cr_assert(eq(u8, data[4 + n], 0xee));
    }
}
