#include "driver/export.h"

#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "driver/told.h"
#include "report/file.h"

/* A message, from the instant at which it is due. */
struct row {
    uint32_t stream, process;
    uint64_t seq, due_ns, written_ns, done_ns; /* 0: did not happen */
    bool has_end, is_lost;
    struct mf_ended end;
};

struct export
{
    FILE *out;
    const char *cell;
    uint32_t run, workers;
    uint64_t start_ns;
    void *rows; /* tsearch's tree of struct row, by stream and seq */
    bool out_of_memory;

    /* the call under way */
    const struct mf_history_record *call;
    bool has_end;
    struct mf_ended end;
    uint32_t extras; /* bits by enum mf_extra */
    uint32_t extra_charged;
    const char *worker;
    char worker_text[16];
};

static int row_compare(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->stream != y->stream)
        return x->stream < y->stream ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static struct row *row_find(const struct export *e, uint32_t stream, uint64_t seq)
{
    const struct row key = {.stream = stream, .seq = seq};
    struct row **found = tfind(&key, &e->rows, row_compare);
    return found ? *found : NULL;
}

/* --- printing ----------------------------------------------------------------------------------------------------- */

static void instant_print(const struct export *e, uint64_t at_ns)
{
    fputc(',', e->out);
    if (at_ns)
        fprintf(e->out, "%.3f", ((double)at_ns - (double)e->start_ns) / 1e3);
}

static void pong_print(const struct export *e, const struct mf_history_record *pong)
{
    static const struct {
        uint32_t bit;
        enum mf_history_field field;
    } witness[] = {{1, MF_HISTORY_VERSION}, {2, MF_HISTORY_INSTANCE}, {4, MF_HISTORY_COUNT}};
    for (size_t i = 0; i < sizeof witness / sizeof *witness; i++) {
        fputc(',', e->out);
        if (pong && pong->of[MF_HISTORY_WHAT] & witness[i].bit)
            fprintf(e->out, "%" PRIu64, pong->of[witness[i].field]);
    }
}

static void extras_print(const struct export *e, uint32_t extras)
{
    const char *separator = ",";
    for (uint32_t i = 0; i < MF_EXTRA_COUNT; i++)
        if (extras & 1u << i) {
            fprintf(e->out, "%s%s", separator, mf_extra_keys[i]);
            separator = "+";
        }
    if (separator[0] == ',')
        fputc(',', e->out);
    fputc('\n', e->out);
}

