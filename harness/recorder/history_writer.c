#include "recorder/history_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define BLOCKS     128u
#define ROOM_BYTES ((size_t)BLOCKS * MF_HISTORY_BLOCK_BYTES)
/* A block that is not full is put away after so long: so much is missing where we are killed. */
#define BLOCK_AGE_NS 100000000ULL
#define LOWEST_NICE  19

struct mf_history_writer {
    struct mf_history_told *told;
    int fd;
    uint8_t *room; /* ROOM_BYTES: block after block */
    struct mf_history_block block[BLOCKS];

    /* the noting thread's */
    bool open; /* block `filled` is being filled */
    uint64_t last_ns;            /* of the block's latest record */
    uint64_t newest_ns, begun_ns; /* the newest instant of all so far; and as it was when the block was begun */
    uint64_t records, dropped;

    _Atomic uint64_t filled;  /* blocks that are the writer's; number n lies at n mod BLOCKS */
    _Atomic uint64_t written; /* blocks that are free again */
    _Atomic bool ending;
    sem_t work;
    pthread_t thread;

    /* the writer's */
    uint64_t bytes, unwritten; /* unwritten: records of blocks that the disk refused */
    int error;
};

int mf_history_path(char *path, size_t bytes, const char *dir, uint32_t worker, const struct mf_recorder_shape *shape)
{
    int n = worker < shape->workers ? snprintf(path, bytes, "%s/history-%u.bin", dir, worker + 1)
                                    : snprintf(path, bytes, "%s/history-probes.bin", dir);
    return n >= 0 && (size_t)n < bytes ? 0 : -1;
}

/* --- the writer's thread ------------------------------------------------------------------------------------------ */

static int write_all(int fd, const uint8_t *from, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, from, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? errno : EIO;
        from += done;
        n -= (size_t)done;
    }
    return 0;
}

static void block_write(struct mf_history_writer *w, uint64_t n)
{
    struct mf_history_block *block = &w->block[n % BLOCKS];
    uint8_t *at = w->room + n % BLOCKS * MF_HISTORY_BLOCK_BYTES;
    size_t size = MF_HISTORY_BLOCK_HEAD_BYTES + block->bytes;
    if (w->error == 0) {
        mf_history_block_encode(at, block);
        w->error = write_all(w->fd, at, size);
    }
    if (w->error == 0)
        w->bytes += size;
    else
        w->unwritten += block->records;
}

