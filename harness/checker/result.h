/* What was measured in one run, or in the runs of one cell taken together: the material of verdicts, reports and
 * tables.
 *
 * Life: mf_result_init; mf_result_from_recorder (a run), or mf_result_merge of runs (a cell); mf_result_derive once;
 * read; mf_result_done. Everything above "derived" adds up under merge (histograms merge, percentiles are never
 * averaged); what is below is computed by derive. Owner: the result owns its arrays. Threads: one. */
#ifndef MF_CHECKER_RESULT_H
#define MF_CHECKER_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/footprint.h"
#include "recorder/recorder.h"

#define MF_REASONS_MAX 16
#define MF_TEXT_BYTES  256

enum mf_verdict {
    MF_VERDICT_PASS,
    MF_VERDICT_SKIPPED,
    MF_VERDICT_UNKNOWN,
    MF_VERDICT_FAIL
}; /* the worst (highest) wins */
enum mf_answer_word { MF_ANSWER_YES, MF_ANSWER_NO, MF_ANSWER_UNKNOWN, MF_ANSWER_NA };
enum mf_question {
#define MF_QUESTION(id, key, text) MF_QUESTION_##id,
#include "checker/questions.def"
#undef MF_QUESTION
    MF_QUESTION_COUNT
};
enum mf_delivery { MF_DELIVERY_EXACTLY_ONCE, MF_DELIVERY_AT_LEAST_ONCE, MF_DELIVERY_AT_MOST_ONCE, MF_DELIVERY_NONE };

extern const char *const mf_verdict_keys[4]; /* pass skipped unknown fail */
extern const char *const mf_answer_keys[4];  /* yes no unknown n/a */
extern const char *const mf_question_keys[MF_QUESTION_COUNT];
extern const char *const mf_delivery_keys[4]; /* exactly-once at-least-once at-most-once none */

/* Median, 95th percentile (nearest rank) and maximum over upgrades; n values went in. Where n is 0 the numbers mean
 * nothing (JSON null). */
struct mf_spread {
    double median, p95, max;
    uint32_t n;
};

/* One upgrade, all workers together. Times relative to the request in ns; -1: did not happen / not known.
 * version_from is the version that really ran before (the plan's, corrected for upgrades that came to nothing).
 * gap_ns is the longest of any one worker. spike_ns: response_max_ns less the run's baseline median; -1 where no ping
 * was answered in the window, there is no baseline, or the highest response lies in a bin in which the instrument
 * itself was late (tainted). recovery_ns: to the end of the last bin of the window that had bad pings, or a mean
 * response over the 99th percentile of the baseline's bins; 0 where none had: so it is known to the width of a bin, and
 * never over the window plus a bin. */
struct mf_upgrade_result {
    uint32_t run, index, point, version_from, version_to;
    enum mf_upgrade_outcome outcome;
    bool fired, has_trigger, trigger_held;
    uint8_t trigger_stage;
    uint32_t trigger_stream, trigger_process;
    uint64_t trigger_seq;
    int trigger_outcome;   /* enum mf_outcome; -1 not known */
    uint64_t requested_ns; /* relative to start_ns */
    int64_t phase_ns[MF_PHASE_COUNT];
    uint64_t in_flight, in_flight_lost, outcomes[MF_OUTCOME_COUNT], extras[MF_EXTRA_COUNT], sibling_bad;
    uint64_t lost, new_answers;
    bool dirty;                  /* any message lost, duplicated, reordered, wrong or stale */
    bool trigger_version_is_new; /* the new code answered the trigger */
    int64_t response_max_ns, spike_ns, blackout_ns, gap_ns, first_new_ns, last_old_ns, recovery_ns;
    uint32_t windows, windows_as_high; /* windows away from upgrades in its run; of those, with as high a spike (away.h) */
    uint32_t queued, made_anew, converted, threads_ended, pid_before, pid_after;
    uint32_t threads_before, threads_after; /* 0: not known */
    bool threads_same;                      /* both known, and the same ones */
    char reason[MF_REASON_BYTES];
};

