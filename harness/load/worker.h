/* The load worker: the pingers of one OS process, in one loop on one thread, sharing nothing with others but the flight
 * recorder.
 *
 * mf_worker_run is the whole of its life: plan, connect, ready, go, ping, drain, finished, stop (the verbs of
 * wire/control.h). What is below it is for the files of this folder. Units: ns on CLOCK_MONOTONIC. */
#ifndef MF_LOAD_WORKER_H
#define MF_LOAD_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"
#include "checker/account.h"
#include "load/aside.h"
#include "load/channel.h"
#include "load/connection.h"
#include "load/endpoint.h"
#include "load/half.h"
#include "load/meter.h"
#include "load/pacer.h"
#include "load/points.h"
#include "load/probes.h"
#include "load/retry.h"
#include "wire/schedule.h"
#include "recorder/recorder.h"
#include "wire/codec.h"
#include "wire/plan.h"

/* Runs to its end. Takes both descriptors: the recorder's memfd and a connected stream socket to the driver. Returns 0,
 * or -1 with *err: our own error, a target that could not be reached, a driver that went away; what was told to the
 * driver in an `error` line is in *err too. */
int mf_worker_run(int recorder_fd, int control_fd, struct mf_error *err);

enum mf_worker_phase {
    MF_WORKER_IDLE,       /* no plan yet */
    MF_WORKER_CONNECTING, /* until every connection is up */
    MF_WORKER_READY,      /* until go */
    MF_WORKER_PINGING,    /* until the last ping is due */
    MF_WORKER_DRAINING,   /* until every ping has its outcome, or the time is up */
    MF_WORKER_FINISHED,   /* until the driver says stop or goes */
    MF_WORKER_OVER,
};

struct mf_worker {
    uv_loop_t loop;
    struct mf_channel channel;
    struct mf_pacer pacer;
    struct mf_meter meter;
    struct mf_recorder recorder;
    struct mf_plan plan;
    const struct mf_codec *codec;
    struct mf_codec_conf *conf; /* NULL: the codec wants none */
    struct mf_endpoint endpoint;
    struct mf_account *account;
    struct mf_worker_record *record;
    struct mf_connection *connection; /* plan.connections of them */
    struct mf_connection *listed;     /* those that have something to fill or to write */
    struct mf_schedule schedule;
    struct mf_points points;
    struct mf_half half;
    struct mf_aside aside;
    struct mf_probes *probes;   /* NULL: the plan wants none */
    struct mf_retries *retries; /* NULL: the plan wants none */

    enum mf_worker_phase phase;
    uint64_t planned_ns, start_ns, end_ns;
    uint64_t next_beat_ns;
    bool has_filled;         /* closed loop: the first pings were due */
    uint64_t pings;          /* that were due */
    uint64_t drain_until_ns; /* at the latest */
    uint64_t calm_since_ns;  /* draining, and nothing is open: since when; 0: not so */
    uint32_t up;             /* connections that are up */

    uint8_t *payload; /* of the ping under construction */
    size_t ping_bytes_max;
    uint8_t *incoming; /* what a read brings, in front of it what the connection had left over */
    size_t incoming_room;

    bool failed;
    struct mf_error error;
};

/* Of connections, to the worker. */
/* An answer came by this connection. */
void mf_worker_answer(struct mf_worker *w, struct mf_connection *c, const struct mf_msg *msg, uint64_t now_ns);
/* An answer as the account wants it: whether it is one at all, and right; and to which ping it belongs, where it does
 * not say so itself: `order` are those that its connection's answers belong to, and loses one. */
void mf_worker_read_pong(const struct mf_worker *w, const struct mf_account *account, struct mf_order *order,
                         const struct mf_msg *msg, struct mf_pong *pong);
/* The kernel has taken this ping of the connection. */
void mf_worker_written(struct mf_worker *w, struct mf_connection *c, const struct mf_queued *ping, uint64_t now_ns);
/* A ping of this connection is lost while others of it go on: frees its slot of the window. */
void mf_worker_lost(struct mf_worker *w, struct mf_connection *c, uint32_t stream, uint64_t seq, enum mf_cause cause,
                    uint64_t now_ns);
/* All pings of this connection have their outcome: its window is free. */
void mf_worker_vacate(struct mf_worker *w, struct mf_connection *c);
/* To be looked at by mf_worker_settle. */
void mf_worker_list(struct mf_worker *w, struct mf_connection *c);
/* Fills windows and writes, until nothing is left that could be done now. To be called at the end of each event. */
void mf_worker_settle(struct mf_worker *w);
/* Whether another ping may become due. */
bool mf_worker_may_ping(const struct mf_worker *w);
/* Open loop: makes the pings whose time has come, up to a number after which others should have a turn. */
void mf_worker_send_due(struct mf_worker *w, uint64_t now_ns);
/* Takes note of the pings that are past their time-out. */
void mf_worker_expire(struct mf_worker *w, uint64_t now_ns);
/* Whether a connection that is down is worth making again. */
bool mf_worker_wants(const struct mf_worker *w, const struct mf_connection *c);
/* Our own trouble: ends the worker; the first error counts. */
void mf_worker_fail(struct mf_worker *w, const struct mf_error *err);

#endif
