#include "driver/shape.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define FINE_BINS_UP_TO_NS (120 * MF_NS_PER_S)
#define SLACK_NS           (200 * MF_NS_PER_MS)
#define STAGE_BYTES_MAX    (1ULL << 30) /* in all: the recorder is memory */
#define STAGE_BYTES_AIM    (1ULL << 26)
#define CLOSED_BITS        20 /* a closed loop's rate is not known: a million messages of a stream, where memory allows */
#define STAGE_BITS_MIN     6
#define STAGE_BITS_MAX     40
#define BINS_MAX           20000000u

static uint64_t ns_of_ms(double ms)
{
    return (uint64_t)llround(ms * (double)MF_NS_PER_MS);
}

uint64_t mf_shape_warmup_ns(const struct mf_cell *cell)
{
    return ns_of_ms(cell->load.warmup_ms);
}

uint64_t mf_shape_duration_ns(const struct mf_cell *cell)
{
    return ns_of_ms(cell->load.duration_ms);
}

uint64_t mf_shape_drain_ns(const struct mf_cell *cell)
{
    return ns_of_ms(cell->load.drain_ms);
}

bool mf_point_is_of_node(enum mf_point_kind kind)
{
    return kind == MF_POINT_VALUE || kind == MF_POINT_STAGE || kind == MF_POINT_QUEUE_DEPTH;
}

uint32_t mf_shape_turn(uint32_t cells, uint32_t n, uint32_t turn)
{
    return n % 2 ? turn : cells - 1 - turn;
}

uint64_t mf_shape_seed(const struct mf_scenario *scenario, uint32_t n)
{
    return scenario->seed + n - 1;
}

bool mf_shape_exchanges(const struct mf_cell *cell)
{
    return cell->command ? cell->command->upgrade.count > 0 : strcmp(cell->node.strategy, "none") != 0;
}

/* --- the recorder ------------------------------------------------------------------------------------------------- */

static uint32_t streams_of(const struct mf_cell *cell)
{
    return cell->load.connections * cell->load.streams_per_connection;
}

/* The probes' are behind the ordinary ones, and behind them those of pings that are asked again. */
static uint32_t streams_in_all(const struct mf_cell *cell)
{
    return streams_of(cell) + (uint32_t)__builtin_popcount(cell->load.wire_states) +
           (cell->load.retry ? cell->load.workers : 0);
}

static uint64_t run_ns(const struct mf_cell *cell)
{
    return mf_shape_warmup_ns(cell) + mf_shape_duration_ns(cell) + mf_shape_drain_ns(cell);
}

static uint32_t bits_for(double messages)
{
    uint32_t bits = STAGE_BITS_MIN;
    while (bits < STAGE_BITS_MAX && (double)(1ULL << bits) < messages)
        bits++;
    return bits;
}

/* What a stream may send while one of its pings waits for its timeout (Poisson arrivals: half as much again), and never
 * under two windows. */
static uint32_t stage_bits_needed(const struct mf_cell *cell)
{
    const struct mf_load *load = &cell->load;
    double per_stream = 2.0 * load->window;
    if (load->open)
        per_stream = load->rate_per_s * (load->timeout_ms + load->drain_ms) / 1e3 / streams_of(cell) *
                         (load->poisson ? 1.5 : 1) +
                     16;
    return bits_for(per_stream);
}

/* Where memory allows, more: the whole run, so that no byte is ever used twice. */
static uint32_t stage_bits_wanted(const struct mf_cell *cell)
{
    const struct mf_load *load = &cell->load;
    if (!load->open)
        return CLOSED_BITS;
    return bits_for(load->rate_per_s * (double)run_ns(cell) / 1e9 / streams_of(cell) * (load->poisson ? 1.5 : 1) + 16);
}

static uint32_t stage_bits(const struct mf_cell *cell)
{
    uint32_t bits = stage_bits_wanted(cell), needed = stage_bits_needed(cell);
    while (bits > needed && ((uint64_t)streams_in_all(cell) << bits) > STAGE_BYTES_AIM)
        bits--;
    return bits > needed ? bits : needed;
}

static uint64_t bin_width_ns(const struct mf_cell *cell)
{
    return run_ns(cell) <= FINE_BINS_UP_TO_NS ? MF_NS_PER_MS : 10 * MF_NS_PER_MS;
}

static uint64_t bins_of(const struct mf_cell *cell)
{
    return (run_ns(cell) + SLACK_NS + bin_width_ns(cell) - 1) / bin_width_ns(cell);
}

struct mf_recorder_shape mf_shape_recorder(const struct mf_cell *cell)
{
    return (struct mf_recorder_shape){
        .workers = cell->load.workers,
        .probes = cell->load.wire_states,
        .upgrades = cell->upgrades_planned,
        .bins = (uint32_t)bins_of(cell),
        .streams = streams_in_all(cell),
        .stage_bits = stage_bits(cell),
        .control_from = cell->node.control_group ? cell->node.processes - cell->node.control_group : 0,
        .bin_ns = bin_width_ns(cell),
    };
}

/* --- the check ---------------------------------------------------------------------------------------------------- */

