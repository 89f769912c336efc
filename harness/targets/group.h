/* A process group of ours, seen from outside: who is left of it, and an end for all of them.
 *
 * A group is named by the pid of the child that was started in a session of its own; whoever that child forks is a
 * member, in whatever group of that session it sits. Threads: any; nothing here blocks. */
#ifndef MF_TARGETS_GROUP_H
#define MF_TARGETS_GROUP_H

#include <stdint.h>
#include <sys/types.h>

/* What /proc/PID/stat says. */
struct mf_proc_stat {
    char state; /* 'Z': a zombie */
    int parent, group, session;
    uint64_t born; /* ticks since boot */
};
/* -1: there is no such process. */
int mf_proc_stat_read(pid_t pid, struct mf_proc_stat *stat);

/* Makes this OS process inherit the orphans of its children (and so able to reap them). Call once, before any child.
 * Returns 0, or -1 with errno. */
int mf_group_adopt_orphans(void);
/* Sends `signal` to every member. */
void mf_group_signal(pid_t group, int signal);
/* Reaps dead members that are children of this process by now (not `group` itself: that is its starter's), and returns
 * how many members live on (zombies do not). Reads /proc. */
uint32_t mf_group_left(pid_t group);
/* Resident memory of `pid` in bytes, from /proc; 0: not known. */
uint64_t mf_group_rss_bytes(pid_t pid);

#endif
