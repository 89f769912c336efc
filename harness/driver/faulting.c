#include "driver/faulting.h"

#include <errno.h>
#include <linux/futex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "faults/disk.h"
#include "faults/module_file.h"
#include "targets/modules.h"

#define NONE UINT32_MAX

bool mf_faulting_has(const struct mf_cell *cell, enum mf_fault_kind kind)
{
    for (uint32_t i = 0; i < cell->faults_count; i++)
        if (cell->faults[i].kind == kind)
            return true;
    return false;
}

/* --- one act ------------------------------------------------------------------------------------------------------ */

static void timer_arm(struct mf_faulting *f);

static void act_undo(struct mf_faulting *f, struct mf_faulting_act *a)
{
    struct mf_error err = {0};
    const struct mf_fault *fault = mf_fault_of(a->act.plan->id);
    (void)f;
    if (!a->act.has_fired || a->act.is_undone || !fault->undo)
        return;
    a->act.is_undone = true;
    a->undo_ns = 0;
    if (fault->undo(&a->act, &err) == 0) {
        a->act.undone_ns = mf_clock_now_ns();
        return;
    }
    size_t used = strlen(a->act.what);
    snprintf(a->act.what + used, sizeof a->act.what - used, "; not undone: %.80s", err.text);
}

static void act_inject(struct mf_faulting *f, struct mf_faulting_act *a)
{
    struct mf_error err = {0};
    if (a->is_over || f->ended)
        return;
    a->is_over = true;
    a->due_ns = 0;
    f->site.supervisor = f->supervisor(f->ctx);
    if (mf_fault_of(a->act.plan->id)->inject(&a->act, &err) != 0) {
        mf_act_say(&a->act, "%s%s%.120s", err.place, err.place[0] ? ": " : "", err.text);
        return;
    }
    a->act.has_fired = true;
    a->act.fired_ns = mf_clock_now_ns();
    if (a->act.plan->duration_ms > 0)
        a->undo_ns = a->act.fired_ns + (uint64_t)llround(a->act.plan->duration_ms * (double)MF_NS_PER_MS);
    timer_arm(f);
}

/* --- instants ----------------------------------------------------------------------------------------------------- */

