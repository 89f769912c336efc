#include "targets/modules.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "targets/target.h"

#define DESCRIBE_DEADLINE_MS 10000
#define DESCRIBE_BYTES       65536

static bool name_is_path(const char *name)
{
    size_t n = strlen(name);
    return n >= 3 && strcmp(name + n - 3, ".so") == 0;
}

int mf_module_path(const char *modules_dir, const char *name, char *path, size_t bytes)
{
    char cwd[PATH_MAX];
    int n;
    if (!name_is_path(name))
        n = snprintf(path, bytes, "%s/%s.so", modules_dir, name);
    else if (name[0] == '/')
        n = snprintf(path, bytes, "%s", name);
    else if (getcwd(cwd, sizeof cwd))
        n = snprintf(path, bytes, "%s/%s", cwd, name);
    else
        return -1;
    return n < 0 || (size_t)n >= bytes ? -1 : 0;
}

/* --- midflight-node --describe ------------------------------------------------------------------------------------ */

struct describe;

struct stream_text {
    struct describe *owner;
    uv_pipe_t pipe;
    size_t used;
    char text[DESCRIBE_BYTES];
};

struct describe {
    uv_loop_t loop;
    uv_process_t process;
    uv_timer_t deadline;
    struct stream_text out, error;
    bool exited, timed_out;
    int64_t status;
    int signal;
};

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct stream_text *s = handle->data;
    (void)suggested;
    *buf = uv_buf_init(s->text + s->used, (unsigned)(sizeof s->text - 1 - s->used)); /* full: libuv gives ENOBUFS */
}

/* The deadline goes on until the streams have ended, too: whoever holds them open must not hold us. */
static void describe_ended(struct describe *d)
{
    bool streams_ended = uv_is_closing((uv_handle_t *)&d->out.pipe) && uv_is_closing((uv_handle_t *)&d->error.pipe);
    if (d->exited && streams_ended && !uv_is_closing((uv_handle_t *)&d->deadline))
        uv_close((uv_handle_t *)&d->deadline, NULL);
}

static void close_if_open(uv_handle_t *handle, void *ctx)
{
    (void)ctx;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct stream_text *s = stream->data;
    (void)buf;
    if (n > 0)
        s->used += (size_t)n;
    if (n >= 0)
        return;
    close_if_open((uv_handle_t *)stream, NULL);
    describe_ended(s->owner);
}

static void on_process_exit(uv_process_t *process, int64_t status, int signal)
{
    struct describe *d = process->data;
    d->exited = true;
    d->status = status;
    d->signal = signal;
    uv_close((uv_handle_t *)process, NULL);
    describe_ended(d);
}

static void on_deadline(uv_timer_t *timer)
{
    struct describe *d = timer->data;
    d->timed_out = true;
    if (!d->exited)
        uv_process_kill(&d->process, SIGKILL);
    close_if_open((uv_handle_t *)&d->out.pipe, NULL);
    close_if_open((uv_handle_t *)&d->error.pipe, NULL);
    describe_ended(d);
}

static void stream_begin(struct describe *d, struct stream_text *s)
{
    uv_pipe_init(&d->loop, &s->pipe, 0);
    s->pipe.data = s;
    s->owner = d;
}

static int describe_spawn(struct describe *d, const char *program, char **argv)
{
    stream_begin(d, &d->out);
    stream_begin(d, &d->error);
    uv_timer_init(&d->loop, &d->deadline);
    d->deadline.data = d->process.data = d;
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&d->out.pipe},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&d->error.pipe},
    };
    uv_process_options_t spawn = {
        .exit_cb = on_process_exit, .file = program, .args = argv, .stdio_count = 3, .stdio = stdio};
    int bad = uv_spawn(&d->loop, &d->process, &spawn);
    if (bad)
        return bad;
    uv_read_start((uv_stream_t *)&d->out.pipe, on_alloc, on_read);
    uv_read_start((uv_stream_t *)&d->error.pipe, on_alloc, on_read);
    return uv_timer_start(&d->deadline, on_deadline, DESCRIBE_DEADLINE_MS, 0);
}

