#include "tests/driver/help.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver/cli.h"
#include "strategies/flags.h"

/* --- folders and files -------------------------------------------------------------------------------------------- */

void help_folder_make(char *path)
{
    const char *tmp = getenv("TMPDIR");
    char made[PATH_MAX];
    snprintf(made, sizeof made, "%s/mf-driver-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
    cr_assert(ne(ptr, mkdtemp(made), NULL));
    cr_assert(ne(ptr, realpath(made, path), NULL));
}

static int on_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

void help_folder_remove(const char *path)
{
    cr_assert(eq(int, nftw(path, on_entry, 8, FTW_DEPTH | FTW_PHYS), 0));
}

int help_entries(const char *folder)
{
    DIR *dir = opendir(folder);
    int n = 0;
    if (!dir)
        return -1;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n - 2;
}

void help_write(const char *folder, const char *name, const char *text, bool executable)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    cr_assert(ne(ptr, file, NULL));
    fputs(text, file);
    cr_assert(eq(int, fclose(file), 0));
    cr_assert(eq(int, chmod(path, executable ? 0755 : 0644), 0));
}

const char *help_read(const char *folder, const char *name, char *text, size_t bytes)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    size_t n = file ? fread(text, 1, bytes - 1, file) : 0;
    text[n] = 0;
    if (file)
        fclose(file);
    return text;
}

