#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "fixture.h"
#include "strategies/flags.h"

#define PATIENCE_MS 30000 /* only a broken node is waited for so long */

static void recorder_make(struct node *n, const struct node_setup *setup)
{
    struct mf_error err = {0};
    struct mf_recorder_shape shape = {.workers = 1,
                                      .upgrades = setup->upgrades,
                                      .bins = 1,
                                      .streams = STREAMS,
                                      .stage_bits = 16,
                                      .bin_ns = 10 * MF_NS_PER_MS};
    cr_assert(eq(int, mf_recorder_create(&n->rec, &shape, &err), 0), "%s", err.text);
    for (uint32_t k = 0; k < setup->upgrades; k++)
        n->rec.log[k].module_index = setup->to[k];
    atomic_store(&mf_recorder_worker(&n->rec, 0)->finished, 1); /* no load whose quiet is to be waited for */
}

static bool needs_tcp(const char *strategy)
{
    static const struct {
        const char *name;
        unsigned flags;
    } rows[] = {
#define MF_STRATEGY(id, name, flags, text) {name, flags},
#include "strategies/strategies.def"
#undef MF_STRATEGY
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, strategy) == 0)
            return rows[i].flags & NEEDS_TCP;
    return false;
}

static _Noreturn void node_become(const struct node *n, const struct node_setup *setup, int control)
{
    char recorder_fd[16], control_fd[16], listen[128];
    const char *argv[64] = {"midflight-node", "--strategy", setup->strategy, "--processes", "8",
                            "--schedulers",   "2",          "--transport",   "tcp",         "--codec",
                            "frame",          "--dir",      n->dir,          "--listen",    listen,
                            "--recorder-fd",  recorder_fd,  "--control-fd",  control_fd};
    int used = 0;
    bool tcp = needs_tcp(setup->strategy);
    while (argv[used])
        used++;
    argv[8] = tcp ? "tcp" : "unix";
    snprintf(listen, sizeof listen, tcp ? "tcp:127.0.0.1:0" : "unix:%s/node.sock", n->dir);
    snprintf(recorder_fd, sizeof recorder_fd, "%d", n->rec.fd);
    snprintf(control_fd, sizeof control_fd, "%d", control);
    for (int i = 0; setup->modules[i]; i++) {
        argv[used++] = "--module";
        argv[used++] = setup->modules[i];
    }
    for (int i = 0; setup->options[i]; i++)
        argv[used++] = setup->options[i];
    if (setup->point) {
        argv[used++] = "--point";
        argv[used++] = setup->point;
    }
    fcntl(n->rec.fd, F_SETFD, 0);
    fcntl(control, F_SETFD, 0);
    execv(MIDFLIGHT_BINARY_DIR "/midflight-node", (char *const *)argv);
    _exit(127);
}

void node_start(struct node *n, const struct node_setup *setup)
{
    int line[2];
    memset(n, 0, sizeof *n);
    snprintf(n->dir, sizeof n->dir, "/tmp/midflight-test-XXXXXX");
    cr_assert(ne(ptr, mkdtemp(n->dir), NULL));
    recorder_make(n, setup);
    cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line), 0));
    n->pid = fork();
    cr_assert(ge(int, n->pid, 0));
    if (n->pid == 0)
        node_become(n, setup, line[1]);
    close(line[1]);
    n->control = line[0];
    node_await(n, "ready", UINT32_MAX, "endpoint", n->endpoint, sizeof n->endpoint);
}

void node_upgrade(struct node *n, uint32_t k)
{
    struct mf_control_writer w;
    atomic_store(&n->rec.log[k].phase_ns[MF_PHASE_REQUESTED], mf_clock_now_ns());
    atomic_store(&n->rec.header->requested, k + 1);
    mf_control_begin(&w, "upgrade");
    mf_control_put_u64(&w, "k", k);
    mf_control_end(&w);
    cr_assert(eq(int, mf_control_send(n->control, &w), 0));
}