/* The first line of what it said on stderr, without its own name before it. */
static const char *complaint(struct describe *d)
{
    char *text = d->error.text, *end = strchr(text, '\n');
    if (end)
        *end = 0;
    return strncmp(text, "midflight-node: ", 16) == 0 ? text + 16 : text;
}

/* One line: PATH name=pingpong version=2 state_version=1 state_bytes=16. The path may hold blanks. */
static int version_read(const char *line, uint32_t *version)
{
    const char *at = NULL;
    for (const char *p = line; (p = strstr(p, " version=")); p++)
        at = p;
    return at && sscanf(at, " version=%" SCNu32, version) == 1 ? 0 : -1;
}

static int versions_read(char *text, uint32_t *versions, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        char *line = strsep(&text, "\n");
        if (!line || version_read(line, &versions[i]) != 0)
            return -1;
    }
    return 0;
}

static int describe_read(struct describe *d, const char *program, uint32_t *versions, uint32_t n, struct mf_error *err)
{
    d->out.text[d->out.used] = d->error.text[d->error.used] = 0;
    if (d->timed_out)
        return mf_error_set(err, MF_STATUS_TARGET, program, "--describe took over %d s to load the modules",
                            DESCRIBE_DEADLINE_MS / 1000);
    const char *why = complaint(d);
    if (d->signal)
        return mf_error_set(err, MF_STATUS_TARGET, program,
                            "--describe: a module crashed while it was loaded: signal %d (%s)", d->signal,
                            strsignal(d->signal));
    if (d->status != 0)
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "%s",
                            why[0] ? why : "midflight-node --describe failed, and did not say why");
    if (versions_read(d->out.text, versions, n) != 0)
        return mf_error_set(err, MF_STATUS_TARGET, program, "--describe did not say the modules' versions");
    return 0;
}

static int describe_run(const char *program, char **argv, uint32_t *versions, uint32_t n, struct mf_error *err)
{
    struct describe *d = calloc(1, sizeof *d);
    if (!d || uv_loop_init(&d->loop) != 0) {
        free(d);
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory or descriptors to ask for the modules' versions");
    }
    int bad = describe_spawn(d, program, argv);
    if (bad)
        uv_walk(&d->loop, close_if_open, NULL);
    uv_run(&d->loop, UV_RUN_DEFAULT);
    int result = bad ? mf_error_set(err, MF_STATUS_TARGET, program, "cannot be started: %s", uv_strerror(bad))
                     : describe_read(d, program, versions, n, err);
    uv_loop_close(&d->loop);
    free(d);
    return result;
}

int mf_node_describe(const char *program, const char *modules_dir, const struct mf_node_target *node,
                     uint32_t *versions, struct mf_error *err)
{
    uint32_t n = node->modules_count;
    char(*paths)[PATH_MAX] = calloc(n, sizeof *paths);
    char **argv = calloc(n + 3, sizeof *argv);
    int result = -1;
    if (!paths || !argv) {
        mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the names of %" PRIu32 " modules", n);
        goto done;
    }
    argv[0] = (char *)(uintptr_t)program;
    argv[1] = (char *)(uintptr_t) "--describe";
    for (uint32_t i = 0; i < n; i++) {
        if (mf_module_path(modules_dir, node->modules[i], paths[i], sizeof paths[i]) != 0) {
            mf_error_set(err, MF_STATUS_TARGET, node->modules[i], "its path is too long");
            goto done;
        }
        if (access(paths[i], R_OK) != 0) {
            mf_error_errno(err, MF_STATUS_TARGET, NULL, "module %s: %s", node->modules[i], paths[i]);
            goto done;
        }
        argv[i + 2] = paths[i];
    }
    result = describe_run(program, argv, versions, n, err);
done:
    free(argv);
    free(paths);
    return result;
}
