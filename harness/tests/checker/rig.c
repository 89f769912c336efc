#include "rig.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checker/replay.h"
#include "recorder/history_writer.h"

static const uint32_t cycle[] = {1, 2, 3, 2};

static void history_begin(struct rig *rig)
{
    strcpy(rig->folder, "/tmp/midflight-rig-XXXXXX");
    cr_assert(ne(ptr, mkdtemp(rig->folder), NULL));
    rig->config.history_dir = rig->folder;
}

static void history_check(struct rig *rig)
{
    static struct mf_history_reader reader;
    struct mf_recorder again;
    struct mf_replay_told told;
    struct mf_error err = {0};
    char path[64];
    cr_assert(eq(int, mf_history_path(path, sizeof path, rig->folder, 0, &rig->rec.header->shape), 0));
    mf_account_free(rig->account);
    rig->account = NULL;
    cr_assert(eq(u32, rig->record->history.done, 1));
    cr_assert(eq(u64, rig->record->history.dropped, 0));
    cr_assert(eq(int, mf_recorder_restore(&again, rig->rec.base, rig->rec.header->stages_at, &err), 0), "%s", err.text);
    mf_replay_clear(&again, 0);
    cr_assert(not(mf_replay_is_same(&rig->rec, &again, 0)));
    cr_assert(eq(int, mf_history_open(&reader, path, &err), 0), "%s", err.text);
    cr_assert(eq(int, mf_replay(&again, &reader, NULL, &told, &err), 0), "%s", err.text);
    cr_assert(eq(str, told.gap, (char *)""));
    cr_assert(eq(u64, told.records, rig->record->history.records));
    cr_assert(eq(u64, told.dues, rig->record->due));
    cr_assert(mf_replay_is_same(&rig->rec, &again, 0), "told again, the history gives other numbers");
    mf_history_close(&reader);
    mf_recorder_close(&again);
    unlink(path);
    rmdir(rig->folder);
}

static void open_any(struct rig *rig, uint32_t streams, uint32_t processes, uint32_t upgrades, uint32_t control_from,
                     bool records);

void rig_open(struct rig *rig, uint32_t streams, uint32_t processes, uint32_t upgrades)
{
    open_any(rig, streams, processes, upgrades, 0, true);
}

void rig_open_unrecorded(struct rig *rig, uint32_t streams, uint32_t processes, uint32_t upgrades)
{
    open_any(rig, streams, processes, upgrades, 0, false);
}

void rig_open_control(struct rig *rig, uint32_t streams, uint32_t processes, uint32_t upgrades, uint32_t control_from)
{
    open_any(rig, streams, processes, upgrades, control_from, true);
}

static void open_any(struct rig *rig, uint32_t streams, uint32_t processes, uint32_t upgrades, uint32_t control_from,
                     bool records)
{
    const struct mf_recorder_shape shape = {.workers = 1,
                                            .upgrades = upgrades,
                                            .bins = 100,
                                            .streams = streams,
                                            .stage_bits = 4,
                                            .control_from = control_from,
                                            .bin_ns = 10 * MS};
    struct mf_error err = {0};
    *rig = (struct rig){.config = {.streams = streams,
                                   .streams_total = streams,
                                   .processes = processes,
                                   .timeout_ns = 100 * MS,
                                   .window_ns = 50 * MS,
                                   .window_hint = 4},
                        .version = 1};
    cr_assert(le(u32, processes, RIG_PROCESSES));
    cr_assert(eq(int, mf_recorder_create(&rig->rec, &shape, &err), 0), "%s", err.text);
    for (uint32_t k = 0; k < upgrades; k++) {
        rig->rec.log[k].version_from = cycle[k % 4];
        rig->rec.log[k].version_to = cycle[(k + 1) % 4];
    }
    rig->rec.header->start_ns = START;
    rig->rec.header->measure_ns = START;
    rig->rec.header->end_ns = START + 1000 * MS;
    for (uint32_t p = 0; p < RIG_PROCESSES; p++)
        rig->instance[p] = p + 1;
    if (records)
        history_begin(rig);
    rig->account = mf_account_new(&rig->rec, &rig->config, &err);
    cr_assert(ne(ptr, rig->account, NULL), "%s", err.text);
    rig->record = mf_recorder_worker(&rig->rec, 0);
    rig->tally = mf_recorder_tallies(&rig->rec, 0);
    rig->bins = mf_recorder_bins(&rig->rec, 0);
}

static void bins_check(const struct rig *rig)
{
    struct mf_bin sum = {0};
    for (uint32_t i = 0; i < rig->rec.header->shape.bins; i++) {
        sum.due += rig->bins[i].due;
        sum.answered += rig->bins[i].answered;
        sum.bad += rig->bins[i].bad;
        sum.lost += rig->bins[i].lost;
        sum.replies += rig->bins[i].replies;
    }
    const struct mf_worker_record *r = rig->record;
    cr_assert(eq(u64, sum.due, r->due));
    cr_assert(eq(u64, sum.answered, r->outcome[MF_OUTCOME_ANSWERED]));
    cr_assert(eq(u64, sum.bad, r->due - r->outcome[MF_OUTCOME_ANSWERED]));
    cr_assert(eq(u64, sum.lost, r->outcome[MF_OUTCOME_LOST]));
    cr_assert(eq(u64, sum.replies, r->replies));
}

