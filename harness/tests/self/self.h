/* The instrument proves itself: the load process as it is shipped, against a server that misbehaves in known numbers
 * (modules/broken/liar), and the two books side by side, class by class.
 *
 * Life: self_plan_* makes a plan; self_run carries it out (blocking, one at a time in a process, two children) and
 * fills a result; self_table_add and self_table_print sum results up. Units: ns on CLOCK_MONOTONIC where a name says
 * so. */
#ifndef MF_TESTS_SELF_H
#define MF_TESTS_SELF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "recorder/recorder.h"

#define SELF_ACTS_MAX 64

enum self_act {
#define LIAR_ACT(id, key, scope, text) SELF_##id,
#include "acts.def"
#undef LIAR_ACT
    SELF_ACT_COUNT
};

extern const char *const self_act_keys[SELF_ACT_COUNT];

struct self_plan {
    char name[64];
    uint64_t seed;
    bool over_tcp, over_udp, open_loop;
    const char *codec;
    bool is_http, is_plain; /* plain: answers do not say to which ping they belong */
    uint32_t pipeline;      /* as the load is told */
    double rate_per_s;
    uint32_t window, connections, streams_per_connection, processes_per_stream, payload_bytes;
    uint64_t messages;
    uint32_t listen_after_ms; /* the liar says that it is ready, and listens so much later */
    uint32_t upgrades;
    uint32_t acts;
    struct {
        enum self_act kind;
        uint64_t at, arg;
    } act[SELF_ACTS_MAX];
};

#define SELF_TRANSPORTS 3 /* unix, tcp, udp */
#define SELF_CODECS     4 /* frame, line, http1, http1 whose answers say little (plain) */

/* One kind of act alone, over a transport and a codec. Returns false where that makes no sense. */
bool self_plan_alone(struct self_plan *plan, enum self_act kind, int transport, int codec);
/* All kinds in one run; likewise. */
bool self_plan_mixed(struct self_plan *plan, int transport, int codec);
void self_plan_random(struct self_plan *plan, uint64_t seed);

/* Everything that is compared, in one row. */
#define SELF_CLASSES (2 + MF_OUTCOME_COUNT + MF_CAUSE_COUNT + MF_EXTRA_COUNT + 3)
/* The key of a class: due, replies, an outcome, lost.<cause>, an extra, closed_announced, closed_idle, closed_inflight.
 */
const char *self_class_key(int class);

struct self_books {
    uint64_t count[SELF_CLASSES];
    uint64_t unsent_or_rst; /* planted only: lost to either of the two causes, as the kernel decides */
    uint64_t act[SELF_ACT_COUNT];
    uint64_t late_ns_max; /* how late the instrument (or the liar) itself was */
    uint64_t unsendable;
};

enum self_verdict {
    SELF_NOT_RUN,
    SELF_EQUAL,
    SELF_DISCREPANCY, /* the two books differ, and neither side had stalled */
    SELF_STALLED,     /* they differ, and the machine had stalled each time it was tried */
    SELF_TROUBLE,     /* a program failed */
};

struct self_result {
    enum self_verdict verdict;
    uint32_t tries;
    char text[1000]; /* what differs, or what failed */
    struct self_books planted, reported;
};

struct self_programs {
    const char *load, *liar;
};

/* Runs the plan, again (a few times) where it differs while the machine stalled. */
void self_run(const struct self_plan *plan, const struct self_programs *programs, struct self_result *result);

/* Books. */
/* Reads the liar's file. Returns 0, or -1: something is missing. */
int self_books_read(struct self_books *books, const char *path);
void self_books_of(struct self_books *books, const struct mf_worker_record *record);
/* Returns the number of differences, and tells them in `text`. */
int self_books_compare(const struct self_books *planted, const struct self_books *reported, char *text, size_t room);

struct self_table {
    struct self_books planted, reported;
};
void self_table_add(struct self_table *table, const struct self_result *result);
/* Returns how many classes and acts never fired. */
int self_table_print(const struct self_table *table, FILE *out);

#endif
