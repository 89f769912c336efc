/* What a node is started with. Filled from the command line by the supervisor's main, handed on to each worker. */
#ifndef MF_NODE_ARGS_H
#define MF_NODE_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "recorder/recorder.h"
#include "strategies/retire.h"

#define MF_NODE_MODULES_MAX 64
#define MF_NODE_POINTS_MAX  16

enum mf_purge {
#define MF_PURGE(id, key, text) MF_PURGE_##id,
#include "strategies/purge.def"
#undef MF_PURGE
    MF_PURGE_COUNT
};
enum mf_supervision {
#define MF_SUPERVISION(id, key, text) MF_SUPERVISION_##id,
#include "strategies/supervision.def"
#undef MF_SUPERVISION
    MF_SUPERVISION_COUNT
};

/* A point that the node itself watches. */
enum mf_node_point_kind {
    MF_NODE_POINT_STAGE, /* on the `first`-th message at `stage`, then on every `every`-th */
    MF_NODE_POINT_VALUE, /* on a ping whose seq is `first`, at stage DEQUEUED */
    MF_NODE_POINT_DEPTH, /* on the message that makes a mailbox `first` long, at stage ENQUEUED; firing n not before
                            n * every messages */
};
struct mf_node_point {
    enum mf_node_point_kind kind;
    uint32_t point; /* index into the scenario's upgrades */
    uint32_t stage; /* enum mf_point_stage */
    uint64_t first, every;
    uint32_t count;
    bool hold;
    uint32_t hold_ms;
};

struct mf_node_args {
    int recorder_fd, control_fd;
    const char *strategy, *transport, *listen, *codec, *dir;
    uint32_t processes, schedulers;
    uint64_t seed;
    uint32_t patience_ms; /* how long a new module may take to be tried, and a new worker to be ready, in an upgrade */
    const char *modules[MF_NODE_MODULES_MAX];
    uint32_t modules_count;
    struct mf_node_point points[MF_NODE_POINTS_MAX];
    uint32_t points_count;
    uint32_t accept_delay_us; /* between two accepted connections; 0: as they come */
    enum mf_retire retire;    /* reuseport: how the old copy ends */
    enum mf_purge purge;      /* two-version */
    uint32_t lingerers;       /* two-version: the first so many processes never leave a version by themselves */
    uint32_t control_group;   /* the last so many processes are no upgrade's business */
    enum mf_supervision supervision;
    uint32_t group; /* processes under one supervisor; at least 1 */
    bool links;     /* neighbours in a group are linked */

    /* A worker's own (the supervisor fills them in). */
    bool worker;
    uint32_t module_index; /* the module to begin with */
    int cargo_fd;          /* -1: begins from nothing */
    uint32_t cargo_k;      /* the slot under way that the cargo belongs to (exec); UINT32_MAX: none */
    int listen_fd;         /* the supervisor's listening socket; -1: the worker makes its own */
    int hand_fd;           /* over which the supervisor hands it descriptors; -1: none */
    int take_fd;           /* a newcomer's: from here it takes over from another worker; -1: none */
};

/* Parses argv. -1 with USAGE. */
int mf_node_args_parse(struct mf_node_args *args, int argc, char **argv, struct mf_error *err);
/* The argv for a worker (or for an execve of it): a NULL-terminated vector in one allocation that the caller frees.
 * NULL: no memory. */
char **mf_node_args_argv(const struct mf_node_args *args, const char *program);

/* The worker: runs until told to stop or the control line closes; returns the exit status. */
int mf_worker_run(struct mf_node_args *args, char **argv);
/* The supervisor. */
int mf_supervisor_run(struct mf_node_args *args, char **argv);

#endif