void rig_finish(struct rig *rig)
{
    mf_account_finish(rig->account, START + 100000 * MS);
    rig->finished = true;
    const struct mf_worker_record *r = rig->record;
    uint64_t ended = 0, causes = 0, stages = r->lost_before_stage;
    for (int i = 0; i < MF_OUTCOME_COUNT; i++)
        ended += r->outcome[i];
    for (int i = 0; i < MF_CAUSE_COUNT; i++)
        causes += r->lost_by_cause[i];
    for (int i = 0; i < MF_STAGE_COUNT; i++)
        stages += r->lost_by_stage[i];
    cr_assert(eq(u64, r->due, ended));
    cr_assert(eq(u64, r->resolved, ended));
    cr_assert(eq(u64, r->replies,
                 ended - r->outcome[MF_OUTCOME_LOST] - r->outcome[MF_OUTCOME_NOT_SENT] + r->extra[MF_EXTRA_DUPLICATED] +
                     r->extra[MF_EXTRA_PHANTOM]));
    cr_assert(eq(u64, causes, r->outcome[MF_OUTCOME_LOST]));
    cr_assert(eq(u64, stages, r->outcome[MF_OUTCOME_LOST]));
    cr_assert(eq(u32, r->finished, 1));
    uint64_t expired;
    cr_assert(eq(u64, mf_account_open(rig->account, &expired), 0));
    cr_assert(eq(u64, expired, 0));
    bins_check(rig);
    if (rig->folder[0])
        history_check(rig);
}

void rig_close(struct rig *rig)
{
    if (!rig->finished)
        rig_finish(rig);
    mf_account_free(rig->account);
    mf_recorder_close(&rig->rec);
}

uint64_t rig_send(struct rig *rig, uint32_t stream, uint64_t now_ns)
{
    uint32_t process;
    bool sendable;
    uint64_t seq = mf_account_due(rig->account, stream, now_ns, &process, &sendable);
    cr_assert(sendable);
    cr_assert(eq(u32, process, rig_process(rig, stream, seq)));
    mf_account_written(rig->account, stream, seq, now_ns);
    return seq;
}

uint32_t rig_process(const struct rig *rig, uint32_t stream, uint64_t seq)
{
    const struct mf_account_config *c = &rig->config;
    if (c->processes < c->streams_total)
        return stream % c->processes;
    uint32_t own = 0;
    for (uint32_t p = stream; p < c->processes; p += c->streams_total)
        own++;
    return stream + (uint32_t)(seq % own) * c->streams_total;
}

struct mf_pong rig_answer(struct rig *rig, uint32_t stream, uint64_t seq)
{
    uint32_t process = rig_process(rig, stream, seq);
    return (struct mf_pong){.stream = stream,
                            .process = process,
                            .version = rig->version,
                            .seq = seq,
                            .instance = rig->instance[process],
                            .count = ++rig->count[process],
                            .has = 7};
}

enum mf_outcome rig_pong(struct rig *rig, struct mf_pong pong, uint64_t now_ns)
{
    return mf_account_pong(rig->account, &pong, now_ns);
}

void rig_round(struct rig *rig, uint32_t stream, uint64_t due_ns, uint64_t done_ns)
{
    uint64_t seq = rig_send(rig, stream, due_ns);
    cr_assert(eq(int, (int)rig_pong(rig, rig_answer(rig, stream, seq), done_ns), MF_OUTCOME_ANSWERED));
}

void rig_request(struct rig *rig, uint32_t k, uint64_t now_ns)
{
    rig->rec.log[k].phase_ns[MF_PHASE_REQUESTED] = now_ns;
    cr_assert(eq(u32, rig->rec.header->requested, k));
    rig->rec.header->requested++;
}

void rig_request_on(struct rig *rig, uint32_t k, uint64_t now_ns, uint32_t stream, uint64_t seq)
{
    rig->rec.log[k].has_trigger = true;
    rig->rec.log[k].trigger_stream = stream;
    rig->rec.log[k].trigger_seq = seq;
    rig->rec.log[k].trigger_process = rig_process(rig, stream, seq);
    rig_request(rig, k, now_ns);
}

void rig_end(struct rig *rig, uint32_t k, enum mf_upgrade_outcome outcome, uint64_t now_ns)
{
    static const enum mf_phase phase[] = {[MF_UPGRADE_COMMITTED] = MF_PHASE_COMMITTED,
                                          [MF_UPGRADE_ROLLED_BACK] = MF_PHASE_ROLLED_BACK,
                                          [MF_UPGRADE_FAILED] = MF_PHASE_FAILED};
    rig->rec.log[k].phase_ns[phase[outcome]] = now_ns;
    if (outcome == MF_UPGRADE_COMMITTED)
        rig->rec.header->committed = k + 1;
    rig->rec.log[k].outcome = outcome;
}

static void book_add(char *text, const char *key, uint64_t n)
{
    size_t used = strlen(text);
    if (n)
        snprintf(text + used, 512 - used, "%s%s=%llu", used ? " " : "", key, (unsigned long long)n);
}

char *rig_book(const struct rig *rig, char *text)
{
    const struct mf_worker_record *r = rig->record;
    text[0] = 0;
    for (int i = 0; i < MF_OUTCOME_COUNT; i++)
        book_add(text, mf_outcome_keys[i], r->outcome[i]);
    for (int i = 0; i < MF_CAUSE_COUNT; i++)
        book_add(text, mf_cause_keys[i], r->lost_by_cause[i]);
    book_add(text, "before", r->lost_before_stage);
    for (int i = 0; i < MF_STAGE_COUNT; i++)
        book_add(text, mf_stage_keys[i], r->lost_by_stage[i]);
    for (int i = 0; i < MF_EXTRA_COUNT; i++)
        book_add(text, mf_extra_keys[i], r->extra[i]);
    return text;
}
