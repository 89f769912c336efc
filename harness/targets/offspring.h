/* All OS processes of a foreign target, however they were made: those that were started, what these forked, and what
 * has left their session as daemons do.
 *
 * A process belongs to the target where it was started for it, where it is the child, or of the session or group, of
 * one that belongs to it, where its environment has the marker that everything was started with, or where it is an
 * orphan that this process has adopted (mf_group_adopt_orphans) and that is none of our own programs (mf_child_owns).
 * Who once belongs, belongs until its end. Life: mf_offspring_init; mf_offspring_add for each that is started;
 * mf_offspring_look now and then; mf_offspring_done. Threads: the loop's; a look reads all of /proc, which takes a
 * millisecond or so. */
#ifndef MF_TARGETS_OFFSPRING_H
#define MF_TARGETS_OFFSPRING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define MF_MARKER_NAME  "MIDFLIGHT_TARGET"
#define MF_MARKER_BYTES 64

/* A process, and when it began (ticks since boot): its number alone may come again. */
struct mf_kin {
    pid_t pid;
    uint64_t born;
};
struct mf_kindred {
    struct mf_kin *kin;
    uint32_t count, room;
};

struct mf_offspring {
    char marker[MF_MARKER_BYTES]; /* "MIDFLIGHT_TARGET=..." */
    struct mf_kindred living;     /* at the last look */
    struct mf_kindred started;    /* by us, and not yet reaped by whoever started them */
    uint64_t since;               /* nobody that is older belongs */
};

void mf_offspring_init(struct mf_offspring *o);
void mf_offspring_done(struct mf_offspring *o);
/* `pid` was started for the target just now. -1: no memory. */
int mf_offspring_add(struct mf_offspring *o, pid_t pid);
/* It has ended, and was reaped by whoever started it. */
void mf_offspring_reaped(struct mf_offspring *o, pid_t pid);
/* Who lives now; reaps adopted zombies. Returns how many there are. */
uint32_t mf_offspring_look(struct mf_offspring *o);
/* Whether that one still lives (reads /proc anew). */
bool mf_kin_lives(const struct mf_kin *kin);
/* To all that lived at the last look. */
void mf_offspring_signal(const struct mf_offspring *o, int signal);
/* Of all that lived at the last look, together. */
uint64_t mf_offspring_rss_bytes(const struct mf_offspring *o);

#endif
