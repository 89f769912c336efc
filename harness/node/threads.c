/* The threads of a worker: schedulers on large stacks, and the I/O thread. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "node/core_internal.h"

/* `reboot` piles main loops up on the stack: address space for many of them, memory only for those touched */
#define STACK_BYTES (256ull << 20)

/* Ids are small and close together; their sum alone would be the same too soon (splitmix64's finalizer). */
static uint64_t id_mix(uint64_t id)
{
    id = (id ^ (id >> 30)) * 0xbf58476d1ce4e5b9ULL;
    id = (id ^ (id >> 27)) * 0x94d049bb133111ebULL;
    return id ^ (id >> 31);
}

void mf_thread_enter(struct mf_core *core)
{
    uint64_t id = id_mix((uint64_t)gettid());
    pthread_mutex_lock(&core->gate);
    core->threads++;
    core->threads_id += id;
    pthread_cond_broadcast(&core->gate_changed);
    pthread_mutex_unlock(&core->gate);
}

/* Until all have begun, so that it can be said who they are. */
static void threads_await(struct mf_core *core)
{
    pthread_mutex_lock(&core->gate);
    while (core->threads < core->schedulers_count + !core->local)
        pthread_cond_wait(&core->gate_changed, &core->gate);
    atomic_store(&core->rec.node->threads, core->threads);
    atomic_store(&core->rec.node->threads_id, core->threads_id);
    pthread_mutex_unlock(&core->gate);
}

static void *scheduler_main(void *arg)
{
    struct mf_scheduler *s = arg;
    mf_thread_enter(s->core);
    mf_scheduler_loop(s);
    return NULL;
}

static int scheduler_start(struct mf_scheduler *s, struct mf_error *err)
{
    long page = sysconf(_SC_PAGESIZE);
    s->stack_bytes = STACK_BYTES;
    s->stack = mmap(NULL, s->stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (s->stack == MAP_FAILED) {
        s->stack = NULL;
        return mf_error_errno(err, MF_STATUS_TARGET, NULL, "no room for a scheduler's stack");
    }
    pthread_attr_t attr;
    if (mprotect(s->stack, (size_t)page, PROT_NONE) != 0 || pthread_attr_init(&attr) != 0)
        return mf_error_errno(err, MF_STATUS_TARGET, NULL, "cannot prepare a scheduler's stack");
    int bad = pthread_attr_setstack(&attr, (uint8_t *)s->stack + page, s->stack_bytes - (size_t)page);
    if (!bad)
        bad = pthread_create(&s->thread, &attr, scheduler_main, s);
    pthread_attr_destroy(&attr);
    if (bad)
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "cannot start a scheduler: %s", strerror(bad));
    s->started = true;
    return 0;
}

static int io_start(struct mf_core *core, struct mf_error *err)
{
    struct mf_io *io = &core->io;
    if (mf_listener_watch(core) != 0)
        return mf_error_errno(err, MF_STATUS_TARGET, NULL, "cannot watch the listening socket");
    int bad = pthread_create(&io->thread, NULL, mf_io_main, core);
    if (bad)
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "cannot start the I/O thread: %s", strerror(bad));
    io->started = true;
    return 0;
}

int mf_threads_start(struct mf_core *core, struct mf_error *err)
{
    for (uint32_t i = 0; i < core->schedulers_count; i++)
        if (scheduler_start(&core->schedulers[i], err) != 0)
            return -1;
    if (!core->local && io_start(core, err) != 0)
        return -1;
    threads_await(core);
    return 0;
}

void mf_threads_stop(struct mf_core *core)
{
    pthread_mutex_lock(&core->gate);
    for (uint32_t i = 0; i < core->schedulers_count; i++)
        mf_scheduler_ask(&core->schedulers[i], MF_ATTENTION_STOP);
    mf_io_ask(&core->io, MF_ATTENTION_STOP);
    pthread_cond_broadcast(&core->gate_changed);
    pthread_mutex_unlock(&core->gate);
    for (uint32_t i = 0; i < core->schedulers_count; i++) {
        struct mf_scheduler *s = &core->schedulers[i];
        if (s->started)
            pthread_join(s->thread, NULL);
        if (s->stack)
            munmap(s->stack, s->stack_bytes);
        s->started = false;
        s->stack = NULL;
    }
    if (core->io.started)
        pthread_join(core->io.thread, NULL);
    core->io.started = false;
    core->threads = 0;
}
