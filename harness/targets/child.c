#include "targets/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "targets/group.h"
#include "targets/netspace.h"

#define TERM_TO_KILL_MS 1000
#define LEFT_LOOK_MS    5
#define LEFT_GIVE_UP_NS (10 * MF_NS_PER_S)

enum { STOP_ASKED, STOP_TERM, STOP_KILL };

struct mf_child {
    uv_loop_t *loop;
    struct mf_child_events events;
    uv_process_t process;
    uv_pipe_t line;
    uv_timer_t timer;
    struct mf_control_reader reader;
    int handles; /* that are not closed yet */
    bool has_line, has_process, line_closed, started, exited, stopping, closing;
    int escalation; /* how far stopping has come */
    uint64_t give_up_ns;
    uint32_t left;
    struct mf_child *next; /* of all that there are */
};

static struct mf_child *children; /* those that were started and are not gone; the loop's thread alone has them */

pid_t mf_child_pid(const struct mf_child *c)
{
    return c->process.pid;
}

bool mf_child_owns(pid_t pid)
{
    const struct mf_child *c = children;
    while (c && c->process.pid != pid)
        c = c->next;
    return c != NULL;
}

static void children_remove(struct mf_child *c)
{
    struct mf_child **at = &children;
    while (*at && *at != c)
        at = &(*at)->next;
    if (*at)
        *at = c->next;
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void on_closed(uv_handle_t *handle)
{
    struct mf_child *c = handle->data;
    if (--c->handles > 0)
        return;
    children_remove(c);
    if (c->started)
        c->events.gone(c->events.ctx, c->left);
    free(c);
}

static void child_close(struct mf_child *c)
{
    if (c->closing)
        return;
    c->closing = true;
    uv_close((uv_handle_t *)&c->timer, on_closed);
    if (c->has_process)
        uv_close((uv_handle_t *)&c->process, on_closed);
    if (c->has_line)
        uv_close((uv_handle_t *)&c->line, on_closed);
}

/* After the child itself has been reaped: the rest of its group must go too. A dying process takes its time, hence the
 * timer. */
static void on_look_for_left(uv_timer_t *timer)
{
    struct mf_child *c = timer->data;
    pid_t group = c->process.pid;
    c->left = mf_group_left(group);
    if (c->left == 0 || mf_clock_now_ns() > c->give_up_ns) {
        child_close(c);
        return;
    }
    mf_group_signal(group, SIGKILL);
    uv_timer_start(&c->timer, on_look_for_left, LEFT_LOOK_MS, 0);
}

static void child_end_group(struct mf_child *c)
{
    c->give_up_ns = mf_clock_now_ns() + LEFT_GIVE_UP_NS;
    on_look_for_left(&c->timer);
}

static void on_patience_over(uv_timer_t *timer)
{
    struct mf_child *c = timer->data;
    if (c->exited)
        return;
    if (++c->escalation == STOP_TERM) {
        mf_group_signal(c->process.pid, SIGTERM);
        uv_timer_start(&c->timer, on_patience_over, TERM_TO_KILL_MS, 0);
        return;
    }
    c->escalation = STOP_KILL;
    mf_group_signal(c->process.pid, SIGKILL);
}

void mf_child_stop(struct mf_child *c, uint64_t polite_ms)
{
    bool again = c->stopping;
    c->stopping = true;
    if (c->closing || (again && (c->exited || polite_ms > 0)))
        return;
    if (c->exited) {
        child_end_group(c);
        return;
    }
    if (polite_ms == 0) {
        c->escalation = STOP_TERM;
        on_patience_over(&c->timer);
        return;
    }
    struct mf_control_writer w;
    mf_control_begin(&w, "stop");
    mf_control_end(&w);
    mf_child_say(c, &w); /* where nobody hears it, the signals below will be felt */
    uv_timer_start(&c->timer, on_patience_over, polite_ms, 0);
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct mf_child *c = handle->data;
    size_t space;
    (void)suggested;
    buf->base = mf_control_feed_space(&c->reader, &space);
    buf->len = space;
}

static void lines_take(struct mf_child *c)
{
    for (char *text; !c->closing && (text = mf_control_next(&c->reader));) {
        struct mf_control_line line;
        char copy[128];
        snprintf(copy, sizeof copy, "%s", text);
        if (mf_control_parse(&line, text) == 0)
            c->events.line(c->events.ctx, &line);
        else
            c->events.garbage(c->events.ctx, copy);
    }
    if (c->reader.overrun) {
        c->reader.overrun = false;
        c->events.garbage(c->events.ctx, "a line that is too long");
    }
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct mf_child *c = stream->data;
    (void)buf;
    if (n > 0) {
        mf_control_fed(&c->reader, (size_t)n);
        lines_take(c);
    } else if (n < 0) {
        uv_read_stop(stream);
        c->line_closed = true;
    }
}

struct say {
    uv_write_t request;
    size_t bytes;
    char text[];
};

static void on_said(uv_write_t *request, int status)
{
    (void)status; /* nobody there: `exited` tells it */
    free(request->data);
}

int mf_child_say(struct mf_child *c, const struct mf_control_writer *w)
{
    if (w->overrun || !c->has_line || c->line_closed || c->closing)
        return -1;
    struct say *say = malloc(sizeof *say + w->used);
    if (!say)
        return -1;
    memcpy(say->text, w->text, w->used);
    say->request.data = say;
    uv_buf_t buf = uv_buf_init(say->text, (unsigned)w->used);
    if (uv_write(&say->request, (uv_stream_t *)&c->line, &buf, 1, on_said) != 0) {
        free(say);
        return -1;
    }
    return 0;
}

/* --- its own end -------------------------------------------------------------------------------------------------- */

/* What it had said before it ended lies in the socket still, and belongs before its end. */
static void line_drain(struct mf_child *c)
{
    uv_os_fd_t fd;
    while (c->has_line && !c->line_closed && uv_fileno((uv_handle_t *)&c->line, &fd) == 0) {
        size_t space;
        char *at = mf_control_feed_space(&c->reader, &space);
        ssize_t n = recv(fd, at, space, MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        mf_control_fed(&c->reader, (size_t)n);
        lines_take(c);
    }
}

static void on_process_exit(uv_process_t *process, int64_t status, int signal)
{
    struct mf_child *c = process->data;
    char how[128];
    if (signal)
        snprintf(how, sizeof how, "signal %d (%s)", signal, strsignal(signal));
    else
        snprintf(how, sizeof how, "exit %lld", (long long)status);
    bool asked = c->stopping;
    line_drain(c);
    c->exited = true;
    uv_timer_stop(&c->timer);
    /* Said from now on, stop ends the group by itself. */
    bool end_group = c->stopping;
    c->events.exited(c->events.ctx, how, asked);
    if (end_group)
        child_end_group(c);
}

/* --- the start ---------------------------------------------------------------------------------------------------- */

static int child_spawn(struct mf_child *c, const struct mf_child_options *options, int log_fd, int line_fd)
{
    uv_stdio_container_t stdio[5] = {
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = log_fd},
        {.flags = UV_INHERIT_FD, .data.fd = log_fd},
        {.flags = options->recorder_fd >= 0 ? UV_INHERIT_FD : UV_IGNORE, .data.fd = options->recorder_fd},
        {.flags = line_fd >= 0 ? UV_INHERIT_FD : UV_IGNORE, .data.fd = line_fd},
    };
    uv_process_options_t spawn = {
        .exit_cb = on_process_exit,
        .file = options->argv[0],
        .args = (char **)(uintptr_t)options->argv,
        .flags = UV_PROCESS_DETACHED, /* setsid: a session and group of its own */
        .stdio_count = 5,
        .stdio = stdio,
    };
    /* the child is forked from this thread, and begins in its namespace */
    int back = -1;
    if (options->net_fd > 0 && mf_netspace_enter(options->net_fd, &back) != 0)
        return uv_translate_sys_error(errno);
    int bad = uv_spawn(c->loop, &c->process, &spawn);
    if (back >= 0)
        mf_netspace_leave(back);
    return bad;
}

static int line_open(struct mf_child *c, int *theirs, struct mf_error *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "cannot make a control line");
    uv_pipe_init(c->loop, &c->line, 0);
    c->line.data = c;
    c->has_line = true;
    c->handles++;
    int bad = uv_pipe_open(&c->line, pair[0]);
    if (bad)
        close(pair[0]);
    else
        bad = uv_read_start((uv_stream_t *)&c->line, on_alloc, on_read);
    if (bad) {
        close(pair[1]);
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "cannot use a control line: %s", uv_strerror(bad));
    }
    *theirs = pair[1];
    return 0;
}

