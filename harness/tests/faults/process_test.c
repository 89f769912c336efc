/* Faults that fall on OS processes: on the right ones, and undone. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults/workers.h"
#include "fixture.h"

static struct rig r;
static pid_t old, new;

static void setup(void)
{
    rig_open(&r);
    old = worker_start();
    r.rec.log[0].pid_before = (uint32_t)old;
    atomic_store(&r.rec.node->worker_pid, (uint32_t)old);
}

static void teardown(void)
{
    worker_end(old);
    if (new)
        worker_end(new);
    rig_close(&r);
}
TestSuite(process, .init = setup, .fini = teardown, .timeout = 60);

/* Signals take their time: waits until the child has ended, and leaves it to be waited for. Where that never comes, the
 * suite's time-out tells. */
static bool comes_to_its_end(pid_t pid)
{
    siginfo_t info;
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0;
}

static void inject(enum mf_fault_id id, enum mf_fault_whom whom)
{
    struct mf_error err = {0};
    rig_act(&r, id, 0);
    r.plan.whom = whom;
    cr_assert(eq(int, mf_fault_of(id)->inject(&r.act, &err), 0), "%s", err.text);
}

static void undo(enum mf_fault_id id)
{
    struct mf_error err = {0};
    cr_assert(eq(int, mf_fault_of(id)->undo(&r.act, &err), 0), "%s", err.text);
}

Test(process, kill_takes_the_old_one)
{
    new = worker_start();
    inject(MF_FAULT_kill, MF_WHOM_OLD);
    cr_expect(comes_to_its_end(old));
    cr_expect(ne(chr, process_state(new), 'Z'));
    cr_expect(ne(ptr, strstr(r.act.what, "killed worker "), NULL), "%s", r.act.what);
}

Test(process, kill_takes_the_new_one)
{
    new = worker_start();
    inject(MF_FAULT_kill, MF_WHOM_NEW);
    cr_expect(comes_to_its_end(new));
    cr_expect(ne(chr, process_state(old), 'Z'));
}

Test(process, kill_takes_both)
{
    new = worker_start();
    inject(MF_FAULT_kill, MF_WHOM_BOTH);
    cr_expect(comes_to_its_end(new));
    cr_expect(comes_to_its_end(old));
}

/* posix_spawn comes back while the child is in execve, and has no command line. */
Test(process, one_that_has_just_been_started_is_found)
{
    for (int i = 0; i < 200; i++) {
        struct mf_error err = {0};
        new = worker_start();
        rig_act(&r, MF_FAULT_kill, 0);
        cr_expect(eq(int, mf_workers_find(&r.act, MF_WHOM_BOTH, &err), 0));
        cr_expect(eq(u32, r.act.pids, 2));
        worker_end(new);
    }
    new = 0;
}

Test(process, where_there_is_one_it_is_the_new_one_too)
{
    inject(MF_FAULT_kill, MF_WHOM_NEW);
    cr_expect(comes_to_its_end(old));
}

Test(process, a_noop_kill_kills_nobody)
{
    r.plan.noop = true;
    inject(MF_FAULT_kill, MF_WHOM_BOTH);
    cr_expect(ne(chr, process_state(old), 'Z'));
}

Test(process, nobody_left_is_an_error)
{
    struct mf_error err = {0};
    new = worker_start();
    kill(old, SIGKILL);
    siginfo_t info;
    waitid(P_PID, (id_t)old, &info, WEXITED | WNOWAIT); /* a zombie from here on */
    rig_act(&r, MF_FAULT_kill, 0);
    r.plan.whom = MF_WHOM_OLD;
    cr_expect(eq(int, mf_fault_of(MF_FAULT_kill)->inject(&r.act, &err), -1));
    cr_expect(eq(str, err.text, (char *)"there was no old worker any more"));
}

Test(process, stop_is_undone)
{
    inject(MF_FAULT_stop, MF_WHOM_OLD);
    siginfo_t info;
    waitid(P_PID, (id_t)old, &info, WSTOPPED);
    while (process_state(old) != 'T')
        sched_yield();
    undo(MF_FAULT_stop);
    waitid(P_PID, (id_t)old, &info, WCONTINUED);
    cr_expect(ne(chr, process_state(old), 'T'));
}

static void check_limit(enum mf_fault_id id, __rlimit_resource_t resource)
{
    struct rlimit before, within, after;
    prlimit(old, resource, NULL, &before);
    inject(id, MF_WHOM_OLD);
    prlimit(old, resource, NULL, &within);
    undo(id);
    prlimit(old, resource, NULL, &after);
    cr_expect(lt(u64, within.rlim_cur, before.rlim_cur));
    cr_expect(eq(u64, within.rlim_max, before.rlim_max));
    cr_expect(eq(u64, after.rlim_cur, before.rlim_cur));
}

Test(process, limits_are_given_back)
{
    check_limit(MF_FAULT_no_memory, RLIMIT_AS);
    check_limit(MF_FAULT_no_descriptors, RLIMIT_NOFILE);
    check_limit(MF_FAULT_no_disk, RLIMIT_FSIZE); /* nothing is mounted here */
}
