/* Cargo, the sending side: pack, and replace this program. */
#include "node/cargo.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern char **environ;

/* --- a writer --- */

#define BUFFER_BYTES (256u << 10)

struct cargo_writer {
    int fd;
    uint8_t *buffer;
    size_t used;
    uint64_t total;
    int error; /* errno of the first write that failed; 0: none */
};

static void writer_flush(struct cargo_writer *w)
{
    for (size_t at = 0; at < w->used && !w->error;) {
        ssize_t n = write(w->fd, w->buffer + at, w->used - at);
        if (n >= 0)
            at += (size_t)n;
        else if (errno != EINTR)
            w->error = errno;
    }
    w->used = 0;
}

static void writer_put(struct cargo_writer *w, const void *bytes, size_t n)
{
    w->total += n;
    while (n > 0) {
        size_t part = BUFFER_BYTES - w->used < n ? BUFFER_BYTES - w->used : n;
        memcpy(w->buffer + w->used, bytes, part);
        w->used += part;
        bytes = (const uint8_t *)bytes + part;
        n -= part;
        if (w->used == BUFFER_BYTES)
            writer_flush(w);
    }
}

/* --- what is packed --- */

static void states_pack(struct mf_core *core, struct cargo_writer *w)
{
    for (uint32_t i = 0; i < core->processes_count; i++) {
        const struct mf_process *p = &core->processes[i];
        const struct mf_module *m = p->image->module;
        struct mf_cargo_process record = {
            .instance = p->instance, .state_version = m->state_version, .state_bytes = m->state_bytes};
        writer_put(w, &record, sizeof record);
        writer_put(w, p->state, m->state_bytes);
    }
}

static void connection_pack(const struct mf_connection *c, struct cargo_writer *w)
{
    struct mf_cargo_connection record = {.id = c->id,
                                         .fd = c->fd,
                                         .out_written = c->out_written,
                                         .in_bytes = (uint32_t)(c->in_end - c->in_begin),
                                         .out_bytes = (uint32_t)(c->out_end - c->out_begin),
                                         .marks = (uint32_t)(c->marks_end - c->marks_begin)};
    writer_put(w, &record, sizeof record);
    writer_put(w, c->in + c->in_begin, record.in_bytes);
    writer_put(w, c->out + c->out_begin, record.out_bytes);
    for (size_t i = c->marks_begin; i < c->marks_end; i++) {
        struct mf_cargo_mark mark = {.seq = c->marks[i].seq,
                                     .end = c->marks[i].end,
                                     .stream = c->marks[i].stream,
                                     .process = c->marks[i].process};
        writer_put(w, &mark, sizeof mark);
    }
}

static uint32_t connections_pack(const struct mf_connection *c, struct cargo_writer *w)
{
    uint32_t n = 0;
    for (; c; c = c->next)
        if (c->fd >= 0 || c->pending > 0) {
            connection_pack(c, w);
            n++;
        }
    return n;
}

int mf_cargo_fds_list(const struct mf_core *core, struct mf_cargo_fds *fds)
{
    uint32_t n = 1;
    for (const struct mf_connection *c = core->io.connections; c; c = c->next)
        n++;
    *fds = (struct mf_cargo_fds){.fd = malloc(n * sizeof *fds->fd)};
    if (!fds->fd)
        return -1;
    if (core->io.listen_fd >= 0)
        fds->fd[fds->n++] = core->io.listen_fd;
    for (const struct mf_connection *c = core->io.connections; c; c = c->next)
        if (c->fd >= 0)
            fds->fd[fds->n++] = c->fd;
    return 0;
}

static void message_pack(const struct mf_message *m, enum mf_cargo_place place, struct cargo_writer *w)
{
    struct mf_cargo_message record = {.connection = m->connection->id,
                                      .seq = m->seq,
                                      .instance = m->instance,
                                      .count = m->count,
                                      .stream = m->stream,
                                      .process = m->process,
                                      .version = m->version,
                                      .payload_bytes = m->payload_bytes,
                                      .text_bytes = m->text ? (uint32_t)strlen(m->text) : 0,
                                      .place = (uint8_t)place,
                                      .kind = m->kind,
                                      .stage = m->stage};
    writer_put(w, &record, sizeof record);
    writer_put(w, m->payload, m->payload_bytes);
    writer_put(w, m->text, record.text_bytes);
}

static int by_arrival(const void *a, const void *b)
{
    const struct mf_message *const *x = a, *const *y = b;
    return ((*x)->arrived > (*y)->arrived) - ((*x)->arrived < (*y)->arrived);
}

/* Every mailbox's messages in the order in which they arrived, and not process by process: a stream that asks its
 * processes in turn is then answered in its order. False: no memory. */
static bool mailboxes_pack(struct mf_core *core, uint32_t queued, struct cargo_writer *w)
{
    const struct mf_message **all = malloc((queued + 1u) * sizeof(*all));
    if (!all)
        return false;
    uint32_t n = 0;
    for (uint32_t i = 0; i < core->processes_count; i++)
        for (const struct mf_message *m = core->processes[i].mailbox.head; m; m = m->next)
            all[n++] = m;
    qsort(all, n, sizeof(*all), by_arrival);
    for (uint32_t i = 0; i < n; i++)
        message_pack(all[i], MF_CARGO_MAILBOX, w);
    free(all);
    return true;
}