/* With the log open. The process handle exists after uv_spawn only, whether that succeeded or not. */
static int child_begin(struct mf_child *c, const struct mf_child_options *options, int log_fd, struct mf_error *err)
{
    int theirs = -1;
    if (options->control && line_open(c, &theirs, err) != 0)
        return -1;
    c->process.data = c;
    c->has_process = true;
    c->handles++;
    int bad = child_spawn(c, options, log_fd, theirs);
    if (theirs >= 0)
        close(theirs);
    if (bad)
        return mf_error_set(err, MF_STATUS_TARGET, options->argv[0], "cannot be started: %s", uv_strerror(bad));
    c->started = true;
    c->next = children;
    children = c;
    return 0;
}

struct mf_child *mf_child_start(uv_loop_t *loop, const struct mf_child_options *options,
                                const struct mf_child_events *events, struct mf_error *err)
{
    int log_fd = open(options->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (log_fd < 0) {
        mf_error_errno(err, MF_STATUS_INTERNAL, options->log_path, "cannot open the log");
        return NULL;
    }
    struct mf_child *c = calloc(1, sizeof *c);
    if (!c) {
        close(log_fd);
        mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for a child");
        return NULL;
    }
    c->loop = loop;
    c->events = *events;
    uv_timer_init(loop, &c->timer);
    c->timer.data = c;
    c->handles = 1;
    int bad = child_begin(c, options, log_fd, err);
    close(log_fd);
    if (!bad)
        return c;
    child_close(c); /* frees it on the loop's next turn */
    return NULL;
}

const char *mf_child_last_words(const char *log_path, char *text, size_t bytes)
{
    char tail[2048];
    text[0] = 0;
    FILE *file = fopen(log_path, "re");
    if (!file)
        return text;
    if (fseek(file, 0, SEEK_END) == 0) {
        long size = ftell(file);
        fseek(file, size > (long)sizeof tail - 1 ? size - (long)sizeof tail + 1 : 0, SEEK_SET);
    }
    size_t n = fread(tail, 1, sizeof tail - 1, file);
    fclose(file);
    while (n > 0 && (tail[n - 1] == '\n' || tail[n - 1] == '\r' || tail[n - 1] == ' '))
        n--;
    tail[n] = 0;
    char *begin = memrchr(tail, '\n', n);
    snprintf(text, bytes, "%s", begin ? begin + 1 : tail);
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 127)
            *p = ' ';
    return text;
}
