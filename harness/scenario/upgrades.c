/* The rows of `upgrades`: where each fires. One table of keys per kind of point. */
#include <stdio.h>
#include <string.h>

#include "scenario/parts.h"

#define COUNT(array)  (sizeof(array) / sizeof *(array))
#define MS_MAX        86400000.0
#define MESSAGE_MAX   1e12
#define IN_FLIGHT_MAX 65536000 /* the largest window on the largest number of connections */
#define COUNT_DEFAULT "1"

const char *const mf_point_keys[MF_POINT_COUNT] = {
#define MF_POINT(id, key, text) key,
#include "scenario/points.def"
#undef MF_POINT
};
const char *const mf_point_texts[MF_POINT_COUNT] = {
#define MF_POINT(id, key, text) text,
#include "scenario/points.def"
#undef MF_POINT
};

#define ROW_COUNT                                                                                                      \
    {                                                                                                                  \
        "count", MF_FIELD_INTEGER, false, MF_MEMBER(mf_upgrade_plan, count), 1, MF_UPGRADES_MAX, COUNT_DEFAULT,        \
            .text = "how often it fires"                                                                               \
    }
#define ROW_EVERY                                                                                                      \
    {                                                                                                                  \
        "every", MF_FIELD_INTEGER, false, MF_MEMBER(mf_upgrade_plan, every), 1, MESSAGE_MAX,                           \
            .text = "messages from one to the next; required where count > 1"                                          \
    }
#define ROW_HOLD                                                                                                       \
    {                                                                                                                  \
        "hold", MF_FIELD_FLAG, false, MF_MEMBER(mf_upgrade_plan, hold),                                                \
            .fallback = "false", .text = "hold the message there until the upgrade has ended"                          \
    }
#define ROW_HOLD_MS                                                                                                    \
    {                                                                                                                  \
        "hold_ms", MF_FIELD_NUMBER, false, MF_MEMBER(mf_upgrade_plan, hold_ms), 0, 60000,                              \
            .text = "with hold: wait at most so long for quiet before firing; default 100"                             \
    }

static const struct mf_field time_rows[] = {
    {"time_ms", MF_FIELD_NUMBER, true, MF_MEMBER(mf_upgrade_plan, time_ms), 0, MS_MAX,
     .text = "after the end of the warm-up"},
};
static const struct mf_field every_rows[] = {
    {"every_ms", MF_FIELD_NUMBER, true, MF_MEMBER(mf_upgrade_plan, every_ms), 0.1, MS_MAX,
     .text = "from one upgrade to the next"},
    ROW_COUNT,
    {"jitter_ms", MF_FIELD_NUMBER, false, MF_MEMBER(mf_upgrade_plan, jitter_ms), 0, MS_MAX, "0",
     .text = "each is moved by a seeded uniform time of at most so much, back or forth; under half of every_ms"},
    {"from_ms", MF_FIELD_NUMBER, false, MF_MEMBER(mf_upgrade_plan, from_ms), 0, MS_MAX,
     .text = "the first, after the end of the warm-up; default every_ms"},
};
static const struct mf_field message_rows[] = {
    {"message", MF_FIELD_INTEGER, true, MF_MEMBER(mf_upgrade_plan, message), 1, MESSAGE_MAX,
     .text = "after this many pings were sent"},
    ROW_EVERY,
    ROW_COUNT,
};
static const struct mf_field in_flight_rows[] = {
    {"in_flight", MF_FIELD_INTEGER, true, MF_MEMBER(mf_upgrade_plan, in_flight), 1, IN_FLIGHT_MAX,
     .text =
         "when so many pings are in flight (the kernel has taken them, and they have no outcome), and again when it "
         "has been fewer"},
    {"every", MF_FIELD_INTEGER, false, MF_MEMBER(mf_upgrade_plan, every), 1, MESSAGE_MAX,
     .text = "the least number of pings sent from one firing to the next; required where count > 1"},
    ROW_COUNT,
};
static const struct mf_field queue_depth_rows[] = {
    {"queue_depth", MF_FIELD_INTEGER, true, MF_MEMBER(mf_upgrade_plan, queue_depth), 1, IN_FLIGHT_MAX,
     .text = "when the mailbox of a process, whichever comes first, has filled up to so many messages"},
    {"every", MF_FIELD_INTEGER, false, MF_MEMBER(mf_upgrade_plan, every), 1, MESSAGE_MAX,
     .text =
         "the n-th firing (from 0) comes not before n times so many messages were put into mailboxes; required where "
         "count > 1"},
    ROW_COUNT,
};
static const struct mf_field value_rows[] = {
    {"value", MF_FIELD_INTEGER, true, MF_MEMBER(mf_upgrade_plan, value), 0, MESSAGE_MAX,
     .text = "on the ping that carries this number, as its process takes it from its mailbox; of several streams the "
             "first"},
    ROW_HOLD,
    ROW_HOLD_MS,
};
static const struct mf_field stage_rows[] = {
    {"stage", MF_FIELD_WORD, true, MF_MEMBER(mf_upgrade_plan, stage), .words = mf_point_stage_keys,
     .words_count = MF_POINT_STAGE_COUNT, .text = "how far the message has come in the node"},
    {"message", MF_FIELD_INTEGER, false, MF_MEMBER(mf_upgrade_plan, message), 1, MESSAGE_MAX, "1",
     .text = "the first that fires, counted at the stage"},
    ROW_EVERY,
    ROW_COUNT,
    ROW_HOLD,
    ROW_HOLD_MS,
};
const struct mf_field_table mf_upgrade_fields[MF_POINT_COUNT] = {
    [MF_POINT_TIME] = {time_rows, COUNT(time_rows)},
    [MF_POINT_EVERY] = {every_rows, COUNT(every_rows)},
    [MF_POINT_MESSAGE] = {message_rows, COUNT(message_rows)},
    [MF_POINT_VALUE] = {value_rows, COUNT(value_rows)},
    [MF_POINT_STAGE] = {stage_rows, COUNT(stage_rows)},
    [MF_POINT_IN_FLIGHT] = {in_flight_rows, COUNT(in_flight_rows)},
    [MF_POINT_QUEUE_DEPTH] = {queue_depth_rows, COUNT(queue_depth_rows)},
};

