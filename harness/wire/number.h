/* Decimal numbers in text, for the codecs that read them. Pure; never read past `end`. */
#ifndef MF_WIRE_NUMBER_H
#define MF_WIRE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads digits up to the first other byte; false where there are none or the number is over `max`. */
static inline bool mf_number_take(const uint8_t **at, const uint8_t *end, uint64_t max, uint64_t *value)
{
    const uint8_t *p = *at;
    uint64_t sum = 0;

    if (p == end || *p < '0' || *p > '9')
        return false;
    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (sum > (max - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *value = sum;
    *at = p;
    return true;
}

/* Writes it; returns what is behind. */
static inline uint8_t *mf_number_put(uint8_t *out, uint64_t value)
{
    uint8_t digits[20];
    size_t n = 0;

    do
        digits[n++] = (uint8_t)('0' + value % 10);
    while (value /= 10);
    while (n > 0)
        *out++ = digits[--n];
    return out;
}

/* How many digits it has. */
static inline unsigned mf_number_digits(uint64_t value)
{
    unsigned n = 1;

    while (value /= 10)
        n++;
    return n;
}

#endif
