/* A row of steps, taken one after the other; each is told in the log of steps, with how long it took.
 *
 * Life: mf_course_begin; mf_course_look again and again, until it says that it is over; mf_course_end at any time.
 * Threads: the loop's; nothing waits. */
#ifndef MF_TARGETS_COURSE_H
#define MF_TARGETS_COURSE_H

#include "targets/scene.h"
#include "targets/watch.h"

enum mf_course_state { MF_COURSE_MORE, MF_COURSE_DONE, MF_COURSE_FAILED };

struct mf_course {
    struct mf_scene *scene;
    const struct mf_steps *steps; /* NULL: none is under way */
    uint32_t at, k;
    bool is_begun;               /* the step */
    uint64_t begun_ns, began_ns; /* the step; the first */
    double within_ms;            /* of all */
    struct mf_program *program;
    off_t printed_from;
    struct mf_watch watch;
    int fd; /* of a `send`; -1: none */
    char *to_send, *expected, *answer;
    size_t sent, answer_bytes;
};

void mf_course_begin(struct mf_course *c, struct mf_scene *scene, const struct mf_steps *steps, uint32_t k,
                     double within_ms);
/* FAILED with *err: the step, what became of it, what it printed last. */
enum mf_course_state mf_course_look(struct mf_course *c, struct mf_error *err);
/* Ends what is under way. Takes one that was not begun (zeroed). */
void mf_course_end(struct mf_course *c);

#endif
