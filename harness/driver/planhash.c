#include "driver/planhash.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "driver/faulting.h"
#include "driver/shape.h"
#include "wire/codec.h"
#include "wire/schedule.h"

struct hashing {
    uint64_t hash;
    struct mf_error *err;
};

static void number_add(struct hashing *h, uint64_t number)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(number >> 8 * i);
    h->hash = mf_hash(h->hash, bytes, sizeof bytes);
}

/* With its length: what is in two parts is not what is in one. */
static void text_add(struct hashing *h, const char *text)
{
    number_add(h, strlen(text));
    h->hash = mf_hash(h->hash, text, strlen(text));
}

static int no_memory(struct hashing *h)
{
    return mf_error_set(h->err, MF_STATUS_INTERNAL, NULL, "no memory for the plan's hash");
}

/* What stands in the scenario: all but names, and what is expected of it. */
static int scenario_add(struct hashing *h, const struct mf_cell *cell)
{
    static const char *const left_out[] = {"$schema", "name",  "description", "expect",
                                           "proof",   "sweep", "repeat",      "seed"};
    json_t *json = json_loads(cell->json, 0, NULL);
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
        json_object_del(json, left_out[i]);
    char *text = json ? json_dumps(json, JSON_SORT_KEYS | JSON_COMPACT) : NULL;
    json_decref(json);
    if (!text)
        return no_memory(h);
    text_add(h, text);
    free(text);
    return 0;
}

static int points_add(struct hashing *h, const struct mf_cell *cell, uint64_t seed)
{
    uint32_t room = cell->upgrades_planned + cell->faults_planned + 1;
    uint64_t *instants = calloc(room, sizeof *instants);
    if (!instants)
        return no_memory(h);
    for (uint32_t i = 0; i < cell->upgrades_count; i++) {
        const struct mf_upgrade_plan *row = &cell->upgrades[i];
        if (row->kind != MF_POINT_TIME && row->kind != MF_POINT_EVERY)
            continue;
        mf_upgrade_instants(row, &cell->load, seed, instants);
        for (uint32_t k = 0; k < row->count; k++)
            number_add(h, instants[k]);
    }
    for (uint32_t i = 0; i < cell->faults_count; i++) {
        const struct mf_fault_plan *row = &cell->faults[i];
        if (row->at != MF_FAULT_AT_TIME && row->at != MF_FAULT_AT_EVERY)
            continue;
        mf_faulting_instants(cell, row, seed, instants);
        for (uint32_t k = 0; k < row->count; k++)
            number_add(h, instants[k]);
    }
    free(instants);
    return 0;
}

static int payloads_add(struct hashing *h, const struct mf_plan *plan)
{
    uint8_t *payload = malloc(plan->payload_bytes + 1);
    if (!payload)
        return no_memory(h);
    for (uint32_t s = 0; s < plan->connections * plan->streams_per_connection; s++)
        for (uint64_t seq = 0; seq < MF_PLANHASH_PAYLOADS; seq++) {
            mf_payload_fill(payload, plan->payload_bytes, plan->seed, plan->first_stream + s, seq);
            h->hash = mf_hash(h->hash, payload, plan->payload_bytes);
        }
    free(payload);
    return 0;
}

/* A worker's orders, but for where it goes to. */
static int worker_add(struct hashing *h, const struct mf_cell *cell, uint32_t w, uint64_t seed)
{
    struct mf_plan plan;
    struct mf_control_writer line;
    mf_shape_plan(cell, w, "", seed, &plan);
    if (mf_plan_write(&plan, &line) != 0)
        return mf_error_set(h->err, MF_STATUS_INTERNAL, NULL, "the plan of the load does not fit into a control line");
    h->hash = mf_hash(h->hash, line.text, line.used);
    if (plan.mode == MF_MODE_OPEN) {
        struct mf_schedule schedule;
        uint64_t end_ns = mf_shape_warmup_ns(cell) + mf_shape_duration_ns(cell);
        mf_schedule_init(&schedule, &plan, 0);
        for (uint32_t i = 0; i < MF_PLANHASH_DUES && schedule.next_ns < end_ns; i++) {
            number_add(h, schedule.next_ns);
            mf_schedule_advance(&schedule);
        }
    }
    return payloads_add(h, &plan);
}

static int run_add(struct hashing *h, const struct mf_cell *cell, uint32_t number, uint64_t seed)
{
    text_add(h, cell->name);
    number_add(h, number);
    if (points_add(h, cell, seed) != 0)
        return -1;
    for (uint32_t w = 0; w < cell->load.workers; w++)
        if (worker_add(h, cell, w, seed) != 0)
            return -1;
    return 0;
}

int mf_plan_hash(const struct mf_scenario *s, uint64_t *hash, struct mf_error *err)
{
    struct hashing h = {.hash = MF_HASH_BEGIN, .err = err};
    for (uint32_t i = 0; i < s->cells_count; i++)
        if (scenario_add(&h, &s->cells[i]) != 0)
            return -1;
    for (uint32_t n = 1; n <= s->repeat; n++)
        for (uint32_t turn = 0; turn < s->cells_count; turn++)
            if (run_add(&h, &s->cells[mf_shape_turn(s->cells_count, n, turn)], n, mf_shape_seed(s, n)) != 0)
                return -1;
    *hash = h.hash;
    return 0;
}
