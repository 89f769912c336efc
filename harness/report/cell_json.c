/* The object of one cell, with the keys that CONTRACT promises and the evidence beside them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checker/control.h"
#include "checker/statistics.h"
#include "checker/wire.h"
#include "report/json.h"

static json_t *messages_json(const struct mf_result *r)
{
    struct mf_json j = mf_json_begin(), causes = mf_json_begin(), stages = mf_json_begin();
    mf_json_put(&j, "due", mf_json_count(r->due));
    for (int i = 0; i < MF_OUTCOME_COUNT; i++)
        mf_json_put(&j, mf_outcome_keys[i], mf_json_count(r->outcome[i]));
    mf_json_put(&j, "replies", mf_json_count(r->replies));
    for (int i = 0; i < MF_EXTRA_COUNT; i++)
        mf_json_put(&j, mf_extra_keys[i], mf_json_count(r->extra[i]));
    for (int i = 0; i < MF_CAUSE_COUNT; i++)
        mf_json_put(&causes, mf_cause_keys[i], mf_json_count(r->lost_by_cause[i]));
    for (int i = 0; i < MF_STAGE_COUNT; i++)
        mf_json_put(&stages, mf_stage_keys[i], mf_json_count(r->lost_by_stage[i]));
    mf_json_put(&j, "lost_by_cause", mf_json_end(&causes));
    mf_json_put(&j, "lost_by_stage", mf_json_end(&stages));
    mf_json_put(&j, "lost_before_stage", mf_json_count(r->lost_before_stage));
    mf_json_put(&j, "warmup_due", mf_json_count(r->warmup_due));
    mf_json_put(&j, "node_rehandled", mf_json_count(r->node_rehandled));
    return mf_json_end(&j);
}

/* What became of the probes, state by state; those that were not wanted are not there. */
static json_t *wire_states_json(const struct mf_result *r)
{
    struct mf_json all = mf_json_begin();
    for (int i = 0; i < MF_WIRE_STATE_COUNT; i++) {
        const struct mf_wire_tally *t = &r->wire[i];
        if (!(r->wire_states & 1u << i))
            continue;
        struct mf_json j = mf_json_begin(), causes = mf_json_begin();
        for (int c = 0; c < MF_CAUSE_COUNT; c++)
            mf_json_put(&causes, mf_cause_keys[c], mf_json_count(t->lost_by_cause[c]));
        mf_json_put(&j, "placed", mf_json_count(t->placed));
        mf_json_put(&j, "answered", mf_json_count(mf_wire_answered(t)));
        mf_json_put(&j, "error", mf_json_count(t->outcome[MF_OUTCOME_ERROR]));
        mf_json_put(&j, "wrong", mf_json_count(t->outcome[MF_OUTCOME_WRONG]));
        mf_json_put(&j, "lost", mf_json_count(t->outcome[MF_OUTCOME_LOST]));
        mf_json_put(&j, "not_sent", mf_json_count(t->outcome[MF_OUTCOME_NOT_SENT]));
        mf_json_put(&j, "lost_by_cause", mf_json_end(&causes));
        mf_json_put(&j, "new_connection", mf_json_count(t->new_connection));
        mf_json_put(&j, "new_connection_answered", mf_json_count(t->new_connection_answered));
        mf_json_put(&all, mf_wire_state_keys[i], mf_json_end(&j));
    }
    return mf_json_end(&all);
}

static json_t *probes_json(const struct mf_probe_counts *p)
{
    struct mf_json j = mf_json_begin(), causes = mf_json_begin(), stages = mf_json_begin();
    mf_json_put(&j, "due", mf_json_count(p->due));
    for (int i = 0; i < MF_OUTCOME_COUNT; i++)
        mf_json_put(&j, mf_outcome_keys[i], mf_json_count(p->outcome[i]));
    mf_json_put(&j, "replies", mf_json_count(p->replies));
    for (int i = 0; i < MF_EXTRA_COUNT; i++)
        mf_json_put(&j, mf_extra_keys[i], mf_json_count(p->extra[i]));
    for (int i = 0; i < MF_CAUSE_COUNT; i++)
        mf_json_put(&causes, mf_cause_keys[i], mf_json_count(p->lost_by_cause[i]));
    for (int i = 0; i < MF_STAGE_COUNT; i++)
        mf_json_put(&stages, mf_stage_keys[i], mf_json_count(p->lost_by_stage[i]));
    mf_json_put(&j, "lost_by_cause", mf_json_end(&causes));
    mf_json_put(&j, "lost_by_stage", mf_json_end(&stages));
    mf_json_put(&j, "lost_before_stage", mf_json_count(p->lost_before_stage));
    return mf_json_end(&j);
}

