#include "driver/firing.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "driver/shape.h"

static bool row_is_timed(const struct mf_upgrade_plan *row)
{
    return row->kind == MF_POINT_TIME || row->kind == MF_POINT_EVERY;
}

/* --- firing ------------------------------------------------------------------------------------------------------- */

static void slot_fill(struct mf_firing *f, uint32_t k, const struct mf_trigger *trigger)
{
    struct mf_upgrade_log *slot = &f->rec->log[k];
    slot->point = trigger->row;
    slot->version_from = f->version;
    slot->has_trigger = trigger->is_message;
    slot->trigger_stage = MF_POINT_STAGE_SENT;
    slot->trigger_stream = trigger->stream;
    slot->trigger_process = trigger->process;
    slot->trigger_seq = trigger->seq;
    atomic_store_explicit(&slot->phase_ns[MF_PHASE_REQUESTED], mf_clock_now_ns(), memory_order_release);
}

static void fire(struct mf_firing *f, uint32_t k, const struct mf_trigger *trigger)
{
    slot_fill(f, k, trigger);
    f->under_way++;
    f->current = k;
    atomic_store_explicit(&f->rec->header->requested, k + 1, memory_order_release);
    f->fire(f->ctx, k);
}

static void fire_next(struct mf_firing *f)
{
    struct mf_recorder_header *h = f->rec->header;
    uint32_t k = atomic_load(&h->requested);
    if (f->halted || f->under_way || f->queue_out == f->queue_in || k >= h->shape.upgrades)
        return;
    if (f->probe && !f->placed) {
        bool asked = f->placing;
        f->placing = true;
        f->current = k;
        if (!asked)
            f->probe(f->ctx, k);
        return;
    }
    f->placed = false;
    fire(f, k, &f->queue[f->queue_out++]);
}

int mf_firing_at_once(struct mf_firing *f, uint32_t *k)
{
    const struct mf_recorder_header *h = f->rec->header;
    *k = atomic_load(&h->requested);
    if (f->halted || *k >= h->shape.upgrades || !f->under_way)
        return -1;
    fire(f, *k, &(struct mf_trigger){.row = f->rec->log[f->current].point});
    return 0;
}

void mf_firing_ended(struct mf_firing *f, uint32_t k)
{
    const struct mf_upgrade_log *slot = &f->rec->log[k];
    if (atomic_load_explicit(&slot->outcome, memory_order_acquire) == MF_UPGRADE_COMMITTED)
        f->version = slot->version_to;
    if (f->current - k < f->under_way) /* those under way are the newest ones, and end in their order */
        f->under_way--;
    fire_next(f);
}

void mf_firing_placed(struct mf_firing *f, uint32_t k)
{
    if (!f->placing || f->current != k)
        return;
    f->placing = false;
    f->placed = true;
    fire_next(f);
}

static bool row_is_of_load(const struct mf_upgrade_plan *row)
{
    return row->kind == MF_POINT_MESSAGE || row->kind == MF_POINT_IN_FLIGHT;
}

int mf_firing_message(struct mf_firing *f, const struct mf_trigger *trigger)
{
    if (trigger->row >= f->cell->upgrades_count || !row_is_of_load(&f->cell->upgrades[trigger->row]) ||
        f->queue_in == f->cell->upgrades_planned)
        return -1;
    f->queue[f->queue_in++] = *trigger;
    fire_next(f);
    return 0;
}

void mf_firing_halt(struct mf_firing *f)
{
    f->halted = true;
    if (f->polls)
        uv_poll_stop(&f->poll);
}

bool mf_firing_busy(const struct mf_firing *f)
{
    uint32_t requested = atomic_load_explicit(&f->rec->header->requested, memory_order_acquire);
    for (uint32_t k = 0; k < requested && k < f->rec->header->shape.upgrades; k++)
        if (atomic_load_explicit(&f->rec->log[k].outcome, memory_order_acquire) == MF_UPGRADE_PENDING)
            return true;
    return false;
}

/* --- time points -------------------------------------------------------------------------------------------------- */

