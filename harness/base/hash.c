#include "base/hash.h"

#define PRIME 0x100000001b3ULL

uint64_t mf_hash(uint64_t hash, const void *bytes, size_t n)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ at[i]) * PRIME;
    return hash;
}
