/* The two ways to the same CRC-32C; mf_crc32c (wire/codec.h) takes the faster one that this machine has. Pure; any
 * thread. */
#ifndef MF_WIRE_CRC32C_H
#define MF_WIRE_CRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether mf_crc32c_hardware may be called on this machine (SSE4.2). */
bool mf_crc32c_has_hardware(void);
uint32_t mf_crc32c_hardware(uint32_t crc, const void *data, size_t n);
/* Eight table look-ups for eight bytes ("slicing by 8"); on any machine. */
uint32_t mf_crc32c_table(uint32_t crc, const void *data, size_t n);

#endif
