#include "checker/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "checker/sight.h"

struct replay {
    const struct mf_recorder *rec;
    const struct mf_history_head *head;
    const struct mf_replay_watch *watch;
    struct mf_replay_told *told;
    struct mf_account *account;
    struct mf_sight *sight;
    bool has_call; /* the call waits for the stages that it will read */
    struct mf_history_record call;
};

/* --- sections ----------------------------------------------------------------------------------------------------- */

void mf_replay_clear(const struct mf_recorder *rec, uint32_t worker)
{
    const struct mf_recorder_shape *shape = &rec->header->shape;
    struct mf_worker_record *r = mf_recorder_worker(rec, worker);
    struct mf_hist *hists[] = {&r->response, &r->service, &r->lag, &r->control_near, &r->control_away};
    r->due = r->written = r->resolved = 0;
    r->replies = r->lost_before_stage = r->warmup_due = r->control_bad = 0;
    r->loop_busy_ns_max = r->runqueue_ns = r->runqueue_of_ns = r->processors = r->stolen = 0;
    r->wakeups = r->late_wakeups = r->wakeup_late_ns_max = r->achieved_ns = 0;
    r->finished = 0;
    memset(r->outcome, 0, sizeof r->outcome);
    memset(r->extra, 0, sizeof r->extra);
    memset(r->lost_by_cause, 0, sizeof r->lost_by_cause);
    memset(r->lost_by_stage, 0, sizeof r->lost_by_stage);
    for (size_t i = 0; i < sizeof hists / sizeof *hists; i++)
        mf_hist_init(hists[i]);
    memset(mf_recorder_bins(rec, worker), 0, shape->bins * sizeof(struct mf_bin));
    memset(mf_recorder_tallies(rec, worker), 0, shape->upgrades * sizeof(struct mf_upgrade_tally));
}

bool mf_replay_is_same(const struct mf_recorder *a, const struct mf_recorder *b, uint32_t worker)
{
    static const struct mf_history_told nothing;
    static struct mf_worker_record of[2];
    const struct mf_recorder *both[2] = {a, b};
    const struct mf_recorder_shape *shape = &a->header->shape;
    for (int i = 0; i < 2; i++) {
        memcpy(&of[i], mf_recorder_worker(both[i], worker), sizeof of[i]);
        memcpy(&of[i].history, &nothing, sizeof nothing);
    }
    return memcmp(&of[0], &of[1], sizeof of[0]) == 0 &&
           memcmp(mf_recorder_bins(a, worker), mf_recorder_bins(b, worker), shape->bins * sizeof(struct mf_bin)) == 0 &&
           memcmp(mf_recorder_tallies(a, worker), mf_recorder_tallies(b, worker),
                  shape->upgrades * sizeof(struct mf_upgrade_tally)) == 0;
}

/* --- calls -------------------------------------------------------------------------------------------------------- */

static void gap(struct replay *p, const char *what)
{
    if (!p->told->gap[0])
        snprintf(p->told->gap, sizeof p->told->gap, "%s after %" PRIu64 " records", what, p->told->records);
}

static enum mf_outcome pong_tell(struct replay *p, const uint64_t *of)
{
    uint64_t what = of[MF_HISTORY_WHAT];
    const struct mf_pong pong = {.stream = (uint32_t)of[MF_HISTORY_STREAM],
                                 .process = (uint32_t)of[MF_HISTORY_PROCESS],
                                 .version = (uint32_t)of[MF_HISTORY_VERSION],
                                 .seq = of[MF_HISTORY_SEQ],
                                 .instance = of[MF_HISTORY_INSTANCE],
                                 .count = of[MF_HISTORY_COUNT],
                                 .has = (uint16_t)(what & 7),
                                 .is_error = (what & MF_HISTORY_IS_ERROR) != 0,
                                 .is_wrong = (what & MF_HISTORY_IS_WRONG) != 0};
    return mf_account_pong(p->account, &pong, of[MF_HISTORY_AT]);
}

static bool due_tell(struct replay *p, const uint64_t *of, uint32_t *process)
{
    bool sendable;
    uint32_t stream = (uint32_t)of[MF_HISTORY_STREAM];
    p->told->dues++;
    return mf_account_due(p->account, stream, of[MF_HISTORY_AT], process, &sendable) == of[MF_HISTORY_SEQ];
}

/* Calls of one of our streams; of a pong the account itself sees to that. */
static bool call_fits(const struct replay *p)
{
    uint64_t stream = p->call.of[MF_HISTORY_STREAM];
    switch (p->call.kind) {
    case MF_HISTORY_KIND_LOST:
        if (p->call.of[MF_HISTORY_WHAT] >= MF_CAUSE_COUNT)
            return false;
        /* fall through */
    case MF_HISTORY_KIND_DUE:
    case MF_HISTORY_KIND_WRITTEN:
    case MF_HISTORY_KIND_NOT_SENT:
        return stream >= p->head->first_stream && stream - p->head->first_stream < p->head->streams;
    default:
        return true;
    }
}

