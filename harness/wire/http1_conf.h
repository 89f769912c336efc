/* What codec `http1` is told, compiled: the request as pieces to be put one behind the other, and where in a response
 * its witnesses stand.
 *
 * Life: mf_http1_conf_new; read; free(). One block, without pointers to anything outside. Threads: any. */
#ifndef MF_WIRE_HTTP1_CONF_H
#define MF_WIRE_HTTP1_CONF_H

#include "wire/codec.h"
#include "wire/http1_scan.h"

#define MF_HTTP1_PIECES   64
#define MF_HTTP1_STATUSES 8

enum mf_http1_piece_kind {
    MF_HTTP1_PIECE_TEXT,
    MF_HTTP1_PIECE_STREAM,
    MF_HTTP1_PIECE_SEQ,
    MF_HTTP1_PIECE_PROCESS,
    MF_HTTP1_PIECE_ID,          /* <stream>-<seq>-<process> */
    MF_HTTP1_PIECE_CLOSE,       /* the header Connection: close, where the ping is its connection's last */
    MF_HTTP1_PIECE_BODY_LENGTH, /* how many bytes the body has */
    MF_HTTP1_PIECE_BODY,        /* none; what follows is the body */
};

struct mf_http1_text {
    enum mf_http1_piece_kind kind;
    uint16_t at, bytes; /* TEXT: in the configuration's text */
};

/* Where in a response something stands. Also the index of its header among those that the scanner looks for. */
enum mf_http1_place_of { MF_HTTP1_VERSION, MF_HTTP1_INSTANCE, MF_HTTP1_COUNT, MF_HTTP1_IDS, MF_HTTP1_PLACES };
_Static_assert(MF_HTTP1_PLACES == MF_HTTP1_WANTED, "a header may be wanted for each place");

struct mf_http1_place {
    bool is_given, in_body;      /* not in_body: in a header */
    uint16_t name, name_bytes;   /* of the header, in lower case; in the configuration's text */
    uint16_t after, after_bytes; /* the number stands behind this text; 0 bytes: at the beginning */
};

struct mf_http1_conf {
    struct mf_codec_conf shared; /* first */
    struct mf_http1_wants wants;
    struct mf_http1_place place[MF_HTTP1_PLACES];
    uint32_t statuses; /* 0: any 2xx is right */
    uint16_t status[MF_HTTP1_STATUSES];
    bool says_close;
    uint32_t pieces;
    struct mf_http1_text piece[MF_HTTP1_PIECES];
    size_t ping_bytes_max, pong_bytes_max;
    size_t text_bytes;
    char text[2 * MF_CODEC_CONF_BYTES];
};

/* Reads the text of wire/README.md. NULL with *err. */
struct mf_codec_conf *mf_http1_conf_new(const char *text, struct mf_error *err);

static inline const struct mf_http1_conf *mf_http1_conf(const struct mf_codec_conf *conf)
{
    return (const struct mf_http1_conf *)conf;
}

#endif
