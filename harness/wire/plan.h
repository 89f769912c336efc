/* The load's orders: what to send, when, to whom. One control line (`plan ...`) carries it to a load process, or into
 * the node for transport local. Pure data. */
#ifndef MF_WIRE_PLAN_H
#define MF_WIRE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/codec.h"
#include "wire/control.h"

#define MF_PLAN_POINTS 16

enum mf_load_mode { MF_MODE_OPEN, MF_MODE_CLOSED };
enum mf_arrivals { MF_ARRIVALS_UNIFORM, MF_ARRIVALS_POISSON };

/* MESSAGE: fires when this load has sent message number `first` (counted over all workers by the share below), and then
 * every `every` further ones, `count` times in all.
 * IN_FLIGHT: fires when this load has `first` pings in flight (the kernel has taken them, and they have no outcome and
 * are within their time-out), again when it has been fewer since, and at least `every` further ones were sent.
 * HALF: nothing that the load tells: of its message number `first` (counted as they are made), and of every `every`-th
 * further one, it writes a part only, notes so in its section of the recorder, and writes the rest when the upgrade
 * that the node fires on it has ended. */
enum mf_plan_point_kind { MF_PLAN_POINT_MESSAGE, MF_PLAN_POINT_IN_FLIGHT, MF_PLAN_POINT_HALF, MF_PLAN_POINT_KINDS };
struct mf_plan_point {
    uint32_t point; /* index into the scenario's upgrades */
    uint64_t first, every;
    uint32_t count;
    enum mf_plan_point_kind kind;
};

struct mf_plan {
    uint32_t worker, workers; /* this one's number, and how many there are */
    char endpoint[256];       /* "unix:PATH", "tcp:ADDRESS:PORT" or "local" */
    char codec[16];
    char codec_conf[MF_CODEC_CONF_BYTES]; /* what the codec's configure() reads; "" where it wants nothing */
    uint32_t connections;                 /* of this worker */
    uint32_t streams_per_connection;
    uint32_t first_stream; /* this worker's streams are first_stream .. + connections*streams_per_connection - 1 */
    uint32_t streams;      /* of all workers, and behind them one for each bit of `probes` in any plan */
    uint32_t probes; /* bits by enum mf_wire_state: at the driver's word this worker holds a probe in each; 0: none */
    uint32_t processes;
    enum mf_load_mode mode;
    enum mf_arrivals arrivals;     /* open */
    double rate_per_s;             /* open: of this worker */
    uint32_t window;               /* closed: pings outstanding per connection (local: per stream) */
    uint32_t pipeline;             /* codecs with answers in order: pings written and unanswered on one connection at
                                      most; 0: any number */
    uint32_t retry; /* 1: what is lost with its connection is asked once more, outside the books; `streams` then has one
                       more for each worker, behind all others */
    uint32_t pings_per_connection; /* closed: see README of load; 0: connections are kept */
    uint64_t messages;             /* stop after so many pings of this worker; 0: by time only */
    uint32_t payload_bytes;
    uint64_t timeout_ns, connect_timeout_ns, drain_ns,
        window_ns; /* window_ns: an upgrade's window, see checker/account.h */
    uint64_t seed;
    char history[1024]; /* folder in which each account writes its history; "": none is wanted */
    uint32_t points;
    struct mf_plan_point point[MF_PLAN_POINTS];
};

/* Writes the plan as a control line. Returns -1 where it does not fit. */
int mf_plan_write(const struct mf_plan *plan, struct mf_control_writer *w);
/* Reads it back: every field is required and range-checked. Returns 0, or -1 with *what naming the bad key. */
int mf_plan_read(struct mf_plan *plan, const struct mf_control_line *line, const char **what);

#endif
