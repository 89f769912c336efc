#include "wire/crc32c.h"

#include <assert.h>
#include <endian.h>
#include <pthread.h>
#include <string.h>

#include "wire/codec.h"

#define CASTAGNOLI_REFLECTED 0x82F63B78u

static uint32_t table[8][256];
static pthread_once_t table_made = PTHREAD_ONCE_INIT;

static void table_make(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ CASTAGNOLI_REFLECTED : crc >> 1;
        table[0][i] = crc;
    }
    for (int slice = 1; slice < 8; slice++)
        for (uint32_t i = 0; i < 256; i++)
            table[slice][i] = table[slice - 1][i] >> 8 ^ table[0][table[slice - 1][i] & 255];
}

uint32_t mf_crc32c_table(uint32_t crc, const void *data, size_t n)
{
    const uint8_t *p = data;

    pthread_once(&table_made, table_make);
    crc = ~crc;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        word = le64toh(word) ^ crc;
        crc = 0;
        for (int i = 0; i < 8; i++)
            crc ^= table[7 - i][word >> 8 * i & 255];
    }
    for (; n > 0; n--, p++)
        crc = crc >> 8 ^ table[0][(crc ^ *p) & 255];
    return ~crc;
}

#if defined(__x86_64__)

bool mf_crc32c_has_hardware(void)
{
    return __builtin_cpu_supports("sse4.2");
}

__attribute__((target("sse4.2"))) uint32_t mf_crc32c_hardware(uint32_t crc, const void *data, size_t n)
{
    const uint8_t *p = data;
    uint64_t wide = ~crc;

    for (; n >= 8; n -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; n > 0; n--, p++)
        crc = __builtin_ia32_crc32qi(crc, *p);
    return ~crc;
}

#else

bool mf_crc32c_has_hardware(void)
{
    return false;
}

uint32_t mf_crc32c_hardware(uint32_t crc, const void *data, size_t n)
{
    assert(!"mf_crc32c_has_hardware was not asked");
    return mf_crc32c_table(crc, data, n);
}

#endif

uint32_t mf_crc32c(uint32_t crc, const void *data, size_t n)
{
    return mf_crc32c_has_hardware() ? mf_crc32c_hardware(crc, data, n) : mf_crc32c_table(crc, data, n);
}