static json_t *upgrades_json(const struct mf_result *r)
{
    struct mf_json j = mf_json_begin();
    mf_json_put(&j, "planned", json_integer(r->upgrades_planned));
    mf_json_put(&j, "fired", json_integer(r->fired));
    mf_json_put(&j, "committed", json_integer(r->committed));
    mf_json_put(&j, "rolled_back", json_integer(r->rolled_back));
    mf_json_put(&j, "failed", json_integer(r->failed));
    mf_json_put(&j, "dirty", json_integer(r->dirty));
    /* of no upgrade at all nothing can be said */
    mf_json_put(&j, "dirty_upper_bound_95", r->fired ? mf_json_number(r->dirty_upper_bound_95) : json_null());
    return mf_json_end(&j);
}

static json_t *latency_json(const struct mf_hist *h)
{
    static const struct {
        const char *key;
        double q;
    } quantile[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}};
    struct mf_json j = mf_json_begin();
    for (unsigned i = 0; i < sizeof quantile / sizeof quantile[0]; i++)
        mf_json_put(&j, quantile[i].key,
                    mf_percentile_is_told(h->count, quantile[i].q)
                        ? mf_json_number((double)mf_hist_quantile(h, quantile[i].q) / 1e3)
                        : json_null());
    mf_json_put(&j, "max", h->count ? mf_json_number((double)h->max / 1e3) : json_null());
    mf_json_put(&j, "mean", h->count ? mf_json_number((double)h->sum / (double)h->count / 1e3) : json_null());
    mf_json_put(&j, "count", mf_json_count(h->count));
    mf_json_put(&j, "saturated", mf_json_count(h->saturated));
    return mf_json_end(&j);
}

static json_t *latencies_json(const struct mf_result *r)
{
    struct mf_json j = mf_json_begin();
    mf_json_put(&j, "response", latency_json(r->response));
    mf_json_put(&j, "service", latency_json(r->service));
    mf_json_put(&j, "lag", latency_json(r->lag));
    if (r->control) {
        mf_json_put(&j, "control_near", latency_json(&r->control->near));
        mf_json_put(&j, "control_away", latency_json(&r->control->away));
    }
    return mf_json_end(&j);
}

static json_t *questions_json(const struct mf_result *r)
{
    struct mf_json all = mf_json_begin();
    for (int i = 0; i < MF_QUESTION_COUNT; i++) {
        struct mf_json j = mf_json_begin();
        mf_json_put(&j, "answer", mf_json_text(mf_answer_keys[r->question[i].answer]));
        mf_json_put(&j, "evidence", mf_json_text(r->question[i].evidence));
        mf_json_put(&all, mf_question_keys[i], mf_json_end(&j));
    }
    return mf_json_end(&all);
}

static json_t *connections_json(const struct mf_result *r)
{
    struct mf_json j = mf_json_begin();
    mf_json_put(&j, "opened", mf_json_count(r->opened));
    mf_json_put(&j, "refused", mf_json_count(r->refused));
    mf_json_put(&j, "connect_timeouts", mf_json_count(r->connect_timeouts));
    mf_json_put(&j, "closed_announced", mf_json_count(r->closed_announced));
    mf_json_put(&j, "closed_idle", mf_json_count(r->closed_idle));
    mf_json_put(&j, "closed_inflight", mf_json_count(r->closed_inflight));
    mf_json_put(&j, "closed_by_load", mf_json_count(r->closed_by_load));
    mf_json_put(&j, "reconnects", mf_json_count(r->reconnects));
    mf_json_put(&j, "reconnect_ms_max",
                r->reconnects ? mf_json_number((double)r->reconnect_ns_max / 1e6) : json_null());
    return mf_json_end(&j);
}