/* A fault that was planned, and what became of it. Times relative to start_ns in ns; -1: did not happen. */
struct mf_fault_result {
    uint32_t run, row; /* row: of the scenario's faults */
    const char *fault; /* its name */
    const char *whom;  /* NULL: nobody in particular */
    uint32_t upgrade;  /* index of its upgrade; UINT32_MAX: none */
    int phase;         /* enum mf_phase; -1: none */
    bool noop, fired;
    int64_t fired_ns, undone_ns;
    char what[MF_TEXT_BYTES]; /* what was done, or why it did not fire: one line */
};

/* What the driver saw of the target besides the recorder. */
struct mf_target_witness {
#define MF_WITNESS(type, member, text) type member;
#include "checker/witness.def"
#undef MF_WITNESS
    char died_text[MF_TEXT_BYTES];
    const struct mf_fault_result *faults; /* of a run: borrowed while the result is made */
    uint32_t faults_count;
    /* What the worker held after so many upgrades; a cell has, part by part, the pair of the run in which it grew most.
     */
    struct mf_footprint sampled_first, sampled_last;
};

/* What must be so for the run to prove anything; from the scenario. */
struct mf_proof {
    uint64_t in_flight_min; /* pings in flight at the upgrades, all together (default 1) */
    double rate_min_share;  /* achieved/asked (default 0.95); 0: not asked (closed loop) */
    double asked_rate_per_s;
    double tainted_max_share; /* default 0.2 */
};

struct mf_question_answer {
    enum mf_answer_word answer;
    char evidence[MF_TEXT_BYTES];
};

/* The account of the probes: the pings that the load sent to hold them in their wire states and to judge them. Kept
 * apart from `due` and all else: they wait for upgrades on purpose. The same two equations hold. */
struct mf_probe_counts {
    uint64_t due, outcome[MF_OUTCOME_COUNT], replies, extra[MF_EXTRA_COUNT];
    uint64_t lost_by_cause[MF_CAUSE_COUNT], lost_by_stage[MF_STAGE_COUNT], lost_before_stage;
};

struct mf_result {
    /* counts */
    uint64_t due, resolved, outcome[MF_OUTCOME_COUNT], replies, extra[MF_EXTRA_COUNT];
    uint64_t lost_by_cause[MF_CAUSE_COUNT], lost_by_stage[MF_STAGE_COUNT], lost_before_stage, warmup_due;
    struct mf_retry_tally retry; /* the other client policy */
    uint64_t opened, refused, connect_timeouts, closed_announced, closed_idle, closed_inflight, closed_by_load,
        reconnects, reconnect_ns_max;
    uint64_t wakeups, late_wakeups, wakeup_late_ns_max, loop_busy_ns_max;
    /* shares of time, of the worker and run where they were highest; negative: not known */
    double runqueue_fraction, steal_fraction;
    uint64_t reached[MF_STAGE_COUNT], node_rehandled, stack_bytes_max, oldest_version_age_ns_max;
    uint32_t starts, runs, unfinished_workers;
    uint32_t
        unbalanced_workers; /* in whose section an equation does not hold: a sum over workers or runs could hide it */
    double achieved_rate_per_s; /* of a cell: the lowest of its runs */
    struct mf_hist *response, *service, *lag;
    struct mf_control *control;                /* NULL: no control group */
    uint32_t upgrades_planned, upgrades_count; /* count: slots below, fired or not */
    struct mf_upgrade_result *upgrades;
    double *spread_room;  /* [upgrades_count]: working room of derive */
    uint32_t wire_states; /* bits by enum mf_wire_state: those in which probes were wanted; 0: none */
    struct mf_wire_tally wire[MF_WIRE_STATE_COUNT];
    struct mf_probe_counts probes;
    /* timeline of a run (NULL in a cell): all workers summed */
    uint32_t bins;
    uint64_t bin_ns, warmup_ns, duration_ns, window_ns; /* window: an upgrade's, see account.h */
    double baseline_median_us; /* of the time away from upgrades: per-bin mean response, median of bins; a cell: mean
                                * over its runs; negative: none */
    struct mf_bin *bin;
    uint8_t *tainted;                   /* per bin: the instrument was late in it */
    double *away; /* of each window away from upgrades, as an upgrade's spike: ms; [away_count] */
    uint32_t away_count;
    uint32_t tainted_bins, judged_bins; /* of the bins between warm-up and end */
    struct mf_target_witness target;
    struct mf_fault_result *faults; /* planned ones; [faults_count] */
    uint32_t faults_count;