static int points_check(const struct mf_cell *cell, struct mf_error *err)
{
    uint32_t of_node = 0, of_load = 0;
    for (uint32_t i = 0; i < cell->upgrades_count; i++) {
        of_node += mf_point_is_of_node(cell->upgrades[i].kind);
        of_load += cell->upgrades[i].kind == MF_POINT_MESSAGE || cell->upgrades[i].kind == MF_POINT_IN_FLIGHT;
    }
    uint32_t of_faults = 0;
    for (uint32_t i = 0; i < cell->faults_count; i++)
        of_faults += cell->faults[i].at == MF_FAULT_AT_MESSAGE;
    if (of_load + of_faults > MF_PLAN_POINTS)
        return mf_error_set(err, MF_STATUS_USAGE, NULL,
                            "upgrades and faults have %" PRIu32 " rows that fire on a message; allowed: %d",
                            of_load + of_faults, MF_PLAN_POINTS);
    if (of_node > 0 && of_node < cell->upgrades_count)
        return mf_error_set(err, MF_STATUS_USAGE, NULL,
                            "upgrades: points value, stage and queue_depth (the node fires them) cannot be mixed with "
                            "time_ms, every_ms, "
                            "message and in_flight (midflight fires them); allowed: one kind or the other");
    if (of_node > MF_PLAN_POINTS || of_load > MF_PLAN_POINTS)
        return mf_error_set(err, MF_STATUS_USAGE, NULL,
                            "upgrades: has %" PRIu32
                            " rows of message, in_flight, value, stage or queue_depth; allowed: %d",
                            of_node + of_load, MF_PLAN_POINTS);
    if (of_load > 0 && cell->load.transport == MF_TRANSPORT_LOCAL)
        return mf_error_set(err, MF_STATUS_USAGE, NULL,
                            "upgrades: a message or in_flight point needs transport tcp or unix; allowed with local: "
                            "time_ms, every_ms, value, stage, queue_depth");
    return 0;
}

/* Whether the orders fit into a control line, wherever the target may listen. */
static int plan_fits(const struct mf_cell *cell, struct mf_error *err)
{
    char endpoint[sizeof((struct mf_plan *)0)->endpoint];
    struct mf_control_writer w;
    struct mf_plan plan;
    memset(endpoint, 'x', sizeof endpoint - 1);
    endpoint[sizeof endpoint - 1] = 0;
    for (uint32_t i = 0; i < cell->load.workers; i++) {
        mf_shape_plan(cell, i, endpoint, UINT64_MAX, &plan);
        if (mf_plan_write(&plan, &w) != 0)
            return mf_error_set(err, MF_STATUS_USAGE, NULL,
                                "load.%s: with %" PRIu32 " points, is too long for a load's orders; allowed: less, or fewer "
                                "rows of upgrades",
                                cell->load.codec_conf[0] ? "http" : "codec", plan.points);
    }
    return 0;
}

int mf_shape_check(const struct mf_cell *cell, struct mf_error *err)
{
    const struct mf_load *load = &cell->load;
    if (load->messages > 0 && load->messages < load->workers)
        return mf_error_set(err, MF_STATUS_USAGE, NULL,
                            "load.messages: is %" PRIu64 "; allowed: at least one for each of %" PRIu32 " workers",
                            load->messages, load->workers);
    if (bins_of(cell) > BINS_MAX)
        return mf_error_set(err, MF_STATUS_USAGE, NULL,
                            "load.duration_ms: is %.0f; allowed: a timeline of at most %u intervals", load->duration_ms,
                            BINS_MAX);
    if (((uint64_t)streams_in_all(cell) << stage_bits_needed(cell)) > STAGE_BYTES_MAX)
        return mf_error_set(
            err, MF_STATUS_USAGE, NULL,
            "load.timeout_ms: the stages of all messages that may wait for an answer at once do not fit into %llu MiB; "
            "allowed: less rate_per_s, timeout_ms, drain_ms or window",
            STAGE_BYTES_MAX >> 20);
    return points_check(cell, err) != 0 ? -1 : plan_fits(cell, err);
}

/* --- the plan of the upgrades ------------------------------------------------------------------------------------- */

/* {n}, as the steps are given it. */
static void command_log(const struct mf_cell *cell, const struct mf_recorder *rec)
{
    for (uint32_t k = 0; k < rec->header->shape.upgrades; k++) {
        struct mf_upgrade_log *slot = &rec->log[k];
        bool exchanges = mf_shape_exchanges(cell);
        slot->version_from = mf_command_version(cell->command, exchanges ? (int64_t)k - 1 : -1);
        slot->version_to = mf_command_version(cell->command, exchanges ? (int64_t)k : -1);
        slot->queued = UINT32_MAX;
    }
}

void mf_shape_log(const struct mf_cell *cell, const uint32_t *versions, const struct mf_recorder *rec)
{
    if (cell->command) {
        command_log(cell, rec);
        return;
    }
    uint32_t n = cell->node.modules_count;
    bool exchanges = mf_shape_exchanges(cell);
    for (uint32_t k = 0; k < rec->header->shape.upgrades; k++) {
        struct mf_upgrade_log *slot = &rec->log[k];
        slot->module_index = exchanges ? (k + 1) % n : 0;
        slot->version_from = versions[exchanges ? k % n : 0];
        slot->version_to = versions[slot->module_index];
        slot->queued = UINT32_MAX;
    }
}