/* Which kind a row is: by its marking key. A stage has a `message` too, so it is asked first. */
static int kind_find(const struct mf_reader *r, const char *path, json_t *row, enum mf_point_kind *kind)
{
    static const enum mf_point_kind order[] = {MF_POINT_STAGE,      MF_POINT_VALUE,   MF_POINT_TIME,
                                               MF_POINT_EVERY,      MF_POINT_MESSAGE, MF_POINT_IN_FLIGHT,
                                               MF_POINT_QUEUE_DEPTH};
    bool found = false;
    for (size_t i = 0; i < COUNT(order); i++) {
        if (!json_object_get(row, mf_point_keys[order[i]]))
            continue;
        bool stage_message = found && *kind == MF_POINT_STAGE && order[i] == MF_POINT_MESSAGE;
        if (found && !stage_message)
            return mf_reader_fail(r, path, "has both %s and %s; allowed: one point, further ones as rows of their own",
                                  mf_point_keys[*kind], mf_point_keys[order[i]]);
        if (!found)
            *kind = order[i];
        found = true;
    }
    if (found)
        return 0;
    char names[256];
    const char *key = json_object_iter_key(json_object_iter(row)),
               *near = key ? mf_nearest(key, mf_point_keys, MF_POINT_COUNT) : NULL;
    return mf_reader_fail(r, path, "says no point; %s%s%sallowed: one of %s", near ? "did you mean \"" : "",
                          near ? near : "", near ? "\"? " : "",
                          mf_names_join(names, sizeof names, mf_point_keys, MF_POINT_COUNT));
}

static int time_check(const struct mf_reader *r, const char *path, const struct mf_upgrade_plan *row,
                      const struct mf_load *load)
{
    char key[MF_KEY_PATH_BYTES];
    if (row->kind == MF_POINT_TIME && row->time_ms >= load->duration_ms) {
        mf_key_path(key, path, "time_ms");
        return mf_reader_fail(r, key, "is %.15g; allowed: under load.duration_ms (%.15g)", row->time_ms,
                              load->duration_ms);
    }
    if (row->kind != MF_POINT_EVERY)
        return 0;
    if (row->jitter_ms * 2 >= row->every_ms && row->jitter_ms > 0) {
        mf_key_path(key, path, "jitter_ms");
        return mf_reader_fail(r, key, "is %.15g; allowed: under half of every_ms (%.15g)", row->jitter_ms,
                              row->every_ms);
    }
    if (row->from_ms < row->jitter_ms) {
        mf_key_path(key, path, "from_ms");
        return mf_reader_fail(r, key, "is %.15g; allowed: at least jitter_ms (%.15g)", row->from_ms, row->jitter_ms);
    }
    double last_ms = row->from_ms + (row->count - 1) * row->every_ms + row->jitter_ms;
    if (last_ms >= load->duration_ms) {
        mf_key_path(key, path, row->count > 1 ? "count" : "from_ms");
        return mf_reader_fail(r, key, "puts the last upgrade at %.15g ms; allowed: under load.duration_ms (%.15g)",
                              last_ms, load->duration_ms);
    }
    return 0;
}

