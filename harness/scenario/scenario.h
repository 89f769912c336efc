/* A scenario: JSON to structs, strictly. Every name in it is checked, every default is filled in, the sweep is expanded
 * into cells.
 *
 * Life: mf_scenario_load; read; mf_scenario_free. The structs hold no JSON. Owner: the scenario owns all strings and
 * arrays. Errors: status USAGE; place is "FILE:LINE:COLUMN" for syntax, "FILE: key.path" for meaning; the text says
 * what is wrong and what is allowed. */
#ifndef MF_SCENARIO_SCENARIO_H
#define MF_SCENARIO_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/nearest.h"
#include "checker/result.h"
#include "faults/plan.h"
#include "recorder/recorder.h"
#include "scenario/command.h"

enum mf_transport {
#define MF_TRANSPORT(id, key, text) MF_TRANSPORT_##id,
#include "scenario/transports.def"
#undef MF_TRANSPORT
    MF_TRANSPORT_COUNT
};
extern const char *const mf_transport_keys[MF_TRANSPORT_COUNT];

enum mf_point_kind {
#define MF_POINT(id, key, text) MF_POINT_##id,
#include "scenario/points.def"
#undef MF_POINT
    MF_POINT_COUNT
};

/* One row of `upgrades`. What each kind uses is said in points.def. */
struct mf_upgrade_plan {
    enum mf_point_kind kind;
    uint32_t count; /* how often it fires; default 1 */
    double time_ms; /* TIME: after the warm-up's end */
    double every_ms, jitter_ms,
        from_ms; /* EVERY: at from_ms + i*every_ms, +- uniform jitter_ms (seeded); from_ms defaults to every_ms */
    uint64_t message, every; /* MESSAGE, STAGE: the first number, then every so many. IN_FLIGHT, QUEUE_DEPTH: `every` is
                                the least number of messages from one firing to the next */
    uint64_t in_flight;      /* IN_FLIGHT: pings that the kernel has taken and that have no outcome yet */
    uint64_t queue_depth;    /* QUEUE_DEPTH: messages in one process's mailbox */
    uint64_t value; /* VALUE: fires when a ping with this seq, of whatever stream first, is taken from its mailbox */
    uint32_t stage; /* STAGE: enum mf_point_stage; the middle of a frame (>= MF_STAGE_COUNT) is always held */
    bool
        hold; /* STAGE, VALUE: the message is held at its stage until the upgrade has ended (or its process has died) */
    double hold_ms; /* at most so long waiting for quiet before firing; default 100 */
};

#define MF_OWN_NETWORK UINT32_MAX
struct mf_node_target {
    const char *strategy; /* a name of strategies.def */
    unsigned flags;       /* its promises */
    uint32_t processes, schedulers;
    const char *purge;        /* of two-version: a key of purge.def */
    uint32_t lingerers;       /* of two-version: the first so many processes never leave a version by themselves */
    uint32_t control_group;   /* the last so many processes are in no upgrade */
    const char *supervision;  /* a key of supervision.def */
    uint32_t group;           /* processes under one supervisor */
    bool links;               /* the neighbours in a group are linked */
    const char **modules;     /* "pingpong/v1": <modules>/pingpong/v1.so, or a path that ends in .so */
    uint32_t modules_count;   /* >= 1; upgrade k goes to modules[k+1 mod count] */
    uint32_t accept_delay_us; /* between two accepted connections; 0: as they come */
    const char *retire;       /* reuseport: how the old copy ends, a name of strategies/retire.def */
    uint32_t tcp_migrate_req; /* 0, 1: in a network namespace of the run's own; MF_OWN_NETWORK: in ours */
    double ready_ms, upgrade_ms, stop_ms; /* deadlines; defaults 5000, 5000, 5000 */
};

struct mf_load {
    enum mf_transport transport;
    const char *codec;
    const char *codec_conf; /* what the codec is told besides; "" where it wants nothing */
    bool open;    /* mode */
    bool poisson; /* arrivals: "uniform" or "poisson" */
    uint32_t workers, connections,
        streams_per_connection; /* connections: of all workers together; a multiple of workers */
    double rate_per_s;          /* open; of all workers together */
    uint32_t window;            /* closed */
    uint32_t pipeline; /* codecs with answers in order: pings written and unanswered on a connection; 0: any number */
    uint32_t pings_per_connection; /* closed: after so many a connection is closed and made anew; 0: it is kept */
    bool retry; /* what is lost with its connection is asked once more, outside the books */
    uint64_t messages;             /* 0: until duration_ms; else stop after so many pings in all */
    uint32_t payload_bytes;
    double timeout_ms, connect_timeout_ms, warmup_ms, duration_ms, drain_ms;
    double window_ms;     /* an upgrade's window for spikes; default 100 */
    uint32_t wire_states; /* bits by enum mf_wire_state: which the load holds a probe in at each upgrade; 0: none */
};

struct mf_parameter {
    const char *path;  /* "target.node.strategy" */
    const char *value; /* JSON text of the value, strings without quotes; of a target its name */
};

struct mf_cell {
    const char *name; /* "strategy=swap,rate_per_s=1000": last part of each path = value; unique; "all" without a sweep.
                         Safe as a folder name */
    struct mf_parameter *parameters;
    uint32_t parameters_count;
    /* Exactly one of the two is the target. Of a command, `node` has the number of processes, and else says that there
     * is nothing of the kind (no modules, no control group, no network of its own). */
    struct mf_node_target node;
    const struct mf_command_target *command; /* NULL: our node */
    struct mf_load load;
    struct mf_upgrade_plan *upgrades;
    uint32_t upgrades_count, upgrades_planned; /* rows; sum of their counts */
    struct mf_fault_plan *faults;
    uint32_t faults_count, faults_planned; /* rows; sum of their counts */
    struct mf_expect *expect;              /* those whose `when` fits this cell */
    uint32_t expect_count;
    struct mf_proof proof;
    const char *json; /* the cell's scenario, resolved, as JSON text */
};

struct mf_scenario {
    const char *path, *name;
    uint32_t repeat;
    uint64_t seed; /* drawn where the file gives none */
    struct mf_cell *cells;
    uint32_t cells_count;
    const char *json; /* the whole scenario as resolved: files inlined, overrides applied, seed and repeat set */
    const char **parameter_paths; /* the sweep's paths */
    uint32_t parameter_paths_count;
};

struct mf_scenario_options {
    const char **set; /* "PATH=JSON" */
    uint32_t set_count;
    const char **cell; /* names to keep; 0: all. An unknown one is an error with the nearest name */
    uint32_t cell_count;
    bool has_repeat, has_seed;
    uint32_t repeat;
    uint64_t seed;
};

/* NULL with *err. `options` may be NULL. */
struct mf_scenario *mf_scenario_load(const char *path, const struct mf_scenario_options *options, struct mf_error *err);
/* The target in a file, read alone: a scenario of one cell that has a target and nothing else. NULL with *err. */
struct mf_scenario *mf_target_load(const char *path, struct mf_error *err);
void mf_scenario_free(struct mf_scenario *s); /* takes NULL */

/* The instants (ns after start_ns) at which the row's time points fire, seeded; fills out[count]. For TIME and EVERY
 * rows only. */
void mf_upgrade_instants(const struct mf_upgrade_plan *row, const struct mf_load *load, uint64_t seed, uint64_t *out);

#endif