/* --- orders ------------------------------------------------------------------------------------------------------- */

/* This worker's part of `total`, the remainder going to the first ones. */
static uint64_t share(uint64_t total, uint32_t w, uint32_t workers)
{
    return total / workers + (w < total % workers);
}

static uint64_t share_up(uint64_t total, uint32_t workers)
{
    return (total + workers - 1) / workers;
}

/* What the load has to do for a row: nothing (false), or this. */
static bool plan_point(const struct mf_upgrade_plan *u, struct mf_plan_point *p)
{
    switch (u->kind) {
    case MF_POINT_MESSAGE:
        *p = (struct mf_plan_point){.kind = MF_PLAN_POINT_MESSAGE, .first = u->message};
        return true;
    case MF_POINT_IN_FLIGHT:
        *p = (struct mf_plan_point){.kind = MF_PLAN_POINT_IN_FLIGHT, .first = u->in_flight};
        return true;
    case MF_POINT_STAGE:
        *p = (struct mf_plan_point){.kind = MF_PLAN_POINT_HALF, .first = u->message};
        return u->stage == MF_POINT_STAGE_HALF_RECEIVED;
    default:
        return false;
    }
}

static void plan_points(const struct mf_cell *cell, struct mf_plan *plan)
{
    for (uint32_t i = 0; i < cell->upgrades_count; i++) {
        const struct mf_upgrade_plan *u = &cell->upgrades[i];
        struct mf_plan_point p;
        if (i % plan->workers != plan->worker || !plan_point(u, &p))
            continue;
        p.point = i;
        p.first = share_up(p.first, plan->workers);
        p.every = share_up(u->every, plan->workers);
        p.count = u->count;
        plan->point[plan->points++] = p;
    }
    for (uint32_t i = 0; i < cell->faults_count; i++) { /* numbered on from the upgrades */
        const struct mf_fault_plan *fault = &cell->faults[i];
        uint32_t row = cell->upgrades_count + i;
        if (fault->at == MF_FAULT_AT_MESSAGE && row % plan->workers == plan->worker)
            plan->point[plan->points++] = (struct mf_plan_point){.kind = MF_PLAN_POINT_MESSAGE,
                                                                 .point = row,
                                                                 .first = share_up(fault->message, plan->workers),
                                                                 .every = share_up(fault->every, plan->workers),
                                                                 .count = fault->count};
    }
}

void mf_shape_plan(const struct mf_cell *cell, uint32_t w, const char *endpoint, uint64_t seed, struct mf_plan *plan)
{
    const struct mf_load *load = &cell->load;
    uint32_t connections = load->connections / load->workers;
    *plan = (struct mf_plan){
        .worker = w,
        .workers = load->workers,
        .connections = connections,
        .streams_per_connection = load->streams_per_connection,
        .first_stream = w * connections * load->streams_per_connection,
        .streams = streams_in_all(cell),
        .probes = w == 0 ? load->wire_states : 0,
        .processes = cell->node.processes,
        .mode = load->open ? MF_MODE_OPEN : MF_MODE_CLOSED,
        .arrivals = load->poisson ? MF_ARRIVALS_POISSON : MF_ARRIVALS_UNIFORM,
        .rate_per_s = load->open ? load->rate_per_s / load->workers : 0,
        .window = load->window,
        .pipeline = load->pipeline,
        .pings_per_connection = load->pings_per_connection,
        .retry = load->retry,
        .messages = share(load->messages, w, load->workers),
        .payload_bytes = load->payload_bytes,
        .timeout_ns = ns_of_ms(load->timeout_ms),
        .connect_timeout_ns = ns_of_ms(load->connect_timeout_ms),
        .drain_ns = mf_shape_drain_ns(cell),
        .window_ns = ns_of_ms(load->window_ms),
        .seed = seed,
    };
    snprintf(plan->endpoint, sizeof plan->endpoint, "%s", endpoint);
    snprintf(plan->codec, sizeof plan->codec, "%s", load->codec);
    snprintf(plan->codec_conf, sizeof plan->codec_conf, "%s", load->codec_conf);
    plan_points(cell, plan);
}

int mf_shape_history(struct mf_plan *plan, const char *dir, struct mf_error *err)
{
    int n = snprintf(plan->history, sizeof plan->history, "%s", dir);
    if (n < 0 || (size_t)n >= sizeof plan->history)
        return mf_error_set(err, MF_STATUS_USAGE, dir, "the path is too long for a history; allowed: %zu bytes",
                            sizeof plan->history - 1);
    return 0;
}

void mf_shape_load_text(const struct mf_load *load, char *text, size_t bytes)
{
    if (load->open)
        snprintf(text, bytes, "open, %.15g/s", load->rate_per_s);
    else
        snprintf(text, bytes, "closed, window %" PRIu32, load->window);
}
