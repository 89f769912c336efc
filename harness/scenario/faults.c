/* The rows of `faults`: what goes wrong, and where. The keys that a row may have follow from its fault (faults.def) and
 * from its point, of which each kind has a table here. */
#include <stdio.h>
#include <string.h>

#include "scenario/parts.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define MS_MAX       86400000.0
#define MESSAGE_MAX  1e12

#define FAULT(member) MF_MEMBER(mf_fault_plan, member)

static const char *const kind_points[] = {
    [MF_FAULT_KIND_PROCESS] = "phase, time_ms, every_ms, message",
    [MF_FAULT_KIND_MODULE] = "upgrade",
    [MF_FAULT_KIND_REQUEST] = "phase",
    [MF_FAULT_KIND_LIMIT] = "phase, time_ms, every_ms, message",
    [MF_FAULT_KIND_DISK] = "phase, time_ms, every_ms, message",
    [MF_FAULT_KIND_RELAY] = "phase, time_ms, every_ms, message",
};
static const struct {
    enum mf_fault_kind kind;
    unsigned keys;
} rules[MF_FAULT_COUNT] = {
#define MF_FAULT(id, name, kind, keys, text) {MF_FAULT_KIND_##kind, keys},
#include "faults/faults.def"
#undef MF_FAULT
};

static const struct mf_field common_rows[] = {
    {"name", MF_FIELD_NAME, .text = "what to call it in cells and tables; default the fault's own"},
    {"fault", MF_FIELD_WORD, true, FAULT(id), .words = mf_fault_names, .words_count = MF_FAULT_COUNT,
     .text = "what goes wrong: `midflight list faults`"},
    {"noop", MF_FIELD_FLAG, false, FAULT(noop), .fallback = "false", .text = "the same steps without the effect"},
};

#define ROW_COUNT                                                                                                      \
    {                                                                                                                  \
        "count", MF_FIELD_INTEGER, false, FAULT(count), 1, MF_FAULTS_MAX, "1", .text = "how often"                     \
    }
#define ROW_EVERY(what)                                                                                                \
    {                                                                                                                  \
        "every", MF_FIELD_INTEGER, false, FAULT(every), 1, MESSAGE_MAX,                                                \
            .text = what " from one to the next; required where count > 1"                                             \
    }
#define ROW_UPGRADE                                                                                                    \
    {                                                                                                                  \
        "upgrade", MF_FIELD_INTEGER, true, FAULT(upgrade), 1, MF_UPGRADES_MAX, .text = "which upgrade, counted from 1" \
    }

static const struct mf_field upgrade_rows[] = {ROW_UPGRADE, ROW_EVERY("upgrades"), ROW_COUNT};
static const struct mf_field phase_rows[] = {
    {"phase", MF_FIELD_WORD, true, FAULT(phase), .words = mf_phase_keys, .words_count = MF_PHASE_COUNT,
     .text = "the upgrade stands still when it has come so far, until the fault is there"},
    ROW_UPGRADE,
    ROW_EVERY("upgrades"),
    ROW_COUNT,
};
static const struct mf_field time_rows[] = {
    {"time_ms", MF_FIELD_NUMBER, true, FAULT(time_ms), 0, MS_MAX, .text = "after the end of the warm-up"},
};
static const struct mf_field every_rows[] = {
    {"every_ms", MF_FIELD_NUMBER, true, FAULT(every_ms), 0.1, MS_MAX, .text = "from one to the next"},
    ROW_COUNT,
    {"jitter_ms", MF_FIELD_NUMBER, false, FAULT(jitter_ms), 0, MS_MAX, "0",
     .text = "each is moved by a seeded uniform time of at most so much, back or forth; under half of every_ms"},
    {"from_ms", MF_FIELD_NUMBER, false, FAULT(from_ms), 0, MS_MAX,
     .text = "the first, after the end of the warm-up; default every_ms"},
};
static const struct mf_field message_rows[] = {
    {"message", MF_FIELD_INTEGER, true, FAULT(message), 1, MESSAGE_MAX, .text = "after this many pings were sent"},
    ROW_EVERY("pings"),
    ROW_COUNT,
};
/* The first field of each marks the row. */
static const struct mf_field_table points[MF_FAULT_AT_COUNT] = {
    [MF_FAULT_AT_UPGRADE] = {upgrade_rows, COUNT(upgrade_rows)}, [MF_FAULT_AT_PHASE] = {phase_rows, COUNT(phase_rows)},
    [MF_FAULT_AT_TIME] = {time_rows, COUNT(time_rows)},          [MF_FAULT_AT_EVERY] = {every_rows, COUNT(every_rows)},
    [MF_FAULT_AT_MESSAGE] = {message_rows, COUNT(message_rows)},
};

