/* What the steps and conditions of a command target act on: its folder, its processes, its logs.
 *
 * Life: the owner fills it; programs come and go; when the last has gone (`programs` 0) it may be given up. Threads:
 * the loop's. */
#ifndef MF_TARGETS_SCENE_H
#define MF_TARGETS_SCENE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "recorder/recorder.h"
#include "targets/fill.h"
#include "targets/offspring.h"
#include "targets/output.h"

struct mf_program;

struct mf_scene {
    uv_loop_t *loop;
    const struct mf_recorder *rec;
    struct mf_fill fill;
    struct mf_offspring offspring;
    struct mf_output output, steps; /* what the target prints; what its steps print, and our own notes on them */
    char **env;                     /* of all programs; NULL-terminated */
    char endpoint[256];             /* filled in */
    struct mf_kin *before; /* who lived at the last upgrade's request */
    uint32_t before_count;
    uint32_t programs;              /* whose handles are not closed yet */
    struct mf_program *started;     /* the one that was started; NULL: none yet */
    struct mf_program *spawned; /* by the newest `spawn`: the started one's successor, if its upgrade is committed */
    void *ctx;
    void (*wake)(void *ctx); /* a program has ended: look at once */
    /* Has the load send `text` outside the books, and swallow an answer that begins with `expect` (NULL: none comes).
     * -1: it cannot. */
    int (*ping)(void *ctx, const char *text, const char *expect);
};

/* A foreign program: in a session of its own, in the target's folder, its input /dev/null, its output a file's end. It
 * gives itself back some time after it has exited and was forgotten. */
struct mf_program {
    uv_process_t process;
    struct mf_scene *scene;
    bool is_living, is_forgotten;
    int64_t status; /* once it does not live */
    int signal;     /* that ended it; 0: none */
};

/* NULL with TARGET (it cannot be started) or INTERNAL. */
struct mf_program *mf_program_start(struct mf_scene *scene, const struct mf_argv *argv, const struct mf_output *output,
                                    struct mf_error *err);
/* The caller has no more interest in it. Takes NULL. */
void mf_program_forget(struct mf_program *p);
/* "exit 3", "signal 9 (Killed)". Returns `text`. */
const char *mf_program_how(const struct mf_program *p, char *text, size_t bytes);

/* A number in a file; 0: there is none. */
pid_t mf_pid_file_read(const char *path);

/* What the load has seen of upgrade k, all workers together; instants on CLOCK_MONOTONIC, 0: not. Torn by an answer or
 * two, since the load goes on writing. */
struct mf_sight {
    uint64_t first_new_ns, last_old_ns;
    uint64_t replies;
    bool versions; /* answers carry one */
};
struct mf_sight mf_sight_of(const struct mf_recorder *rec, uint32_t k);

#endif
