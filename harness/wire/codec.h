/* Codecs: how a ping and a pong look as bytes. Pure: no I/O, no state; no allocation but of a configuration; each is
 * fuzzed.
 *
 * Adding one: a file with a `const struct mf_codec` at its foot, and a row in codecs.def. */
#ifndef MF_WIRE_CODEC_H
#define MF_WIRE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

enum mf_msg_kind { MF_MSG_PING = 1, MF_MSG_PONG = 2, MF_MSG_ERROR = 3 };

enum {
    MF_HAS_VERSION = 1,
    MF_HAS_INSTANCE = 2,
    MF_HAS_COUNT = 4,
};

/* How much an answer says of the ping that it belongs to. */
enum mf_named {
    MF_NAMED_WHOLE, /* stream, seq and process */
    MF_NAMED_PING,  /* stream and seq; whom it asked is not told */
    MF_NAMED_NOT,   /* nothing: it belongs to the oldest ping of its connection that has no answer */
};

/* The text of an error is cut to so many bytes when it is encoded. */
#define MF_ERROR_TEXT_BYTES 200

struct mf_msg {
    enum mf_msg_kind kind;
    uint32_t stream, process, version;
    uint64_t seq, instance, count;
    unsigned has; /* MF_HAS_...: what of a pong's witnesses the target gave. encode: the others are written as "not
                     given" (line) or as they are (frame) */
    bool corrupt; /* decoded and framed, but its checksum does not match or its text makes no sense; stream, seq and
                   * process are then what the bytes say, all ones where they say nothing (such an answer is a phantom).
                   * Never set by a right message */
    enum mf_named named; /* decode: which of stream, seq and process are told; the others are 0 */
    bool closes; /* encode: a ping's connection will not be used behind it; decode: behind this answer its connection
                  * ends, announced. Not every codec can say so */
    const uint8_t *payload; /* decode: points into the input; encode: read from here */
    uint32_t payload_bytes;
    const char *text; /* of an error; points into the input, not terminated */
    uint32_t text_bytes;
};

enum { MF_DECODE_MORE = 0, MF_DECODE_BROKEN = -1 };

/* What a codec is told besides (load.http, load.resp): made once from text, then constant. The codec's own struct
 * begins with this. */
struct mf_codec_conf {
    unsigned gives; /* MF_HAS_...: the witnesses that every right answer carries */
};

/* Longest such text, its end included. */
#define MF_CODEC_CONF_BYTES 2048

struct mf_codec {
    const char *name;
    const char *summary;  /* one line for `midflight list codecs` */
    bool carries_payload; /* payload_bytes may be over 0 */
    uint32_t payload_bytes_max;
    bool in_order;     /* answers come in the order of their connection's pings */
    bool answers_only; /* decode reads answers, and takes a ping for one; errors name no ping, nor does peek */
    /* Makes a configuration of `text`, lines of "key value" (README.md); the caller frees it with free(). NULL with
     * *err: USAGE, whose place is the key. Required where the codec wants a configuration; NULL: it wants none, and
     * `conf` is NULL in the calls below. */
    struct mf_codec_conf *(*configure)(const char *text, struct mf_error *err);
    /* Longest encoding of a ping, pong or error (of any text: it is cut) with that payload. Required. */
    size_t (*bytes_max)(const struct mf_codec_conf *conf, uint32_t payload_bytes);
    /* Longest message that decode may ask to wait for: with so many bytes it never says MF_DECODE_MORE. Required. */
    size_t (*in_bytes_max)(const struct mf_codec_conf *conf);
    /* Writes msg (a ping, pong or error) into `out`, which has room for bytes_max. Returns the length. Required. */
    size_t (*encode)(const struct mf_codec_conf *conf, uint8_t *out, const struct mf_msg *msg);
    /* Reads one message from the `n` bytes at `in`. Returns the bytes it took (> 0), MF_DECODE_MORE where the message
     * is not whole yet, or MF_DECODE_BROKEN where this byte stream can never become one again (the connection is then
     * useless). Never reads past n. Required. */
    ssize_t (*decode)(const struct mf_codec_conf *conf, const uint8_t *in, size_t n, struct mf_msg *msg);
    /* The connection has ended, without an error, behind the n bytes at `in` (n > 0), which decode wants more of: reads
     * the message whose end that is. Returns as decode does. NULL: no message ends like that. */
    ssize_t (*decode_end)(const struct mf_codec_conf *conf, const uint8_t *in, size_t n, struct mf_msg *msg);
    /* Of a message cut short: its stream and seq where enough is there to tell. Returns true and fills msg->stream and
     * ->seq. Required. */
    bool (*peek)(const struct mf_codec_conf *conf, const uint8_t *in, size_t n, struct mf_msg *msg);
};

/* By name; NULL where there is none. */
const struct mf_codec *mf_codec_find(const char *name);
/* The i-th row of codecs.def; NULL past the end. */
const struct mf_codec *mf_codec_at(size_t i);

/* The payload of ping (stream, seq) under `seed`: `n` bytes that any byte's change or a swap of two pings' payloads
 * shows. */
void mf_payload_fill(uint8_t *out, uint32_t n, uint64_t seed, uint32_t stream, uint64_t seq);
bool mf_payload_matches(const uint8_t *in, uint32_t n, uint64_t seed, uint32_t stream, uint64_t seq);

/* CRC-32C (Castagnoli polynomial 0x1EDC6F41, reflected, initial and final inversion; RFC 3720 B.4). */
uint32_t mf_crc32c(uint32_t crc, const void *data, size_t n);

#endif