enum line_state { LINE_CAME, LINE_NONE, LINE_ENDED };

static enum line_state line_next(struct node *n, struct mf_control_line *line, int deadline_ms)
{
    char *text;
    while (!(text = mf_control_next(&n->reader))) {
        size_t space;
        char *at = mf_control_feed_space(&n->reader, &space);
        struct pollfd wait = {.fd = n->control, .events = POLLIN};
        if (poll(&wait, 1, deadline_ms) != 1)
            return LINE_NONE;
        ssize_t got = read(n->control, at, space);
        if (got <= 0)
            return LINE_ENDED;
        mf_control_fed(&n->reader, (size_t)got);
    }
    cr_assert(eq(int, mf_control_parse(line, text), 0));
    return LINE_CAME;
}

static bool line_await(struct node *n, struct mf_control_line *line, const char *verb, uint32_t k, int deadline_ms)
{
    bool bad = false;
    enum line_state state;
    while ((state = line_next(n, line, deadline_ms)) == LINE_CAME) {
        if (strcmp(line->verb, verb) == 0 &&
            (k == UINT32_MAX || mf_control_u64(line, "k", UINT32_MAX, UINT32_MAX, &bad) == k))
            return true;
        cr_assert(ne(int, strcmp(line->verb, "error"), 0), "the node: %s", mf_control_get(line, "text"));
    }
    cr_assert(ne(int, (int)state, LINE_ENDED), "the node ended before it said %s", verb);
    return false;
}

void node_await(struct node *n, const char *verb, uint32_t k, const char *what, char *value, size_t room)
{
    struct mf_control_line line;
    cr_assert(line_await(n, &line, verb, k, PATIENCE_MS), "the node never says %s", verb);
    if (value)
        snprintf(value, room, "%s", mf_control_get(&line, what) ? mf_control_get(&line, what) : "");
}

bool node_says(struct node *n, const char *verb, uint32_t k, int deadline_ms)
{
    struct mf_control_line line;
    return line_await(n, &line, verb, k, deadline_ms);
}

uint32_t node_worker(const struct node *n)
{
    return atomic_load(&n->rec.node->worker_pid);
}

void node_await_reached(const struct node *n, enum mf_stage stage, uint64_t messages)
{
    uint64_t deadline_ns = mf_clock_now_ns() + PATIENCE_MS * MF_NS_PER_MS;
    while (atomic_load(&n->rec.node->reached[stage]) < messages) {
        cr_assert(lt(u64, mf_clock_now_ns(), deadline_ns), "%llu messages never reached stage %s",
                  (unsigned long long)messages, mf_stage_keys[stage]);
        sched_yield();
    }
}

static void folder_clear(const char *dir)
{
    DIR *d = opendir(dir);
    cr_assert(ne(ptr, d, NULL));
    for (struct dirent *e; (e = readdir(d));) {
        char path[512];
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        cr_expect(false, "%s is left behind", path);
        unlink(path);
    }
    closedir(d);
    cr_expect(eq(int, rmdir(dir), 0));
}

void node_stop(struct node *n)
{
    struct mf_control_writer w;
    int status;
    uint32_t worker = node_worker(n);
    char path[64];
    mf_control_begin(&w, "stop");
    mf_control_end(&w);
    cr_assert(eq(int, mf_control_send(n->control, &w), 0));
    node_await(n, "stopped", UINT32_MAX, NULL, NULL, 0);
    cr_assert(eq(int, waitpid(n->pid, &status, 0), n->pid));
    bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    cr_expect(good, "the node ended with status %#x", (unsigned)status);
    snprintf(path, sizeof path, "/proc/%u", worker);
    cr_expect(worker == 0 || access(path, F_OK) != 0, "its worker outlived it");
    close(n->control);
    folder_clear(n->dir);
    mf_recorder_close(&n->rec);
}
