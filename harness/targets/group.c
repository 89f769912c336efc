#include "targets/group.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int mf_group_adopt_orphans(void)
{
    return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/* The command's name stands in parentheses and may hold anything, a ')' included. */
int mf_proc_stat_read(pid_t pid, struct mf_proc_stat *stat)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return -1;
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = 0;
    const char *after = strrchr(text, ')');
    /* state is field 3, starttime field 22 */
    if (!after || sscanf(after + 1, " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNu64,
                         &stat->state, &stat->parent, &stat->group, &stat->session, &stat->born) != 5)
        return -1;
    return 0;
}

/* Calls visit for each member that /proc shows. */
static void members_visit(pid_t group, void (*visit)(pid_t pid, const struct mf_proc_stat *stat, void *ctx), void *ctx)
{
    DIR *dir = opendir("/proc");
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir));) {
        struct mf_proc_stat stat;
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
            mf_proc_stat_read((pid_t)atoi(entry->d_name), &stat) != 0)
            continue;
        if (stat.group == group || stat.session == group)
            visit((pid_t)atoi(entry->d_name), &stat, ctx);
    }
    closedir(dir);
}

static void member_signal(pid_t pid, const struct mf_proc_stat *stat, void *ctx)
{
    if (stat->state != 'Z')
        kill(pid, *(const int *)ctx);
}

void mf_group_signal(pid_t group, int signal)
{
    if (group <= 1)
        return;
    /* The group at once first, so that nobody forks away in between; then those that have left it for another of its
     * session. */
    kill(-group, signal);
    members_visit(group, member_signal, &signal);
}

struct tally {
    pid_t group;
    uint32_t alive;
};

static void member_count(pid_t pid, const struct mf_proc_stat *stat, void *ctx)
{
    struct tally *tally = ctx;
    if (stat->state != 'Z' && stat->state != 'X') {
        tally->alive++;
        return;
    }
    if (pid != tally->group && stat->parent == getpid())
        while (waitpid(pid, NULL, WNOHANG) < 0 && errno == EINTR)
            ;
}

uint32_t mf_group_left(pid_t group)
{
    struct tally tally = {.group = group};
    if (group > 1)
        members_visit(group, member_count, &tally);
    return tally.alive;
}

uint64_t mf_group_rss_bytes(pid_t pid)
{
    char path[64];
    uint64_t total_pages, resident_pages;
    if (pid <= 0)
        return 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    int n = fscanf(file, "%" SCNu64 " %" SCNu64, &total_pages, &resident_pages);
    fclose(file);
    return n == 2 ? resident_pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}