static int timer_arm(struct mf_firing *f)
{
    if (f->due_at == f->due_count)
        return 0;
    uint64_t at_ns = atomic_load(&f->rec->header->start_ns) + f->due[f->due_at].at_ns;
    struct itimerspec at = {.it_value = mf_clock_timespec(at_ns)};
    return timerfd_settime(f->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
}

static void on_due(uv_poll_t *poll, int status, int events)
{
    struct mf_firing *f = poll->data;
    uint64_t expirations;
    (void)status;
    (void)events;
    if (read(f->timer_fd, &expirations, sizeof expirations) < 0)
        return; /* EAGAIN: woken for nothing */
    uint64_t now_ns = mf_clock_now_ns(), start_ns = atomic_load(&f->rec->header->start_ns);
    while (f->due_at < f->due_count && start_ns + f->due[f->due_at].at_ns <= now_ns &&
           f->queue_in < f->cell->upgrades_planned)
        f->queue[f->queue_in++] = (struct mf_trigger){.row = f->due[f->due_at++].row};
    timer_arm(f); /* its arguments were good before, and so they are now */
    fire_next(f);
}

static int due_compare(const void *a, const void *b)
{
    const struct mf_due *x = a, *y = b;
    if (x->at_ns != y->at_ns)
        return x->at_ns < y->at_ns ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static int due_fill(struct mf_firing *f, uint64_t seed)
{
    uint64_t *instants = calloc(f->cell->upgrades_planned + 1, sizeof *instants);
    if (!instants)
        return -1;
    for (uint32_t i = 0; i < f->cell->upgrades_count; i++) {
        const struct mf_upgrade_plan *row = &f->cell->upgrades[i];
        if (!row_is_timed(row))
            continue;
        mf_upgrade_instants(row, &f->cell->load, seed, instants);
        for (uint32_t j = 0; j < row->count; j++)
            f->due[f->due_count++] = (struct mf_due){.at_ns = instants[j], .row = i};
    }
    free(instants);
    qsort(f->due, f->due_count, sizeof *f->due, due_compare);
    return 0;
}

int mf_firing_open(struct mf_firing *f, uv_loop_t *loop, const struct mf_cell *cell, const struct mf_recorder *rec,
                   uint64_t seed, uint32_t version, struct mf_error *err)
{
    f->cell = cell;
    f->rec = rec;
    f->version = version;
    f->timer_fd = -1;
    f->due = calloc(cell->upgrades_planned + 1, sizeof *f->due);
    f->queue = calloc(cell->upgrades_planned + 1, sizeof *f->queue);
    if (!f->due || !f->queue || due_fill(f, seed) != 0)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the upgrades' points");
    f->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (f->timer_fd < 0)
        return mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "cannot make a timer for the upgrades");
    int bad = uv_poll_init(loop, &f->poll, f->timer_fd);
    if (bad)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "cannot watch the upgrades' timer: %s", uv_strerror(bad));
    f->poll.data = f;
    f->polls = true;
    return 0;
}

int mf_firing_go(struct mf_firing *f, struct mf_error *err)
{
    int bad = uv_poll_start(&f->poll, UV_READABLE, on_due);
    if (bad)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "cannot watch the upgrades' timer: %s", uv_strerror(bad));
    if (timer_arm(f) != 0)
        return mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "cannot arm the upgrades' timer");
    return 0;
}

static void firing_free(struct mf_firing *f)
{
    if (f->timer_fd >= 0)
        close(f->timer_fd);
    f->timer_fd = -1;
    free(f->due);
    free(f->queue);
    f->due = NULL;
    f->queue = NULL;
    f->closed(f->ctx);
}

static void on_poll_closed(uv_handle_t *handle)
{
    firing_free(handle->data);
}

void mf_firing_close(struct mf_firing *f)
{
    mf_firing_halt(f);
    if (f->polls) {
        f->polls = false;
        uv_close((uv_handle_t *)&f->poll, on_poll_closed);
    } else {
        firing_free(f);
    }
}
