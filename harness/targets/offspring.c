#include "targets/offspring.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "targets/child.h"
#include "targets/group.h"

#define ENVIRON_BYTES (1u << 17)
#define ROUNDS_MAX    64 /* generations of children in one look */
#define PASSES_MAX    32 /* on a machine where others come and go all the time */

/* One process as /proc shows it. */
struct seen {
    pid_t pid;
    struct mf_proc_stat stat;
    bool belongs, is_started;
};

void mf_offspring_init(struct mf_offspring *o)
{
    static uint32_t drawn;
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        random = drawn;
    *o = (struct mf_offspring){.since = UINT64_MAX};
    snprintf(o->marker, sizeof o->marker, MF_MARKER_NAME "=%d-%" PRIu32 "-%016" PRIx64, (int)getpid(), ++drawn, random);
}

static void kindred_done(struct mf_kindred *k)
{
    free(k->kin);
    *k = (struct mf_kindred){0};
}

void mf_offspring_done(struct mf_offspring *o)
{
    kindred_done(&o->living);
    kindred_done(&o->started);
}

static int kindred_push(struct mf_kindred *k, const struct mf_kin *kin)
{
    if (k->count == k->room) {
        uint32_t room = k->room ? k->room * 2 : 16;
        struct mf_kin *more = realloc(k->kin, room * sizeof *more);
        if (!more)
            return -1;
        k->kin = more;
        k->room = room;
    }
    k->kin[k->count++] = *kin;
    return 0;
}

static bool kindred_has(const struct mf_kindred *k, pid_t pid, uint64_t born)
{
    for (uint32_t i = 0; i < k->count; i++)
        if (k->kin[i].pid == pid && k->kin[i].born == born)
            return true;
    return false;
}

int mf_offspring_add(struct mf_offspring *o, pid_t pid)
{
    struct mf_proc_stat stat;
    if (mf_proc_stat_read(pid, &stat) != 0)
        return 0; /* gone already, and reaped */
    struct mf_kin kin = {.pid = pid, .born = stat.born};
    if (stat.born < o->since)
        o->since = stat.born;
    return kindred_push(&o->started, &kin) != 0 ? -1 : kindred_push(&o->living, &kin);
}

void mf_offspring_reaped(struct mf_offspring *o, pid_t pid)
{
    for (uint32_t i = o->started.count; i-- > 0;)
        if (o->started.kin[i].pid == pid)
            o->started.kin[i] = o->started.kin[--o->started.count];
}

/* Another user's environment can't be read: then it says nothing. */
static bool has_marker(pid_t pid, const char *marker, char *buffer)
{
    char path[64];
    size_t used = 0, wanted = strlen(marker) + 1;
    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    for (ssize_t n; used < ENVIRON_BYTES && (n = read(fd, buffer + used, ENVIRON_BYTES - used)) > 0;)
        used += (size_t)n;
    close(fd);
    return memmem(buffer, used, marker, wanted) != NULL; /* with the NUL behind it */
}

/* *missed: somebody who was listed had ended before it was looked at. */
static struct seen *processes_read(const struct mf_offspring *o, uint32_t *count, bool *missed)
{
    struct seen *all = NULL;
    uint32_t n = 0, room = 0;
    DIR *dir = opendir("/proc");
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        struct seen one = {.pid = (pid_t)strtol(entry->d_name, NULL, 10)};
        if (one.pid <= 1 || one.pid == getpid())
            continue;
        if (mf_proc_stat_read(one.pid, &one.stat) != 0) {
            *missed = true;
            continue;
        }
        if (one.stat.born < o->since)
            continue;
        if (n == room) {
            struct seen *more = realloc(all, (room = room ? room * 2 : 64) * sizeof *all);
            if (!more)
                break;
            all = more;
        }
        all[n++] = one;
    }
    if (dir)
        closedir(dir);
    *count = n;
    return all;
}

static bool is_related(const struct seen *one, const struct seen *other)
{
    return one->stat.parent == other->pid || one->stat.group == other->pid || one->stat.session == other->pid ||
           (one->stat.session == other->stat.session && one->stat.session != getsid(0));
}

/* Marks who belongs; again until nobody is added, since a child may stand before its parent. */
static void relations_mark(struct seen *all, uint32_t n)
{
    bool more = true;
    for (int round = 0; more && round < ROUNDS_MAX; round++) {
        more = false;
        for (uint32_t i = 0; i < n; i++)
            for (uint32_t j = 0; j < n && !all[i].belongs; j++)
                if (all[j].belongs && is_related(&all[i], &all[j]))
                    all[i].belongs = more = true;
    }
}

static void members_mark(const struct mf_offspring *o, struct seen *all, uint32_t n)
{
    char *buffer = malloc(ENVIRON_BYTES);
    for (uint32_t i = 0; i < n; i++) {
        bool is_ours = mf_child_owns(all[i].pid);
        all[i].is_started = kindred_has(&o->started, all[i].pid, all[i].stat.born);
        all[i].belongs =
            all[i].is_started || kindred_has(&o->living, all[i].pid, all[i].stat.born) ||
            (!is_ours && (all[i].stat.parent == getpid() || (buffer && has_marker(all[i].pid, o->marker, buffer))));
    }
    free(buffer);
    relations_mark(all, n);
}

static bool is_dead(const struct seen *one)
{
    return one->stat.state == 'Z' || one->stat.state == 'X';
}

/* One pass over /proc. True: somebody was on the way out, and may have forked behind our back just before. */
static bool look_once(struct mf_offspring *o)
{
    uint32_t n = 0;
    bool missed = false;
    struct seen *all = processes_read(o, &n, &missed);
    members_mark(o, all, n);
    o->living.count = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!all[i].belongs)
            continue;
        if (!is_dead(&all[i])) {
            kindred_push(&o->living, &(struct mf_kin){.pid = all[i].pid, .born = all[i].stat.born});
            continue;
        }
        if (!all[i].is_started && all[i].stat.parent == getpid()) {
            missed = true;
            while (waitpid(all[i].pid, NULL, WNOHANG) < 0 && errno == EINTR)
                ;
        }
    }
    free(all);
    return missed;
}

/* /proc lists who is there before it is asked who they are: nobody is left only where a pass sees nobody, and nobody
 * go. */
uint32_t mf_offspring_look(struct mf_offspring *o)
{
    bool missed = true;
    for (int passes = 0; missed && passes < PASSES_MAX; passes++) {
        missed = look_once(o);
        if (o->living.count > 0)
            break;
    }
    return o->living.count;
}

bool mf_kin_lives(const struct mf_kin *kin)
{
    struct mf_proc_stat stat;
    return mf_proc_stat_read(kin->pid, &stat) == 0 && stat.born == kin->born && stat.state != 'Z' && stat.state != 'X';
}

void mf_offspring_signal(const struct mf_offspring *o, int signal)
{
    for (uint32_t i = 0; i < o->living.count; i++)
        if (mf_kin_lives(&o->living.kin[i]))
            kill(o->living.kin[i].pid, signal);
}

uint64_t mf_offspring_rss_bytes(const struct mf_offspring *o)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < o->living.count; i++)
        sum += mf_group_rss_bytes(o->living.kin[i].pid);
    return sum;
}
