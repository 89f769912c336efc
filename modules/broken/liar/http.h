/* What the liar and a load that speaks `http1` with it must agree upon: the text of the codec's configuration.
 *
 * The request names its ping; answers name it too, and carry every witness, or (plain) carry the version alone and
 * belong to their pings by the order of the connection. */
#ifndef MF_LIAR_HTTP_H
#define MF_LIAR_HTTP_H

#define LIAR_HTTP_ASKS  "path /ping/{seq}\nheader X-Id: {id}\n"
#define LIAR_HTTP_PLAIN LIAR_HTTP_ASKS "version header X-Ver\n"
#define LIAR_HTTP_FULL  LIAR_HTTP_PLAIN "instance header X-Instance process=\ncount body count=\nid header X-Id\n"

#include <stddef.h>
#include <stdint.h>

/* How an answer tells where it ends. */
enum liar_framing {
    LIAR_FRAMING_LENGTH,  /* as the codec writes it */
    LIAR_FRAMING_CHUNKED, /* in chunks of few bytes */
    LIAR_FRAMING_INTERIM, /* by its length, behind an interim answer */
    LIAR_FRAMING_TO_END,  /* it does not: the end of the connection tells */
    LIAR_FRAMING_COUNT
};

/* A framed answer has at most this many bytes for each that it had, and so many more. */
#define LIAR_FRAMED_FACTOR 8
#define LIAR_FRAMED_MORE   200

/* Frames the n bytes at `out`, an answer of the codec's, in another way; there must be room. Returns its bytes. */
size_t liar_http_frame(uint8_t *out, size_t n, enum liar_framing framing);
/* Damages the version that it shows, so that it is no number any more. */
void liar_http_damage(uint8_t *out, size_t n);

#endif
