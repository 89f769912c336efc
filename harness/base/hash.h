/* A hash of bytes: tells two contents apart, and a file that was cut or changed from one that is whole. Not for
 * secrets.
 *
 * FNV-1a, 64 bits (Fowler, Noll, Vo: http://www.isthe.com/chongo/tech/comp/fnv/). Pure. */
#ifndef MF_BASE_HASH_H
#define MF_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define MF_HASH_BEGIN 0xcbf29ce484222325ULL

/* Goes on from `hash`, MF_HASH_BEGIN at first: hashing in parts is hashing the whole. */
uint64_t mf_hash(uint64_t hash, const void *bytes, size_t n);

#endif
