/* Cargo, the receiving side: take up, or turn back. */
#include "node/cargo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- a reader --- */

struct cargo_reader {
    const uint8_t *map;
    uint64_t bytes, at;
    struct mf_cargo_header header;
    const struct mf_cargo_fds *handed; /* NULL: the descriptors have the numbers that the cargo says */
    uint32_t handed_at;
};

static int cut_short(struct mf_error *err)
{
    return mf_error_set(err, MF_STATUS_TARGET, NULL, "the cargo is cut short or damaged");
}

/* The next n bytes, in place; NULL where there are not so many. */
static const void *reader_take(struct cargo_reader *r, uint64_t n)
{
    if (r->bytes - r->at < n)
        return NULL;
    const void *at = r->map + r->at;
    r->at += n;
    return at;
}

/* A record: copied, since it may lie unaligned. */
static int reader_get(struct cargo_reader *r, void *record, size_t n)
{
    const void *at = reader_take(r, n);
    if (!at)
        return -1;
    memcpy(record, at, n);
    return 0;
}

/* The descriptor that the cargo calls `fd`, close-on-exec. -1, errno: it did not come along. */
static int reader_fd(struct cargo_reader *r, int fd)
{
    if (!r->handed)
        return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 ? fd : -1;
    if (r->handed_at < r->handed->n)
        return r->handed->fd[r->handed_at++];
    errno = EBADF;
    return -1;
}

static int reader_open(struct cargo_reader *r, int fd, struct mf_error *err)
{
    struct stat st;
    *r = (struct cargo_reader){0};
    if (fstat(fd, &st) != 0)
        return mf_error_errno(err, MF_STATUS_TARGET, NULL, "the cargo cannot be read");
    if ((uint64_t)st.st_size < sizeof r->header)
        return cut_short(err);
    r->map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (r->map == MAP_FAILED)
        return mf_error_errno(err, MF_STATUS_TARGET, NULL, "the cargo cannot be mapped");
    r->bytes = (uint64_t)st.st_size;
    reader_get(r, &r->header, sizeof r->header);
    const struct mf_cargo_header *h = &r->header;
    if (h->magic == MF_CARGO_MAGIC && h->version == MF_CARGO_VERSION && h->header_bytes == sizeof *h &&
        h->total_bytes == r->bytes)
        return 0;
    munmap((void *)r->map, r->bytes);
    return h->magic == MF_CARGO_MAGIC && h->version != MF_CARGO_VERSION
               ? mf_error_set(err, MF_STATUS_TARGET, NULL, "the cargo is of format %u, this node reads %u", h->version,
                              MF_CARGO_VERSION)
               : cut_short(err);
}

static void reader_close(struct cargo_reader *r)
{
    munmap((void *)r->map, r->bytes);
}

/* --- what is taken up --- */

/* Where the mailboxes come along, a process goes on as itself; made out of its saved state alone, it is another
 * incarnation, and says so. */
static int states_take(struct mf_core *core, struct cargo_reader *r, struct mf_error *err)
{
    if (r->header.processes != core->processes_count)
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "the cargo has %u processes, this node %u",
                            r->header.processes, core->processes_count);
    _Alignas(64) uint8_t state[MF_STATE_BYTES_MAX];
    for (uint32_t i = 0; i < core->processes_count; i++) {
        struct mf_cargo_process record;
        if (reader_get(r, &record, sizeof record) != 0)
            return cut_short(err);
        /* copied to where a module may read it as its struct: in the cargo it lies unaligned */
        if (record.state_bytes > sizeof state || reader_get(r, state, record.state_bytes) != 0)
            return cut_short(err);
        struct mf_process *p = &core->processes[i];
        uint64_t instance = r->header.parts & MF_CARGO_MESSAGES ? record.instance : p->instance;
        if (mf_process_adopt(core, p, instance, record.state_version, state, record.state_bytes, err) != 0)
            return -1;
    }
    return 0;
}

static int connection_fill(struct mf_connection *c, const struct mf_cargo_connection *record, struct cargo_reader *r,
                           struct mf_error *err)
{
    const void *in = reader_take(r, record->in_bytes), *out = in ? reader_take(r, record->out_bytes) : NULL;
    if (!in || !out)
        return cut_short(err);
    c->out_written = record->out_written;
    int bad = (record->in_bytes && mf_connection_add_input(c, in, record->in_bytes) != 0) ||
              (record->out_bytes && mf_connection_add_output(c, out, record->out_bytes) != 0);
    for (uint32_t i = 0; i < record->marks && !bad; i++) {
        struct mf_cargo_mark mark;
        if (reader_get(r, &mark, sizeof mark) != 0)
            return cut_short(err);
        struct mf_flush_mark flush = {.seq = mark.seq, .end = mark.end, .stream = mark.stream, .process = mark.process};
        bad = mf_connection_add_mark(c, &flush) != 0;
    }
    return bad ? mf_error_set(err, MF_STATUS_TARGET, NULL, "no memory to take a connection up") : 0;
}

