#include "load/half.h"

#include "load/worker.h"

/* How much of a ping is written: half of it, and more where that does not tell which ping it is. 0: there is no such
 * part. */
static size_t part_bytes(const struct mf_worker *w, const uint8_t *bytes, size_t n, struct mf_msg *msg)
{
    for (size_t part = (n + 1) / 2; part < n; part++)
        if (w->codec->peek(w->conf, bytes, part, msg))
            return part;
    return 0;
}

void mf_half_begin(struct mf_worker *w, struct mf_connection *c, uint32_t point, const uint8_t *bytes, size_t n)
{
    struct mf_half_mark *mark = &w->record->half;
    struct mf_msg part, whole;
    size_t cut = part_bytes(w, bytes, n, &part);

    if (cut == 0 || w->codec->decode(w->conf, bytes, n, &whole) != (ssize_t)n)
        return; /* no upgrade is fired on it, and the run says so */
    w->half = (struct mf_half){.connection = c,
                               .cut_at = c->queue.put - n + cut,
                               .requested = atomic_load_explicit(&w->recorder.header->requested, memory_order_acquire)};
    mark->point = point;
    mark->stream = whole.stream;
    mark->process = whole.process;
    mark->seq = whole.seq;
    atomic_store_explicit(&mark->armed, 1, memory_order_release);
}

/* Whether the upgrade that was fired on it has ended. */
static bool half_is_over(const struct mf_worker *w)
{
    const struct mf_half_mark *mark = &w->record->half;
    uint32_t requested = atomic_load_explicit(&w->recorder.header->requested, memory_order_acquire);

    for (uint32_t k = w->half.requested; k < requested; k++) {
        const struct mf_upgrade_log *log = &w->recorder.log[k];
        if (log->has_trigger && log->trigger_stage == MF_POINT_STAGE_HALF_RECEIVED &&
            log->trigger_stream == mark->stream && log->trigger_seq == mark->seq)
            return atomic_load_explicit(&log->outcome, memory_order_acquire) != MF_UPGRADE_PENDING;
    }
    return false;
}

void mf_half_beat(struct mf_worker *w, uint64_t now_ns)
{
    struct mf_connection *c = w->half.connection;

    if (!c)
        return;
    if (w->half.written_ns == 0 && c->queue.taken >= w->half.cut_at)
        w->half.written_ns = now_ns;
    bool fired = atomic_load_explicit(&w->record->half.armed, memory_order_acquire) == 2;
    bool waited = w->half.written_ns > 0 && now_ns - w->half.written_ns >= w->plan.timeout_ns / 2;
    if (fired ? !half_is_over(w) : !waited)
        return;
    mf_half_forget(w, c);
    mf_worker_list(w, c);
}

void mf_half_forget(struct mf_worker *w, const struct mf_connection *c)
{
    if (w->half.connection != c)
        return;
    atomic_store_explicit(&w->record->half.armed, 0, memory_order_release);
    w->half = (struct mf_half){0};
}