static const struct {
    unsigned key;
    struct mf_field field;
} own_rows[] = {
    {MF_FAULT_HAS_WHOM,
     {"whom", MF_FIELD_WORD, true, FAULT(whom), .words = mf_whom_names, .words_count = MF_WHOM_COUNT,
      .text = "the worker that ran before the upgrade, the one that takes over, or both"}},
    {MF_FAULT_HAS_DURATION,
     {"duration_ms", MF_FIELD_NUMBER, true, FAULT(duration_ms), 0.1, MS_MAX, .text = "how long it lasts"}},
    {MF_FAULT_HAS_DELAY, {"delay_ms", MF_FIELD_NUMBER, true, FAULT(delay_ms), 0.1, 60000, .text = "how much later"}},
    {MF_FAULT_HAS_RATE,
     {"bytes_per_s", MF_FIELD_NUMBER, true, FAULT(bytes_per_s), 1, 1e12, .text = "how much goes through, each way"}},
};
static const struct mf_field optional_duration = {
    "duration_ms",
    MF_FIELD_NUMBER,
    false,
    FAULT(duration_ms),
    0.1,
    MS_MAX,
    .text = "how long it lasts; default: until its upgrade has ended, and without one until the end of the run"};

static void field_add(struct mf_field *fields, uint32_t *n, const struct mf_field *field)
{
    if (*n < MF_FAULT_FIELDS_MAX)
        fields[(*n)++] = *field;
}

uint32_t mf_fault_fields(enum mf_fault_id id, enum mf_fault_at at, struct mf_field *fields)
{
    uint32_t n = 0;
    bool lasts = rules[id].kind == MF_FAULT_KIND_LIMIT || rules[id].kind == MF_FAULT_KIND_DISK;
    for (size_t i = 0; i < COUNT(common_rows); i++)
        field_add(fields, &n, &common_rows[i]);
    for (uint32_t i = 0; i < points[at].n; i++)
        field_add(fields, &n, &points[at].fields[i]);
    for (size_t i = 0; i < COUNT(own_rows); i++)
        if (rules[id].keys & own_rows[i].key)
            field_add(fields, &n, &own_rows[i].field);
    if (lasts)
        field_add(fields, &n, &optional_duration);
    return n;
}

bool mf_fault_rows_alike(enum mf_fault_id a, enum mf_fault_id b)
{
    bool a_lasts = rules[a].kind == MF_FAULT_KIND_LIMIT || rules[a].kind == MF_FAULT_KIND_DISK;
    bool b_lasts = rules[b].kind == MF_FAULT_KIND_LIMIT || rules[b].kind == MF_FAULT_KIND_DISK;
    if (rules[a].keys != rules[b].keys || a_lasts != b_lasts)
        return false;
    for (uint32_t at = 0; at < MF_FAULT_AT_COUNT; at++)
        if (mf_fault_takes(a, (enum mf_fault_at)at) != mf_fault_takes(b, (enum mf_fault_at)at))
            return false;
    return true;
}