/* A point on a message that the load never sends would never fire. */
static int message_check(const struct mf_reader *r, const char *path, const struct mf_upgrade_plan *row,
                         const json_t *json, const struct mf_load *load)
{
    char key[MF_KEY_PATH_BYTES];
    bool counts = row->kind == MF_POINT_MESSAGE || row->kind == MF_POINT_STAGE;
    bool fills = row->kind == MF_POINT_IN_FLIGHT || row->kind == MF_POINT_QUEUE_DEPTH;
    if ((counts || fills) && row->count > 1 && row->every == 0) {
        mf_key_path(key, path, "every");
        return mf_reader_fail(r, key, "is missing; count %u needs it: a whole number from 1 to 1000000000000",
                              row->count);
    }
    if (json_object_get(json, "hold_ms") && !row->hold) {
        mf_key_path(key, path, "hold_ms");
        return mf_reader_fail(r, key, "is for \"hold\": true only");
    }
    if (!counts && row->kind != MF_POINT_VALUE)
        return 0;
    double sent = load->messages ? (double)load->messages : 0;
    double by_time = load->open ? load->rate_per_s * (load->warmup_ms + load->duration_ms) / 1000 : 0;
    if (load->open && (sent == 0 || by_time < sent))
        sent = by_time;
    /* a value is a number within one stream, counted from 0 */
    double last = row->kind == MF_POINT_VALUE ? (double)row->value + 1
                                              : (double)row->message + (double)(row->count - 1) * (double)row->every;
    if (sent > 0 && last > sent) {
        mf_key_path(key, path, row->kind == MF_POINT_VALUE ? "value" : row->count > 1 ? "count" : "message");
        return mf_reader_fail(r, key, "needs %.0f messages, but the load sends %.0f in all", last, sent);
    }
    return 0;
}

/* So many that there can't be: a closed loop has a window. */
static int fill_check(const struct mf_reader *r, const char *path, const struct mf_upgrade_plan *row,
                      const struct mf_load *load)
{
    char key[MF_KEY_PATH_BYTES];
    bool in_flight = row->kind == MF_POINT_IN_FLIGHT;
    uint64_t asked = in_flight ? row->in_flight : row->queue_depth;
    if (!in_flight && row->kind != MF_POINT_QUEUE_DEPTH)
        return 0;
    mf_key_path(key, path, mf_point_keys[row->kind]);
    if (load->transport == MF_TRANSPORT_LOCAL && in_flight)
        return mf_reader_fail(r, key, "needs transport tcp or unix; the pingers of \"local\" tell no such point");
    uint64_t windows = load->transport == MF_TRANSPORT_LOCAL
                           ? (uint64_t)load->connections * load->streams_per_connection
                           : load->connections;
    if (!load->open && asked > load->window * windows)
        return mf_reader_fail(r, key, "is %llu; allowed: at most what the load has outstanding at once (%llu)",
                              (unsigned long long)asked, (unsigned long long)(load->window * windows));
    return 0;
}

/* A message in the middle of its frame: held by nature, and only where there are frames. */
static int half_check(const struct mf_reader *r, const char *path, json_t *json, const struct mf_load *load,
                      struct mf_upgrade_plan *row)
{
    char key[MF_KEY_PATH_BYTES];
    if (row->kind != MF_POINT_STAGE || row->stage < MF_STAGE_COUNT)
        return 0;
    mf_key_path(key, path, "stage");
    if (load->transport == MF_TRANSPORT_LOCAL)
        return mf_reader_fail(r, key, "is \"%s\", but with transport \"local\" no message is cut into bytes",
                              mf_point_stage_keys[row->stage]);
    row->hold = true;
    return json_object_set_new(json, "hold", json_true()) != 0 ? mf_reader_no_memory(r) : 0;
}