static void row_begin(const struct export *e, uint64_t stream, uint64_t seq, uint64_t process)
{
    mf_file_csv(e->out, e->cell);
    fprintf(e->out, ",%" PRIu32 ",%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64, e->run, e->worker, stream, seq, process);
}

static void charged_print(const struct export *e, uint32_t charged)
{
    fputc(',', e->out);
    if (charged)
        fprintf(e->out, "%" PRIu32, charged - 1);
}

/* `pong`: its answer; NULL: none. */
static void row_print(const struct export *e, const struct row *row, const struct mf_history_record *pong,
                      uint32_t extras)
{
    const struct mf_ended *end = &row->end;
    bool lost = row->has_end && end->outcome == MF_OUTCOME_LOST;
    row_begin(e, row->stream, row->seq, row->process);
    instant_print(e, row->due_ns);
    instant_print(e, row->written_ns);
    instant_print(e, row->done_ns);
    fprintf(e->out, ",%s,%s,%s", row->has_end ? mf_outcome_keys[end->outcome] : "",
            lost ? mf_cause_keys[end->cause] : "", lost && end->stage ? mf_stage_keys[end->stage - 1] : "");
    pong_print(e, pong);
    charged_print(e, row->has_end ? end->charged : 0);
    extras_print(e, extras);
}

/* An answer that no ping waited for. */
static void beyond_print(const struct export *e, const struct mf_history_record *pong)
{
    bool twice = e->extras & 1u << MF_EXTRA_DUPLICATED;
    row_begin(e, pong->of[MF_HISTORY_STREAM], pong->of[MF_HISTORY_SEQ], pong->of[MF_HISTORY_PROCESS]);
    fputs(",,", e->out);
    instant_print(e, pong->of[MF_HISTORY_AT]);
    fprintf(e->out, ",%s,,", mf_extra_keys[twice ? MF_EXTRA_DUPLICATED : MF_EXTRA_PHANTOM]);
    pong_print(e, pong);
    charged_print(e, e->extra_charged);
    extras_print(e, 0);
}

static void row_end(struct export *e, struct row *row, const struct mf_history_record *pong)
{
    row_print(e, row, pong, e->extras);
    tdelete(row, &e->rows, row_compare);
    free(row);
}

/* --- listening ---------------------------------------------------------------------------------------------------- */

static void on_ended(void *ctx, const struct mf_ended *ended)
{
    struct export *e = ctx;
    struct row *row = row_find(e, ended->stream, ended->seq);
    bool by_event = e->call->kind != MF_HISTORY_KIND_FINISH;
    e->has_end = true;
    e->end = *ended;
    if (!row)
        return;
    row->has_end = true;
    row->end = *ended;
    row->done_ns = by_event ? e->call->of[MF_HISTORY_AT] : 0;
}

static void on_extra(void *ctx, enum mf_extra extra, uint64_t by, uint32_t charged)
{
    struct export *e = ctx;
    (void)by;
    e->extras |= 1u << extra;
    e->extra_charged = charged;
}

static void before(void *ctx, const struct mf_history_record *call)
{
    struct export *e = ctx;
    e->call = call;
    e->has_end = false;
    e->extras = e->extra_charged = 0;
}

static void due_take(struct export *e, const struct mf_history_record *call, uint32_t process)
{
    struct row *row = malloc(sizeof *row);
    if (row) {
        *row = (struct row){.stream = (uint32_t)call->of[MF_HISTORY_STREAM],
                            .process = process,
                            .seq = call->of[MF_HISTORY_SEQ],
                            .due_ns = call->of[MF_HISTORY_AT]};
        struct row **there = tsearch(row, &e->rows, row_compare);
        if (there && *there == row)
            return;
        free(row);
    }
    e->out_of_memory = true;
}

static void pong_take(struct export *e, const struct mf_history_record *pong, enum mf_outcome outcome)
{
    struct row *row = row_find(e, (uint32_t)pong->of[MF_HISTORY_STREAM], pong->of[MF_HISTORY_SEQ]);
    if (outcome == MF_OUTCOME_COUNT || !row) {
        beyond_print(e, pong);
        return;
    }
    if (!e->has_end) { /* the plain way */
        row->has_end = true;
        row->end = (struct mf_ended){.outcome = outcome};
        row->done_ns = pong->of[MF_HISTORY_AT];
    }
    row_end(e, row, pong);
}

static void after(void *ctx, const struct mf_history_record *call, enum mf_outcome outcome, uint32_t process)
{
    struct export *e = ctx;
    struct row *row = row_find(e, (uint32_t)call->of[MF_HISTORY_STREAM], call->of[MF_HISTORY_SEQ]);
    if (call->kind == MF_HISTORY_KIND_DUE)
        due_take(e, call, process);
    else if (call->kind == MF_HISTORY_KIND_PONG)
        pong_take(e, call, outcome);
    else if (call->kind == MF_HISTORY_KIND_WRITTEN && row && !row->has_end && !row->written_ns)
        row->written_ns = call->of[MF_HISTORY_AT];
    else if (call->kind == MF_HISTORY_KIND_NOT_SENT && row && row->has_end && row->end.outcome == MF_OUTCOME_NOT_SENT)
        row_end(e, row, NULL);
}

/* --- runs --------------------------------------------------------------------------------------------------------- */

/* twalk_r's order is that of the tree: by stream and seq. */
static void on_left(const void *node, VISIT visit, void *ctx)
{
    const struct row *const *row = node;
    if (visit == postorder || visit == leaf)
        row_print(ctx, *row, NULL, 0);
}

static void worker_begin(void *ctx, uint32_t worker)
{
    struct export *e = ctx;
    e->worker = "probes";
    if (worker == e->workers)
        return;
    snprintf(e->worker_text, sizeof e->worker_text, "%" PRIu32, worker + 1);
    e->worker = e->worker_text;
}

/* What is left was lost, or its end is not known. */
static void worker_end(void *ctx)
{
    struct export *e = ctx;
    twalk_r(e->rows, on_left, e);
    tdestroy(e->rows, free);
    e->rows = NULL;
}

static int run_export(struct export *e, const char *dir, enum mf_status *status, struct mf_error *err)
{
    struct mf_recorder rec, was;
    struct mf_history_kept kept;
    const struct mf_replay_watch watch = {.ctx = e,
                                          .begin = worker_begin,
                                          .before = before,
                                          .after = after,
                                          .end = worker_end,
                                          .ear = {.ctx = e, .ended = on_ended, .extra = on_extra}};
    if (mf_history_fetch(dir, &was, &kept, err) != 0)
        return -1;
    e->run = kept.number;
    e->workers = was.header->shape.workers;
    e->start_ns = atomic_load(&was.header->start_ns);
    mf_recorder_close(&was);
    mf_history_kept_done(&kept);
    if (mf_told_again(dir, &rec, &kept, &watch, err) != 0)
        return -1;
    if (kept.trouble.status == MF_STATUS_UNKNOWN) {
        mf_error_print("midflight", &kept.trouble);
        *status = MF_STATUS_UNKNOWN;
    }
    mf_recorder_close(&rec);
    mf_history_kept_done(&kept);
    return e->out_of_memory ? mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the messages of a history")
                            : 0;
}

int mf_export(FILE *out, const char *path, enum mf_status *status, struct mf_error *err)
{
    struct mf_told told;
    struct export e = {.out = out};
    uint32_t runs = 0;
    int bad = mf_told_open(&told, path, err);
    if (bad)
        return -1;
    *status = MF_STATUS_PASS;
    fputs("cell,run,worker,stream,seq,process,due_us,written_us,done_us,outcome,cause,stage,version,instance,count,"
          "upgrade,extras\n",
          out);
    for (uint32_t i = 0; !bad && i < told.names_count; i++) {
        char dir[PATH_MAX];
        int there = 1;
        e.cell = told.names[i];
        for (uint32_t n = told.only ? told.only : 1; !bad && there > 0; n++) {
            there = mf_told_run(&told, e.cell, n, dir, sizeof dir, err);
            bad = there < 0 || (there > 0 && run_export(&e, dir, status, err) != 0);
            runs += there > 0;
        }
    }
    mf_told_close(&told);
    if (!bad && runs == 0)
        bad = mf_error_set(err, MF_STATUS_USAGE, path, "has no history: midflight run --history writes one");
    return bad ? -1 : 0;
}
