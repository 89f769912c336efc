#include "checker/account_parts.h"
#include "checker/sabotage.h"
#include "base/clock.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define COLD __attribute__((noinline, cold))

/* Which processes a stream asks, and where what is known of them is kept. */
static uint32_t stream_turns(const struct mf_account_config *c, uint32_t stream)
{
    return c->processes >= c->streams_total ? (c->processes - stream - 1) / c->streams_total + 1 : 1;
}

static void stream_appoint(struct mf_stream *s, const struct mf_account_config *c, const struct mf_recorder *rec,
                           uint32_t stream)
{
    s->turns = stream_turns(c, stream);
    s->shares_process = c->processes < c->streams_total;
    s->first_process = s->shares_process ? stream % c->processes : stream;
    s->process_stride = s->shares_process ? 0 : c->streams_total;
    s->counts_run_ahead = s->shares_process || c->counts_run_ahead;
    s->count_slack = s->counts_run_ahead ? UINT64_MAX >> 1 : 0;
    s->process = s->first_process;
    s->judges_instance = s->first_process == stream;
    s->stages = mf_recorder_stage(rec, stream, 0);
    s->stage_mask = (1ULL << rec->header->shape.stage_bits) - 1;
}

static int account_build(struct mf_account *a, const struct mf_recorder *rec, const struct mf_account_config *c)
{
    if (mf_upgrades_init(&a->upgrades, a->sight ? &a->sight->seen : rec, c->worker, c->window_ns, c->first_stream,
                         c->streams) != 0)
        return -1;
    a->stream = calloc(c->streams, sizeof *a->stream);
    if (!a->stream)
        return -1;
    for (uint32_t i = 0; i < c->streams; i++)
        a->witnesses_count += stream_turns(c, c->first_stream + i);
    a->witnesses = calloc(a->witnesses_count, sizeof *a->witnesses);
    if (!a->witnesses)
        return -1;
    struct mf_witness *witness = a->witnesses;
    for (uint32_t i = 0; i < c->streams; i++) {
        struct mf_stream *s = a->stream + i;
        stream_appoint(s, c, rec, c->first_stream + i);
        s->witness = witness;
        witness += s->turns;
        if (mf_stream_init(s, c->window_hint) != 0)
            return -1;
    }
    return 0;
}

struct mf_account *mf_account_new(const struct mf_recorder *rec, const struct mf_account_config *config,
                                  struct mf_error *err)
{
    assert(config->streams > 0 && config->processes > 0);
    assert(config->first_stream + config->streams <= config->streams_total);
    if (rec->header->shape.upgrades >= UINT16_MAX) {
        mf_error_set(err, MF_STATUS_INTERNAL, NULL, "%u upgrades are too many for an account",
                     rec->header->shape.upgrades);
        return NULL;
    }
    struct mf_account *a = calloc(1, sizeof *a);
    if (a) {
        a->record = mf_recorder_worker(rec, config->worker);
        a->first_stream = config->first_stream;
        a->streams = config->streams;
        a->timeout_ns = config->timeout_ns;
        a->control_from = rec->header->shape.control_from ? rec->header->shape.control_from : UINT32_MAX;
        a->measure_ns = UINT64_MAX; /* told by the driver before the first ping is due */
        a->first_due_ns = UINT64_MAX;
        a->timeline.bins = mf_recorder_bins(rec, config->worker);
        a->ear = config->ear;
        a->record->timeout_ns = config->timeout_ns;
        a->record->window_ns = config->window_ns;
        if (mf_account_history_begin(a, rec, config, err) != 0) {
            mf_account_free(a);
            return NULL;
        }
        if (account_build(a, rec, config) == 0)
            return a;
    }
    mf_account_free(a);
    mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the account of %u streams", config->streams);
    return NULL;
}

void mf_account_free(struct mf_account *a)
{
    if (!a)
        return;
    for (uint32_t i = 0; a->stream && i < a->streams; i++)
        mf_stream_done(a->stream + i);
    mf_upgrades_done(&a->upgrades);
    mf_account_history_free(a);
    free(a->stream);
    free(a->witnesses);
    free(a);
}