bool help_exists(const char *folder, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

bool help_has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

/* --- midflight ---------------------------------------------------------------------------------------------------- */

static void output_to(const char *path, int fd)
{
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (file < 0 || dup2(file, fd) < 0)
        _exit(99);
    close(file);
}

/* The deepest folder above `path` that is there. */
static void folder_above(char *path)
{
    do
        *strrchr(path, '/') = 0;
    while (access(path, F_OK) != 0);
}

void help_wait_for(const struct help_midflight *m, const char *folder, const char *name)
{
    char path[PATH_MAX], above[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    struct pollfd wait[2] = {{.fd = inotify_init1(IN_CLOEXEC), .events = POLLIN},
                             {.fd = (int)syscall(SYS_pidfd_open, m->pid, 0), .events = POLLIN}};
    cr_assert(wait[0].fd >= 0 && wait[1].fd >= 0);
    while (access(path, F_OK) != 0) {
        char events[4096];
        snprintf(above, sizeof above, "%s", path);
        folder_above(above);
        /* watched first, then looked at once more: what comes in between is an event, or seen */
        cr_assert(ge(int, inotify_add_watch(wait[0].fd, above, IN_CREATE | IN_MOVED_TO), 0));
        char deeper[PATH_MAX];
        snprintf(deeper, sizeof deeper, "%s", path);
        folder_above(deeper);
        if (access(path, F_OK) == 0 || strcmp(above, deeper) != 0)
            continue;
        cr_assert(gt(int, poll(wait, 2, -1), 0));
        cr_assert(eq(int, wait[1].revents &POLLIN, 0), "it ended before %s was there", name);
        cr_assert(gt(int, (int)read(wait[0].fd, events, sizeof events), 0));
    }
    close(wait[0].fd);
    close(wait[1].fd);
}

void help_midflight_start(struct help_midflight *m, const char *const *words)
{
    help_midflight_start_to(m, NULL, words);
}

void help_midflight_start_to(struct help_midflight *m, const char *out, const char *const *words)
{
    char own_out[PATH_MAX + 8], err[PATH_MAX + 8];
    char *argv[32] = {(char *)(uintptr_t) "midflight"};
    int argc = 1;
    while (words[argc - 1]) {
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
        argc++;
    }
    help_folder_make(m->folder);
    snprintf(own_out, sizeof own_out, "%s/out", m->folder);
    snprintf(err, sizeof err, "%s/err", m->folder);
    fflush(NULL);
    m->pid = fork();
    cr_assert(ge(int, m->pid, 0));
    if (m->pid != 0)
        return;
    output_to(out ? out : own_out, STDOUT_FILENO);
    output_to(err, STDERR_FILENO);
    int status = mf_cli_main(argc, argv);
    fflush(NULL);
    _exit(status);
}

void help_midflight_end(struct help_midflight *m)
{
    int status;
    cr_assert(eq(int, waitpid(m->pid, &status, 0), m->pid));
    m->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    help_read(m->folder, "out", m->out, sizeof m->out);
    help_read(m->folder, "err", m->err, sizeof m->err);
    help_folder_remove(m->folder);
}

void help_midflight(struct help_midflight *m, const char *const *words)
{
    help_midflight_start(m, words);
    help_midflight_end(m);
}

/* --- a fake node -------------------------------------------------------------------------------------------------- */

void help_fake_node(const char *folder, const char *body)
{
    char text[4096];
    snprintf(text, sizeof text,
             "#!/bin/bash\n"
             "if [[ $1 == --describe ]]; then\n"
             "    shift\n"
             "    n=0\n"
             "    for path; do echo \"$path name=fake version=$((++n)) state_version=1 state_bytes=8\"; done\n"
             "    exit 0\n"
             "fi\n"
             "echo $$ >%s/pid.new; mv %s/pid.new %s/pid\n"
             "%s\n",
             folder, folder, folder, body);
    help_write(folder, "midflight-node", text, true);
}

pid_t help_fake_pid(const char *folder)
{
    char text[32];
    return (pid_t)atoi(help_read(folder, "pid", text, sizeof text));
}

/* --- cells and scenarios ------------------------------------------------------------------------------------------ */

void help_cell(struct help_cell *c)
{
    *c = (struct help_cell){.rows = {{.kind = MF_POINT_TIME, .count = 1, .time_ms = 10}},
                            .modules = {"a.so", "b.so", "c.so"}};
    c->cell = (struct mf_cell){
        .name = "all",
        .node = {.strategy = "swap",
                 .flags = EXCHANGES,
                 .processes = 8,
                 .schedulers = 1,
                 .modules = c->modules,
                 .modules_count = 3,
                 .ready_ms = 5000,
                 .upgrade_ms = 5000,
                 .stop_ms = 200},
        .load = {.transport = MF_TRANSPORT_UNIX,
                 .codec = "frame",
                 .open = true,
                 .workers = 1,
                 .connections = 4,
                 .streams_per_connection = 1,
                 .rate_per_s = 1000,
                 .timeout_ms = 100,
                 .connect_timeout_ms = 100,
                 .duration_ms = 500,
                 .drain_ms = 100,
                 .window_ms = 100},
        .upgrades = c->rows,
        .upgrades_count = 1,
        .upgrades_planned = 1,
    };
}

void help_scenario(const char *folder, const char *strategy, uint32_t duration_ms, char *path)
{
    char text[2048];
    snprintf(text, sizeof text,
             "{ \"schema\": \"midflight.scenario/1\", \"name\": \"test\","
             "  \"target\": { \"node\": { \"strategy\": \"%s\", \"processes\": 8, \"schedulers\": 1,"
             "                            \"modules\": [\"pingpong/v1\", \"pingpong/v2\"] } },"
             "  \"load\": { \"transport\": \"unix\", \"codec\": \"frame\", \"connections\": 2, \"mode\": \"open\","
             "              \"rate_per_s\": 1000, \"warmup_ms\": 100, \"duration_ms\": %" PRIu32
             ", \"drain_ms\": 1000 },"
             "  \"upgrades\": [ { \"every_ms\": 100, \"count\": 4 } ],"
             "  \"proof\": { \"in_flight_min\": 0, \"rate_min_share\": 0, \"tainted_max_share\": 1 },"
             "  \"seed\": 3 }\n",
             strategy, duration_ms);
    help_write(folder, "scenario.json", text, false);
    snprintf(path, PATH_MAX, "%s/scenario.json", folder);
}