/* The whole messages in its input are looked at, and its output is written, in the I/O thread's first round. */
static int connections_take(struct mf_core *core, struct cargo_reader *r, struct mf_connection **taken,
                            struct mf_error *err)
{
    for (uint32_t i = 0; i < r->header.connections; i++) {
        struct mf_cargo_connection record;
        if (reader_get(r, &record, sizeof record) != 0)
            return cut_short(err);
        int fd = record.fd >= 0 ? reader_fd(r, record.fd) : -1;
        if (fd < 0 && record.fd >= 0)
            return mf_error_errno(err, MF_STATUS_TARGET, NULL, "connection %d did not come along", record.fd);
        struct mf_connection *c = mf_connection_new(core, fd, record.id);
        if (!c)
            return mf_error_errno(err, MF_STATUS_TARGET, NULL, "a connection cannot be taken up");
        taken[i] = c;
        if (connection_fill(c, &record, r, err) != 0)
            return -1;
        mf_connection_mark_ready(core, c);
        mf_connection_mark_dirty(core, c);
    }
    if (core->io.next_id < r->header.next_connection)
        core->io.next_id = r->header.next_connection;
    return 0;
}

static int by_id(const void *a, const void *b)
{
    const struct mf_connection *const *x = a, *const *y = b;
    return ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

static struct mf_connection *connection_find(struct mf_connection **taken, uint32_t n, uint64_t id)
{
    struct mf_connection key = {.id = id}, *at = &key;
    struct mf_connection **found = bsearch(&at, taken, n, sizeof *taken, by_id);
    return found ? *found : NULL;
}

static void message_deliver(struct mf_core *core, struct mf_message *m, const struct mf_cargo_message *record)
{
    struct mf_process *p = &core->processes[m->process];
    m->connection->pending++;
    core->io.pending++;
    if (record->place == MF_CARGO_MAILBOX) {
        atomic_fetch_add_explicit(&mf_scheduler_of(core, p)->pushed, 1, memory_order_relaxed);
        mf_process_enqueue(core, p, m);
        return;
    }
    struct mf_connection *c = m->connection;
    if (mf_io_answer(core, m) != 0)
        mf_connection_close(core, c); /* as the I/O thread does where it has no memory for an answer */
}

static int message_take(struct mf_core *core, struct cargo_reader *r, struct mf_connection **taken,
                        struct mf_error *err)
{
    struct mf_cargo_message record;
    char text[256];
    if (reader_get(r, &record, sizeof record) != 0)
        return cut_short(err);
    const void *payload = reader_take(r, record.payload_bytes);
    const char *words = payload ? reader_take(r, record.text_bytes) : NULL;
    struct mf_connection *c = connection_find(taken, r->header.connections, record.connection);
    if (!words || !c || record.process >= core->processes_count)
        return cut_short(err);
    struct mf_message *m = mf_pool_take(&core->io.pool, record.payload_bytes);
    if (!m)
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "no memory to take a message up");
    memcpy(m->payload, payload, record.payload_bytes);
    m->connection = c;
    m->seq = record.seq;
    m->instance = record.instance;
    m->count = record.count;
    m->stream = record.stream;
    m->process = record.process;
    m->version = record.version;
    m->kind = record.kind;
    m->stage = record.stage;
    snprintf(text, sizeof text, "%.*s", (int)record.text_bytes, words);
    m->text = text; /* of a reply only, and that is encoded before this returns */
    message_deliver(core, m, &record);
    return 0;
}

static int messages_take(struct mf_core *core, struct cargo_reader *r, struct mf_connection **taken,
                         struct mf_error *err)
{
    qsort(taken, r->header.connections, sizeof *taken, by_id);
    for (uint32_t i = 0; i < r->header.messages; i++)
        if (message_take(core, r, taken, err) != 0)
            return -1;
    return 0;
}

static int listener_take(struct mf_core *core, struct cargo_reader *r, struct mf_error *err)
{
    if (r->header.listen_fd < 0)
        return 0;
    int fd = reader_fd(r, r->header.listen_fd);
    if (fd < 0)
        return mf_error_errno(err, MF_STATUS_TARGET, NULL, "the listening socket did not come along");
    if (r->handed) {
        mf_listener_lend(core, fd);
    } else {
        core->io.listen_fd = fd;
        snprintf(core->endpoint, sizeof core->endpoint, "%s", core->args->listen);
    }
    return 0;
}