/* --- the calls ---------------------------------------------------------------------------------------------------- */

/* At the begin of each. */
#define NOTE(a, kind_, ...)                                                                                            \
    do {                                                                                                               \
        if (MF_UNLIKELY((a)->history))                                                                                 \
            mf_account_note((a), &(struct mf_history_record){.kind = MF_HISTORY_KIND_##kind_, .of = {__VA_ARGS__}});   \
    } while (0)

static uint64_t due_take(struct mf_account *a, uint32_t stream, uint64_t due_ns, uint32_t *process, bool *sendable);
static enum mf_outcome pong_take(struct mf_account *a, const struct mf_pong *pong, uint64_t now_ns);

/* No memory for another open ping: it counts, as our own fault, and its seq is given to the next one. */
static void due_refuse(struct mf_account *a, const struct mf_stream *s, uint64_t due_ns)
{
    struct mf_bin *bin = mf_cursor_at(&a->due_cursor, &a->timeline, due_ns);
    bin->due++;
    bin->bad++;
    mf_counter_add(&a->record->due, 1);
    mf_counter_add(&a->record->resolved, 1);
    a->record->warmup_due += due_ns < a->measure_ns;
    a->record->outcome[MF_OUTCOME_NOT_SENT]++;
    mf_account_look(a);
    mf_upgrades_bad(&a->upgrades, mf_upgrades_nearest(&a->upgrades, due_ns, due_ns), MF_OUTCOME_NOT_SENT, s->process,
                    1);
}

/* Off the fast path: the first ping, another bin, a full ring. Then begins again, or refuses. */
static COLD uint64_t due_careful(struct mf_account *a, struct mf_stream *s, uint32_t stream, uint64_t due_ns,
                                 uint32_t *process, bool *sendable)
{
    if (a->first_due_ns == UINT64_MAX) {
        a->first_due_ns = due_ns;
        a->measure_ns = atomic_load_explicit(&a->timeline.header->measure_ns, memory_order_acquire);
    }
    if (due_ns > a->first_due_ns && due_ns - a->first_due_ns > a->record->achieved_ns)
        a->record->achieved_ns = due_ns - a->first_due_ns;
    mf_cursor_at(&a->due_cursor, &a->timeline, due_ns);
    if (s->next - s->low > s->mask && mf_stream_room(s, mf_account_slid, a) != 0) {
        due_refuse(a, s, due_ns);
        *process = s->process;
        *sendable = false;
        return s->next;
    }
    return due_take(a, stream, due_ns, process, sendable);
}

static uint64_t due_take(struct mf_account *a, uint32_t stream, uint64_t due_ns, uint32_t *process, bool *sendable)
{
    struct mf_stream *s = mf_account_stream(a, stream);
    uint64_t seq = s->next;
    if (MF_UNLIKELY(due_ns - a->due_cursor.from_ns >= a->due_cursor.width_ns || seq - s->low > s->mask))
        return due_careful(a, s, stream, due_ns, process, sendable);
    struct mf_bin *bin = a->due_cursor.bin;
    bin->due++;
    mf_counter_add(&a->record->due, 1);
    if (due_ns < a->measure_ns)
        a->record->warmup_due++;
    struct mf_slot *slot = mf_stream_slot(s, seq);
    slot->due_ns = due_ns;
    slot->written_ns = 0;
    slot->bin_at = (uint32_t)((char *)bin - (char *)a->timeline.bins);
    slot->process = *process = s->process;
    slot->turn = s->turn;
    slot->committed = (uint16_t)atomic_load_explicit(&a->timeline.header->committed, memory_order_acquire);
    slot->state = MF_SLOT_DUE;
    if (s->stages)
        __atomic_store_n(s->stages + (seq & s->stage_mask), 0, __ATOMIC_RELAXED);
    s->next = seq + 1;
    s->process += s->process_stride;
    if (++s->turn == s->turns) {
        s->turn = 0;
        s->process = s->first_process;
    }
    *sendable = true;
    return seq;
}

uint64_t mf_account_due(struct mf_account *a, uint32_t stream, uint64_t due_ns, uint32_t *process, bool *sendable)
{
    NOTE(a, DUE, [MF_HISTORY_AT] = due_ns, [MF_HISTORY_STREAM] = stream,
         [MF_HISTORY_SEQ] = mf_account_stream(a, stream)->next);
    return due_take(a, stream, due_ns, process, sendable);
}

/* Past its timeout or not open; or a lag that the histogram has not seen yet. */
static COLD void written_careful(struct mf_account *a, struct mf_stream *s, uint64_t seq, uint64_t now_ns)
{
    struct mf_slot *slot = mf_stream_slot(s, seq);
    if (mf_stream_holds(s, seq) && slot->state == MF_SLOT_DUE) {
        slot->state = MF_SLOT_WRITTEN;
    } else {
        struct mf_exception *e = seq < s->next ? mf_stream_exception(s, seq) : NULL;
        if (!e || e->state != MF_EXCEPTION_OPEN || e->ping.written_ns)
            return;
        slot = &e->ping;
    }
    slot->written_ns = now_ns;
    mf_counter_add(&a->record->written, 1);
    if (slot->due_ns >= a->measure_ns)
        mf_hist_add(&a->record->lag, now_ns > slot->due_ns ? now_ns - slot->due_ns : 0);
}

void mf_account_written(struct mf_account *a, uint32_t stream, uint64_t seq, uint64_t now_ns)
{
    NOTE(a, WRITTEN, [MF_HISTORY_AT] = now_ns, [MF_HISTORY_STREAM] = stream, [MF_HISTORY_SEQ] = seq);
    struct mf_stream *s = mf_account_stream(a, stream);
    struct mf_slot *slot = mf_stream_slot(s, seq);
    struct mf_worker_record *r = a->record;
    if (MF_UNLIKELY(seq < s->low || seq >= s->next || slot->state != MF_SLOT_DUE)) {
        written_careful(a, s, seq, now_ns);
        return;
    }
    if (slot->due_ns >= a->measure_ns) {
        uint64_t lag_ns = now_ns - slot->due_ns;
        if (MF_UNLIKELY(!mf_hist_holds(&r->lag, lag_ns))) {
            written_careful(a, s, seq, now_ns);
            return;
        }
        mf_hist_add_held(&r->lag, lag_ns);
    }
    slot->state = MF_SLOT_WRITTEN;
    slot->written_ns = now_ns;
    mf_counter_add(&r->written, 1);
}

/* Right, and with all witnesses: in one comparison. */
static inline bool pong_is_right(const struct mf_pong *pong)
{
    const struct mf_pong right = {.has = 7};
    uint32_t is, wanted;
    _Static_assert(offsetof(struct mf_pong, is_wrong) + 1 == offsetof(struct mf_pong, has) + sizeof is,
                   "has, is_error, is_wrong are one word");
    memcpy(&is, &pong->has, sizeof is);
    memcpy(&wanted, &right.has, sizeof wanted);
    return is == wanted;
}

/* Of an answer to an open ping of its stream: is it the normal case, and nothing else? Right, in time, of no control
 * group, with all witnesses, in order, as expected of its process in every respect, and no upgrade under way. All else
 * is for mf_account_pong_careful, which knows these cases too. */
static inline bool pong_is_normal(const struct mf_account *a, const struct mf_stream *s, const struct mf_slot *slot,
                                  const struct mf_witness *w, const struct mf_pong *pong)
{
    const struct mf_upgrades *u = &a->upgrades;
    return pong->process == slot->process && slot->process < a->control_from && pong_is_right(pong) &&
           pong->seq >= s->answered_below &&
           atomic_load_explicit(&u->header->requested, memory_order_acquire) == u->requested &&
           slot->due_ns >= u->calm_from_ns && pong->version == u->calm_version &&
           mf_witness_standing(w) == u->calm_standing && w->next_seq == pong->seq &&
           pong->count - w->next_count <= MF_SABOTAGE(14, s->count_slack, s->count_slack + 1) &&
           w->instance == pong->instance;
}

/* Another bin for replies; then begins again. */
static COLD enum mf_outcome pong_rebin(struct mf_account *a, const struct mf_pong *pong, uint64_t now_ns)
{
    mf_cursor_place(&a->reply_cursor, &a->timeline, now_ns);
    return pong_take(a, pong, now_ns);
}

static enum mf_outcome pong_take(struct mf_account *a, const struct mf_pong *pong, uint64_t now_ns)
{
    if (MF_UNLIKELY(now_ns - a->reply_cursor.from_ns >= a->reply_cursor.width_ns))
        return pong_rebin(a, pong, now_ns);
    struct mf_worker_record *r = a->record;
    r->replies++;
    a->reply_cursor.bin->replies++;
    uint32_t local = pong->stream - a->first_stream;
    if (MF_UNLIKELY(local >= a->streams))
        return mf_account_pong_careful(a, pong, now_ns);
    struct mf_stream *s = a->stream + local;
    uint64_t seq = pong->seq;
    struct mf_slot *slot = mf_stream_slot(s, seq);
    if (MF_UNLIKELY(seq < s->low || seq >= s->next || slot->state != MF_SLOT_WRITTEN))
        return mf_account_pong_careful(a, pong, now_ns);
    struct mf_witness *w = s->witness + slot->turn;
    uint64_t response_ns = now_ns - slot->due_ns;
    if (MF_UNLIKELY(response_ns > a->timeout_ns || !pong_is_normal(a, s, slot, w, pong)))
        return mf_account_pong_careful(a, pong, now_ns);
    if (slot->due_ns >= a->measure_ns) {
        uint64_t service_ns = now_ns - slot->written_ns;
        if (MF_UNLIKELY(!mf_hist_holds(&r->response, response_ns) || !mf_hist_holds(&r->service, service_ns)))
            return mf_account_pong_careful(a, pong, now_ns);
        mf_hist_add_held(&r->response, response_ns);
        mf_hist_add_held(&r->service, service_ns);
    }
    w->next_count = pong->count + 1;
    w->next_seq = seq + s->turns;
    slot->state = MF_SLOT_GOOD;
    s->answered_below = seq + 1;
    struct mf_bin *bin = mf_account_bin(a, slot);
    bin->answered++;
    bin->response_sum_ns += response_ns;
    if (response_ns > bin->response_max_ns)
        bin->response_max_ns = response_ns;
    r->outcome[MF_OUTCOME_ANSWERED]++;
    mf_counter_add(&r->resolved, 1);
    (*a->upgrades.new_answers)++;
    a->upgrades.last_good_ns = now_ns;
    return MF_OUTCOME_ANSWERED;
}

enum mf_outcome mf_account_pong(struct mf_account *a, const struct mf_pong *pong, uint64_t now_ns)
{
    if (MF_UNLIKELY(a->history))
        mf_account_note_pong(a, pong, now_ns);
    return pong_take(a, pong, now_ns);
}

void mf_account_lost(struct mf_account *a, uint32_t stream, uint64_t seq, enum mf_cause cause, uint64_t now_ns)
{
    NOTE(a, LOST, [MF_HISTORY_AT] = now_ns, [MF_HISTORY_STREAM] = stream, [MF_HISTORY_SEQ] = seq,
         [MF_HISTORY_WHAT] = cause);
    mf_account_give_up(a, mf_account_stream(a, stream), seq, MF_OUTCOME_LOST, cause, now_ns);
}

void mf_account_not_sent(struct mf_account *a, uint32_t stream, uint64_t seq, uint64_t now_ns)
{
    NOTE(a, NOT_SENT, [MF_HISTORY_AT] = now_ns, [MF_HISTORY_STREAM] = stream, [MF_HISTORY_SEQ] = seq);
    struct mf_stream *s = mf_account_stream(a, stream);
    const struct mf_exception *e = mf_stream_exception(s, seq);
    if (e ? e->ping.written_ns : mf_stream_slot(s, seq)->state == MF_SLOT_WRITTEN)
        return;
    mf_account_give_up(a, s, seq, MF_OUTCOME_NOT_SENT, MF_CAUSE_UNSENT, now_ns);
}

void mf_account_each_open(struct mf_account *a, uint32_t stream,
                          void (*visit)(void *ctx, uint64_t seq, uint64_t written_ns), void *ctx)
{
    struct mf_stream *s = mf_account_stream(a, stream);
    /* by seq, not by place: visit may declare pings lost, which moves them */
    const struct mf_exception *e = MF_SABOTAGE(12, mf_stream_open_exception(s, 0), NULL);
    while (e && e->seq < s->low) {
        uint64_t seq = e->seq;
        visit(ctx, seq, e->ping.written_ns);
        e = mf_stream_open_exception(s, seq + 1);
    }
    for (uint64_t seq = s->low; seq < s->next; seq++) {
        const struct mf_slot *slot = mf_stream_slot(s, seq);
        if (mf_slot_is_open(slot)) {
            visit(ctx, seq, slot->written_ns);
        } else if (slot->state == MF_SLOT_MOVED) {
            e = mf_stream_exception(s, seq);
            if (e && e->state == MF_EXCEPTION_OPEN)
                visit(ctx, seq, e->ping.written_ns);
        }
    }
}

uint32_t mf_account_process(const struct mf_account *a, uint32_t stream, uint64_t seq)
{
    if (stream - a->first_stream >= a->streams)
        return UINT32_MAX;
    const struct mf_stream *s = mf_account_stream(a, stream);
    return s->first_process + (uint32_t)(seq % s->turns) * s->process_stride;
}

uint64_t mf_account_open(const struct mf_account *a, uint64_t *expired)
{
    if (expired)
        *expired = a->expired;
    return atomic_load_explicit(&a->record->due, memory_order_relaxed) -
           atomic_load_explicit(&a->record->resolved, memory_order_relaxed);
}

static void stream_expire(struct mf_account *a, struct mf_stream *s, uint64_t now_ns,
                          void (*expired)(void *ctx, uint32_t stream, uint64_t seq), void *ctx)
{
    for (;;) {
        mf_stream_slide(s, mf_account_slid, a);
        if (s->low == s->next)
            return;
        uint64_t seq = s->low, end_ns = mf_stream_slot(s, seq)->due_ns + a->timeout_ns;
        const struct mf_exception *e = end_ns < now_ns ? mf_stream_except(s, seq) : NULL;
        if (!e) {
            a->next_expiry_ns = end_ns < a->next_expiry_ns ? end_ns : a->next_expiry_ns;
            return;
        }
        a->expired++;
        mf_account_note_stage(a, s, e);
        if (expired)
            expired(ctx, a->first_stream + (uint32_t)(s - a->stream), seq); /* may make new pings due */
    }
}

void mf_account_expire(struct mf_account *a, uint64_t now_ns, void (*expired)(void *ctx, uint32_t stream, uint64_t seq),
                       void *ctx)
{
    if (MF_LIKELY(now_ns <= a->next_expiry_ns))
        return;
    NOTE(a, EXPIRE, [MF_HISTORY_AT] = now_ns);
    /* a ping may become due whose instant is long past (the load is late): so look again soon, whatever is open now */
    a->next_expiry_ns = now_ns + a->timeout_ns / 16;
    for (uint32_t i = 0; i < a->streams; i++)
        stream_expire(a, a->stream + i, now_ns, expired, ctx);
}

#define LATE_WAKEUP_NS MF_NS_PER_MS

/* The load was late by so much between two instants. */
static void bins_late(struct mf_account *a, uint64_t from_ns, uint64_t now_ns, uint64_t late_ns)
{
    struct mf_cursor cursor = {0};
    mf_cursor_place(&cursor, &a->timeline, from_ns < now_ns ? from_ns : 0);
    const struct mf_bin *first = cursor.bin;
    for (struct mf_bin *bin = mf_cursor_at(&a->reply_cursor, &a->timeline, now_ns); bin >= first; bin--)
        bin->instrument_late_ns = late_ns > bin->instrument_late_ns ? late_ns : bin->instrument_late_ns;
}

void mf_account_wakeup(struct mf_account *a, uint64_t now_ns, uint64_t late_ns)
{
    NOTE(a, WAKEUP, [MF_HISTORY_AT] = now_ns, [MF_HISTORY_LATE] = late_ns);
    struct mf_worker_record *r = a->record;
    r->wakeups++;
    r->late_wakeups += late_ns > LATE_WAKEUP_NS;
    r->wakeup_late_ns_max = late_ns > r->wakeup_late_ns_max ? late_ns : r->wakeup_late_ns_max;
    bins_late(a, now_ns - late_ns, now_ns, late_ns);
}

void mf_account_busy(struct mf_account *a, uint64_t now_ns, uint64_t busy_ns)
{
    struct mf_worker_record *r = a->record;
    if (busy_ns <= r->loop_busy_ns_max && busy_ns <= LATE_WAKEUP_NS)
        return; /* nothing new, and nothing to note */
    NOTE(a, BUSY, [MF_HISTORY_AT] = now_ns, [MF_HISTORY_LATE] = busy_ns);
    r->loop_busy_ns_max = busy_ns > r->loop_busy_ns_max ? busy_ns : r->loop_busy_ns_max;
    if (busy_ns > LATE_WAKEUP_NS)
        bins_late(a, now_ns - busy_ns, now_ns, busy_ns);
}

void mf_account_waited(struct mf_account *a, uint64_t from_ns, uint64_t now_ns, uint64_t waited_ns)
{
    NOTE(a, WAITED, [MF_HISTORY_AT] = now_ns, [MF_HISTORY_LATE] = waited_ns, [MF_HISTORY_WHAT] = now_ns - from_ns);
    struct mf_worker_record *r = a->record;
    r->runqueue_ns += waited_ns;
    r->runqueue_of_ns += now_ns - from_ns;
    if (2 * waited_ns >= now_ns - from_ns)
        bins_late(a, from_ns, now_ns, waited_ns);
}

void mf_account_stolen(struct mf_account *a, uint64_t processors, uint64_t stolen)
{
    NOTE(a, STOLEN, [MF_HISTORY_COUNT] = processors, [MF_HISTORY_WHAT] = stolen);
    a->record->processors = processors;
    a->record->stolen = stolen;
}

static void stream_finish(struct mf_account *a, struct mf_stream *s)
{
    if (s->next) {
        uint64_t due_ns = mf_stream_slot(s, s->next - 1)->due_ns;
        if (due_ns > a->first_due_ns && due_ns - a->first_due_ns > a->record->achieved_ns)
            a->record->achieved_ns = due_ns - a->first_due_ns;
    }
    for (const struct mf_exception *e; (e = mf_stream_open_exception(s, 0)) != NULL;)
        mf_account_give_up(a, s, e->seq, MF_OUTCOME_LOST, e->ping.written_ns ? MF_CAUSE_UNANSWERED : MF_CAUSE_UNSENT,
                           UINT64_MAX);
    for (uint64_t seq = s->low; seq < s->next; seq++)
        mf_account_give_up(a, s, seq, MF_OUTCOME_LOST,
                           mf_stream_slot(s, seq)->state == MF_SLOT_DUE ? MF_CAUSE_UNSENT : MF_CAUSE_UNANSWERED,
                           UINT64_MAX);
    mf_stream_slide(s, mf_account_slid, a);
    if (s->run.open)
        mf_account_run_end(a, s, s->run.last_due_ns);
}

void mf_account_finish(struct mf_account *a, uint64_t now_ns)
{
    NOTE(a, FINISH, [MF_HISTORY_AT] = now_ns);
    mf_account_look(a);
    for (uint32_t i = 0; i < a->streams; i++)
        stream_finish(a, a->stream + i);
    mf_account_history_end(a);
    atomic_store_explicit(&a->record->finished, 1, memory_order_release);
}

uint64_t mf_account_bytes(const struct mf_account *a)
{
    uint64_t bytes = sizeof *a + a->streams * sizeof *a->stream + a->witnesses_count * sizeof *a->witnesses +
                     mf_triggers_bytes(&a->upgrades.triggers);
    for (uint32_t i = 0; i < a->streams; i++)
        bytes += mf_stream_bytes(a->stream + i);
    return bytes;
}
