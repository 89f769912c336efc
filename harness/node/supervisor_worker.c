/* The supervisor's worker: start, watch, command, kill. */
#include "node/supervisor_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "node/listener.h"

#define START_DEADLINE_MS 5000 /* of the first worker; of one that takes over, args->patience_ms */

extern char **environ;

static uint64_t deadline_in_ms(uint32_t ms)
{
    return mf_clock_now_ns() + ms * MF_NS_PER_MS;
}

/* --- watching --- */

/* Reads what is there now. Returns false where the line has ended. */
static bool line_read(int fd, struct mf_control_reader *reader)
{
    for (;;) {
        size_t space;
        char *at = mf_control_feed_space(reader, &space);
        ssize_t n = recv(fd, at, space, MSG_DONTWAIT);
        if (n < 0 && errno == ENOTSOCK)
            n = read(fd, at, space); /* a pipe: we are here because poll says that it is readable */
        if (n > 0) {
            mf_control_fed(reader, (size_t)n);
            return true;
        }
        if (n < 0 && errno == EINTR)
            continue;
        return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    }
}

static void worker_lines_do(struct mf_supervisor *s, struct mf_worker *w)
{
    char *text;
    while ((text = mf_control_next(&w->reader))) {
        struct mf_control_line line;
        if (mf_control_parse(&line, text) == 0)
            mf_supervisor_on_worker_line(s, w, &line);
    }
}

static void fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void worker_line_do(struct mf_supervisor *s, struct mf_worker *w)
{
    if (!line_read(w->fd, &w->reader))
        fd_close(&w->fd);
    worker_lines_do(s, w);
}

/* It has ended, or is about to: what it still had to say is heard before its end is told. */
void mf_worker_reap(struct mf_supervisor *s, struct mf_worker *w)
{
    siginfo_t info = {0};
    while (waitid(P_PIDFD, (id_t)w->pid_fd, &info, WEXITED) != 0 && errno == EINTR)
        ;
    while (w->fd >= 0) {
        struct pollfd left = {.fd = w->fd, .events = POLLIN};
        if (poll(&left, 1, 0) != 1 || !line_read(w->fd, &w->reader))
            fd_close(&w->fd);
        worker_lines_do(s, w);
    }
    w->end_code = info.si_code;
    w->end_status = info.si_status;
    fd_close(&w->pid_fd);
    fd_close(&w->hand_fd);
    pid_t pid = w->pid;
    w->pid = 0;
    w->ready = w->prepared = false;
    mf_supervisor_on_worker_end(s, w, pid);
}

const char *mf_worker_end_text(const struct mf_worker *w, char *text, size_t n)
{
    if (w->end_code == CLD_EXITED)
        snprintf(text, n, "exit %d", w->end_status);
    else
        snprintf(text, n, "signal %d (%s)", w->end_status, strsignal(w->end_status));
    return text;
}

static void driver_do(struct mf_supervisor *s, short events)
{
    if (!line_read(s->driver_fd, &s->driver) || !(events & POLLIN))
        s->driver_gone = true;
    char *text;
    while (!s->stopping && (text = mf_control_next(&s->driver))) {
        struct mf_control_line line;
        if (mf_control_parse(&line, text) == 0)
            mf_supervisor_on_driver_line(s, &line);
    }
}

int mf_supervisor_pump(struct mf_supervisor *s, bool with_driver, uint64_t deadline_ns, struct mf_error *err)
{
    struct mf_worker *workers[2] = {&s->worker, &s->newcomer};
    struct pollfd at[5] = {{.fd = s->driver_fd, .events = with_driver ? POLLIN : 0},
                           {.fd = s->worker.fd, .events = POLLIN},
                           {.fd = s->worker.pid_fd, .events = POLLIN},
                           {.fd = s->newcomer.fd, .events = POLLIN},
                           {.fd = s->newcomer.pid_fd, .events = POLLIN}};
    uint64_t now_ns = mf_clock_now_ns();
    struct timespec left = mf_clock_timespec(deadline_ns > now_ns ? deadline_ns - now_ns : 0);
    if (ppoll(at, 5, deadline_ns == UINT64_MAX ? NULL : &left, NULL) < 0)
        return errno == EINTR ? 0 : mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "the supervisor cannot wait");
    for (int i = 0; i < 2; i++) {
        if (at[1 + 2 * i].revents)
            worker_line_do(s, workers[i]);
        if (at[2 + 2 * i].revents)
            mf_worker_reap(s, workers[i]);
    }
    if (at[0].revents && with_driver)
        driver_do(s, at[0].revents);
    else if (at[0].revents & (POLLHUP | POLLERR | POLLNVAL))
        s->driver_gone = true;
    if (s->driver_gone)
        return mf_error_set(err, MF_STATUS_INTERRUPTED, NULL, "the driver has gone");
    return 0;
}