/* null where the other policy was not asked for. */
static json_t *retry_json(const struct mf_result *r)
{
    if (!r->retry.wanted)
        return json_null();
    struct mf_json j = mf_json_begin();
    mf_json_put(&j, "attempted", mf_json_count(r->retry.attempted));
    mf_json_put(&j, "answered", mf_json_count(r->retry.answered));
    mf_json_put(&j, "lost", mf_json_count(r->retry.attempted - r->retry.answered));
    mf_json_put(&j, "duplicated", r->retry.told > 0 ? mf_json_count(r->retry.duplicated) : json_null());
    mf_json_put(&j, "told", mf_json_count(r->retry.told));
    return mf_json_end(&j);
}

static json_t *instrument_json(const struct mf_result *r)
{
    struct mf_json j = mf_json_begin();
    mf_json_put(&j, "tainted_fraction", mf_json_number(r->tainted_fraction));
    mf_json_put(&j, "lag_p99_us",
                mf_percentile_is_told(r->lag->count, 0.99)
                    ? mf_json_number((double)mf_hist_quantile(r->lag, 0.99) / 1e3)
                    : json_null());
    mf_json_put(&j, "achieved_rate_per_s", mf_json_number(r->achieved_rate_per_s));
    mf_json_put(&j, "balanced", json_boolean(r->balanced));
    mf_json_put(&j, "wakeups", mf_json_count(r->wakeups));
    mf_json_put(&j, "late_wakeups", mf_json_count(r->late_wakeups));
    mf_json_put(&j, "wakeup_late_us_max", mf_json_number((double)r->wakeup_late_ns_max / 1e3));
    mf_json_put(&j, "loop_busy_us_max", mf_json_number((double)r->loop_busy_ns_max / 1e3));
    mf_json_put(&j, "runqueue_fraction", r->runqueue_fraction < 0 ? json_null() : mf_json_number(r->runqueue_fraction));
    mf_json_put(&j, "steal_fraction", r->steal_fraction < 0 ? json_null() : mf_json_number(r->steal_fraction));
    mf_json_put(&j, "unfinished_workers", json_integer(r->unfinished_workers));
    mf_json_put(&j, "unbalanced_workers", json_integer(r->unbalanced_workers));
    return mf_json_end(&j);
}

static json_t *resources_json(const struct mf_result *r)
{
    const struct mf_target_witness *t = &r->target;
    struct mf_json j = mf_json_begin();
    mf_json_put(&j, "target_rss_bytes_first", t->rss_bytes_first ? mf_json_count(t->rss_bytes_first) : json_null());
    mf_json_put(&j, "target_rss_bytes_last", t->rss_bytes_last ? mf_json_count(t->rss_bytes_last) : json_null());
    mf_json_put(&j, "sampled_first_after", t->sampled ? json_integer(t->sampled_first_after) : json_null());
    mf_json_put(&j, "sampled_last_after", t->sampled ? json_integer(t->sampled_last_after) : json_null());
    for (uint32_t i = 0; i < MF_FOOTPRINT_COUNT; i++) {
        char key[64];
        snprintf(key, sizeof key, "%s_first", mf_footprint_keys[i]);
        mf_json_put(&j, key, t->sampled ? mf_json_count(t->sampled_first.of[i]) : json_null());
        snprintf(key, sizeof key, "%s_last", mf_footprint_keys[i]);
        mf_json_put(&j, key, t->sampled ? mf_json_count(t->sampled_last.of[i]) : json_null());
    }
    mf_json_put(&j, "oldest_version_age_ms_max", mf_json_number((double)r->oldest_version_age_ns_max / 1e6));
    mf_json_put(&j, "stack_bytes_max", mf_json_count(r->stack_bytes_max));
    mf_json_put(&j, "target_starts", json_integer(r->starts));
    mf_json_put(&j, "target_died", json_integer(t->died));
    mf_json_put(&j, "target_died_text", t->died_text[0] ? mf_json_text(t->died_text) : json_null());
    mf_json_put(&j, "target_dead", json_integer(t->dead));
    return mf_json_end(&j);
}