/* A message held at RECEIVED comes last: its process's mailbox holds what was enqueued before it. */
static uint32_t messages_pack(struct mf_core *core, struct cargo_writer *w)
{
    uint32_t n = 0, queued = 0;
    for (uint32_t i = 0; i < core->processes_count; i++) {
        const struct mf_process *p = &core->processes[i];
        queued += p->mailbox.count;
        if (p->held_reply) {
            message_pack(p->held_reply, MF_CARGO_REPLY, w);
            n++;
        }
    }
    if (!mailboxes_pack(core, queued, w))
        w->error = ENOMEM;
    n += queued;
    for (const struct mf_connection *c = core->io.connections; c; c = c->next)
        if (c->held_in) {
            message_pack(c->held_in, MF_CARGO_MAILBOX, w);
            n++;
        }
    return n;
}

static void cargo_write(struct mf_core *core, unsigned parts, struct cargo_writer *w)
{
    struct mf_cargo_header h = {.magic = MF_CARGO_MAGIC,
                                .version = MF_CARGO_VERSION,
                                .header_bytes = sizeof h,
                                .parts = parts,
                                .module_index = core->args->module_index,
                                .processes = core->processes_count,
                                .listen_fd = -1,
                                .next_connection = core->io.next_id};
    writer_put(w, &h, sizeof h);
    states_pack(core, w);
    if (parts & MF_CARGO_CONNECTIONS) {
        h.listen_fd = core->io.listen_fd;
        h.connections =
            connections_pack(core->io.connections, w); /* closed ones too, while messages of theirs are inside */
    }
    if (parts & MF_CARGO_MESSAGES)
        h.messages = messages_pack(core, w);
    writer_flush(w);
    h.total_bytes = w->total; /* the counts are known only now */
    if (!w->error && pwrite(w->fd, &h, sizeof h, 0) != (ssize_t)sizeof h)
        w->error = errno;
}

uint64_t mf_core_state_bytes(struct mf_core *core)
{
    uint64_t each = sizeof(struct mf_cargo_process) + mf_core_current(core)->module->state_bytes;
    return sizeof(struct mf_cargo_header) + each * core->processes_count;
}

int mf_core_pack(struct mf_core *core, unsigned parts, struct mf_error *err)
{
    assert(core->schedulers_stopped && (parts & MF_CARGO_STATE));
    assert(parts == MF_CARGO_STATE || (core->io_stopped && !core->local)); /* a pinger's account cannot be moved */
    if (parts != MF_CARGO_STATE && mf_core_settle(core, err) != 0)
        return -1;
    struct cargo_writer w = {.fd = memfd_create("midflight-cargo", MFD_CLOEXEC), .buffer = malloc(BUFFER_BYTES)};
    if (w.fd >= 0 && w.buffer)
        cargo_write(core, parts, &w);
    else
        w.error = w.buffer ? errno : ENOMEM;
    free(w.buffer);
    if (!w.error)
        return w.fd;
    if (w.fd >= 0)
        close(w.fd);
    errno = w.error;
    return mf_error_errno(err, MF_STATUS_TARGET, NULL, "the cargo cannot be packed");
}

/* --- exec --- */

/* All of them; the first failure is the one that counts. */
static int fds_set_flags(const struct mf_node_args *args, const int *fds, uint32_t n, int flags)
{
    int bad = fcntl(args->recorder_fd, F_SETFD, flags) != 0 || fcntl(args->control_fd, F_SETFD, flags) != 0 ||
              fcntl(args->cargo_fd, F_SETFD, flags) != 0;
    for (uint32_t i = 0; i < n; i++)
        bad |= fds[i] >= 0 && fcntl(fds[i], F_SETFD, flags) != 0;
    return bad ? -1 : 0;
}

int mf_cargo_exec(const struct mf_node_args *args, char **argv, const int *fds, uint32_t n, struct mf_error *err)
{
    char **next = mf_node_args_argv(args, argv[0]);
    if (!next)
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "no memory for the new program's command line");
    /* /proc/self/exe itself and not where it points to: it works where the file has been replaced or removed since */
    if (fds_set_flags(args, fds, n, 0) == 0)
        execve("/proc/self/exe", next, environ);
    mf_error_errno(err, MF_STATUS_TARGET, NULL, "the node cannot replace itself");
    fds_set_flags(args, fds, n, FD_CLOEXEC);
    free(next);
    return -1;
}

int mf_core_exec(struct mf_core *core, const struct mf_upgrade_request *request, int cargo_fd, struct mf_error *err)
{
    struct mf_node_args args = *core->args;
    args.module_index = request->module_index;
    args.cargo_fd = cargo_fd;
    args.cargo_k = request->k;
    args.listen = core->endpoint;
    struct mf_cargo_fds fds;
    if (mf_cargo_fds_list(core, &fds) != 0)
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "no memory for a list of the descriptors");
    mf_cargo_exec(&args, core->argv, fds.fd, fds.n, err);
    free(fds.fd);
    return -1;
}