/* --- starting --- */

static int fd_inherit(int fd)
{
    return fd < 0 || fcntl(fd, F_SETFD, 0) == 0 ? 0 : -1;
}

/* In the child. Only the recorder, the worker's ends of its lines, the cargo and a listener that we hold go over: all
 * else is close-on-exec. */
static _Noreturn void worker_become(const struct mf_node_args *args, char **argv, pid_t parent)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent && fd_inherit(args->recorder_fd) == 0 &&
        fd_inherit(args->control_fd) == 0 && fd_inherit(args->cargo_fd) == 0 && fd_inherit(args->listen_fd) == 0 &&
        fd_inherit(args->hand_fd) == 0 && fd_inherit(args->take_fd) == 0)
        execve("/proc/self/exe", argv, environ);
    struct mf_control_writer w;
    char text[128];
    snprintf(text, sizeof text, "cannot start the worker: %s", strerror(errno));
    mf_control_begin(&w, "error");
    mf_control_put(&w, "text", text);
    mf_control_put_u64(&w, "status", MF_STATUS_TARGET);
    if (mf_control_end(&w) == 0)
        mf_control_send(args->control_fd, &w); /* where that fails too, the exit status is all there is to tell */
    _exit(MF_STATUS_TARGET);
}

static int worker_fork(struct mf_supervisor *s, struct mf_worker *w, const struct mf_node_args *args,
                       struct mf_error *err)
{
    char **argv = mf_node_args_argv(args, s->program);
    if (!argv)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for a worker's command line");
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        worker_become(args, argv, parent);
    int code = errno;
    free(argv);
    errno = code;
    if (pid < 0)
        return mf_error_errno(err, MF_STATUS_TARGET, NULL, "cannot fork a worker");
    int pid_fd = pidfd_open(pid, 0); /* close-on-exec by itself */
    if (pid_fd < 0) {
        mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "cannot watch the worker");
        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
        return -1;
    }
    *w = (struct mf_worker){.pid = pid, .pid_fd = pid_fd, .fd = -1, .hand_fd = -1, .module_index = args->module_index};
    return 0;
}

/* A worker that has been forked and has not begun yet, with `args` but for its lines. */
int mf_worker_launch(struct mf_supervisor *s, struct mf_worker *w, struct mf_node_args *args, struct mf_error *err)
{
    int line[2] = {-1, -1}, hand[2] = {-1, -1};
    int bad = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line) != 0 ||
              (s->strategy->hands_over && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, hand) != 0);
    if (bad)
        mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "cannot make the worker's control line");
    args->worker = true;
    args->control_fd = line[1];
    args->hand_fd = hand[1];
    args->cargo_k = UINT32_MAX;
    if (s->endpoint[0] && args->listen)
        args->listen = s->endpoint;
    if (s->listen_fd >= 0) {
        args->listen_fd = s->listen_fd;
        args->listen = s->held_endpoint;
    }
    if (!bad)
        bad = worker_fork(s, w, args, err);
    fd_close(&line[1]);
    fd_close(&hand[1]);
    if (bad) {
        fd_close(&line[0]);
        fd_close(&hand[0]);
        return -1;
    }
    w->fd = line[0];
    w->hand_fd = hand[0];
    atomic_fetch_add(&s->rec.node->starts, 1);
    return 0;
}

uint32_t mf_supervisor_start_ms(const struct mf_supervisor *s)
{
    return s->in_strategy ? s->args->patience_ms : START_DEADLINE_MS;
}

/* Until *what, which one of its lines makes true. -1: it has been ended. */
int mf_worker_await(struct mf_supervisor *s, struct mf_worker *w, const bool *what, uint32_t deadline_ms,
                    struct mf_error *err)
{
    uint64_t deadline_ns = deadline_in_ms(deadline_ms);
    while (w->pid && !*what && mf_clock_now_ns() < deadline_ns)
        if (mf_supervisor_pump(s, false, deadline_ns, err) != 0)
            return -1;
    if (w->pid && *what)
        return 0;
    if (w->pid)
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "the worker was not ready after %u ms", deadline_ms);
    char text[64];
    if (w->error.text[0])
        *err = w->error;
    else
        mf_error_set(err, MF_STATUS_TARGET, NULL, "the worker ended before it was ready: %s",
                     mf_worker_end_text(w, text, sizeof text));
    return -1;
}

