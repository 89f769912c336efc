#include "recorder/history.h"

#include <string.h>

#include "base/hash.h"

#define HEAD_MAGIC  0x79726f747369686dULL /* "mhistory" */
#define BLOCK_MAGIC 0x6b6c626du           /* "mblk" */
#define HASH_AT     (MF_HISTORY_BLOCK_HEAD_BYTES - 8)

#define F(id) (1u << MF_HISTORY_##id)
static const uint32_t kind_fields[MF_HISTORY_KINDS] = {
#define MF_HISTORY_KIND(id, number, fields, text) [number] = fields,
#include "recorder/history_kinds.def"
#undef MF_HISTORY_KIND
};
const char *const mf_history_kind_texts[MF_HISTORY_KINDS] = {
#define MF_HISTORY_KIND(id, number, fields, text) [number] = text,
#include "recorder/history_kinds.def"
#undef MF_HISTORY_KIND
};

/* --- numbers ------------------------------------------------------------------------------------------------------ */

static uint8_t *put(uint8_t *out, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *out++ = (uint8_t)(value >> 8 * i);
    return out;
}

static uint64_t get(const uint8_t **in, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value |= (uint64_t) * (*in)++ << 8 * i;
    return value;
}

/* Seven bits a byte, the low ones first; the high bit says that more follow. */
static uint8_t *number_put(uint8_t *out, uint64_t value)
{
    for (; value > 127; value >>= 7)
        *out++ = (uint8_t)(value | 128);
    *out++ = (uint8_t)value;
    return out;
}

/* NULL: cut off, or too long. */
static const uint8_t *number_get(const uint8_t *in, const uint8_t *end, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; in < end && shift < 64; shift += 7) {
        uint64_t part = *in & 127;
        if (shift == 63 && part > 1)
            return NULL;
        *value |= part << shift;
        if (!(*in++ & 128))
            return in;
    }
    return NULL;
}

/* A difference that may be negative: 0 -1 1 -2 2 ... as 0 1 2 3 4 ... */
static uint64_t zigzag(uint64_t difference)
{
    return difference << 1 ^ -(difference >> 63);
}

static uint64_t unzigzag(uint64_t value)
{
    return value >> 1 ^ -(value & 1);
}

/* --- records ------------------------------------------------------------------------------------------------------ */

size_t mf_history_encode(uint8_t *out, const struct mf_history_record *record, uint64_t *last_ns)
{
    uint8_t *at = out;
    *at++ = (uint8_t)record->kind;
    for (uint32_t left = kind_fields[record->kind]; left; left &= left - 1) {
        uint32_t field = (uint32_t)__builtin_ctz(left);
        uint64_t value = record->of[field];
        if (field == MF_HISTORY_AT) {
            at = number_put(at, zigzag(value - *last_ns));
            *last_ns = value;
        } else {
            at = number_put(at, value);
        }
    }
    return (size_t)(at - out);
}

size_t mf_history_decode(struct mf_history_record *record, const uint8_t *in, size_t n, uint64_t *last_ns)
{
    const uint8_t *at = in, *end = in + n;
    if (n == 0 || *at >= MF_HISTORY_KINDS || kind_fields[*at] == 0)
        return 0;
    *record = (struct mf_history_record){.kind = (enum mf_history_kind) * at++};
    for (uint32_t left = kind_fields[record->kind]; left; left &= left - 1) {
        uint32_t field = (uint32_t)__builtin_ctz(left);
        at = number_get(at, end, &record->of[field]);
        if (!at)
            return 0;
        if (field == MF_HISTORY_AT)
            *last_ns = record->of[field] = *last_ns + unzigzag(record->of[field]);
    }
    return (size_t)(at - in);
}

/* --- head and blocks ---------------------------------------------------------------------------------------------- */

void mf_history_head_encode(uint8_t *out, const struct mf_history_head *head)
{
    uint8_t *at = put(out, HEAD_MAGIC, 8);
    at = put(at, MF_HISTORY_FORMAT, 4);
    at = put(at, MF_HISTORY_HEAD_BYTES, 4);
    at = put(at, head->timeout_ns, 8);
    at = put(at, head->window_ns, 8);
    at = put(at, head->worker, 4);
    at = put(at, head->first_stream, 4);
    at = put(at, head->streams, 4);
    at = put(at, head->streams_total, 4);
    at = put(at, head->processes, 4);
    at = put(at, head->window_hint, 4);
    put(at, mf_hash(MF_HASH_BEGIN, out, MF_HISTORY_HEAD_BYTES - 8), 8);
}

int mf_history_head_decode(struct mf_history_head *head, const uint8_t *in)
{
    const uint8_t *at = in, *hash = in + MF_HISTORY_HEAD_BYTES - 8;
    if (get(&at, 8) != HEAD_MAGIC)
        return -1;
    if (get(&at, 4) != MF_HISTORY_FORMAT || get(&at, 4) != MF_HISTORY_HEAD_BYTES)
        return -2;
    head->timeout_ns = get(&at, 8);
    head->window_ns = get(&at, 8);
    head->worker = (uint32_t)get(&at, 4);
    head->first_stream = (uint32_t)get(&at, 4);
    head->streams = (uint32_t)get(&at, 4);
    head->streams_total = (uint32_t)get(&at, 4);
    head->processes = (uint32_t)get(&at, 4);
    head->window_hint = (uint32_t)get(&at, 4);
    return get(&hash, 8) == mf_hash(MF_HASH_BEGIN, in, MF_HISTORY_HEAD_BYTES - 8) ? 0 : -1;
}

static uint64_t block_hash(const uint8_t *block, uint32_t bytes)
{
    return mf_hash(mf_hash(MF_HASH_BEGIN, block, HASH_AT), block + MF_HISTORY_BLOCK_HEAD_BYTES, bytes);
}

void mf_history_block_encode(uint8_t *out, const struct mf_history_block *block)
{
    uint8_t *at = put(out, BLOCK_MAGIC, 4);
    at = put(at, block->bytes, 4);
    at = put(at, block->records, 4);
    at = put(at, block->is_last, 4);
    at = put(at, block->before, 8);
    at = put(at, block->dropped, 8);
    put(at, block_hash(out, block->bytes), 8);
}

int mf_history_block_decode(struct mf_history_block *block, const uint8_t *in)
{
    if (get(&in, 4) != BLOCK_MAGIC)
        return -1;
    block->bytes = (uint32_t)get(&in, 4);
    block->records = (uint32_t)get(&in, 4);
    block->is_last = (uint32_t)get(&in, 4);
    block->before = get(&in, 8);
    block->dropped = get(&in, 8);
    return block->bytes <= MF_HISTORY_BLOCK_BYTES - MF_HISTORY_BLOCK_HEAD_BYTES ? 0 : -1;
}

int mf_history_block_is_whole(const uint8_t *in, const struct mf_history_block *block)
{
    const uint8_t *hash = in + HASH_AT;
    return get(&hash, 8) == block_hash(in, block->bytes);
}