static int cargo_take(struct mf_core *core, struct cargo_reader *r, struct mf_error *err)
{
    if (states_take(core, r, err) != 0 || listener_take(core, r, err) != 0)
        return -1;
    struct mf_connection **taken = calloc(r->header.connections + 1u, sizeof *taken);
    if (!taken)
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "no memory to take %u connections up", r->header.connections);
    int bad = connections_take(core, r, taken, err) != 0 || messages_take(core, r, taken, err) != 0;
    free(taken);
    return bad ? -1 : 0;
}

/* --- the log's evidence --- */

/* An exec's slot came with the cargo. A saved state's is the one under way: slots are carried out in their order. */
static uint32_t slot_of(const struct mf_core *core)
{
    if (core->args->cargo_k != UINT32_MAX)
        return core->args->cargo_k;
    uint32_t requested = atomic_load(&core->rec.header->requested);
    for (uint32_t k = 0; k < requested; k++)
        if (atomic_load(&core->rec.log[k].outcome) == MF_UPGRADE_PENDING)
            return k;
    return UINT32_MAX;
}

static void evidence_note(struct mf_core *core)
{
    uint32_t k = slot_of(core);
    if (k >= core->rec.header->shape.upgrades)
        return;
    mf_core_note_converted(core, k, atomic_load(&core->converted));
    if (core->args->cargo_k != UINT32_MAX) /* execve ends every thread but the one that calls it */
        core->rec.log[k].threads_ended = core->schedulers_count + 1;
}

static int unpack(struct mf_core *core, int cargo_fd, const struct mf_cargo_fds *handed, struct mf_error *err)
{
    struct cargo_reader r;
    if (reader_open(&r, cargo_fd, err) != 0)
        return -1;
    r.handed = handed;
    r.header.reason[sizeof r.header.reason - 1] = 0;
    snprintf(core->turned_back, sizeof core->turned_back, "%s", r.header.reason);
    int bad = cargo_take(core, &r, err);
    reader_close(&r);
    if (bad)
        return -1; /* the descriptor stays: mf_cargo_turn_back may need it */
    evidence_note(core);
    close(cargo_fd);
    return 0;
}

int mf_core_unpack(struct mf_core *core, int cargo_fd, struct mf_error *err)
{
    return unpack(core, cargo_fd, NULL, err);
}

int mf_core_unpack_handed(struct mf_core *core, int cargo_fd, const struct mf_cargo_fds *handed, struct mf_error *err)
{
    return unpack(core, cargo_fd, handed, err);
}

const char *mf_core_turned_back(const struct mf_core *core)
{
    return core->turned_back[0] ? core->turned_back : NULL;
}

/* --- turning back --- */

static int *fds_list(struct cargo_reader *r)
{
    const struct mf_cargo_header *h = &r->header;
    int *fds = malloc((h->connections + 1u) * sizeof *fds);
    if (!fds)
        return NULL;
    fds[0] = h->listen_fd;
    for (uint32_t i = 0; i < h->processes; i++) {
        struct mf_cargo_process record;
        if (reader_get(r, &record, sizeof record) != 0 || !reader_take(r, record.state_bytes))
            goto fail;
    }
    for (uint32_t i = 0; i < h->connections; i++) {
        struct mf_cargo_connection record;
        if (reader_get(r, &record, sizeof record) != 0 ||
            !reader_take(r, (uint64_t)record.in_bytes + record.out_bytes + record.marks * sizeof(struct mf_cargo_mark)))
            goto fail;
        fds[i + 1] = record.fd;
    }
    return fds;
fail:
    free(fds);
    return NULL;
}

void mf_cargo_turn_back(const struct mf_node_args *args, char **argv, const struct mf_error *why)
{
    struct cargo_reader r;
    struct mf_error err = {0};
    if (args->cargo_k == UINT32_MAX || args->cargo_fd < 0 || reader_open(&r, args->cargo_fd, &err) != 0)
        return;
    struct mf_cargo_header h = r.header;
    int *fds = h.reason[0] ? NULL : fds_list(&r);
    reader_close(&r);
    if (!fds)
        return;
    struct mf_node_args back = *args;
    back.module_index = h.module_index;
    char text[sizeof why->place + sizeof why->text + 4];
    snprintf(text, sizeof text, "%s%s%s", why->place, why->place[0] ? ": " : "", why->text);
    memcpy(h.reason, text, strnlen(text, sizeof h.reason - 1)); /* cut to fit; a first reason, so the rest is zero */
    if (pwrite(args->cargo_fd, &h, sizeof h, 0) == (ssize_t)sizeof h)
        mf_cargo_exec(&back, argv, fds, h.connections + 1, &err);
    free(fds);
}
