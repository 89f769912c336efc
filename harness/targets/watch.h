/* A condition, looked at until it holds.
 *
 * Life: mf_watch_begin (from when on things count); mf_watch_holds again and again; mf_watch_end. Threads: the loop's;
 * a look may read /proc and files, and takes some milliseconds at most. */
#ifndef MF_TARGETS_WATCH_H
#define MF_TARGETS_WATCH_H

#include "targets/scene.h"

#define MF_NO_UPGRADE UINT32_MAX

struct mf_watch {
    const struct mf_condition *condition; /* NULL: not begun */
    struct mf_scene *scene;
    uint32_t k;
    uint64_t began_ns, next_ns; /* of the dearer looks */
    char *text, *path;          /* filled in */
    struct mf_search search;
    struct mf_kin *old; /* that must go */
    uint32_t old_count;
    struct mf_program *program;
    off_t printed_from;
    char missing[256]; /* what did not hold at the last look */
};

/* -1 with *err: a text cannot be filled in. */
int mf_watch_begin(struct mf_watch *w, struct mf_scene *scene, const struct mf_condition *condition, uint32_t k,
                   struct mf_error *err);
bool mf_watch_holds(struct mf_watch *w);
/* Takes one that was not begun. */
void mf_watch_end(struct mf_watch *w);

#endif
