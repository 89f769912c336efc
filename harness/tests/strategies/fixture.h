/* A real node under test: the program as it is shipped, a recorder made here, and a small blocking client.
 *
 * Life: node_start; client_open...; node_upgrade, node_await...; node_stop. Every wait has a deadline that only a
 * broken node meets; nothing sleeps to get its order. Whatever fails aborts the test (Criterion runs each in a process
 * of its own; the node ends with its control line). */
#ifndef MF_TESTS_STRATEGIES_FIXTURE_H
#define MF_TESTS_STRATEGIES_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "recorder/recorder.h"
#include "wire/control.h"

#define MODULE_V1 MIDFLIGHT_BINARY_DIR "/modules/pingpong/v1.so"
#define MODULE_V2 MIDFLIGHT_BINARY_DIR "/modules/pingpong/v2.so"
#define MODULE_V3 MIDFLIGHT_BINARY_DIR "/modules/pingpong/v3.so"

#define STREAMS     4 /* two a connection */
#define ASKED       2 /* processes that a stream asks in turn: s and s + STREAMS, which run on the same scheduler */
#define CONNECTIONS 2
#define SEQS        65536

struct node {
    pid_t pid; /* the supervisor */
    int control;
    struct mf_control_reader reader;
    struct mf_recorder rec;
    char dir[64], endpoint[128];
};

struct node_setup {
    const char *strategy;
    const char *modules[8]; /* NULL-terminated; the first one runs at first */
    const char *point;      /* --point, or NULL */
    const char *options[8]; /* more of the command line; NULL-terminated */
    uint32_t upgrades;      /* slots of the log */
    uint32_t to[64];        /* module index of each slot */
};

void node_start(struct node *n, const struct node_setup *setup);
/* Asks for slot k as the driver does. */
void node_upgrade(struct node *n, uint32_t k);
/* Reads lines until `verb` comes (with k=K where k is not UINT32_MAX). The line's `what` value goes into `value` where
 * that is not NULL. */
void node_await(struct node *n, const char *verb, uint32_t k, const char *what, char *value, size_t room);
/* Whether that line comes within so many ms. */
bool node_says(struct node *n, const char *verb, uint32_t k, int deadline_ms);
/* `stop`, until it has ended with exit 0; asserts that its folder is empty. */
void node_stop(struct node *n);
uint32_t node_worker(const struct node *n); /* pid */
/* Waits until so many messages have reached the stage, over the node's life. */
void node_await_reached(const struct node *n, enum mf_stage stage, uint64_t messages);

/* What one stream has got from one of its processes. */
struct asked {
    uint64_t answered, reordered, remade, went_back;
    uint64_t last_seq, instance, count; /* of the last answer */
    uint32_t version;
};

/* What one stream has sent and got. */
struct stream {
    struct asked asked[ASKED];
    uint64_t sent, answered, duplicated, wrong;
    uint64_t overtaken; /* answers that came after the answer to a later ping, to whichever process */
    uint64_t given_up;  /* sent, and known to be lost: its connection ended, or a later ping was answered */
    uint64_t last_seq;
    uint8_t seen[SEQS];
};

struct client {
    const struct node *node;
    int fd[CONNECTIONS]; /* -1: the node has closed it */
    uint64_t closed;     /* how often it did */
    uint8_t *in[CONNECTIONS];
    size_t in_bytes[CONNECTIONS];
    struct stream stream[STREAMS];
};

struct client *client_open(const struct node *n);
void client_close(struct client *c);
/* The next ping of `stream`, whole. Returns its seq; where its connection has been closed a new one is made first. */
uint64_t client_ping(struct client *c, uint32_t stream, uint32_t payload_bytes);
/* The first / the other bytes of the next ping. */
void client_ping_begin(struct client *c, uint32_t stream, size_t bytes);
void client_ping_finish(struct client *c, uint32_t stream, size_t bytes);
/* Reads what comes on any connection, until something came or the deadline is over (false). A connection that ends is
 * closed. */
bool client_read(struct client *c, int deadline_ms);
/* Until every ping has its answer or is given up. */
void client_drain(struct client *c);
/* Pings each stream until one is answered: what has no answer by then is lost, since a process answers in order. */
void client_fence(struct client *c);
uint64_t client_lost(const struct client *c);
uint64_t client_outstanding(const struct client *c); /* neither answered nor given up */
/* node_upgrade, and pings on all living connections until `ended` (`reboot` does not begin without a message). Returns
 * the outcome. */
enum mf_upgrade_outcome client_exchange(struct client *c, struct node *n, uint32_t k);

#endif