static void *thread_run(void *ctx)
{
    struct mf_history_writer *w = ctx;
    setpriority(PRIO_PROCESS, (id_t)gettid(), LOWEST_NICE); /* where that is refused we are merely less polite */
    for (uint64_t n = 0;;) {
        bool ending = atomic_load_explicit(&w->ending, memory_order_acquire); /* before: then all there is was seen */
        while (n < atomic_load_explicit(&w->filled, memory_order_acquire)) {
            block_write(w, n++);
            atomic_store_explicit(&w->written, n, memory_order_release);
        }
        if (ending)
            return NULL;
        while (sem_wait(&w->work) != 0)
            continue;
    }
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static int thread_start(struct mf_history_writer *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&w->thread, NULL, thread_run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

static int head_write(struct mf_history_writer *w, const struct mf_history_head *head)
{
    uint8_t bytes[MF_HISTORY_HEAD_BYTES];
    mf_history_head_encode(bytes, head);
    w->bytes = sizeof bytes;
    return write_all(w->fd, bytes, sizeof bytes);
}

static struct mf_history_writer *writer_new(int fd)
{
    struct mf_history_writer *w = calloc(1, sizeof *w);
    void *room = mmap(NULL, ROOM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (!w || room == MAP_FAILED) {
        if (room != MAP_FAILED)
            munmap(room, ROOM_BYTES);
        free(w);
        return NULL;
    }
    w->fd = fd;
    w->room = room;
    sem_init(&w->work, 0, 0);
    return w;
}

static void writer_free(struct mf_history_writer *w)
{
    sem_destroy(&w->work);
    munmap(w->room, ROOM_BYTES);
    free(w);
}

struct mf_history_writer *mf_history_create_in(int fd, const char *path, const struct mf_history_head *head,
                                               struct mf_history_told *told, struct mf_error *err)
{
    struct mf_history_writer *w = writer_new(fd);
    int code = w ? head_write(w, head) : ENOMEM;
    if (code == 0)
        code = thread_start(w);
    if (code == 0) {
        *told = (struct mf_history_told){.wanted = 1};
        w->told = told;
        return w;
    }
    close(fd);
    if (w)
        writer_free(w);
    errno = code;
    mf_error_errno(err, MF_STATUS_INTERNAL, path, "cannot write the history");
    return NULL;
}

struct mf_history_writer *mf_history_create(const char *path, const struct mf_history_head *head,
                                            struct mf_history_told *told, struct mf_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0)
        return mf_history_create_in(fd, path, head, told, err);
    mf_error_errno(err, MF_STATUS_INTERNAL, path, "cannot make the history");
    return NULL;
}

static void block_hand_over(struct mf_history_writer *w, bool is_last)
{
    uint64_t n = atomic_load_explicit(&w->filled, memory_order_relaxed);
    w->block[n % BLOCKS].is_last = is_last;
    w->open = false;
    atomic_store_explicit(&w->filled, n + 1, memory_order_release);
    sem_post(&w->work);
}

/* False: there is no room. */
static bool block_begin(struct mf_history_writer *w)
{
    uint64_t n = atomic_load_explicit(&w->filled, memory_order_relaxed);
    if (n - atomic_load_explicit(&w->written, memory_order_acquire) >= BLOCKS)
        return false;
    w->block[n % BLOCKS] = (struct mf_history_block){.before = w->records, .dropped = w->dropped};
    w->open = true;
    w->last_ns = 0;
    w->begun_ns = w->newest_ns;
    return true;
}

void mf_history_note(struct mf_history_writer *w, const struct mf_history_record *record)
{
    if (!w->open && !block_begin(w)) {
        w->dropped++;
        return;
    }
    uint64_t n = atomic_load_explicit(&w->filled, memory_order_relaxed);
    struct mf_history_block *block = &w->block[n % BLOCKS];
    uint8_t *at = w->room + n % BLOCKS * MF_HISTORY_BLOCK_BYTES + MF_HISTORY_BLOCK_HEAD_BYTES + block->bytes;
    block->bytes += (uint32_t)mf_history_encode(at, record, &w->last_ns);
    block->records++;
    w->records++;
    if (record->of[MF_HISTORY_AT] > w->newest_ns) /* a ping may have been due long ago: that makes no block old */
        w->newest_ns = record->of[MF_HISTORY_AT];
    if (w->newest_ns - w->begun_ns > BLOCK_AGE_NS || MF_HISTORY_BLOCK_HEAD_BYTES + block->bytes + MF_HISTORY_RECORD_BYTES > MF_HISTORY_BLOCK_BYTES)
        block_hand_over(w, false);
}

void mf_history_end(struct mf_history_writer *w)
{
    if (w->open || block_begin(w)) /* where there is no room for the last one, the history stays without an end */
        block_hand_over(w, true);
    atomic_store_explicit(&w->ending, true, memory_order_release);
    sem_post(&w->work);
}

void mf_history_free(struct mf_history_writer *w)
{
    if (!w)
        return;
    atomic_store_explicit(&w->ending, true, memory_order_release);
    sem_post(&w->work);
    pthread_join(w->thread, NULL);
    if (close(w->fd) != 0 && w->error == 0)
        w->error = errno;
    w->told->records = w->records - w->unwritten;
    w->told->dropped = w->dropped + w->unwritten;
    w->told->bytes = w->bytes;
    w->told->error = (uint32_t)w->error;
    atomic_store_explicit(&w->told->done, 1, memory_order_release);
    writer_free(w);
}
