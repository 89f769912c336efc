#include "node/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define SAMPLES_AT      3 /* the descriptor in the process that tries */
#define SAMPLES_AT_TEXT "3"

extern char **environ;

/* Returns 0 or an errno. Everything that is not named here is close-on-exec. */
static int trial_spawn(const struct mf_trial *t, int words_fd, pid_t *pid)
{
    char deadline[16];
    snprintf(deadline, sizeof deadline, "%u", t->deadline_ms);
    bool has_samples = t->samples_fd >= 0;
    const char *argv[] = {
        t->program, MF_TRIAL_OPTION, t->dir, t->path, deadline, has_samples ? SAMPLES_AT_TEXT : NULL, t->from, NULL};
    posix_spawn_file_actions_t actions;
    int bad = posix_spawn_file_actions_init(&actions);
    if (bad)
        return bad;
    bad = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (!bad)
        bad = posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    if (!bad)
        bad = posix_spawn_file_actions_adddup2(&actions, words_fd, 2);
    if (!bad && has_samples)
        bad = posix_spawn_file_actions_adddup2(&actions, t->samples_fd, SAMPLES_AT);
    if (!bad)
        bad = posix_spawn(pid, "/proc/self/exe", &actions, NULL, (char **)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return bad;
}

/* What it says until it ends, or the deadline is over. Returns false then. */
static bool words_read(int fd, uint64_t deadline_ns, char *words, size_t room)
{
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

static int trial_judge(const struct mf_trial *t, bool in_time, int status, char *words, struct mf_error *err)
{
    const char *prefix = "midflight-node: ";
    words[strcspn(words, "\n")] = 0;
    bool said = strncmp(words, prefix, strlen(prefix)) == 0;
    if (said)
        words += strlen(prefix);
    if (!in_time)
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "%s: trying it took over %u ms", t->path, t->deadline_ms);
    if (WIFSIGNALED(status))
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "%s: crashed when it was tried: %s", t->path,
                            strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) == 0)
        return 0;
    if (said)
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "%s", words);
    return mf_error_set(err, MF_STATUS_TARGET, NULL, "%s: trying it ended with exit %d%s%.200s", t->path,
                        WEXITSTATUS(status), words[0] ? ": " : "", words);
}

/* A process that ended in time is reaped in a moment; one that closed its words and stays is killed. */
static bool trial_reap(pid_t pid, uint64_t deadline_ns, int *status)
{
    while (mf_clock_now_ns() < deadline_ns) {
        pid_t ended = waitpid(pid, status, WNOHANG);
        if (ended == pid || (ended < 0 && errno != EINTR))
            return true;
        poll(NULL, 0, 1);
    }
    kill(pid, SIGKILL);
    while (waitpid(pid, status, 0) < 0 && errno == EINTR)
        ;
    return false;
}

int mf_trial_run(const struct mf_trial *t, struct mf_error *err)
{
    int words[2], status = 0;
    pid_t pid;
    uint64_t deadline_ns = mf_clock_now_ns() + t->deadline_ms * MF_NS_PER_MS;
    if (pipe2(words, O_CLOEXEC) != 0)
        return mf_error_errno(err, MF_STATUS_TARGET, NULL, "cannot make a pipe to try the module with");
    int bad = trial_spawn(t, words[1], &pid);
    close(words[1]);
    if (bad) {
        close(words[0]);
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "cannot start a process to try the module in: %s",
                            strerror(bad));
    }
    char said[sizeof err->text];
    bool in_time = words_read(words[0], deadline_ns, said, sizeof said);
    close(words[0]);
    in_time = trial_reap(pid, in_time ? deadline_ns : 0, &status) && in_time;
    return trial_judge(t, in_time, status, said, err);
}
