/* The load processes of a run, taken together.
 *
 * Life: mf_crew_start (spawns and gives each its plan); `ready` when all are; mf_crew_go; `point`s; `finished` when all
 * are; mf_crew_stop at any time; `gone` last, when none of their OS processes lives. Where start fails, those that had
 * been started are on their way out: `gone` comes, unless there were none
 * (`members` is 0). Threads: the loop's. */
#ifndef MF_DRIVER_CREW_H
#define MF_DRIVER_CREW_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"
#include "driver/firing.h"
#include "recorder/recorder.h"
#include "scenario/scenario.h"
#include "targets/child.h"

#define MF_CREW_MAX 64

struct mf_crew;

struct mf_crew_member {
    struct mf_crew *crew;
    struct mf_child *child; /* NULL when gone */
    uint32_t number;
    bool ready, finished, exited;
    char log_path[PATH_MAX];
};

struct mf_crew {
    const struct mf_cell *cell;
    void *ctx;
    void (*ready)(void *ctx);
    void (*point)(void *ctx, const struct mf_trigger *trigger);
    void (*placed)(void *ctx, uint32_t k); /* the probes for upgrade k; may be NULL where none are asked for */
    void (*finished)(void *ctx);
    /* One of them ended before it had finished, or says that it can't. */
    void (*failed)(void *ctx, const struct mf_error *err);
    void (*gone)(void *ctx);

    uint32_t members, left;
    bool stopping;
    struct mf_crew_member member[MF_CREW_MAX];
};

struct mf_crew_options {
    uv_loop_t *loop;
    const char *program, *dir; /* midflight-load; the logs load-<n>.log are made in dir */
    const char *endpoint;
    const struct mf_recorder *rec;
    uint64_t seed;
    bool history; /* each account writes its own into `dir` */
    int net_fd; /* the network namespace that they live in; 0: ours */
};

/* -1 with *err: see above. The callbacks and `cell` are filled in by the caller before. */
int mf_crew_start(struct mf_crew *crew, const struct mf_crew_options *options, struct mf_error *err);
void mf_crew_go(struct mf_crew *crew);
/* Asks for the probes of upgrade k; says that it has ended. Probes are the first one's. */
void mf_crew_probe(struct mf_crew *crew, uint32_t k);
void mf_crew_release(struct mf_crew *crew, uint32_t k);
/* Politely, and at once where `hurry`. */
/* Has the first worker write these bytes between two pings, outside the books, and swallow one answer that begins with
 * `expect` (NULL: none comes). -1: it is not there, or the text is too long for a control line. */
int mf_crew_ping(struct mf_crew *crew, const char *text, const char *expect);
void mf_crew_stop(struct mf_crew *crew, bool hurry);

#endif
