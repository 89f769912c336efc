/* kill: SIGKILL. Waits until they are dead, so that what is done next meets the dead. The no-op twin sends no signal.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "faults/workers.h"

#define DEATH_MS 1000

static int one_kill(pid_t pid, bool noop, struct mf_error *err)
{
    int fd = pidfd_open(pid, 0);
    if (fd < 0)
        return errno == ESRCH ? 0 : mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "cannot get at worker %d", (int)pid);
    int bad = pidfd_send_signal(fd, noop ? 0 : SIGKILL, NULL, 0) != 0 && errno != ESRCH;
    if (bad)
        mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "cannot kill worker %d", (int)pid);
    struct pollfd at = {.fd = fd, .events = POLLIN};
    if (!bad && !noop && poll(&at, 1, DEATH_MS) != 1)
        bad = mf_error_set(err, MF_STATUS_INTERNAL, NULL, "worker %d was not dead after %d ms", (int)pid, DEATH_MS);
    close(fd);
    return bad ? -1 : 0;
}

static int kill_inject(struct mf_fault_act *act, struct mf_error *err)
{
    char text[64];
    if (mf_workers_find(act, act->plan->whom, err) != 0)
        return -1;
    for (uint32_t i = 0; i < act->pids; i++)
        if (one_kill(act->pid[i], act->plan->noop, err) != 0)
            return -1;
    mf_act_say(act, "%s %s", act->plan->noop ? "let live" : "killed", mf_workers_text(act, text, sizeof text));
    return 0;
}

const struct mf_fault mf_fault_kill = {.name = "kill", .inject = kill_inject};
