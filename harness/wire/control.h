/* Control lines: how the driver, the load and the node talk off the hot path.
 *
 * A line is `verb key=value key=value ...\n`, at most MF_CONTROL_BYTES long. A value's bytes outside the printable
 * ASCII range, blanks and '%' are written %XX. Keys and verbs are [a-z0-9_-]. Unknown verbs and keys are ignored by
 * readers (a newer peer).
 *
 * driver -> node (supervisor)   plan ...        (wire/plan.h; only for transport local, before go)
 *                               go              (transport local: start pinging; start_ns is in the recorder)
 *                               upgrade k=N     carry out slot N of the upgrade log; the driver has filled REQUESTED
 *                               stop
 * node -> driver                ready endpoint=unix:PATH|tcp:ADDRESS:PORT|local pid=N
 *                               fired k=N       the node fired slot N itself (points value and stage)
 *                               ended k=N outcome=committed|rolled_back|failed [reason=TEXT]     once per upgrade
 *                               phase k=N phase=KEY   slot N stands still at a phase that the log marks (`hold`)
 *                               finished        (local) every ping has its outcome
 *                               died pid=N status=TEXT   the worker ended unasked
 *                               error text=TEXT status=N
 *                               stopped
 * driver -> load                plan ...   go   stop
 *                               probe k=N       place a probe in each of the plan's wire states: upgrade N is about to
 *                                               be requested (that it is, the load reads in the recorder)
 *                               release k=N     upgrade N has ended: let the probes go on, and judge them
 *                               say text=TEXT [expect=TEXT]   write that between two pings, outside the books; an answer
 *                                               that begins with `expect` is swallowed
 * driver -> relay               cut|reset|half_close|noop act=N   delay us=N act=N   throttle bytes_per_s=N act=N clear
 *                               stop
 * relay -> driver               ready endpoint=TEXT   done what=TEXT connections=N [act=N]
 * load -> driver                ready           planned, and every connection is made
 *                               point p=I stream=S seq=Q process=P   point I of the plan has come (message, in_flight)
 *                               placed k=N      the probes for upgrade N are where they were wanted, or can't be placed
 *                               finished
 *                               error text=TEXT status=N */
#ifndef MF_WIRE_CONTROL_H
#define MF_WIRE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MF_CONTROL_BYTES 4096
#define MF_CONTROL_PAIRS 48

struct mf_control_line {
    const char *verb;
    uint32_t pairs;
    struct {
        const char *key, *value;
    } pair[MF_CONTROL_PAIRS];
};

/* Parses one line without its newline, in place: `text` is cut up and unescaped, and the result points into it.
 * Returns 0, or -1 where it is no control line (empty, bad escape, too many pairs). */
int mf_control_parse(struct mf_control_line *line, char *text);
/* The value of `key`; NULL where there is none. */
const char *mf_control_get(const struct mf_control_line *line, const char *key);
/* The value as a number in [0, max]; `fallback` where it is missing. Sets *bad (never clears it) where it is no such
 * number. */
uint64_t mf_control_u64(const struct mf_control_line *line, const char *key, uint64_t fallback, uint64_t max,
                        bool *bad);

/* A line under construction. Appending past the end sets `overrun`, and mf_control_end then returns -1. */
struct mf_control_writer {
    char text[MF_CONTROL_BYTES];
    size_t used;
    bool overrun;
};
void mf_control_begin(struct mf_control_writer *w, const char *verb);
void mf_control_put(struct mf_control_writer *w, const char *key, const char *value);
void mf_control_put_u64(struct mf_control_writer *w, const char *key, uint64_t value);
int mf_control_end(struct mf_control_writer *w); /* adds the newline; text[0..used) is the line */

/* Cuts a byte stream into lines. mf_control_feed_space gives the room to read into; after reading n bytes say
 * mf_control_fed(n); then mf_control_next returns each whole line (without newline, NUL-terminated, valid until the
 * next feed) or NULL. A line over the limit sets `overrun` and is dropped. */
struct mf_control_reader {
    char buffer[2 * MF_CONTROL_BYTES];
    size_t begin, end;
    bool overrun;  /* a line was dropped */
    bool skipping; /* inside a line that is over the limit */
};
char *mf_control_feed_space(struct mf_control_reader *r, size_t *space);
void mf_control_fed(struct mf_control_reader *r, size_t n);
char *mf_control_next(struct mf_control_reader *r);

/* Blocking helpers for programs without a loop on that descriptor: send the ended writer's line whole (EINTR-safe,
 * MSG_NOSIGNAL where it is a socket). Returns 0 or -1 with errno. */
int mf_control_send(int fd, struct mf_control_writer *w);

#endif
