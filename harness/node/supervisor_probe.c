/* A module is tried in an OS process that can be lost. */
#include "node/supervisor_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define PROBE_DEADLINE_MS 5000

extern char **environ;

static _Noreturn void probe_become(const char *program, const char *path, int words_fd, pid_t parent)
{
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    char *const argv[] = {(char *)program, (char *)"--describe", (char *)path, NULL};
    if (null_fd >= 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent && dup2(null_fd, 0) == 0 &&
        dup2(null_fd, 1) == 1 && dup2(words_fd, 2) == 2)
        execve("/proc/self/exe", argv, environ);
    dprintf(words_fd, "cannot start a process to try the module in: %s\n", strerror(errno));
    _exit(MF_STATUS_TARGET);
}

/* What it says until it ends, or the deadline is over. Returns false then. */
static bool words_read(int fd, char *words, size_t room)
{
    uint64_t deadline_ns = mf_clock_now_ns() + PROBE_DEADLINE_MS * MF_NS_PER_MS;
    size_t used = 0;
    for (;;) {
        uint64_t now_ns = mf_clock_now_ns();
        struct pollfd at = {.fd = fd, .events = POLLIN};
        words[used] = 0;
        if (now_ns >= deadline_ns)
            return false;
        if (poll(&at, 1, (int)((deadline_ns - now_ns) / MF_NS_PER_MS) + 1) <= 0)
            continue;
        char rest[256];
        bool full = used + 1 == room;
        ssize_t n = read(fd, full ? rest : words + used, full ? sizeof rest : room - 1 - used);
        if (n > 0 && !full)
            used += (size_t)n;
        if (n == 0 || (n < 0 && errno != EINTR))
            return true;
    }
}

static int probe_judge(bool in_time, int status, char *words, const char *path, struct mf_error *err)
{
    if (!in_time)
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "%s: trying it took over %d ms", path, PROBE_DEADLINE_MS);
    if (WIFSIGNALED(status))
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "%s: crashed when it was tried: %s", path,
                            strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) == 0)
        return 0;
    words[strcspn(words, "\n")] = 0;
    const char *prefix = "midflight-node: ";
    if (strncmp(words, prefix, strlen(prefix)) == 0)
        words += strlen(prefix);
    if (words[0])
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "%s", words);
    return mf_error_set(err, MF_STATUS_TARGET, NULL, "%s: trying it ended with exit %d", path, WEXITSTATUS(status));
}

int mf_supervisor_probe(struct mf_supervisor *s, uint32_t module_index, struct mf_error *err)
{
    const char *path = s->args->modules[module_index];
    int words[2];
    if (pipe2(words, O_CLOEXEC) != 0)
        return mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "cannot make a pipe");
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        probe_become(s->program, path, words[1], parent);
    int code = errno;
    close(words[1]);
    if (pid < 0) {
        close(words[0]);
        errno = code;
        return mf_error_errno(err, MF_STATUS_TARGET, NULL, "cannot fork a process to try the module in");
    }
    char said[sizeof err->text];
    bool in_time = words_read(words[0], said, sizeof said);
    close(words[0]);
    if (!in_time)
        kill(pid, SIGKILL);
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return probe_judge(in_time, status, said, path, err);
}
