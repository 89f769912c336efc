/* The real program: arguments, and one run from plan to exit. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "rig.h"

extern char **environ;

/* Runs it with its output in `output`; returns its exit status. keep: a descriptor that it inherits, -1 none. */
static pid_t program_start(char *const argv[], int out)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, out, 2);
    int code = posix_spawn(&pid, MIDFLIGHT_BINARY_DIR "/midflight-load", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    cr_assert(eq(int, code, 0), "%s", strerror(code));
    return pid;
}

static int program_wait(pid_t pid)
{
    int status;

    cr_assert(eq(int, waitpid(pid, &status, 0), pid));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int program_run(char *const argv[], char *output, size_t size)
{
    int pipes[2];

    cr_assert(eq(int, pipe2(pipes, O_CLOEXEC), 0));
    pid_t pid = program_start(argv, pipes[1]);
    close(pipes[1]);
    size_t used = 0;
    for (ssize_t n; (n = read(pipes[0], output + used, size - 1 - used)) > 0;)
        used += (size_t)n;
    output[used] = 0;
    close(pipes[0]);
    return program_wait(pid);
}

Test(program, says_what_it_is_and_what_is_wrong)
{
    static const struct {
        const char *argv[6];
        int status;
        const char *part;
    } rows[] = {
        {{"midflight-load", "--version"}, 0, "midflight-load " MIDFLIGHT_VERSION},
        {{"midflight-load", "--help"}, 0, "usage: midflight-load"},
        {{"midflight-load"}, 2, "--control-fd are needed"},
        {{"midflight-load", "--recorder-fd", "x", "--control-fd", "3"}, 2, "not a descriptor"},
        {{"midflight-load", "--nonsense"}, 2, "usage"},
        {{"midflight-load", "--recorder-fd=90", "--control-fd=91"}, 2, "--control-fd"},
        {{"midflight-load", "--recorder-fd=90", "--control-fd=91", "more"}, 2, "nothing else"},
    };
    char output[2000];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int status = program_run((char *const *)rows[i].argv, output, sizeof output);
        cr_expect(eq(int, status, rows[i].status), "row %zu", i);
        cr_expect(ne(ptr, strstr(output, rows[i].part), NULL), "row %zu: %s", i, output);
    }
}

/* The rig's worker is a process here. */
static pid_t rig_start_program(struct rig *rig)
{
    char recorder_arg[32], control_arg[32];
    char *argv[] = {(char *)"midflight-load", recorder_arg, control_arg, NULL};
    int pair[2], recorder_fd = dup(rig->recorder.fd); /* without close-on-exec */

    cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0));
    int control_fd = dup(pair[1]);
    close(pair[1]);
    snprintf(recorder_arg, sizeof recorder_arg, "--recorder-fd=%d", recorder_fd);
    snprintf(control_arg, sizeof control_arg, "--control-fd=%d", control_fd);
    pid_t pid = program_start(argv, 2);
    close(recorder_fd);
    close(control_fd);
    rig->control = pair[0];
    return pid;
}

static pid_t start_prepared(struct rig *rig)
{
    rig_start(rig);
    rig_expect_line(rig, "ready");
    rig_stop(rig); /* the thread's worker has shown that the rig stands; now the program's turn */
    close(rig->control);
    memset(&rig->reader, 0, sizeof rig->reader);
    pid_t pid = rig_start_program(rig);
    rig_send_plan(rig);
    rig_expect_line(rig, "ready");
    rig_go(rig);
    return pid;
}

static pid_t start_all(struct rig *rig, void (*on_ping)(struct server *s, struct peer *p, const struct mf_msg *ping))
{
    rig_init(rig, "unix", "frame");
    rig->server.on_ping = on_ping;
    return start_prepared(rig);
}

Test(program, runs_from_plan_to_stop)
{
    static struct rig rig;
    pid_t pid = start_all(&rig, NULL);

    rig_expect_line(&rig, "finished");
    rig_say(&rig, "stop");
    cr_expect(eq(int, program_wait(pid), 0));
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_ANSWERED], 1000));
    rig_expect_balance(&rig);
    rig_done(&rig);
}

static void mute(struct server *s, struct peer *p, const struct mf_msg *ping)
{
    (void)s, (void)p, (void)ping;
}

Test(program, does_not_outlive_its_driver)
{
    static struct rig rig;

    pid_t pid = start_all(&rig, mute);
    close(rig.control);
    rig.control = -1;
    int status = program_wait(pid);
    cr_expect(eq(int, status, MF_STATUS_INTERNAL));
    rig_done(&rig);
}

/* A load that is itself held up must say so, or its stall would be taken for the target's. */
Test(program, tells_its_own_lateness)
{
    static struct rig rig;

    rig_init(&rig, "unix", "frame");
    rig.plan.mode = MF_MODE_OPEN;
    rig.plan.messages = 300;
    rig.plan.points = 1;
    rig.plan.point[0] = (struct mf_plan_point){.point = 0, .first = 20, .count = 1};
    pid_t pid = start_prepared(&rig);
    rig_expect_line(&rig, "point");
    kill(pid, SIGSTOP);
    cr_assert(eq(int, waitpid(pid, NULL, WUNTRACED), pid));
    usleep(60000); /* the stall itself */
    kill(pid, SIGCONT);
    rig_expect_line(&rig, "finished");
    rig_say(&rig, "stop");
    cr_expect(eq(int, program_wait(pid), 0));
    cr_expect(ge(u64, rig.record->wakeup_late_ns_max, 50 * MF_NS_PER_MS));
    cr_expect(ge(u64, rig.record->late_wakeups, 1));
    uint32_t late_bins = 0;
    const struct mf_bin *bins = mf_recorder_bins(&rig.recorder, 0);
    for (uint32_t i = 0; i < rig.shape.bins; i++)
        late_bins += bins[i].instrument_late_ns >= 50 * MF_NS_PER_MS;
    cr_expect(ge(u32, late_bins, 5)); /* all that the stall touched */
    /* and what may have been the reason is measured, where the kernel tells */
    cr_expect(gt(u64, rig.record->loop_busy_ns_max, 0));
    cr_expect(rig.record->runqueue_of_ns > 0 || access("/proc/self/schedstat", R_OK) != 0);
    cr_expect(le(u64, rig.record->runqueue_ns, rig.record->runqueue_of_ns));
    cr_expect(gt(u64, rig.record->processors, 0));
    cr_expect(le(u64, rig.record->stolen, rig.record->processors));
    /* The pings that were due meanwhile were sent late, and that is in their lag; none is missing. */
    cr_expect(ge(u64, mf_hist_quantile(&rig.record->lag, 1.0), 50 * MF_NS_PER_MS));
    cr_expect(eq(u64, rig.record->outcome[MF_OUTCOME_ANSWERED], 300));
    rig_expect_balance(&rig);
    rig_done(&rig);
}
