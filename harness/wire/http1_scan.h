/* The scanner of codec `http1`: where an HTTP/1 message begins, what it says, where it ends (RFC 9112). Pure: no I/O,
 * no state, no allocation; never reads past its input.
 *
 * It is strict where two readers could disagree about where a message ends (README.md says what breaks a stream), and
 * lenient where none can (a bare newline ends a line of the head). Threads: any. */
#ifndef MF_WIRE_HTTP1_SCAN_H
#define MF_WIRE_HTTP1_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MF_HTTP1_HEAD_BYTES_MAX 65536 /* of one head; of the trailers of one body */
#define MF_HTTP1_WANTED         4

/* Some bytes of the input. `at` NULL: not there. */
struct mf_http1_slice {
    const uint8_t *at;
    size_t bytes;
};

/* What is looked for, besides what the end of a message depends on. */
struct mf_http1_wants {
    struct mf_http1_slice header[MF_HTTP1_WANTED]; /* names in lower case; at NULL: none */
    bool answers_head;                             /* no response has a body */
    size_t message_bytes_max;                      /* a longer one breaks the stream */
};

enum mf_http1_body { MF_HTTP1_BODY_NONE, MF_HTTP1_BODY_LENGTH, MF_HTTP1_BODY_CHUNKED, MF_HTTP1_BODY_TO_END };

struct mf_http1_message {
    unsigned status;            /* 0: it is a request */
    struct mf_http1_slice line; /* a response's reason, a request's target */
    struct mf_http1_slice
        value[MF_HTTP1_WANTED]; /* of the first wanted header of each name: blanks around it cut off */
    bool closes;                /* the connection ends behind it */
    enum mf_http1_body framing;
    struct mf_http1_slice body; /* CHUNKED: with its chunks' sizes; else as it is */
};

/* Reads one message from the n bytes at `in`; interim responses (1xx) in front of it are passed over. `at_end`: there
 * will be no more than these. Returns the bytes that it took, 0 where it is not whole yet (value[] is filled as far as
 * whole lines of its head go), -1 where the stream is broken. */
ssize_t mf_http1_scan(const struct mf_http1_wants *wants, const uint8_t *in, size_t n, bool at_end,
                      struct mf_http1_message *m);

/* The pieces of a whole message's body, in order: the whole of it, or chunk by chunk. *at is 0 at first and moves on.
 * False: there are no more. */
bool mf_http1_piece(const struct mf_http1_message *m, size_t *at, struct mf_http1_slice *piece);

#endif
