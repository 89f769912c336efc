/* The flight recorder: one block of shared memory that the driver makes and load and node map.
 *
 * It outlives a target that is killed, which is how a lost message is charged to the stage at which it vanished. It is
 * a memfd, handed down as a descriptor: nothing is left behind in any file system, whoever dies.
 *
 * Layout (version MF_RECORDER_VERSION; every section begins on a 64-byte boundary, the header holds the offsets):
 *   header                  struct mf_recorder_header
 *   upgrade log             struct mf_upgrade_log   [upgrades]
 *   node                    struct mf_node_record
 *   worker 0..workers-1     struct mf_worker_record, then struct mf_bin[bins], then struct mf_upgrade_tally[upgrades]
 *   worker `workers`        the same again for the probes, where shape.probes is not 0
 *   stages                  uint8_t [streams << stage_bits]: message (stream, seq) at (stream << stage_bits) + (seq mod
 * 2^stage_bits); the value is 1 + enum mf_stage of the furthest stage reached, 0 before the first Sections of the same
 * shape add up (counters and histograms by +, maxima by max), so they can be reduced across hosts.
 *
 * Threads and processes: each section says who writes it. A field that others read while it is written is _Atomic and
 * written with release, read with acquire; all else is read by others only after its writer has said that it is done.
 * Units: nanoseconds on CLOCK_MONOTONIC; 0 means "did not happen". */
#ifndef MF_RECORDER_RECORDER_H
#define MF_RECORDER_RECORDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hist.h"

#define MF_RECORDER_MAGIC   0x6d6964666c696768ULL /* "midfligh" */
#define MF_RECORDER_VERSION 2
#define MF_REASON_BYTES     160

/* The lists. Each MF_..._KEYS table gives the JSON key of an id. */
enum mf_stage {
#define MF_STAGE(id, key, text) MF_STAGE_##id,
#include "recorder/stages.def"
#undef MF_STAGE
    MF_STAGE_COUNT
};
enum mf_phase {
#define MF_PHASE(id, key, text) MF_PHASE_##id,
#include "recorder/phases.def"
#undef MF_PHASE
    MF_PHASE_COUNT
};
enum mf_outcome {
#define MF_OUTCOME(id, key, text) MF_OUTCOME_##id,
#include "recorder/outcomes.def"
#undef MF_OUTCOME
    MF_OUTCOME_COUNT
};
enum mf_cause {
#define MF_CAUSE(id, key, text) MF_CAUSE_##id,
#include "recorder/causes.def"
#undef MF_CAUSE
    MF_CAUSE_COUNT
};
enum mf_extra {
#define MF_EXTRA(id, key, text) MF_EXTRA_##id,
#include "recorder/extras.def"
#undef MF_EXTRA
    MF_EXTRA_COUNT
};
enum mf_wire_state {
#define MF_WIRE_STATE(id, key, text) MF_WIRE_STATE_##id,
#include "recorder/wire_states.def"
#undef MF_WIRE_STATE
    MF_WIRE_STATE_COUNT
};
/* Where a message may be when an upgrade fires: a stage, or (numbered on from there) the middle of a frame. */
enum mf_point_stage {
    MF_POINT_STAGE_BEHIND = MF_STAGE_COUNT - 1,
#define MF_HALF(id, key, text) MF_POINT_STAGE_HALF_##id,
#include "recorder/halves.def"
#undef MF_HALF
    MF_POINT_STAGE_COUNT,
    MF_POINT_STAGE_SENT = MF_POINT_STAGE_COUNT, /* its client has sent it; how far it has come, nobody can tell */
};
extern const char *const mf_stage_keys[MF_STAGE_COUNT];
extern const char *const mf_phase_keys[MF_PHASE_COUNT];
extern const char *const mf_outcome_keys[MF_OUTCOME_COUNT];
extern const char *const mf_cause_keys[MF_CAUSE_COUNT];
extern const char *const mf_extra_keys[MF_EXTRA_COUNT];
extern const char *const mf_wire_state_keys[MF_WIRE_STATE_COUNT];
/* Of enum mf_point_stage: the stages', then the halves'. */
extern const char *const mf_point_stage_keys[MF_POINT_STAGE_COUNT];