/* What is held in a wire state is placed when the driver is about to fire. */
static int wire_states_check(const struct mf_reader *r, const char *path, const struct mf_upgrade_plan *row,
                             const struct mf_load *load)
{
    char key[MF_KEY_PATH_BYTES];
    if (!load->wire_states ||
        (row->kind != MF_POINT_VALUE && row->kind != MF_POINT_STAGE && row->kind != MF_POINT_QUEUE_DEPTH))
        return 0;
    mf_key_path(key, path, mf_point_keys[row->kind]);
    return mf_reader_fail(r, key,
                          "is fired by the node, which waits for no probe; allowed with load.wire_states: time_ms, "
                          "every_ms, message, in_flight");
}

/* What happens inside a target is seen in our own node only. */
static int command_check(const struct mf_reader *r, const char *path, const struct mf_upgrade_plan *row)
{
    char key[MF_KEY_PATH_BYTES];
    if (row->kind != MF_POINT_VALUE && row->kind != MF_POINT_STAGE && row->kind != MF_POINT_QUEUE_DEPTH)
        return 0;
    mf_key_path(key, path, mf_point_keys[row->kind]);
    return mf_reader_fail(
        r, key,
        "is seen in midflight's own node only; allowed with target.command: time_ms, every_ms, message, "
        "in_flight");
}

static int row_read(const struct mf_reader *r, const char *path, json_t *json, const struct mf_cell *cell,
                    struct mf_upgrade_plan *row)
{
    const struct mf_load *load = &cell->load;
    *row = (struct mf_upgrade_plan){.count = 1};
    if (mf_object_check(r, path, json) != 0 || kind_find(r, path, json, &row->kind) != 0 ||
        (cell->command && command_check(r, path, row) != 0))
        return -1;
    const struct mf_field_table *table = &mf_upgrade_fields[row->kind];
    if (mf_fields_read(r, path, json, table->fields, table->n, row) != 0)
        return -1;
    if (half_check(r, path, json, load, row) != 0)
        return -1;
    int bad = 0;
    if (row->kind == MF_POINT_EVERY && !json_object_get(json, "from_ms")) {
        row->from_ms = row->every_ms;
        bad |= json_object_set_new(json, "from_ms", json_real(row->from_ms));
    }
    if (row->hold && !json_object_get(json, "hold_ms")) {
        row->hold_ms = 100;
        bad |= json_object_set_new(json, "hold_ms", json_integer(100));
    }
    if (bad)
        return mf_reader_no_memory(r);
    if (fill_check(r, path, row, load) != 0 || wire_states_check(r, path, row, load) != 0)
        return -1;
    return time_check(r, path, row, load) != 0 ? -1 : message_check(r, path, row, json, load);
}

int mf_upgrades_read(const struct mf_reader *r, json_t *upgrades, struct mf_cell *cell)
{
    char shown[80], path[MF_KEY_PATH_BYTES];
    size_t n = json_array_size(upgrades);
    if (!json_is_array(upgrades) || n > MF_UPGRADE_ROWS_MAX)
        return mf_reader_fail(r, "upgrades", "is %s; allowed: an array of at most %d rows",
                              mf_json_show(shown, sizeof shown, upgrades), MF_UPGRADE_ROWS_MAX);
    cell->upgrades = mf_arena_alloc(r->arena, n, sizeof *cell->upgrades);
    if (!cell->upgrades)
        return mf_reader_no_memory(r);
    uint64_t planned = 0;
    uint32_t by_message = 0;
    for (size_t i = 0; i < n; i++) {
        snprintf(path, sizeof path, "upgrades[%zu]", i);
        if (row_read(r, path, json_array_get(upgrades, i), cell, &cell->upgrades[i]) != 0)
            return -1;
        planned += cell->upgrades[i].count;
        by_message += cell->upgrades[i].kind != MF_POINT_TIME && cell->upgrades[i].kind != MF_POINT_EVERY;
    }
    if (planned > MF_UPGRADES_MAX)
        return mf_reader_fail(r, "upgrades", "plan %llu upgrades; allowed: at most %d", (unsigned long long)planned,
                              MF_UPGRADES_MAX);
    if (by_message > MF_MESSAGE_ROWS_MAX)
        return mf_reader_fail(
            r, "upgrades",
            "have %u rows that fire on a message (message, in_flight, value, stage, queue_depth); allowed: at most %d",
            by_message, MF_MESSAGE_ROWS_MAX);
    cell->upgrades_count = (uint32_t)n;
    cell->upgrades_planned = (uint32_t)planned;
    return 0;
}
