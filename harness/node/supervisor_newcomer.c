/* The supervisor's newcomer: a second worker beside the first, for a while. */
#include <errno.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/hand.h"
#include "node/supervisor_internal.h"

#define SERVE_DEADLINE_MS 2000

static void fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void mf_supervisor_dismiss_newcomer(struct mf_supervisor *s)
{
    fd_close(&s->take_fd);
    if (!s->newcomer.pid)
        return;
    pidfd_send_signal(s->newcomer.pid_fd, SIGKILL, NULL, 0); /* ESRCH: it has gone */
    mf_worker_reap(s, &s->newcomer);
}

int mf_supervisor_start_newcomer(struct mf_supervisor *s, uint32_t module_index, bool takes_over, struct mf_error *err)
{
    int take[2] = {-1, -1};
    struct mf_node_args args = *s->args;
    if (takes_over && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, take) != 0)
        return mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "cannot make the newcomer's line");
    args.module_index = module_index;
    args.take_fd = take[1];
    s->take_fd = take[0];
    int bad = mf_worker_launch(s, &s->newcomer, &args, err);
    fd_close(&take[1]);
    if (!bad)
        bad = mf_worker_await(s, &s->newcomer, takes_over ? &s->newcomer.prepared : &s->newcomer.ready,
                              mf_supervisor_start_ms(s), err);
    if (bad)
        mf_supervisor_dismiss_newcomer(s);
    return bad;
}

void mf_supervisor_succeed(struct mf_supervisor *s)
{
    s->worker = s->newcomer;
    s->newcomer = (struct mf_worker){.pid_fd = -1, .fd = -1, .hand_fd = -1};
    atomic_store(&s->rec.node->worker_pid, (uint32_t)s->worker.pid);
}

static int newcomer_line_send(struct mf_supervisor *s, struct mf_error *err)
{
    struct mf_hand_packet packet = {0};
    int bad = mf_hand_send(s->worker.hand_fd, &packet, &s->take_fd, 1);
    if (bad)
        mf_error_errno(err, MF_STATUS_TARGET, NULL, "the worker cannot be sent the newcomer's line");
    fd_close(&s->take_fd);
    return bad;
}

/* The old one may have died when the newcomer had everything: then that goes on, and all is well. */
static bool newcomer_serves(struct mf_supervisor *s)
{
    struct mf_error ignored;
    return !s->worker.pid && mf_worker_await(s, &s->newcomer, &s->newcomer.ready, SERVE_DEADLINE_MS, &ignored) == 0;
}

int mf_supervisor_hand_over(struct mf_supervisor *s, const char *what, uint32_t deadline_ms, struct mf_error *err)
{
    int bad = newcomer_line_send(s, err);
    if (!bad)
        bad = mf_supervisor_command(s, what, deadline_ms, err);
    if (newcomer_serves(s)) {
        mf_supervisor_succeed(s);
        return 0;
    }
    if (!bad)
        mf_error_set(err, MF_STATUS_TARGET, NULL, "the newcomer took everything over and did not serve");
    mf_supervisor_dismiss_newcomer(s);
    return -1;
}
