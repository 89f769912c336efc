#include "faults/workers.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define EXEC_NS MF_NS_PER_S /* longer than any execve takes; a process without a command line is no worker */

static ssize_t proc_read(pid_t pid, const char *name, char *text, size_t bytes)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, bytes - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = 0;
    return n;
}

static bool is_living_child(pid_t pid, pid_t supervisor)
{
    char text[1024], state;
    int parent;
    if (proc_read(pid, "stat", text, sizeof text) <= 0)
        return false;
    const char *end = strrchr(text, ')'); /* the name before it may hold anything */
    return end && sscanf(end + 1, " %c %d", &state, &parent) == 2 && parent == supervisor && state != 'Z' &&
           state != 'X';
}

/* A child of the supervisor that lives and is a worker (it also has children for a moment that try modules). One that
 * is in the middle of execve has no command line yet, though posix_spawn has come back: what it will be is waited for.
 */
static bool is_worker(pid_t pid, pid_t supervisor)
{
    char text[4096];
    uint64_t until_ns = mf_clock_now_ns() + EXEC_NS;
    ssize_t n = 0;
    while (is_living_child(pid, supervisor) && (n = proc_read(pid, "cmdline", text, sizeof text)) == 0 &&
           mf_clock_now_ns() < until_ns)
        sched_yield();
    const char *second = n > 0 ? memchr(text, 0, (size_t)n) : NULL;
    return second && second + 1 < text + n && strcmp(second + 1, "--worker") == 0;
}

static uint32_t workers_list(pid_t supervisor, pid_t *pid, uint32_t room)
{
    DIR *proc = opendir("/proc");
    uint32_t n = 0;
    if (!proc || supervisor <= 0) {
        if (proc)
            closedir(proc);
        return 0;
    }
    for (struct dirent *entry; n < room && (entry = readdir(proc));) {
        long candidate = strtol(entry->d_name, NULL, 10);
        if (candidate > 0 && is_worker((pid_t)candidate, supervisor))
            pid[n++] = (pid_t)candidate;
    }
    closedir(proc);
    return n;
}

static pid_t old_of(const struct mf_fault_act *act)
{
    const struct mf_recorder *rec = act->site->rec;
    uint32_t before = act->k == UINT32_MAX ? 0 : rec->log[act->k].pid_before;
    return (pid_t)(before ? before : atomic_load(&rec->node->worker_pid));
}

int mf_workers_find(struct mf_fault_act *act, enum mf_fault_whom whom, struct mf_error *err)
{
    pid_t all[MF_ACT_PIDS], old = old_of(act);
    if (act->site->members) {
        act->pids = act->site->members(act->site->ctx, whom, act->pid, MF_ACT_PIDS);
        if (act->pids > 0)
            return 0;
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "no such process of the target lived any more");
    }
    uint32_t n = workers_list(act->site->supervisor, all, MF_ACT_PIDS);
    act->pids = 0;
    for (uint32_t i = 0; i < n; i++)
        if (whom == MF_WHOM_BOTH || (all[i] == old) == (whom == MF_WHOM_OLD) || (whom == MF_WHOM_NEW && n == 1))
            act->pid[act->pids++] = all[i];
    if (act->pids > 0)
        return 0;
    return mf_error_set(err, MF_STATUS_TARGET, NULL, "there was no %sworker any more",
                        whom == MF_WHOM_OLD   ? "old "
                        : whom == MF_WHOM_NEW ? "new "
                                              : "");
}

const char *mf_workers_text(const struct mf_fault_act *act, char *text, size_t bytes)
{
    size_t used = (size_t)snprintf(text, bytes, "%s%s", act->site->members ? "process" : "worker",
                                   act->pids == 1       ? ""
                                   : act->site->members ? "es"
                                                        : "s");
    for (uint32_t i = 0; i < act->pids && used < bytes; i++)
        used += (size_t)snprintf(text + used, bytes - used, "%s %d", i ? "," : "", (int)act->pid[i]);
    return text;
}
