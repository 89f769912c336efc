#include "checker/result.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "checker/away.h"
#include "checker/control.h"
#include "checker/questions.h"
#include "checker/spikes.h"
#include "checker/statistics.h"
#include "checker/wire.h"

int mf_result_init(struct mf_result *r, struct mf_error *err)
{
    *r = (struct mf_result){.baseline_median_us = -1, .runqueue_fraction = -1, .steal_fraction = -1};
    struct mf_hist **all[] = {&r->response, &r->service, &r->lag};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        *all[i] = malloc(sizeof **all[i]);
        if (!*all[i]) {
            mf_result_done(r);
            return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for a result");
        }
        mf_hist_init(*all[i]);
    }
    return 0;
}

void mf_result_done(struct mf_result *r)
{
    free(r->response);
    free(r->service);
    free(r->lag);
    mf_control_free(r->control);
    free(r->upgrades);
    free(r->spread_room);
    free(r->bin);
    free(r->tainted);
    free(r->away);
    free(r->faults);
    *r = (struct mf_result){0};
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static double max_double(double a, double b)
{
    return a > b ? a : b;
}

static void retry_add(struct mf_retry_tally *to, const struct mf_retry_tally *from)
{
    to->wanted |= from->wanted;
    to->attempted += from->attempted;
    to->answered += from->answered;
    to->told += from->told;
    to->duplicated += from->duplicated;
}

static void worker_balance(struct mf_result *r, const struct mf_worker_record *w)
{
    uint64_t ended = 0, answered = w->extra[MF_EXTRA_DUPLICATED] + w->extra[MF_EXTRA_PHANTOM];
    for (uint32_t i = 0; i < MF_OUTCOME_COUNT; i++) {
        ended += w->outcome[i];
        answered += i == MF_OUTCOME_LOST || i == MF_OUTCOME_NOT_SENT ? 0 : w->outcome[i];
    }
    uint64_t lost = w->lost_before_stage, causes = 0;
    for (uint32_t i = 0; i < MF_STAGE_COUNT; i++)
        lost += w->lost_by_stage[i];
    for (uint32_t i = 0; i < MF_CAUSE_COUNT; i++)
        causes += w->lost_by_cause[i];
    r->unbalanced_workers += ended != atomic_load(&w->due) || answered != w->replies ||
                             lost != w->outcome[MF_OUTCOME_LOST] || causes != w->outcome[MF_OUTCOME_LOST];
}

static void worker_add(struct mf_result *r, const struct mf_worker_record *w)
{
    uint64_t due = atomic_load(&w->due);
    r->due += due;
    r->resolved += atomic_load(&w->resolved);
    r->replies += w->replies;
    for (uint32_t i = 0; i < MF_OUTCOME_COUNT; i++)
        r->outcome[i] += w->outcome[i];
    for (uint32_t i = 0; i < MF_EXTRA_COUNT; i++)
        r->extra[i] += w->extra[i];
    for (uint32_t i = 0; i < MF_CAUSE_COUNT; i++)
        r->lost_by_cause[i] += w->lost_by_cause[i];
    for (uint32_t i = 0; i < MF_STAGE_COUNT; i++)
        r->lost_by_stage[i] += w->lost_by_stage[i];
    r->lost_before_stage += w->lost_before_stage;
    r->warmup_due += w->warmup_due;
    r->opened += w->opened;
    r->refused += w->refused;
    r->connect_timeouts += w->connect_timeouts;
    r->closed_announced += w->closed_announced;
    r->closed_idle += w->closed_idle;
    r->closed_by_load += w->closed_by_load;
    r->closed_inflight += w->closed_inflight;
    retry_add(&r->retry, &w->retry);
    r->reconnects += w->reconnects;
    r->reconnect_ns_max = max_u64(r->reconnect_ns_max, w->reconnect_ns_max);
    r->wakeups += w->wakeups;
    r->late_wakeups += w->late_wakeups;
    r->wakeup_late_ns_max = max_u64(r->wakeup_late_ns_max, w->wakeup_late_ns_max);
    r->loop_busy_ns_max = max_u64(r->loop_busy_ns_max, w->loop_busy_ns_max);
    if (w->runqueue_of_ns)
        r->runqueue_fraction = max_double(r->runqueue_fraction, (double)w->runqueue_ns / (double)w->runqueue_of_ns);
    if (w->processors)
        r->steal_fraction = max_double(r->steal_fraction, (double)w->stolen / (double)w->processors);
    r->window_ns = max_u64(r->window_ns, w->window_ns);
    if (w->achieved_ns)
        r->achieved_rate_per_s += (double)(due - 1) * MF_NS_PER_S / (double)w->achieved_ns;
    mf_hist_merge(r->response, &w->response);
    mf_hist_merge(r->service, &w->service);
    mf_hist_merge(r->lag, &w->lag);
    r->unfinished_workers += atomic_load_explicit(&w->finished, memory_order_acquire) == 0;
    worker_balance(r, w);
}

static void bins_add(struct mf_result *r, const struct mf_bin *from)
{
    for (uint32_t i = 0; i < r->bins; i++) {
        struct mf_bin *to = r->bin + i;
        to->due += from[i].due;
        to->answered += from[i].answered;
        to->bad += from[i].bad;
        to->lost += from[i].lost;
        to->replies += from[i].replies;
        to->response_sum_ns += from[i].response_sum_ns;
        to->response_max_ns = max_u64(to->response_max_ns, from[i].response_max_ns);
        to->instrument_late_ns = max_u64(to->instrument_late_ns, from[i].instrument_late_ns);
    }
}

static int64_t since(uint64_t at_ns, uint64_t from_ns)
{
    return at_ns == 0 ? -1 : at_ns > from_ns ? (int64_t)(at_ns - from_ns) : 0;
}

/* What the log says. `version` is what ran before; returns what runs after. */
static uint32_t upgrade_from_log(struct mf_upgrade_result *u, const struct mf_upgrade_log *log, uint64_t start_ns,
                                 uint32_t version)
{
    uint64_t requested = atomic_load(&log->phase_ns[MF_PHASE_REQUESTED]);
    u->point = log->point;
    u->version_from = version;
    u->version_to = log->version_to;
    u->outcome = (enum mf_upgrade_outcome)atomic_load_explicit(&log->outcome, memory_order_acquire);
    u->has_trigger = log->has_trigger;
    u->trigger_held = log->trigger_held;
    u->trigger_stage = log->trigger_stage;
    u->trigger_stream = log->trigger_stream;
    u->trigger_process = log->trigger_process;
    u->trigger_seq = log->trigger_seq;
    u->requested_ns = requested > start_ns ? requested - start_ns : 0;
    for (uint32_t p = 0; p < MF_PHASE_COUNT; p++)
        u->phase_ns[p] = since(atomic_load(&log->phase_ns[p]), requested);
    u->queued = log->queued;
    u->made_anew = log->made_anew;
    u->converted = log->converted;
    u->threads_ended = log->threads_ended;
    u->threads_before = log->threads_before;
    u->threads_after = log->threads_after;
    u->threads_same = log->threads_before && log->threads_before == log->threads_after &&
                      log->threads_id_before == log->threads_id_after;
    u->pid_before = log->pid_before;
    u->pid_after = log->pid_after;
    memcpy(u->reason, log->reason, sizeof u->reason);
    u->reason[sizeof u->reason - 1] = 0;
    return u->outcome == MF_UPGRADE_COMMITTED ? log->version_to : version;
}

/* first_new_ns and last_old_ns hold instants until upgrade_conclude. */
static void upgrade_from_tally(struct mf_upgrade_result *u, const struct mf_upgrade_tally *t)
{
    u->in_flight += t->in_flight;
    u->in_flight_lost += t->in_flight_lost;
    for (uint32_t i = 0; i < MF_OUTCOME_COUNT; i++)
        u->outcomes[i] += t->outcome[i];
    for (uint32_t i = 0; i < MF_EXTRA_COUNT; i++)
        u->extras[i] += t->extra[i];
    u->sibling_bad += t->sibling_bad;
    u->new_answers += t->new_answers;
    u->response_max_ns = (int64_t)max_u64((uint64_t)u->response_max_ns, t->response_max_ns);
    u->blackout_ns = (int64_t)max_u64((uint64_t)u->blackout_ns, t->blackout_ns);
    u->gap_ns = (int64_t)max_u64((uint64_t)u->gap_ns, t->gap_ns);
    if (t->first_new_ns && (!u->first_new_ns || t->first_new_ns < (uint64_t)u->first_new_ns))
        u->first_new_ns = (int64_t)t->first_new_ns;
    u->last_old_ns = (int64_t)max_u64((uint64_t)u->last_old_ns, t->last_old_ns);
    if (t->trigger_outcome) {
        u->trigger_outcome = t->trigger_outcome - 1;
        u->trigger_version_is_new = t->trigger_version_is_new;
    }
}

static void upgrade_conclude(struct mf_upgrade_result *u, uint64_t requested_at_ns)
{
    bool changes = u->version_from != u->version_to;
    u->first_new_ns = changes ? since((uint64_t)u->first_new_ns, requested_at_ns) : -1;
    u->last_old_ns = changes ? since((uint64_t)u->last_old_ns, requested_at_ns) : -1;
    u->response_max_ns = u->response_max_ns ? u->response_max_ns : -1;
    u->gap_ns = u->gap_ns ? u->gap_ns : -1;
    u->lost = u->outcomes[MF_OUTCOME_LOST];
    u->dirty = u->lost || u->outcomes[MF_OUTCOME_WRONG] || u->extras[MF_EXTRA_DUPLICATED] ||
               u->extras[MF_EXTRA_REORDERED] || u->extras[MF_EXTRA_STALE];
}

static void upgrades_read(struct mf_result *r, const struct mf_recorder *rec, uint32_t run)
{
    const struct mf_recorder_shape *shape = &rec->header->shape;
    uint64_t start = atomic_load(&rec->header->start_ns);
    uint32_t requested = atomic_load_explicit(&rec->header->requested, memory_order_acquire);
    uint32_t version = shape->upgrades ? rec->log[0].version_from : 0;
    for (uint32_t k = 0; k < shape->upgrades; k++) {
        struct mf_upgrade_result *u = r->upgrades + k;
        *u = (struct mf_upgrade_result){.run = run, .index = k, .fired = k < requested, .trigger_outcome = -1};
        version = upgrade_from_log(u, rec->log + k, start, version);
        for (uint32_t w = 0; w < shape->workers; w++)
            upgrade_from_tally(u, mf_recorder_tallies(rec, w) + k);
        upgrade_conclude(u, atomic_load(&rec->log[k].phase_ns[MF_PHASE_REQUESTED]));
        u->spike_ns = u->recovery_ns = -1;
    }
}

static void node_read(struct mf_result *r, const struct mf_node_record *node)
{
    for (uint32_t i = 0; i < MF_STAGE_COUNT; i++)
        r->reached[i] = atomic_load(&node->reached[i]);
    r->node_rehandled = atomic_load(&node->rehandled);
    r->stack_bytes_max = atomic_load(&node->stack_bytes_max);
    r->oldest_version_age_ns_max = atomic_load(&node->oldest_version_age_ns_max);
    r->starts = atomic_load(&node->starts);
}

static int faults_add(struct mf_result *r, const struct mf_fault_result *more, uint32_t n, struct mf_error *err)
{
    struct mf_fault_result *all = n ? realloc(r->faults, (r->faults_count + n) * sizeof *all) : r->faults;
    if (n && !all)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the faults of a run");
    if (n)
        memcpy(all + r->faults_count, more, n * sizeof *all);
    r->faults = all;
    r->faults_count += n;
    return 0;
}

int mf_result_from_recorder(struct mf_result *r, const struct mf_recorder *rec, uint32_t run,
                            const struct mf_target_witness *witness, struct mf_error *err)
{
    const struct mf_recorder_shape *shape = &rec->header->shape;
    uint64_t start = atomic_load(&rec->header->start_ns), measure = atomic_load(&rec->header->measure_ns),
             end = atomic_load(&rec->header->end_ns);
    if (mf_control_read(r, rec, witness->processes, err) != 0)
        return -1;
    r->runs = 1;
    r->target = *witness;
    r->bins = shape->bins;
    r->bin_ns = shape->bin_ns;
    r->warmup_ns = measure > start ? measure - start : 0;
    r->duration_ns = end > start ? end - start : 0;
    r->upgrades_planned = r->upgrades_count = shape->upgrades;
    r->bin = calloc(shape->bins + 1, sizeof *r->bin);
    r->tainted = calloc(shape->bins + 1, 1);
    r->upgrades = calloc(shape->upgrades + 1, sizeof *r->upgrades);
    r->spread_room = calloc(shape->upgrades + 1, sizeof *r->spread_room);
    if (!r->bin || !r->tainted || !r->upgrades || !r->spread_room)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the result of a run");
    if (shape->probes) {
        const struct mf_worker_record *probes = mf_recorder_worker(rec, shape->workers);
        mf_wire_read(r, shape->probes, probes);
        r->unfinished_workers += atomic_load_explicit(&probes->finished, memory_order_acquire) == 0;
        worker_balance(r, probes);
    }
    for (uint32_t w = 0; w < shape->workers; w++) {
        worker_add(r, mf_recorder_worker(rec, w));
        bins_add(r, mf_recorder_bins(rec, w));
    }
    if (faults_add(r, witness->faults, witness->faults_count, err) != 0)
        return -1;
    r->target.faults = NULL;
    r->target.faults_count = 0;
    node_read(r, rec->node);
    upgrades_read(r, rec, run);
    return mf_spikes_find(r, err);
}

static int64_t grown(const struct mf_target_witness *t, uint32_t part)
{
    return (int64_t)(t->sampled_last.of[part] - t->sampled_first.of[part]);
}

static void samples_merge(struct mf_target_witness *to, const struct mf_target_witness *from)
{
    for (uint32_t part = 0; part < MF_FOOTPRINT_COUNT && from->sampled; part++)
        if (!to->sampled || grown(from, part) > grown(to, part)) {
            to->sampled_first.of[part] = from->sampled_first.of[part];
            to->sampled_last.of[part] = from->sampled_last.of[part];
        }
    if (from->sampled && !to->sampled) {
        to->sampled_first_after = from->sampled_first_after;
        to->sampled_last_after = from->sampled_last_after;
    }
    to->sampled |= from->sampled;
}

static void target_merge(struct mf_target_witness *to, const struct mf_target_witness *from, bool first)
{
    if (first) {
        *to = *from;
        return;
    }
    to->gives_version &= from->gives_version; /* what was proved in all of them */
    to->gives_state &= from->gives_state;
    to->gives_instance &= from->gives_instance;
    to->rss_bytes_last = from->rss_bytes_last ? from->rss_bytes_last : to->rss_bytes_last;
    if (!to->died)
        memcpy(to->died_text, from->died_text, sizeof to->died_text);
    to->died += from->died;
    to->dead += from->dead;
    samples_merge(to, from);
}

static void counts_merge(struct mf_result *to, const struct mf_result *from)
{
    to->due += from->due;
    to->resolved += from->resolved;
    to->replies += from->replies;
    for (uint32_t i = 0; i < MF_OUTCOME_COUNT; i++)
        to->outcome[i] += from->outcome[i];
    for (uint32_t i = 0; i < MF_EXTRA_COUNT; i++)
        to->extra[i] += from->extra[i];
    for (uint32_t i = 0; i < MF_CAUSE_COUNT; i++)
        to->lost_by_cause[i] += from->lost_by_cause[i];
    for (uint32_t i = 0; i < MF_STAGE_COUNT; i++) {
        to->lost_by_stage[i] += from->lost_by_stage[i];
        to->reached[i] += from->reached[i];
    }
    to->lost_before_stage += from->lost_before_stage;
    to->warmup_due += from->warmup_due;
    to->opened += from->opened;
    to->refused += from->refused;
    to->connect_timeouts += from->connect_timeouts;
    to->closed_announced += from->closed_announced;
    to->closed_idle += from->closed_idle;
    to->closed_by_load += from->closed_by_load;
    retry_add(&to->retry, &from->retry);
    to->closed_inflight += from->closed_inflight;
    to->reconnects += from->reconnects;
    to->wakeups += from->wakeups;
    to->late_wakeups += from->late_wakeups;
    to->node_rehandled += from->node_rehandled;
    to->starts += from->starts;
    to->unfinished_workers += from->unfinished_workers;
    to->unbalanced_workers += from->unbalanced_workers;
    to->tainted_bins += from->tainted_bins;
    to->judged_bins += from->judged_bins;
    to->upgrades_planned += from->upgrades_planned;
    to->reconnect_ns_max = max_u64(to->reconnect_ns_max, from->reconnect_ns_max);
    to->wakeup_late_ns_max = max_u64(to->wakeup_late_ns_max, from->wakeup_late_ns_max);
    to->loop_busy_ns_max = max_u64(to->loop_busy_ns_max, from->loop_busy_ns_max);
    to->runqueue_fraction = max_double(to->runqueue_fraction, from->runqueue_fraction);
    to->steal_fraction = max_double(to->steal_fraction, from->steal_fraction);
    to->stack_bytes_max = max_u64(to->stack_bytes_max, from->stack_bytes_max);
    to->oldest_version_age_ns_max = max_u64(to->oldest_version_age_ns_max, from->oldest_version_age_ns_max);
}

int mf_result_merge(struct mf_result *cell, const struct mf_result *run, struct mf_error *err)
{
    uint32_t count = cell->upgrades_count + run->upgrades_count;
    struct mf_upgrade_result *upgrades = realloc(cell->upgrades, (count + 1) * sizeof *upgrades);
    if (upgrades)
        cell->upgrades = upgrades;
    double *room = realloc(cell->spread_room, (count + 1) * sizeof *room);
    if (room)
        cell->spread_room = room;
    if (!upgrades || !room)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the result of a cell");
    if (run->upgrades_count)
        memcpy(upgrades + cell->upgrades_count, run->upgrades, run->upgrades_count * sizeof *upgrades);
    cell->upgrades_count = count;
    bool first = cell->runs == 0;
    if (first || run->achieved_rate_per_s < cell->achieved_rate_per_s)
        cell->achieved_rate_per_s = run->achieved_rate_per_s;
    if (first || cell->baseline_median_us < 0)
        cell->baseline_median_us = run->baseline_median_us;
    else if (run->baseline_median_us >= 0)
        cell->baseline_median_us += (run->baseline_median_us - cell->baseline_median_us) / (cell->runs + 1);
    cell->bin_ns = run->bin_ns;
    cell->warmup_ns = run->warmup_ns;
    cell->duration_ns = run->duration_ns;
    cell->window_ns = run->window_ns;
    target_merge(&cell->target, &run->target, first);
    if (mf_control_merge(cell, run, err) != 0 || mf_away_merge(cell, run, err) != 0)
        return -1;
    cell->runs += run->runs;
    counts_merge(cell, run);
    mf_wire_merge(cell, run);
    mf_hist_merge(cell->response, run->response);
    mf_hist_merge(cell->service, run->service);
    mf_hist_merge(cell->lag, run->lag);
    return faults_add(cell, run->faults, run->faults_count, err);
}
