/* Payloads: a keyed stream of 64-bit words, one multiplication each, so that filling and comparing cost next to
 * nothing. The bytes are the same on every machine. */
#include <endian.h>
#include <string.h>

#include "wire/codec.h"

/* Constants of splitmix64 (Steele, Lea & Flood 2014): an odd step and two odd multipliers. */
#define STEP  0x9E3779B97F4A7C15ULL
#define MIX_1 0xBF58476D1CE4E5B9ULL
#define MIX_2 0x94D049BB133111EBULL

static inline uint64_t payload_key(uint64_t seed, uint32_t stream, uint64_t seq)
{
    uint64_t key = seed ^ (stream + 1ULL) * MIX_2;
    key = (key ^ key >> 31) + seq * STEP;
    key = (key ^ key >> 30) * MIX_1;
    return key ^ key >> 27;
}

static inline uint64_t payload_word(uint64_t key, uint32_t index)
{
    uint64_t word = (key + index * STEP) * MIX_2;
    return htole64(word ^ word >> 32);
}

void mf_payload_fill(uint8_t *out, uint32_t n, uint64_t seed, uint32_t stream, uint64_t seq)
{
    uint64_t key = payload_key(seed, stream, seq), word;
    uint32_t i = 0;

    for (; n >= 8; n -= 8, out += 8) {
        word = payload_word(key, i++);
        memcpy(out, &word, 8);
    }
    if (n > 0) {
        word = payload_word(key, i);
        memcpy(out, &word, n);
    }
}

bool mf_payload_matches(const uint8_t *in, uint32_t n, uint64_t seed, uint32_t stream, uint64_t seq)
{
    uint64_t key = payload_key(seed, stream, seq), word, found;
    uint32_t i = 0;

    for (; n >= 8; n -= 8, in += 8) {
        word = payload_word(key, i++);
        memcpy(&found, in, 8);
        if (found != word)
            return false;
    }
    word = payload_word(key, i);
    return n == 0 || memcmp(in, &word, n) == 0;
}
