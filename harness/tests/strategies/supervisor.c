/* What the supervisor owes the driver, whatever the strategy. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "fixture.h"

#define PATIENCE_MS 30000

static const struct node_setup setup = {
    .strategy = "swap", .modules = {MODULE_V1, MODULE_V2}, .upgrades = 1, .to = {1}};

/* Waits until an OS process that is not our child has ended. */
static void end_await(uint32_t pid)
{
    int fd = pidfd_open((pid_t)pid, 0);
    struct pollfd at = {.fd = fd, .events = POLLIN};
    if (fd < 0)
        return; /* it is gone already */
    cr_expect(eq(int, poll(&at, 1, PATIENCE_MS), 1), "process %u lives on", pid);
    close(fd);
}

static void folder_remove(const struct node *n)
{
    char path[128];
    snprintf(path, sizeof path, "%s/module.so", n->dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/node.sock", n->dir);
    unlink(path);
    rmdir(n->dir);
}

Test(supervisor, dies_with_its_worker)
{
    struct node n;
    node_start(&n, &setup);
    uint32_t worker = node_worker(&n);
    kill(n.pid, SIGKILL);
    cr_assert(eq(int, waitpid(n.pid, NULL, 0), n.pid));
    end_await(worker);
    folder_remove(&n);
}

Test(supervisor, ends_when_the_driver_has_gone)
{
    struct node n;
    int status;
    node_start(&n, &setup);
    uint32_t worker = node_worker(&n);
    close(n.control);
    cr_assert(eq(int, waitpid(n.pid, &status, 0), n.pid));
    bool interrupted = WIFEXITED(status) && WEXITSTATUS(status) == MF_STATUS_INTERRUPTED;
    cr_expect(interrupted, "status %#x", (unsigned)status);
    end_await(worker);
    folder_remove(&n);
}

Test(supervisor, tells_of_a_worker_that_died)
{
    struct node n;
    char text[64];
    node_start(&n, &setup);
    kill((pid_t)node_worker(&n), SIGKILL);
    node_await(&n, "died", UINT32_MAX, "status", text, sizeof text);
    cr_expect(ne(ptr, strstr(text, "signal 9"), NULL), "%s", text);
    node_upgrade(&n, 0);
    node_await(&n, "ended", 0, NULL, NULL, 0);
    cr_expect(eq(u32, atomic_load(&n.rec.log[0].outcome), MF_UPGRADE_FAILED));
    cr_expect(ne(chr, n.rec.log[0].reason[0], 0));
    node_stop(&n);
}
