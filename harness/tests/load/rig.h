/* A load worker under test: the worker in a thread of the test, a flight recorder, the driver's end of its control
 * lines, and a ping-pong server in another thread that misbehaves on order.
 *
 * Life: rig_init (defaults), change rig.plan and rig.server, rig_start (listens, starts both threads, sends the plan),
 * rig_expect_line("ready"), rig_go, rig_expect_line("finished"), rig_stop (ends and joins both), read rig.record,
 * rig_done. */
#ifndef MF_TESTS_LOAD_RIG_H
#define MF_TESTS_LOAD_RIG_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "recorder/recorder.h"
#include "wire/codec.h"
#include "wire/control.h"
#include "wire/plan.h"

#define PEERS_MAX 64
#define HELD_MAX  64

struct server;

struct peer {
    int fd; /* -1: free */
    size_t bytes;
    uint8_t buffer[65536];
};

struct held {
    struct peer *peer;
    struct mf_msg msg;
};

struct server {
    const struct mf_codec *codec;
    struct mf_codec_conf *conf; /* http1: names the pings, which the worker's own does not read */
    uint64_t seed;              /* of payloads */
    uint32_t payload_bytes;
    /* A ping has come. NULL: it is answered. */
    void (*on_ping)(struct server *s, struct peer *p, const struct mf_msg *ping);
    /* For on_ping. */
    uint64_t pings;              /* that have come, this one included */
    uint64_t at;                 /* the ping at which it misbehaves */
    uint32_t window;             /* how many it holds back first */
    bool has_misbehaved, closes; /* closes: every answer says that it is the last (http1) */
    struct held held[HELD_MAX];
    uint32_t held_count;
    uint64_t unanswered, unanswered_max;
    size_t cut_bytes;

    char endpoint[200], path[160], folder[128];
    bool over_tcp;
    int listener, wake[2];
    struct peer peer[PEERS_MAX];
    int plug[PEERS_MAX]; /* connections that fill its own accept queue */
    uint32_t plugs;
    pthread_t thread;
    bool is_running;
};

struct rig {
    struct mf_plan plan;
    struct mf_recorder recorder;
    struct mf_recorder_shape shape;
    struct mf_worker_record *record;
    struct server server;
    int control;
    struct mf_control_reader reader;
    struct mf_control_line line; /* the last one that was expected */
    pthread_t worker;
    int worker_fds[2];
    int worker_result;
    struct mf_error worker_error;
    bool is_joined;
    uint64_t duration_ns;
};

void rig_init(struct rig *rig, const char *transport, const char *codec);
void rig_start(struct rig *rig);
/* Starts the worker alone: no server, no plan. */
void rig_start_worker(struct rig *rig);
void rig_send_plan(struct rig *rig);
void rig_say(struct rig *rig, const char *verb);
void rig_say_k(struct rig *rig, const char *verb, uint32_t k);
/* The next line must have this verb; fails the test after some seconds. */
void rig_expect_line(struct rig *rig, const char *verb);
void rig_go(struct rig *rig);
/* ready, go, finished, stop. */
void rig_run(struct rig *rig);
void rig_stop(struct rig *rig);
void rig_join_worker(struct rig *rig);
void rig_done(struct rig *rig);
/* Both equations, of its worker's section; of any. */
void rig_expect_balance(const struct rig *rig);
void rig_expect_books(const struct mf_worker_record *r);

void server_answer(struct server *s, struct peer *p, const struct mf_msg *ping);
void server_send(struct peer *p, const void *bytes, size_t n);
size_t server_encode(struct server *s, uint8_t *out, const struct mf_msg *ping);
void server_hold(struct server *s, struct peer *p, const struct mf_msg *ping);
void server_release(struct server *s);
/* Those who wait in its accept queue. */
void server_accept_all(struct server *s);
void peer_close(struct peer *p);
void server_unlisten(struct server *s);

#endif