    /* derived */
    uint32_t faults_fired;
    bool balanced; /* both equations hold */
    uint32_t fired, committed, rolled_back, failed, dirty;
    double dirty_upper_bound_95; /* 0 dirty: 1 - 0.05^(1/N); else Clopper-Pearson, one-sided 95 % */
    struct mf_spread lost_per_upgrade, spike_ms, blackout_ms, gap_ms, first_new_ms, last_old_ms, recovery_ms;
    struct mf_spread spike_baseline_ms; /* of `away` */
    uint32_t spikes_judged, spikes_above; /* spikes with windows to hold them against; those above all of their run */
    double spikes_above_by_chance;        /* so many would be, if upgrades did nothing */
    double tainted_fraction;
    struct mf_question_answer question[MF_QUESTION_COUNT];
    enum mf_delivery delivery;
};

int mf_result_init(struct mf_result *r, struct mf_error *err); /* zeroed, empty histograms */
void mf_result_done(struct mf_result *r);                      /* takes a zeroed or half-built one */
/* Reads a finished (or, after a crash or Ctrl-C, half-finished: unfinished_workers > 0) recorder. `run` numbers the run
 * within its cell. */
int mf_result_from_recorder(struct mf_result *r, const struct mf_recorder *rec, uint32_t run,
                            const struct mf_target_witness *witness, struct mf_error *err);
int mf_result_merge(struct mf_result *cell, const struct mf_result *run, struct mf_error *err);
void mf_result_derive(struct mf_result *r);

/* A metric of a result by its key (metrics.def; spreads and latencies as "spike_ms.p95", "latency_us.response.p99",
 * "lost_by_cause.refused", "upgrades.dirty", "questions.code", "delivery"). Numbers and words: exactly one of *number
 * (word NULL) or *word. Returns 0; -1 where there is no such metric; 1 where it exists but this run has no value for it
 * (no upgrade committed, say). */
int mf_metric_get(const struct mf_result *r, const char *key, double *number, const char **word);
/* The i-th metric's key and text, NULL past the end (in the order of metrics.def, spreads expanded). For `list`, for
 * suggestions, for validation. */
const char *mf_metric_at(uint32_t i, const char **text, bool *is_word);

/* One expectation, as the scenario states it. */
struct mf_expect {
    char key[96];
    bool has_equal, has_min, has_max;
    double equal, min, max;
    char word[32]; /* for questions and delivery: the word wanted; else empty */
};

struct mf_judgement {
    enum mf_verdict verdict;
    uint32_t reasons;
    char reason[MF_REASONS_MAX][MF_TEXT_BYTES]; /* a full list's last line says how many more */
};

/* Judges: expectations (fail), vacuity and unbalanced books (unknown), against a derived result. `pass` only where
 * something was proved: planned upgrades fired, pings were in flight at them, both versions were seen where the
 * strategy exchanges code and answers tell, rate held, both equations balanced, all workers finished, taint below the
 * limit, nothing not_sent. A scenario without upgrades needs only the books. The reasons of an `unknown` are kept
 * beside those of a `fail`. */
void mf_judge(const struct mf_result *r, const struct mf_expect *expect, uint32_t n, const struct mf_proof *proof,
              struct mf_judgement *j);
enum mf_verdict mf_verdict_worst(enum mf_verdict a, enum mf_verdict b);

#endif