bool mf_fault_takes(enum mf_fault_id id, enum mf_fault_at at)
{
    if (rules[id].kind == MF_FAULT_KIND_MODULE)
        return at == MF_FAULT_AT_UPGRADE;
    return rules[id].kind == MF_FAULT_KIND_REQUEST ? at == MF_FAULT_AT_PHASE : at != MF_FAULT_AT_UPGRADE;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static int fault_find(const struct mf_reader *r, const char *path, json_t *json, enum mf_fault_id *id)
{
    char key[MF_KEY_PATH_BYTES];
    json_t *value = json_object_get(json, "fault");
    mf_key_path(key, path, "fault");
    if (!value)
        return mf_reader_fail(r, key, "is missing; allowed: what `midflight list faults` prints");
    for (uint32_t i = 0; json_is_string(value) && i < MF_FAULT_COUNT; i++)
        if (strcmp(json_string_value(value), mf_fault_names[i]) == 0) {
            *id = (enum mf_fault_id)i;
            return 0;
        }
    return mf_word_fail(r, key, value, mf_fault_names, MF_FAULT_COUNT);
}

/* By its marking key. A phase has an `upgrade` too, and is looked for first. */
static int point_find(const struct mf_reader *r, const char *path, json_t *json, enum mf_fault_id id,
                      enum mf_fault_at *at)
{
    static const enum mf_fault_at order[] = {MF_FAULT_AT_PHASE, MF_FAULT_AT_TIME, MF_FAULT_AT_EVERY,
                                             MF_FAULT_AT_MESSAGE, MF_FAULT_AT_UPGRADE};
    const char *first = NULL;
    for (size_t i = 0; i < COUNT(order); i++) {
        const char *key = points[order[i]].fields[0].key;
        if (!json_object_get(json, key) || (first && order[i] == MF_FAULT_AT_UPGRADE))
            continue;
        if (first)
            return mf_reader_fail(r, path, "has both %s and %s; allowed: one point, further ones as rows of their own",
                                  first, key);
        first = key;
        *at = order[i];
    }
    if (first && mf_fault_takes(id, *at))
        return 0;
    return mf_reader_fail(r, path, "%s%s%s; allowed for %s: %s", first ? "has the point " : "says no point",
                          first ? first : "", first ? ", which this fault does not take" : "", mf_fault_names[id],
                          kind_points[rules[id].kind]);
}

static int upgrade_check(const struct mf_reader *r, const char *path, const struct mf_fault_plan *row,
                         const struct mf_cell *cell)
{
    char key[MF_KEY_PATH_BYTES];
    uint64_t last = row->upgrade + (row->count - 1) * row->every;
    uint64_t asked = row->id == MF_FAULT_third_version ? 2 : row->id == MF_FAULT_second_upgrade ? 1 : 0;
    mf_key_path(key, path, row->count > 1 ? "count" : "upgrade");
    if (last + asked > cell->upgrades_planned)
        return mf_reader_fail(r, key, "needs %llu upgrades, but %u are planned", (unsigned long long)(last + asked),
                              cell->upgrades_planned);
    return 0;
}

static int time_check(const struct mf_reader *r, const char *path, const struct mf_fault_plan *row,
                      const struct mf_load *load)
{
    char key[MF_KEY_PATH_BYTES];
    double last_ms =
        row->at == MF_FAULT_AT_TIME ? row->time_ms : row->from_ms + (row->count - 1) * row->every_ms + row->jitter_ms;
    mf_key_path(key, path, row->at == MF_FAULT_AT_TIME ? "time_ms" : "jitter_ms");
    if (row->at == MF_FAULT_AT_EVERY && row->jitter_ms > 0 &&
        (row->jitter_ms * 2 >= row->every_ms || row->jitter_ms > row->from_ms))
        return mf_reader_fail(r, key, "is %.15g; allowed: under half of every_ms, and at most from_ms", row->jitter_ms);
    mf_key_path(key, path, row->at == MF_FAULT_AT_TIME ? "time_ms" : "count");
    if (last_ms >= load->duration_ms)
        return mf_reader_fail(r, key, "puts the last one at %.15g ms; allowed: under load.duration_ms (%.15g)", last_ms,
                              load->duration_ms);
    return 0;
}

static int message_check(const struct mf_reader *r, const char *path, const struct mf_fault_plan *row,
                         const struct mf_load *load)
{
    char key[MF_KEY_PATH_BYTES];
    double sent = load->messages ? (double)load->messages : 0;
    double by_time = load->open ? load->rate_per_s * (load->warmup_ms + load->duration_ms) / 1000 : 0;
    double last = (double)row->message + (double)(row->count - 1) * (double)row->every;
    if (load->open && (sent == 0 || by_time < sent))
        sent = by_time;
    mf_key_path(key, path, row->count > 1 ? "count" : "message");
    if (sent > 0 && last > sent)
        return mf_reader_fail(r, key, "needs %.0f messages, but the load sends %.0f in all", last, sent);
    return 0;
}

static int transport_check(const struct mf_reader *r, const char *path, const struct mf_fault_plan *row,
                           const struct mf_load *load)
{
    bool local = load->transport == MF_TRANSPORT_LOCAL;
    if (load->transport == MF_TRANSPORT_UDP && row->kind == MF_FAULT_KIND_RELAY)
        return mf_reader_fail(r, path, "%s needs connections: transport \"udp\" has none", mf_fault_names[row->id]);
    if (!local || row->kind == MF_FAULT_KIND_MODULE || row->kind == MF_FAULT_KIND_REQUEST)
        return 0;
    if (row->at == MF_FAULT_AT_MESSAGE)
        return mf_reader_fail(r, path, "a message point needs transport tcp or unix");
    return mf_reader_fail(r, path, "%s needs transport tcp or unix: with local the pingers live in the node itself",
                          mf_fault_names[row->id]);
}

/* A request of its own would race with those that the node makes at its points. */
static int request_check(const struct mf_reader *r, const char *path, const struct mf_fault_plan *row,
                         const struct mf_cell *cell)
{
    for (uint32_t i = 0; row->kind == MF_FAULT_KIND_REQUEST && i < cell->upgrades_count; i++) {
        enum mf_point_kind kind = cell->upgrades[i].kind;
        if (kind != MF_POINT_TIME && kind != MF_POINT_EVERY && kind != MF_POINT_MESSAGE)
            return mf_reader_fail(r, path,
                                  "%s needs upgrades at time_ms, every_ms or message; upgrades[%u] has another",
                                  mf_fault_names[row->id], i);
    }
    return 0;
}

/* What reaches into a target, or stops it between two of its phases, is for our own node. */
static int command_check(const struct mf_reader *r, const char *path, const struct mf_fault_plan *row)
{
    char key[MF_KEY_PATH_BYTES];
    if (row->kind != MF_FAULT_KIND_PROCESS && row->kind != MF_FAULT_KIND_RELAY) {
        mf_key_path(key, path, "fault");
        return mf_reader_fail(r, key,
                              "is \"%s\", which reaches into midflight's own node; allowed with target.command: kill, "
                              "stop, and those of connections",
                              mf_fault_names[row->id]);
    }
    if (row->at != MF_FAULT_AT_PHASE || row->phase == MF_PHASE_REQUESTED || row->phase == MF_PHASE_COMMITTED)
        return 0;
    mf_key_path(key, path, "phase");
    return mf_reader_fail(r, key, "is \"%s\"; allowed with target.command: requested, committed",
                          mf_phase_keys[row->phase]);
}

static int row_check(const struct mf_reader *r, const char *path, const struct mf_fault_plan *row,
                     const struct mf_cell *cell)
{
    char key[MF_KEY_PATH_BYTES];
    if (cell->command && command_check(r, path, row) != 0)
        return -1;
    if (row->count > 1 && row->every == 0 && row->at != MF_FAULT_AT_EVERY) {
        mf_key_path(key, path, "every");
        return mf_reader_fail(r, key, "is missing; count %u needs it", row->count);
    }
    int bad = transport_check(r, path, row, &cell->load) || request_check(r, path, row, cell);
    if (!bad && (row->at == MF_FAULT_AT_UPGRADE || row->at == MF_FAULT_AT_PHASE))
        bad = upgrade_check(r, path, row, cell);
    else if (!bad && row->at == MF_FAULT_AT_MESSAGE)
        bad = message_check(r, path, row, &cell->load);
    else if (!bad)
        bad = time_check(r, path, row, &cell->load);
    return bad ? -1 : 0;
}

static int row_read(const struct mf_reader *r, const char *path, json_t *json, const struct mf_cell *cell,
                    struct mf_fault_plan *row)
{
    struct mf_field fields[MF_FAULT_FIELDS_MAX];
    enum mf_fault_id id = MF_FAULT_kill;
    enum mf_fault_at at = MF_FAULT_AT_UPGRADE;
    if (mf_object_check(r, path, json) != 0 || fault_find(r, path, json, &id) != 0 ||
        point_find(r, path, json, id, &at) != 0)
        return -1;
    *row = (struct mf_fault_plan){.kind = rules[id].kind, .at = at, .count = 1};
    uint32_t n = mf_fault_fields(id, at, fields);
    if (mf_fields_read(r, path, json, fields, n, row) != 0)
        return -1;
    if (at == MF_FAULT_AT_EVERY && !json_object_get(json, "from_ms")) {
        row->from_ms = row->every_ms;
        if (json_object_set_new(json, "from_ms", json_real(row->from_ms)) != 0)
            return mf_reader_no_memory(r);
    }
    return row_check(r, path, row, cell);
}

int mf_faults_read(const struct mf_reader *r, json_t *faults, struct mf_cell *cell)
{
    char shown[80], path[MF_KEY_PATH_BYTES];
    size_t n = json_array_size(faults);
    if (!json_is_array(faults) || n > MF_FAULT_ROWS_MAX)
        return mf_reader_fail(r, "faults", "is %s; allowed: an array of at most %d rows",
                              mf_json_show(shown, sizeof shown, faults), MF_FAULT_ROWS_MAX);
    cell->faults = mf_arena_alloc(r->arena, n, sizeof *cell->faults);
    if (!cell->faults)
        return mf_reader_no_memory(r);
    uint64_t planned = 0;
    for (size_t i = 0; i < n; i++) {
        snprintf(path, sizeof path, "faults[%zu]", i);
        if (row_read(r, path, json_array_get(faults, i), cell, &cell->faults[i]) != 0)
            return -1;
        planned += cell->faults[i].count;
    }
    if (planned > MF_FAULTS_MAX)
        return mf_reader_fail(r, "faults", "plan %llu faults; allowed: at most %d", (unsigned long long)planned,
                              MF_FAULTS_MAX);
    cell->faults_count = (uint32_t)n;
    cell->faults_planned = (uint32_t)planned;
    return 0;
}