/* What the driver decides before it makes a recorder. */
struct mf_recorder_shape {
    uint32_t workers;      /* load processes, or (transport local) the node's schedulers */
    uint32_t probes;       /* bits by enum mf_wire_state: the probes that there are. Not 0: there is a section more, of
                              number `workers`, their account */
    uint32_t upgrades;     /* planned upgrades; the log has exactly as many slots */
    uint32_t bins;         /* of the timeline */
    uint32_t streams;      /* in all workers together */
    uint32_t stage_bits;   /* 2^stage_bits >= messages of one stream between its send and the end of its timeout; 0: no
                              stages */
    uint32_t control_from; /* processes from this one on are the control group, which no upgrade touches; 0: there is
                              none */
    uint64_t bin_ns;       /* width of a bin; divides or is a multiple of 10 ms */
};

struct mf_recorder_header {
    uint64_t magic;
    uint32_t version, header_bytes;
    uint64_t layout; /* the sizes of the sections' records: programs of two builds that both call themselves this
                        version are told apart */
    uint64_t total_bytes;
    struct mf_recorder_shape shape;
    uint64_t upgrade_log_at, node_at, workers_at, worker_stride, stages_at;

    /* Written by the driver before it lets the load go, then constant. */
    _Atomic uint64_t start_ns;   /* bin 0 begins here; the first ping is due here (the warm-up begins) */
    _Atomic uint64_t measure_ns; /* end of warm-up: latencies count from here */
    _Atomic uint64_t end_ns;     /* the last ping is due before this */

    /* How many upgrades of the log have been requested / committed. Whoever fires an upgrade fills its slot first and
     * then increments (driver or node); the node (or for foreign targets the driver) does so for committed. Upgrades
     * are requested and committed in order of their slots; one that rolled back or failed is never committed, so
     * `committed` is the number of the newest committed slot + 1, not a count. */
    _Atomic uint32_t requested, committed;
};

enum mf_upgrade_outcome {
    MF_UPGRADE_PENDING, /* not fired, or fired and not ended */
    MF_UPGRADE_COMMITTED,
    MF_UPGRADE_ROLLED_BACK,
    MF_UPGRADE_FAILED,
};

/* One upgrade. `module_index`, `version_from`, `version_to`, `point` are filled by the driver when the recorder is made
 * (the plan); phases, counts, outcome and reason by whoever carries the upgrade out; the trigger by whoever fires it.
 */
struct mf_upgrade_log {
    uint32_t point;        /* index into the scenario's upgrades */
    uint32_t module_index; /* into the target's modules */
    uint32_t version_from, version_to;
    _Atomic uint64_t phase_ns[MF_PHASE_COUNT];
    _Atomic uint32_t outcome; /* enum mf_upgrade_outcome; written last */
    /* Phases to stand still at, as bits 1 << enum mf_phase: set by the driver before the request, for faults that fire
     * there. Whoever carries the upgrade out says `phase` and goes on when the driver has cleared the bit (a futex). */
    _Atomic uint32_t hold;

    /* The message on which it fired. Who fires the upgrade names it before the request. A foreign target may name its own
     * later, if none was named: the driver then writes the rest first and has_trigger last, before the outcome stands. */
    _Atomic bool has_trigger;
    bool trigger_held;     /* it was held at its stage until the upgrade had ended */
    uint8_t trigger_stage; /* enum mf_point_stage */
    uint32_t trigger_stream, trigger_process;
    uint64_t trigger_seq;

    /* Evidence, from the node. UINT32_MAX / 0 pid: not known. */
    uint32_t queued;    /* messages in mailboxes at the exchange (at quiesced; where nothing quiesces, at committed) */
    uint32_t made_anew; /* processes killed and made anew by it */
    uint32_t converted; /* processes whose state was converted */
    uint32_t pid_before, pid_after; /* of the OS process that runs the processes */
    /* The threads that ran processes or fed their queues, before it and after: how many, and a number made of their ids
     * that is the same where they are the same. 0 threads: not known. */
    uint32_t threads_before, threads_after;
    uint64_t threads_id_before, threads_id_after;
    uint32_t threads_ended;       /* threads that ran processes or fed their queues and did not live through it */
    char reason[MF_REASON_BYTES]; /* why it rolled back or failed: one line */
};

/* The node's own account: written by the node (its worker process; the supervisor between workers), kept across
 * restarts. */