int mf_supervisor_start_worker(struct mf_supervisor *s, uint32_t module_index, int cargo_fd, struct mf_error *err)
{
    struct mf_node_args args = *s->args;
    args.module_index = module_index;
    args.cargo_fd = cargo_fd;
    int bad = mf_worker_launch(s, &s->worker, &args, err);
    if (cargo_fd >= 0)
        close(cargo_fd);
    if (bad)
        return -1;
    atomic_store(&s->rec.node->worker_pid, (uint32_t)s->worker.pid);
    if (mf_worker_await(s, &s->worker, &s->worker.ready, mf_supervisor_start_ms(s), err) == 0)
        return 0;
    struct mf_error ignored;
    mf_supervisor_kill_worker(s, &ignored);
    return -1;
}

int mf_supervisor_listen(struct mf_supervisor *s, struct mf_error *err)
{
    struct mf_listener_plan plan = {.at = s->args->listen};
    s->listen_fd = mf_listener_make(&plan, s->held_endpoint, sizeof s->held_endpoint, err);
    return s->listen_fd < 0 ? -1 : 0;
}

/* --- telling and ending --- */

int mf_supervisor_tell_worker(struct mf_supervisor *s, struct mf_control_writer *w)
{
    if (s->worker.fd < 0 || mf_control_end(w) != 0)
        return -1;
    return mf_control_send(s->worker.fd, w);
}

int mf_supervisor_wait_worker(struct mf_supervisor *s, uint32_t deadline_ms, struct mf_error *err)
{
    uint64_t deadline_ns = deadline_in_ms(deadline_ms);
    while (s->worker.pid && mf_clock_now_ns() < deadline_ns)
        if (mf_supervisor_pump(s, false, deadline_ns, err) != 0)
            return -1;
    if (!s->worker.pid)
        return 0;
    return mf_error_set(err, MF_STATUS_TARGET, NULL, "the worker had not ended after %u ms", deadline_ms);
}

void mf_supervisor_unlink_endpoint(const struct mf_supervisor *s)
{
    const char *at = s->listen_fd < 0 ? s->endpoint : s->held_endpoint;
    if (strncmp(at, "unix:", 5) == 0)
        unlink(at + 5);
}

int mf_supervisor_kill_worker(struct mf_supervisor *s, struct mf_error *err)
{
    if (!s->worker.pid)
        return 0;
    /* The kernel closes a dying process's sockets in an order of its own, often the listener last: who reconnects at
     * once would be taken in by the dead. A UNIX socket's path can go first; over TCP that is a loss like others. */
    if (s->listen_fd < 0) /* what we hold is for the next one */
        mf_supervisor_unlink_endpoint(s);
    if (pidfd_send_signal(s->worker.pid_fd, SIGKILL, NULL, 0) != 0 && errno != ESRCH)
        return mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "cannot kill the worker");
    /* Not by the pump: the driver may have gone, and the worker must go all the same. SIGKILL cannot be refused. */
    mf_worker_reap(s, &s->worker);
    return 0;
}

static void worker_end_is_the_answer(struct mf_supervisor *s)
{
    char text[64];
    s->command = s->worker.end_code == CLD_EXITED && s->worker.end_status == 0 ? MF_COMMAND_DONE : MF_COMMAND_REFUSED;
    snprintf(s->command_reason, sizeof s->command_reason, "the worker ended in the middle of it: %s",
             mf_worker_end_text(&s->worker, text, sizeof text));
}

int mf_supervisor_command(struct mf_supervisor *s, const char *what, uint32_t deadline_ms, struct mf_error *err)
{
    struct mf_control_writer w;
    mf_control_begin(&w, "command");
    mf_control_put(&w, "what", what);
    if (mf_supervisor_tell_worker(s, &w) != 0)
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "%s: there is no worker that could be told", what);
    s->command = MF_COMMAND_SENT;
    uint64_t deadline_ns = deadline_in_ms(deadline_ms);
    while (s->command == MF_COMMAND_SENT && mf_clock_now_ns() < deadline_ns) {
        if (mf_supervisor_pump(s, false, deadline_ns, err) != 0)
            return -1;
        if (!s->worker.pid && s->command == MF_COMMAND_SENT)
            worker_end_is_the_answer(s);
    }
    enum mf_command_state state = s->command;
    s->command = MF_COMMAND_NONE;
    if (state == MF_COMMAND_DONE)
        return 0;
    if (state == MF_COMMAND_REFUSED)
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "%s", s->command_reason);
    return mf_error_set(err, MF_STATUS_TARGET, NULL, "%s: the worker had not answered after %u ms", what, deadline_ms);
}
