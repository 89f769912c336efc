/* A ping of which a part only is written, until the upgrade that the node fires on it has ended (points half_received).
 *
 * Life: zeroed; mf_half_begin for a ping that was just put into its connection's queue, while none is held; the
 * connection then stops writing at `cut_at`; mf_half_beat about every millisecond lets it go on; mf_half_forget where
 * the connection's queue is dropped. One at a time. Threads: the loop's.
 *
 * The ping goes on when the upgrade that has it as its trigger has an outcome. Where none is fired on it (the node
 * knows no such point, has fired often enough, or is no node) it goes on after half its time-out. */
#ifndef MF_LOAD_HALF_H
#define MF_LOAD_HALF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mf_worker;
struct mf_connection;

struct mf_half {
    struct mf_connection *connection; /* NULL: none is held */
    uint64_t cut_at;                  /* in its queue's bytes ever: nothing from here on is written */
    uint64_t written_ns;              /* when its part was seen to be written; 0: not yet */
    uint32_t requested;               /* upgrades requested before it */
};

/* Point `point` has come with the ping that was put last into c's queue: `n` bytes at `bytes`. */
void mf_half_begin(struct mf_worker *w, struct mf_connection *c, uint32_t point, const uint8_t *bytes, size_t n);
void mf_half_beat(struct mf_worker *w, uint64_t now_ns);
void mf_half_forget(struct mf_worker *w, const struct mf_connection *c);

#endif