struct mf_node_record {
    _Atomic uint64_t reached[MF_STAGE_COUNT]; /* messages that reached each stage, over all incarnations */
    _Atomic uint64_t rehandled;               /* messages whose stage byte said "handled" when they were handled */
    _Atomic uint32_t starts;                  /* worker OS processes started */
    _Atomic uint32_t worker_pid;
    _Atomic uint32_t threads; /* of the worker that has started last: as in the upgrade log */
    _Atomic uint64_t threads_id;
    _Atomic uint64_t next_instance;     /* source of process incarnation ids; never goes back */
    _Atomic uint32_t resident_versions; /* module images mapped now */
    _Atomic uint64_t oldest_version_age_ns_max;
    _Atomic uint64_t stack_bytes_max;   /* deepest scheduler stack seen (`reboot` makes it grow) */
    _Atomic uint64_t point_counter[16]; /* per armed point: messages seen at its stage so far */
    _Atomic uint32_t point_fired[16];   /* per armed point: how often it has fired */
};

/* One bin of the timeline. A ping is charged to the bin of its due instant. */
struct mf_bin {
    uint32_t due, answered, bad; /* bad: late, error, wrong, lost or not sent */
    uint32_t lost, replies;      /* replies: charged to the bin in which they came */
    uint64_t response_sum_ns;    /* of the answered ones */
    uint64_t response_max_ns;    /* of the answered and the late ones */
    uint64_t instrument_late_ns; /* set by the load: how late it was itself in this bin (mf_account_wakeup, _busy,
                                    _waited) */
};

/* What one upgrade did to one worker's messages. See checker/account.h for the rules of charging. */
struct mf_upgrade_tally {
    uint64_t in_flight;      /* pings written before the request whose end came after it */
    uint64_t in_flight_lost; /* of those */
    uint64_t outcome[MF_OUTCOME_COUNT];
    uint64_t extra[MF_EXTRA_COUNT];
    uint64_t sibling_bad; /* of processes other than the trigger's, where there is a trigger: bad outcomes, and answers
                             that showed them made anew or without their state */
    uint64_t response_max_ns; /* highest response of a ping answered in the window */
    uint64_t blackout_ns;     /* longest run of due instants of one stream without a good answer */
    uint64_t gap_ns;          /* longest time between two good answers, all streams of the worker, within the window */
    uint64_t first_new_ns;    /* instant at which the first answer of the new version came; 0: none */
    uint64_t
        last_old_ns; /* instant of the last answer of another version than the new one after the request; 0: none */
    uint64_t new_answers;    /* answers of the new version, from the request to the next upgrade's request */
    uint8_t trigger_outcome; /* 1 + enum mf_outcome of the trigger; 0: not (yet) known to this worker */
    uint8_t trigger_version_is_new;
};

/* What became of the probes in one wire state. placed = the sum of outcomes. */
struct mf_wire_tally {
    uint64_t placed; /* was in this state when an upgrade was requested, and has been judged */
    uint64_t outcome[MF_OUTCOME_COUNT];
    uint64_t lost_by_cause[MF_CAUSE_COUNT];
    uint64_t new_connection;          /* its connection was of no use afterwards */
    uint64_t new_connection_answered; /* of those: the ping on the new one was answered */
};

/* The ping of which a worker has written a part only, for a point in the middle of a frame. `armed` first to read, last
 * to write: 0 none, 1 by the load: its part is about to be written, 2 by the node: an upgrade has been fired on it. */
struct mf_half_mark {
    _Atomic uint32_t armed;
    uint32_t point; /* index into the scenario's upgrades */
    uint32_t stream, process;
    uint64_t seq;
};

/* What became of the history that a worker was to write. All 0: none was wanted. */
struct mf_history_told {
    _Atomic uint32_t done; /* written last: the file is closed, and all of this is final */
    uint32_t wanted;       /* 1: the file was made */
    uint32_t error;        /* errno of the first write that failed; 0: none did */
    uint64_t records, bytes;
    uint64_t dropped; /* records that are not in the file */
};

/* The other client policy: what was lost with its connection and asked once more, on a fresh one. */
struct mf_retry_tally {
    uint64_t wanted; /* 1: it was asked for */
    uint64_t attempted, answered;
    uint64_t told;       /* of those attempted: it can be told whether they were handled twice */
    uint64_t duplicated; /* of those told: they were */
};