static void timer_arm(struct mf_faulting *f)
{
    uint64_t next_ns = 0;
    for (uint32_t i = 0; i < f->acts_count; i++) {
        const uint64_t at[] = {f->acts[i].due_ns, f->acts[i].undo_ns};
        for (int j = 0; j < 2; j++)
            if (at[j] && (!next_ns || at[j] < next_ns))
                next_ns = at[j];
    }
    struct itimerspec when = {.it_value = mf_clock_timespec(next_ns)}; /* 0 disarms it */
    timerfd_settime(f->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void on_due(uv_poll_t *poll, int status, int events)
{
    struct mf_faulting *f = poll->data;
    uint64_t expirations, now_ns = mf_clock_now_ns();
    (void)status;
    (void)events;
    if (read(f->timer_fd, &expirations, sizeof expirations) < 0)
        return; /* EAGAIN: woken for nothing */
    for (uint32_t i = 0; i < f->acts_count; i++) {
        struct mf_faulting_act *a = &f->acts[i];
        if (a->undo_ns && a->undo_ns <= now_ns)
            act_undo(f, a);
        if (a->due_ns && a->due_ns <= now_ns)
            act_inject(f, a);
    }
    timer_arm(f);
}

void mf_faulting_instants(const struct mf_cell *cell, const struct mf_fault_plan *plan, uint64_t seed, uint64_t *out)
{
    struct mf_upgrade_plan row = {.kind = plan->at == MF_FAULT_AT_TIME ? MF_POINT_TIME : MF_POINT_EVERY,
                                  .count = plan->count,
                                  .time_ms = plan->time_ms,
                                  .every_ms = plan->every_ms,
                                  .jitter_ms = plan->jitter_ms,
                                  .from_ms = plan->from_ms};
    mf_upgrade_instants(&row, &cell->load, seed, out);
}

/* --- upgrades ----------------------------------------------------------------------------------------------------- */

static bool act_is_at(const struct mf_fault_act *act, uint32_t k, uint32_t phase)
{
    if (act->k != k)
        return false;
    return act->plan->at == MF_FAULT_AT_UPGRADE ? phase == MF_PHASE_REQUESTED
                                                : act->plan->at == MF_FAULT_AT_PHASE && phase == act->plan->phase;
}

void mf_faulting_phase(struct mf_faulting *f, uint32_t k, uint32_t phase)
{
    _Atomic uint32_t *hold = &f->site.rec->log[k].hold;
    for (uint32_t i = 0; i < f->acts_count; i++)
        if (act_is_at(&f->acts[i].act, k, phase))
            act_inject(f, &f->acts[i]);
    atomic_fetch_and(hold, ~(1u << phase));
    syscall(SYS_futex, hold, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void mf_faulting_upgrade_ended(struct mf_faulting *f, uint32_t k)
{
    for (uint32_t i = 0; i < f->acts_count; i++)
        if (f->acts[i].act.k == k && !f->acts[i].undo_ns)
            act_undo(f, &f->acts[i]);
}

/* --- messages and the relay --------------------------------------------------------------------------------------- */

void mf_faulting_message(struct mf_faulting *f, uint32_t row)
{
    for (uint32_t i = 0; i < f->acts_count; i++)
        if (f->acts[i].act.row == row && !f->acts[i].is_over) {
            act_inject(f, &f->acts[i]);
            return;
        }
}

void mf_faulting_relayed(struct mf_faulting *f, uint32_t row, uint64_t connections)
{
    for (uint32_t i = f->acts_count; i-- > 0;) { /* the last one of the row that has fired */
        struct mf_fault_act *act = &f->acts[i].act;
        size_t used = strlen(act->what);
        if (act->row != row || !act->has_fired)
            continue;
        snprintf(act->what + used, sizeof act->what - used, ": %llu connections", (unsigned long long)connections);
        return;
    }
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void acts_add(struct mf_faulting *f, uint32_t row, const uint64_t *instants)
{
    const struct mf_fault_plan *plan = &f->cell->faults[row];
    bool by_upgrade = plan->at == MF_FAULT_AT_UPGRADE || plan->at == MF_FAULT_AT_PHASE;
    for (uint32_t i = 0; i < plan->count; i++) {
        struct mf_faulting_act *a = &f->acts[f->acts_count++];
        *a = (struct mf_faulting_act){.act = {.plan = plan, .site = &f->site, .row = row, .k = NONE}};
        if (plan->at == MF_FAULT_AT_TIME || plan->at == MF_FAULT_AT_EVERY)
            a->due_ns = instants[i];
        if (!by_upgrade)
            continue;
        a->act.k = plan->upgrade - 1 + i * (uint32_t)plan->every;
        uint32_t phase = plan->at == MF_FAULT_AT_PHASE ? plan->phase : MF_PHASE_REQUESTED;
        atomic_fetch_or(&f->site.rec->log[a->act.k].hold, 1u << phase);
    }
}

static int acts_make(struct mf_faulting *f, uint64_t seed)
{
    f->acts = calloc(f->cell->faults_planned + 1, sizeof *f->acts);
    uint64_t *instants = calloc(f->cell->faults_planned + 1, sizeof *instants);
    for (uint32_t i = 0; f->acts && instants && i < f->cell->faults_count; i++) {
        const struct mf_fault_plan *plan = &f->cell->faults[i];
        if (plan->at == MF_FAULT_AT_TIME || plan->at == MF_FAULT_AT_EVERY)
            mf_faulting_instants(f->cell, plan, seed, instants);
        acts_add(f, i, instants);
    }
    bool bad = !f->acts || !instants;
    free(instants);
    return bad ? -1 : 0;
}

int mf_faulting_open(struct mf_faulting *f, uv_loop_t *loop, const struct mf_cell *cell, const struct mf_places *places,
                     const struct mf_recorder *rec, uint64_t seed, struct mf_error *err)
{
    f->cell = cell;
    f->places = places;
    f->timer_fd = -1;
    f->site = (struct mf_fault_site){.rec = rec,
                                     .module_names = cell->node.modules,
                                     .ctx = f->ctx,
                                     .request = f->request,
                                     .members = f->members,
                                     .relay = f->relay};
    snprintf(f->site.broken, sizeof f->site.broken, "%.4000s/broken", places->modules);
    if (acts_make(f, seed) != 0)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the faults");
    f->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (f->timer_fd < 0)
        return mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "cannot make a timer for the faults");
    int bad = uv_poll_init(loop, &f->poll, f->timer_fd);
    if (bad)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "cannot watch the faults' timer: %s", uv_strerror(bad));
    f->poll.data = f;
    f->polls = true;
    return 0;
}

static int modules_make(struct mf_faulting *f, struct mf_error *err)
{
    uint32_t n = f->cell->node.modules_count;
    char(*paths)[PATH_MAX] = calloc(n, sizeof *paths);
    const char **sources = calloc(n, sizeof *sources);
    int bad = paths && sources ? 0 : mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the modules' names");
    for (uint32_t i = 0; !bad && i < n; i++) {
        sources[i] = paths[i];
        if (mf_module_path(f->places->modules, f->cell->node.modules[i], paths[i], sizeof paths[i]) != 0)
            bad = mf_error_set(err, MF_STATUS_TARGET, f->cell->node.modules[i], "its path is too long");
    }
    if (!bad)
        bad = mf_module_files_make(&f->site, sources, n, err);
    free(paths);
    free(sources);
    return bad;
}

int mf_faulting_prepare(void *faulting, const char *folder, struct mf_error *err)
{
    struct mf_faulting *f = faulting;
    snprintf(f->site.scratch, sizeof f->site.scratch, "%s", folder);
    if (mf_faulting_has(f->cell, MF_FAULT_KIND_DISK) && mf_disk_open(&f->site, err) != 0)
        return -1;
    if (mf_faulting_has(f->cell, MF_FAULT_KIND_MODULE) && modules_make(f, err) != 0)
        return -1;
    for (uint32_t i = 0; i < f->acts_count; i++) {
        const struct mf_fault *fault = mf_fault_of(f->acts[i].act.plan->id);
        if (fault->prepare && fault->prepare(&f->acts[i].act, err) != 0)
            return -1;
    }
    return 0;
}

int mf_faulting_go(struct mf_faulting *f, struct mf_error *err)
{
    uint64_t start_ns = atomic_load(&f->site.rec->header->start_ns);
    for (uint32_t i = 0; i < f->acts_count; i++)
        if (f->acts[i].due_ns)
            f->acts[i].due_ns += start_ns;
    int bad = uv_poll_start(&f->poll, UV_READABLE, on_due);
    if (bad)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "cannot watch the faults' timer: %s", uv_strerror(bad));
    timer_arm(f);
    return 0;
}

void mf_faulting_end(struct mf_faulting *f)
{
    if (f->polls)
        uv_poll_stop(&f->poll);
    f->ended = true;
    if (!f->acts)
        return; /* it was never opened */
    for (uint32_t i = f->acts_count; i-- > 0;)
        act_undo(f, &f->acts[i]);
    /* nobody is to stand still for what comes no more */
    for (uint32_t k = 0; k < f->site.rec->header->shape.upgrades; k++)
        if (atomic_exchange(&f->site.rec->log[k].hold, 0))
            syscall(SYS_futex, &f->site.rec->log[k].hold, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void mf_faulting_release(void *faulting)
{
    struct mf_faulting *f = faulting;
    mf_disk_close(&f->site);
}

static void faulting_over(struct mf_faulting *f)
{
    if (f->timer_fd >= 0)
        close(f->timer_fd);
    f->timer_fd = -1;
    f->closed(f->ctx);
}

static void on_poll_closed(uv_handle_t *handle)
{
    faulting_over(handle->data);
}

void mf_faulting_close(struct mf_faulting *f)
{
    if (f->polls) {
        f->polls = false;
        uv_close((uv_handle_t *)&f->poll, on_poll_closed);
    } else {
        faulting_over(f);
    }
}

/* --- what became of them ------------------------------------------------------------------------------------------ */

static bool slot_has_ended(const struct mf_upgrade_log *slot)
{
    return atomic_load(&slot->outcome) != MF_UPGRADE_PENDING;
}

/* Why an act of which nothing is known has not fired. */
static void silence_say(const struct mf_faulting *f, const struct mf_fault_act *act, char *text, size_t bytes)
{
    const struct mf_recorder *rec = f->site.rec;
    if (act->k == NONE)
        snprintf(text, bytes, "its point never came");
    else if (act->k >= atomic_load(&rec->header->requested))
        snprintf(text, bytes, "upgrade %u was never asked for", act->k + 1);
    else if (slot_has_ended(&rec->log[act->k]))
        snprintf(text, bytes, "upgrade %u ended without coming to its phase", act->k + 1);
    else
        snprintf(text, bytes, "upgrade %u had not come to its phase", act->k + 1);
}

static uint64_t slot_end_ns(const struct mf_upgrade_log *slot)
{
    static const enum mf_phase ends[] = {MF_PHASE_COMMITTED, MF_PHASE_ROLLED_BACK, MF_PHASE_FAILED};
    uint64_t end_ns = 0;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (atomic_load(&slot->phase_ns[ends[i]]) > end_ns)
            end_ns = atomic_load(&slot->phase_ns[ends[i]]);
    return end_ns;
}

/* Asked for while another was under way: was it queued behind that one, or refused? */
static void requests_say(const struct mf_faulting *f, const struct mf_fault_act *act, char *text, size_t bytes)
{
    static const char *const outcomes[] = {"has not ended", "committed", "rolled back", "failed"};
    for (uint32_t i = 0; i < act->requests; i++) {
        const struct mf_upgrade_log *slot = &f->site.rec->log[act->requested[i]], *first = &f->site.rec->log[act->k];
        enum mf_upgrade_outcome outcome = (enum mf_upgrade_outcome)atomic_load(&slot->outcome);
        bool after = slot_end_ns(slot) > slot_end_ns(first) && slot_end_ns(first) > 0;
        size_t used = strlen(text);
        snprintf(text + used, bytes - used, "; %u: %s%s", act->requested[i] + 1, after ? "queued, then " : "",
                 outcomes[outcome]);
    }
}

struct mf_fault_result *mf_faulting_results(const struct mf_faulting *f, uint32_t run)
{
    uint64_t start_ns = atomic_load(&f->site.rec->header->start_ns);
    struct mf_fault_result *results = calloc(f->acts_count + 1, sizeof *results);
    for (uint32_t i = 0; results && i < f->acts_count; i++) {
        const struct mf_fault_act *act = &f->acts[i].act;
        struct mf_fault_result *r = &results[i];
        *r = (struct mf_fault_result){.run = run,
                                      .row = act->row,
                                      .fault = mf_fault_names[act->plan->id],
                                      .whom = act->plan->kind == MF_FAULT_KIND_PROCESS ? mf_whom_names[act->plan->whom]
                                                                                       : NULL,
                                      .upgrade = act->k,
                                      .phase = act->plan->at == MF_FAULT_AT_PHASE ? (int)act->plan->phase : -1,
                                      .noop = act->plan->noop,
                                      .fired = act->has_fired,
                                      .fired_ns = act->fired_ns ? (int64_t)(act->fired_ns - start_ns) : -1,
                                      .undone_ns = act->undone_ns ? (int64_t)(act->undone_ns - start_ns) : -1};
        snprintf(r->what, sizeof r->what, "%s", act->what);
        if (!act->has_fired && !act->what[0])
            silence_say(f, act, r->what, sizeof r->what);
        requests_say(f, act, r->what, sizeof r->what);
    }
    return results;
}