static json_t *faults_json(const struct mf_result *r)
{
    struct mf_json j = mf_json_begin();
    mf_json_put(&j, "planned", json_integer(r->faults_count));
    mf_json_put(&j, "fired", json_integer(r->faults_fired));
    return mf_json_end(&j);
}

/* What shows that the run tested anything: pings in flight at the upgrades, answers of the new versions, judged time.
 */
static json_t *proof_json(const struct mf_result *r)
{
    uint64_t in_flight = 0, in_flight_lost = 0, new_answers = 0;
    uint32_t with_new = 0;
    for (uint32_t i = 0; i < r->upgrades_count; i++) {
        const struct mf_upgrade_result *u = &r->upgrades[i];
        in_flight += u->in_flight;
        in_flight_lost += u->in_flight_lost;
        new_answers += u->new_answers;
        with_new += u->new_answers > 0;
    }
    struct mf_json j = mf_json_begin();
    mf_json_put(&j, "in_flight", mf_json_count(in_flight));
    mf_json_put(&j, "in_flight_lost", mf_json_count(in_flight_lost));
    mf_json_put(&j, "new_answers", mf_json_count(new_answers));
    mf_json_put(&j, "upgrades_with_new_answers", json_integer(with_new));
    mf_json_put(&j, "exchanges", json_boolean(r->target.exchanges));
    mf_json_put(&j, "gives_version", json_boolean(r->target.gives_version));
    mf_json_put(&j, "gives_state", json_boolean(r->target.gives_state));
    mf_json_put(&j, "gives_instance", json_boolean(r->target.gives_instance));
    mf_json_put(&j, "target_kind", json_string(r->target.is_command ? "command" : "node"));
    mf_json_put(&j, "judged_bins", json_integer(r->judged_bins));
    mf_json_put(&j, "tainted_bins", json_integer(r->tainted_bins));
    return mf_json_end(&j);
}

static json_t *baseline_json(const struct mf_result *r)
{
    struct mf_json j = mf_json_begin();
    mf_json_put(&j, "response_median_us",
                r->baseline_median_us < 0 ? json_null() : mf_json_number(r->baseline_median_us));
    return mf_json_end(&j);
}

