#include "fixture.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* This program, started as a worker, is one: before Criterion sees the command line. */
__attribute__((constructor)) static void worker_be(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--worker") != 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
        pause();
}

pid_t worker_start(void)
{
    pid_t pid;
    char *const argv[] = {(char *)"midflight-node", (char *)"--worker", NULL};
    cr_assert(eq(int, posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ), 0));
    return pid;
}

void worker_end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

char process_state(pid_t pid)
{
    char path[64], text[512] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = 0;
    const char *end = strrchr(text, ')');
    return end ? end[2] : 0;
}

void rig_open(struct rig *r)
{
    struct mf_error err = {0};
    struct mf_recorder_shape shape = {.workers = 1, .upgrades = 2, .bins = 1, .streams = 1, .bin_ns = 10000000};
    memset(r, 0, sizeof *r);
    cr_assert(eq(int, mf_recorder_create(&r->rec, &shape, &err), 0), "%s", err.text);
    r->rec.log[0].module_index = 1;
    r->rec.log[0].version_to = 2;
    r->rec.log[1].version_to = 1;
    r->names[0] = "pingpong/v1";
    r->names[1] = "pingpong/v2";
    r->site = (struct mf_fault_site){.rec = &r->rec, .supervisor = getpid(), .module_names = r->names, .ctx = r};
    snprintf(r->site.scratch, sizeof r->site.scratch, "/tmp/midflight-test-XXXXXX");
    cr_assert(ne(ptr, mkdtemp(r->site.scratch), NULL));
    snprintf(r->site.broken, sizeof r->site.broken, "%s", MIDFLIGHT_BINARY_DIR "/modules/broken");
}

static int on_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void rig_close(struct rig *r)
{
    nftw(r->site.scratch, on_entry, 8, FTW_DEPTH | FTW_PHYS);
    mf_recorder_close(&r->rec);
}

void rig_act(struct rig *r, enum mf_fault_id id, uint32_t k)
{
    bool noop = r->plan.noop;
    r->plan = (struct mf_fault_plan){.id = id, .count = 1, .noop = noop, .delay_ms = 20};
    r->act = (struct mf_fault_act){.plan = &r->plan, .site = &r->site, .k = k};
}
