/* A text among the pings, outside the books: what makes a target upgrade may be a message that it takes like any other.
 *
 * The driver says it; it is written on the first connection that is up, between two pings, and one answer that begins
 * as was said is swallowed up to its newline: it is no reply, and no phantom. Any other answer counts as ever. For
 * codec `line`, whose answers are lines. Life: zeroed; mf_aside_say; mf_aside_beat about every millisecond until it is
 * written; mf_aside_forget where its connection has ended. One at a time: the next takes the place of the last.
 * Threads: the loop's. */
#ifndef MF_LOAD_ASIDE_H
#define MF_LOAD_ASIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MF_ASIDE_BYTES 2048

struct mf_worker;
struct mf_connection;

struct mf_aside {
    char text[MF_ASIDE_BYTES]; /* still to be written; empty: nothing is */
    char expect[MF_ASIDE_BYTES];
    const struct mf_connection *connection; /* on which the answer is to come; NULL: none is */
};

/* Too long a text is refused: false. `expect` may be NULL. */
bool mf_aside_say(struct mf_worker *w, const char *text, const char *expect);
void mf_aside_beat(struct mf_worker *w);
/* Whether the bytes at the beginning of a message are (the beginning of) that answer. *taken: its bytes; 0: it has not
 * come whole. */
bool mf_aside_swallows(struct mf_worker *w, const struct mf_connection *c, const uint8_t *in, size_t n, size_t *taken);
void mf_aside_forget(struct mf_worker *w, const struct mf_connection *c);

#endif