/* A parameter's value is JSON text of a number, or a bare string. */
static json_t *parameter_json(const char *value)
{
    json_t *parsed = json_loads(value, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    if (parsed && !json_is_string(parsed))
        return parsed;
    json_decref(parsed);
    return mf_json_text(value);
}

static json_t *parameters_json(const struct mf_report_cell *cell)
{
    struct mf_json j = mf_json_begin();
    for (uint32_t i = 0; i < cell->parameters_count; i++)
        mf_json_put(&j, cell->parameters[i].path, parameter_json(cell->parameters[i].value));
    return mf_json_end(&j);
}

static json_t *reasons_json(const struct mf_judgement *judgement)
{
    json_t *reasons = json_array();
    for (uint32_t i = 0; judgement && i < judgement->reasons && i < MF_REASONS_MAX; i++)
        if (json_array_append_new(reasons, mf_json_text(judgement->reason[i])) < 0) {
            json_decref(reasons);
            return NULL;
        }
    return reasons;
}

static json_t *runs_json(const struct mf_report_cell *cell, const char *prefix)
{
    json_t *runs = json_array();
    if (!prefix) {
        json_array_append_new(runs, json_string("run.json"));
        return runs;
    }
    size_t size = strlen(prefix) + strlen(cell->name) + 40;
    char *path = malloc(size);
    for (uint32_t i = 0; path && i < cell->runs_count; i++) {
        snprintf(path, size, "%s%s/run-%u/run.json", prefix, cell->name, i + 1);
        json_array_append_new(runs, mf_json_text(path));
    }
    if (!path || json_array_size(runs) != cell->runs_count) {
        json_decref(runs);
        runs = NULL;
    }
    free(path);
    return runs;
}

/* Spikes held against windows of equal length away from upgrades. */
static json_t *above_json(const struct mf_result *r)
{
    struct mf_json j = mf_json_begin();
    mf_json_put(&j, "upgrades", r->spikes_judged ? json_integer(r->spikes_above) : json_null());
    mf_json_put(&j, "of", json_integer(r->spikes_judged));
    mf_json_put(&j, "by_chance", r->spikes_judged ? mf_json_number(r->spikes_above_by_chance) : json_null());
    return mf_json_end(&j);
}

/* The measured part; each member is null where no run has ended. */
static void measured_put(struct mf_json *j, const struct mf_result *r)
{
    mf_json_put(j, "delivery", r ? mf_json_text(mf_delivery_keys[r->delivery]) : json_null());
    mf_json_put(j, "messages", r ? messages_json(r) : json_null());
    mf_json_put(j, "upgrades", r ? upgrades_json(r) : json_null());
    mf_json_put(j, "faults", r ? faults_json(r) : json_null());
    mf_json_put(j, "lost_per_upgrade", r ? mf_json_spread(&r->lost_per_upgrade) : json_null());
    mf_json_put(j, "latency_us", r ? latencies_json(r) : json_null());
    mf_json_put(j, "baseline", r ? baseline_json(r) : json_null());
    mf_json_put(j, "spike_ms", r ? mf_json_spread(&r->spike_ms) : json_null());
    mf_json_put(j, "spike_baseline_ms", r ? mf_json_spread(&r->spike_baseline_ms) : json_null());
    mf_json_put(j, "spikes_above_baseline", r ? above_json(r) : json_null());
    mf_json_put(j, "blackout_ms", r ? mf_json_spread(&r->blackout_ms) : json_null());
    mf_json_put(j, "gap_ms", r ? mf_json_spread(&r->gap_ms) : json_null());
    mf_json_put(j, "first_new_ms", r ? mf_json_spread(&r->first_new_ms) : json_null());
    mf_json_put(j, "last_old_ms", r ? mf_json_spread(&r->last_old_ms) : json_null());
    mf_json_put(j, "recovery_ms", r ? mf_json_spread(&r->recovery_ms) : json_null());
    mf_json_put(j, "wire_states", r && r->wire_states ? wire_states_json(r) : json_null());
    mf_json_put(j, "probes", r && r->wire_states ? probes_json(&r->probes) : json_null());
    mf_json_put(j, "questions", r ? questions_json(r) : json_null());
    mf_json_put(j, "connections", r ? connections_json(r) : json_null());
    mf_json_put(j, "retry", r ? retry_json(r) : json_null());
    mf_json_put(j, "instrument", r ? instrument_json(r) : json_null());
    mf_json_put(j, "resources", r ? resources_json(r) : json_null());
    mf_json_put(j, "proof", r ? proof_json(r) : json_null());
}

json_t *mf_json_cell(const struct mf_report_cell *cell, const char *runs_prefix)
{
    enum mf_verdict verdict = cell->judgement ? cell->judgement->verdict : MF_VERDICT_SKIPPED;
    struct mf_json j = mf_json_begin();
    if (!runs_prefix)
        mf_json_put(&j, "schema", json_string("midflight.run/1"));
    mf_json_put(&j, "name", mf_json_text(cell->name));
    mf_json_put(&j, "parameters", parameters_json(cell));
    mf_json_put(&j, "load", mf_json_text(cell->asked_load));
    mf_json_put(&j, "first_seed", cell->has_first_seed ? mf_json_count(cell->first_seed) : json_null());
    mf_json_put(&j, "verdict", mf_json_text(mf_verdict_keys[verdict]));
    mf_json_put(&j, "reasons", reasons_json(cell->judgement));
    measured_put(&j, cell->result);
    mf_json_put(&j, "runs", runs_json(cell, runs_prefix));
    return mf_json_end(&j);
}
