/* A core from nothing to all but running, and back to nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "node/core_internal.h"
#include "node/guard.h"

static int schedulers_init(struct mf_core *core, struct mf_error *err)
{
    core->schedulers = calloc(core->schedulers_count, sizeof *core->schedulers);
    if (!core->schedulers)
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "no memory for %u schedulers", core->schedulers_count);
    for (uint32_t i = 0; i < core->schedulers_count; i++) {
        struct mf_scheduler *s = &core->schedulers[i];
        s->core = core;
        s->index = i;
        if (core->local && !(s->across = calloc(core->schedulers_count, sizeof *s->across)))
            return mf_error_set(err, MF_STATUS_TARGET, NULL, "no memory for %u schedulers", core->schedulers_count);
    }
    return 0;
}

int mf_core_init(struct mf_core *core, struct mf_node_args *args, char **argv, struct mf_error *err)
{
    *core = (struct mf_core){.args = args, .argv = argv, .event_fd = -1};
    core->io.epoll_fd = core->io.listen_fd = core->io.event_fd = core->io.spare_fd = core->io.accept_timer_fd = -1;
    core->processes_count = args->processes;
    core->schedulers_count = args->schedulers;
    core->local = strcmp(args->transport, "local") == 0;
    core->codec = core->local ? NULL : mf_codec_find(args->codec);
    core->strategy = mf_strategy_find(args->strategy);
    snprintf(core->endpoint, sizeof core->endpoint, "%s", core->local ? "local" : args->listen);
    if (pthread_mutex_init(&core->gate, NULL) != 0 || pthread_cond_init(&core->gate_changed, NULL) != 0)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "cannot make a mutex");
    if (mf_points_init(core, err) != 0 || mf_recorder_map(&core->rec, args->recorder_fd, err) != 0 ||
        schedulers_init(core, err) != 0)
        return -1;
    core->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (core->event_fd < 0)
        return mf_error_errno(err, MF_STATUS_TARGET, NULL, "cannot make the main thread's bell");
    return 0;
}

int mf_core_open(struct mf_core *core, struct mf_error *err)
{
    const struct mf_node_args *args = core->args;
    struct mf_image *image;
    enum mf_load_how how = core->strategy->loads_in_place ? MF_LOAD_IN_PLACE : MF_LOAD_PRIVATE;
    if (mf_core_load(core, args->modules[args->module_index], how, &image, err) != 0)
        return -1;
    mf_core_publish(core, image);
    if (args->control_group > 0 &&
        mf_core_load(core, args->modules[args->module_index], MF_LOAD_PRIVATE, &core->control, err) != 0)
        return -1;
    if (mf_processes_init(core, err) != 0 || mf_guard_init(core, err) != 0 ||
        (!core->local && mf_io_init(core, err) != 0))
        return -1;
    if (args->cargo_fd >= 0 && mf_core_unpack(core, args->cargo_fd, err) != 0)
        return -1;
    if (core->strategy->begin)
        core->strategy->begin(core);
    /* a newcomer is given its predecessor's listener later */
    return core->local || core->io.listen_fd >= 0 || args->take_fd >= 0 ? 0 : mf_listener_open(core, err);
}

/* Blocks for long payloads live on the heap; the others go with their pools. */
static void messages_free(struct mf_core *core)
{
    struct mf_pool none = {0};
    struct mf_chain all = {0};
    mf_inbox_take(&core->io.outbox, &all);
    for (uint32_t i = 0; i < core->schedulers_count; i++) {
        struct mf_scheduler *s = &core->schedulers[i];
        mf_inbox_take(&s->inbox, &all);
        while (s->out.head)
            mf_chain_append(&all, mf_chain_pop(&s->out));
        for (uint32_t to = 0; s->across && to < core->schedulers_count; to++)
            while (s->across[to].head)
                mf_chain_append(&all, mf_chain_pop(&s->across[to]));
        while (core->io.batch && core->io.batch[i].head)
            mf_chain_append(&all, mf_chain_pop(&core->io.batch[i]));
        mf_local_empty(s, &all);
    }
    for (uint32_t i = 0; core->processes && i < core->processes_count; i++) {
        struct mf_process *p = &core->processes[i];
        while (p->mailbox.head)
            mf_chain_append(&all, mf_chain_pop(&p->mailbox));
        if (p->held_reply)
            mf_chain_append(&all, p->held_reply);
    }
    for (struct mf_connection *c = core->io.connections; c; c = c->next)
        if (c->held_in)
            mf_chain_append(&all, c->held_in);
    while (all.head)
        mf_pool_give(&none, mf_chain_pop(&all));
}

void mf_core_done(struct mf_core *core)
{
    if (core->schedulers) {
        mf_threads_stop(core);
        messages_free(core);
    }
    if (!core->local)
        mf_io_done(core);
    mf_pool_done(&core->io.pool);
    for (uint32_t i = 0; core->schedulers && i < core->schedulers_count; i++) {
        mf_local_free(&core->schedulers[i]);
        free(core->schedulers[i].across);
    }
    if (core->rec.base)
        mf_images_done(core);
    mf_guard_done(core);
    mf_processes_done(core);
    free(core->schedulers);
    if (core->event_fd >= 0)
        close(core->event_fd);
    mf_points_done(core);
    pthread_cond_destroy(&core->gate_changed);
    pthread_mutex_destroy(&core->gate);
    mf_recorder_close(&core->rec);
}