/* False: it makes no sense, and nothing behind it would. */
static bool call_tell(struct replay *p, enum mf_outcome *outcome, uint32_t *process)
{
    const uint64_t *of = p->call.of;
    uint32_t stream = (uint32_t)of[MF_HISTORY_STREAM];
    switch (p->call.kind) {
    case MF_HISTORY_KIND_DUE:
        return due_tell(p, of, process);
    case MF_HISTORY_KIND_WRITTEN:
        mf_account_written(p->account, stream, of[MF_HISTORY_SEQ], of[MF_HISTORY_AT]);
        return true;
    case MF_HISTORY_KIND_PONG:
        *outcome = pong_tell(p, of);
        return true;
    case MF_HISTORY_KIND_LOST:
        mf_account_lost(p->account, stream, of[MF_HISTORY_SEQ], (enum mf_cause)of[MF_HISTORY_WHAT], of[MF_HISTORY_AT]);
        return true;
    case MF_HISTORY_KIND_NOT_SENT:
        mf_account_not_sent(p->account, stream, of[MF_HISTORY_SEQ], of[MF_HISTORY_AT]);
        return true;
    case MF_HISTORY_KIND_EXPIRE:
        mf_account_expire(p->account, of[MF_HISTORY_AT], NULL, NULL);
        return true;
    case MF_HISTORY_KIND_WAKEUP:
        mf_account_wakeup(p->account, of[MF_HISTORY_AT], of[MF_HISTORY_LATE]);
        return true;
    case MF_HISTORY_KIND_BUSY:
        mf_account_busy(p->account, of[MF_HISTORY_AT], of[MF_HISTORY_LATE]);
        return true;
    case MF_HISTORY_KIND_WAITED:
        mf_account_waited(p->account, of[MF_HISTORY_AT] - of[MF_HISTORY_WHAT], of[MF_HISTORY_AT], of[MF_HISTORY_LATE]);
        return true;
    case MF_HISTORY_KIND_STOLEN:
        mf_account_stolen(p->account, of[MF_HISTORY_COUNT], of[MF_HISTORY_WHAT]);
        return true;
    case MF_HISTORY_KIND_FINISH:
        mf_account_finish(p->account, of[MF_HISTORY_AT]);
        p->told->finished = true;
        return true;
    default:
        return false;
    }
}

/* The call that waits. */
static bool call_do(struct replay *p)
{
    enum mf_outcome outcome = MF_OUTCOME_COUNT;
    uint32_t process = 0;
    if (!p->has_call)
        return true;
    p->has_call = false;
    if (!call_fits(p) || p->told->finished)
        return false;
    if (p->watch)
        p->watch->before(p->watch->ctx, &p->call);
    bool good = call_tell(p, &outcome, &process);
    if (p->watch && good)
        p->watch->after(p->watch->ctx, &p->call, outcome, process);
    return good;
}

/* --- records ------------------------------------------------------------------------------------------------------ */

static bool record_take(struct replay *p, const struct mf_history_record *record)
{
    uint8_t *stage;
    switch (record->kind) {
    case MF_HISTORY_KIND_STAGE:
        stage = mf_recorder_stage(p->rec, (uint32_t)record->of[MF_HISTORY_STREAM], record->of[MF_HISTORY_SEQ]);
        if (stage)
            *stage = (uint8_t)record->of[MF_HISTORY_WHAT];
        return stage && p->has_call;
    case MF_HISTORY_KIND_REQUESTED:
    case MF_HISTORY_KIND_TRIGGER:
    case MF_HISTORY_KIND_ENDED:
    case MF_HISTORY_KIND_COMMITTED:
        return call_do(p) && mf_sight_show(p->sight, record) == 0;
    default:
        if (!call_do(p))
            return false;
        p->call = *record;
        p->has_call = true;
        return true;
    }
}

static int head_check(const struct mf_recorder *rec, const struct mf_history_head *h, struct mf_error *err)
{
    const struct mf_recorder_shape *shape = &rec->header->shape;
    uint32_t sections = shape->workers + (shape->probes != 0);
    if (h->worker < sections && h->streams > 0 && h->processes > 0 && h->streams_total <= shape->streams &&
        (uint64_t)h->first_stream + h->streams <= h->streams_total)
        return 0;
    return mf_error_set(err, MF_STATUS_USAGE, NULL, "this history is not of the same run as the recorder beside it");
}

static int replay_open(struct replay *p, struct mf_error *err)
{
    const struct mf_history_head *h = p->head;
    if (head_check(p->rec, h, err) != 0)
        return -1;
    p->sight = mf_sight_new(p->rec);
    if (!p->sight)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory to tell a history again");
    p->account = mf_account_new(p->rec,
                                &(struct mf_account_config){.worker = h->worker,
                                                            .first_stream = h->first_stream,
                                                            .streams = h->streams,
                                                            .streams_total = h->streams_total,
                                                            .processes = h->processes,
                                                            .timeout_ns = h->timeout_ns,
                                                            .window_ns = h->window_ns,
                                                            .window_hint = h->window_hint,
                                                            .sight = p->sight,
                                                            .ear = p->watch ? &p->watch->ear : NULL},
                                err);
    return p->account ? 0 : -1;
}

int mf_replay(const struct mf_recorder *rec, struct mf_history_reader *history, const struct mf_replay_watch *watch,
              struct mf_replay_told *told, struct mf_error *err)
{
    struct replay p = {.rec = rec, .head = &history->head, .watch = watch, .told = told};
    struct mf_history_record record;
    *told = (struct mf_replay_told){0};
    int bad = replay_open(&p, err);
    if (!bad && watch)
        watch->begin(watch->ctx, history->head.worker);
    while (!bad && !told->gap[0] && mf_history_next(history, &record)) {
        if (!record_take(&p, &record))
            gap(&p, "a record does not fit those before it");
        told->records++;
    }
    if (!bad && !told->gap[0] && !call_do(&p))
        gap(&p, "a record does not fit those before it");
    if (!bad && !told->gap[0] && mf_history_gap(history))
        snprintf(told->gap, sizeof told->gap, "%s", mf_history_gap(history));
    if (!bad && !told->finished)
        gap(&p, "the account was not closed");
    if (!bad && watch)
        watch->end(watch->ctx);
    mf_account_free(p.account);
    mf_sight_free(p.sight);
    return bad;
}
