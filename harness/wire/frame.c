/* Codec `frame`: binary, fixed header, checksum. Specified byte by byte in README.md. */
#include <endian.h>
#include <string.h>

#include "wire/codec.h"

#define MAGIC             0x4D46u /* "MF" */
#define FORMAT            1u
#define HEADER_BYTES      48u
#define PAYLOAD_BYTES_MAX 65536u

enum { /* offsets */
       AT_MAGIC = 0,
       AT_FORMAT = 2,
       AT_KIND = 3,
       AT_LENGTH = 4,
       AT_STREAM = 8,
       AT_PROCESS = 12,
       AT_SEQ = 16,
       AT_VERSION = 24,
       AT_CRC = 28,
       AT_INSTANCE = 32,
       AT_COUNT = 40,
};

static inline void put32(uint8_t *out, uint32_t value)
{
    value = htobe32(value);
    memcpy(out, &value, 4);
}

static inline void put64(uint8_t *out, uint64_t value)
{
    value = htobe64(value);
    memcpy(out, &value, 8);
}

static inline uint32_t get32(const uint8_t *in)
{
    uint32_t value;
    memcpy(&value, in, 4);
    return be32toh(value);
}

static inline uint64_t get64(const uint8_t *in)
{
    uint64_t value;
    memcpy(&value, in, 8);
    return be64toh(value);
}

static size_t frame_bytes_max(const struct mf_codec_conf *conf, uint32_t payload_bytes)
{
    (void)conf;
    return HEADER_BYTES + (payload_bytes > MF_ERROR_TEXT_BYTES ? payload_bytes : MF_ERROR_TEXT_BYTES);
}

static size_t frame_in_bytes_max(const struct mf_codec_conf *conf)
{
    return frame_bytes_max(conf, PAYLOAD_BYTES_MAX);
}

static size_t frame_encode(const struct mf_codec_conf *conf, uint8_t *out, const struct mf_msg *msg)
{
    const void *body = msg->payload;
    uint32_t body_bytes = msg->payload_bytes;

    (void)conf;
    if (msg->kind == MF_MSG_ERROR) {
        body = msg->text;
        body_bytes = msg->text_bytes < MF_ERROR_TEXT_BYTES ? msg->text_bytes : MF_ERROR_TEXT_BYTES;
    }
    put32(out + AT_MAGIC, MAGIC << 16 | FORMAT << 8 | (uint32_t)msg->kind);
    put32(out + AT_LENGTH, HEADER_BYTES + body_bytes);
    put32(out + AT_STREAM, msg->stream);
    put32(out + AT_PROCESS, msg->process);
    put64(out + AT_SEQ, msg->seq);
    put32(out + AT_VERSION, msg->version);
    put32(out + AT_CRC, 0);
    put64(out + AT_INSTANCE, msg->instance);
    put64(out + AT_COUNT, msg->count);
    if (body_bytes > 0)
        memcpy(out + HEADER_BYTES, body, body_bytes);
    put32(out + AT_CRC, mf_crc32c(0, out, HEADER_BYTES + body_bytes));
    return HEADER_BYTES + body_bytes;
}

static bool frame_intact(const uint8_t *in, uint32_t length)
{
    uint8_t header[HEADER_BYTES];

    memcpy(header, in, HEADER_BYTES);
    put32(header + AT_CRC, 0);
    uint32_t crc = mf_crc32c(0, header, HEADER_BYTES);
    if (length > HEADER_BYTES)
        crc = mf_crc32c(crc, in + HEADER_BYTES, length - HEADER_BYTES);
    return crc == get32(in + AT_CRC);
}

/* Whether the first bytes, as many as are there, can begin a frame. */
static bool frame_begins(const uint8_t *in, size_t n)
{
    static const uint8_t begin[] = {MAGIC >> 8, MAGIC & 255, FORMAT};

    if (memcmp(in, begin, n < sizeof begin ? n : sizeof begin) != 0)
        return false;
    if (n > AT_KIND && (in[AT_KIND] < MF_MSG_PING || in[AT_KIND] > MF_MSG_ERROR))
        return false;
    if (n < AT_LENGTH + 4)
        return true;
    uint32_t length = get32(in + AT_LENGTH);
    return length >= HEADER_BYTES && length <= HEADER_BYTES + PAYLOAD_BYTES_MAX;
}

static ssize_t frame_decode(const struct mf_codec_conf *conf, const uint8_t *in, size_t n, struct mf_msg *msg)
{
    (void)conf;
    if (n == 0)
        return MF_DECODE_MORE;
    if (!frame_begins(in, n))
        return MF_DECODE_BROKEN;
    if (n < HEADER_BYTES)
        return MF_DECODE_MORE;
    uint32_t length = get32(in + AT_LENGTH);
    if (n < length)
        return MF_DECODE_MORE;

    *msg = (struct mf_msg){
        .kind = in[AT_KIND],
        .stream = get32(in + AT_STREAM),
        .process = get32(in + AT_PROCESS),
        .version = get32(in + AT_VERSION),
        .seq = get64(in + AT_SEQ),
        .instance = get64(in + AT_INSTANCE),
        .count = get64(in + AT_COUNT),
        .has = MF_HAS_VERSION | MF_HAS_INSTANCE | MF_HAS_COUNT,
        .corrupt = !frame_intact(in, length),
    };
    if (msg->kind == MF_MSG_ERROR) {
        msg->text = (const char *)in + HEADER_BYTES;
        msg->text_bytes = length - HEADER_BYTES;
    } else {
        msg->payload = in + HEADER_BYTES;
        msg->payload_bytes = length - HEADER_BYTES;
    }
    return (ssize_t)length;
}

static bool frame_peek(const struct mf_codec_conf *conf, const uint8_t *in, size_t n, struct mf_msg *msg)
{
    (void)conf;
    if (n < AT_SEQ + 8 || !frame_begins(in, n))
        return false;
    msg->stream = get32(in + AT_STREAM);
    msg->seq = get64(in + AT_SEQ);
    return true;
}

const struct mf_codec mf_codec_frame = {
    .name = "frame",
    .summary = "binary, 48 bytes of header, payload, CRC-32C",
    .carries_payload = true,
    .payload_bytes_max = PAYLOAD_BYTES_MAX,
    .bytes_max = frame_bytes_max,
    .in_bytes_max = frame_in_bytes_max,
    .encode = frame_encode,
    .decode = frame_decode,
    .peek = frame_peek,
};