/* One worker's account. Written by that worker only (but for half.armed). */
struct mf_worker_record {
    _Atomic uint64_t due, written;      /* pings whose due instant has come; pings the kernel has taken whole */
    _Atomic uint64_t resolved;          /* pings with a final outcome */
    uint64_t outcome[MF_OUTCOME_COUNT]; /* final once the worker has finished */
    uint64_t replies;
    uint64_t extra[MF_EXTRA_COUNT];
    uint64_t lost_by_cause[MF_CAUSE_COUNT];
    uint64_t lost_by_stage[MF_STAGE_COUNT];
    uint64_t lost_before_stage; /* lost, and the node has never seen them (or the target has no stages) */
    uint64_t warmup_due;        /* of due */
    uint32_t has, lacks;        /* bits as in wire/codec.h (MF_HAS_...): what right answers carried, and did not */

    /* connection events */
    uint64_t opened, refused, connect_timeouts, closed_announced, closed_idle, closed_inflight, reconnects;
    uint64_t closed_by_load; /* by pings_per_connection */
    uint64_t reconnect_ns_max;
    struct mf_retry_tally retry; /* outside the books: neither a ping nor a connection of it is counted anywhere else */

    /* the control group: pings that were not answered; of the responses below those in an upgrade's window, and those
     * away from all */
    uint64_t control_bad;
    struct mf_hist control_near, control_away;

    /* the instrument itself */
    uint64_t wakeups, late_wakeups; /* of the pacing timer; late: over 1 ms */
    uint64_t wakeup_late_ns_max;
    uint64_t loop_busy_ns_max; /* the longest that its loop was at work without a look at its descriptors */
    uint64_t runqueue_ns, runqueue_of_ns; /* ready, and without a processor; in how much time (0: not known) */
    uint64_t processors, stolen; /* time of the machine's processors, in ticks (0: not known); taken by its host */
    uint64_t achieved_ns;           /* from the first due instant to the last */
    uint64_t timeout_ns, window_ns; /* as the account was told: a ping's timeout, an upgrade's window */
    _Atomic uint32_t finished;      /* 1 when all of this section is final */
    struct mf_half_mark half;
    struct mf_history_told history;
    struct mf_wire_tally wire[MF_WIRE_STATE_COUNT]; /* of the probes' section; 0 in all others */

    struct mf_hist response, service,
        lag; /* pings due after the warm-up; response and service: answered and late ones */
};

struct mf_recorder {
    int fd;
    uint8_t *base;
    struct mf_recorder_header *header;
    struct mf_upgrade_log *log;
    struct mf_node_record *node;
    uint8_t *stages; /* NULL where stage_bits is 0 */
};

/* Makes a recorder (memfd, close-on-exec). The mapping is zero but for the header and the empty histograms' minima.
 * Fails with INTERNAL: no memory, no descriptor. mf_recorder_close unmaps and closes; it takes a zeroed struct, and one
 * whose creation or mapping failed. */
int mf_recorder_create(struct mf_recorder *rec, const struct mf_recorder_shape *shape, struct mf_error *err);
/* Maps an inherited descriptor. Fails with INTERNAL where magic, version or size do not fit. Takes the descriptor, on
 * failure too (it is then closed). */
int mf_recorder_map(struct mf_recorder *rec, int fd, struct mf_error *err);
/* Makes one again from bytes that once were one, up to its stages, which are empty. Fails with USAGE: they are none, or
 * of another version; INTERNAL as mf_recorder_create. */
int mf_recorder_restore(struct mf_recorder *rec, const void *bytes, size_t n, struct mf_error *err);
void mf_recorder_close(struct mf_recorder *rec);

struct mf_worker_record *mf_recorder_worker(const struct mf_recorder *rec, uint32_t worker);
struct mf_bin *mf_recorder_bins(const struct mf_recorder *rec, uint32_t worker);
struct mf_upgrade_tally *mf_recorder_tallies(const struct mf_recorder *rec, uint32_t worker);

/* The stage byte of a message; NULL where there are none or the stream is out of range (bad input from the wire). */
static inline uint8_t *mf_recorder_stage(const struct mf_recorder *rec, uint32_t stream, uint64_t seq)
{
    const struct mf_recorder_shape *s = &rec->header->shape;
    if (!rec->stages || stream >= s->streams)
        return NULL;
    return rec->stages + ((uint64_t)stream << s->stage_bits) + (seq & ((1ULL << s->stage_bits) - 1));
}

#endif
