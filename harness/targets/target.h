/* The driver's contract with a target: start, ready, upgrade, version, points, stop. Our node is the first to fulfil
 * it.
 *
 * Life: mf_target_new_...; start; (ready event); upgrade...; stop; (stopped event); mf_target_free. All calls and all
 * events on the driver's loop thread; nothing blocks. A target owns its OS processes: whatever happens, after `stopped`
 * none of them lives. */
#ifndef MF_TARGETS_TARGET_H
#define MF_TARGETS_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "base/error.h"
#include "recorder/recorder.h"
#include "scenario/scenario.h"
#include "wire/plan.h"

struct mf_target;

struct mf_target_events {
    void *ctx;
    void (*ready)(void *ctx, const char *endpoint);
    void (*fired)(void *ctx, uint32_t k);                   /* the target fired slot k itself */
    void (*ended)(void *ctx, uint32_t k);                   /* slot k's outcome stands in the log */
    void (*phase)(void *ctx, uint32_t k, uint32_t phase);   /* slot k stands still at a marked phase; NULL: none is */
    void (*finished)(void *ctx);                            /* transport local: the pingers have finished */
    void (*died)(void *ctx, const char *text);              /* an OS process of it ended unasked */
    void (*failed)(void *ctx, const struct mf_error *err);  /* it cannot be started, or a deadline passed; stop it */
    void (*trouble)(void *ctx, const struct mf_error *err); /* an upgrade could not be carried out; the run goes on */
    /* Has the load send these bytes between its pings, outside its books, and swallow an answer that begins with
     * `expect` (NULL: none comes). -1: it can't. */
    int (*ping)(void *ctx, const char *text, const char *expect);
    void (*stopped)(void *ctx); /* last event */
};

struct mf_target_ops {
    const char *kind; /* "node", "command" */
    int (*start)(struct mf_target *t, struct mf_error *err);
    /* Carry out slot k of the log. The driver has stamped REQUESTED and raised `requested`. */
    void (*upgrade)(struct mf_target *t, uint32_t k);
    /* Transport local only (else NULL): start the pingers. */
    void (*go)(struct mf_target *t);
    void (*stop)(struct mf_target *t);
    /* The OS process that outlives the others; 0: none. */
    pid_t (*pid)(struct mf_target *t);
    /* Resident memory of its OS processes now; 0: not known. */
    uint64_t (*rss_bytes)(struct mf_target *t);
    /* Its OS processes that live: those that did at the last upgrade's request (before the first: all), the later ones (where
     * there are none: all), or both; at most `room`. NULL: nobody may ask. */
    uint32_t (*members)(struct mf_target *t, bool old, bool young, pid_t *pid, uint32_t room);
    void (*free)(struct mf_target *t); /* after stopped, or where start failed */
};

struct mf_target {
    const struct mf_target_ops *ops;
    uv_loop_t *loop;
    struct mf_target_events events;
};

/* What a node target needs beyond its scenario. Everything is borrowed until free. */
struct mf_node_options {
    const struct mf_cell *cell;
    const struct mf_recorder *recorder;
    const char *run_dir;  /* sockets, saved state, module copies live in here */
    const char *log_path; /* the node's stderr */
    const char *program;  /* midflight-node */
    const char *modules_dir;
    const struct mf_plan *local_plan; /* one per scheduler, for transport local; else NULL */
    uint32_t local_plans;
    uint64_t seed;
    /* Where faults are planned. `prepare` is called when the node's own folder is there and before anything runs (-1:
     * it is not started), `release` when nothing runs any more and before the folder is removed. An upgrade that passes
     * its deadline then has failed, and the run goes on. */
    bool has_faults;
    bool own_modules; /* <folder>/modules/<i>.so, which `prepare` has made, are the modules */
    void *faults;
    int (*prepare)(void *faults, const char *folder, struct mf_error *err);
    void (*release)(void *faults);
    int net_fd; /* the network namespace that it lives in; 0: ours */
};
struct mf_target *mf_target_new_node(uv_loop_t *loop, const struct mf_node_options *options,
                                     const struct mf_target_events *events, struct mf_error *err);

/* What a command target needs beyond its scenario. Everything is borrowed until free; the last five as above. */
struct mf_command_options {
    const struct mf_cell *cell;
    const struct mf_recorder *recorder;
    const char *run_dir; /* its own folder lives in here, or in $TMPDIR where that would be too long for a socket */
    const char *log_path, *steps_path; /* what it prints; what its steps print, and how long they took */
    const char *modules_dir, *programs_dir;
    bool has_faults;
    void *faults;
    int (*prepare)(void *faults, const char *folder, struct mf_error *err);
    void (*release)(void *faults);
};
struct mf_target *mf_target_new_command(uv_loop_t *loop, const struct mf_command_options *options,
                                        const struct mf_target_events *events, struct mf_error *err);
/* The first thing that a command needs and this machine has not, and how to get it, into `text`. False: all is there.
 */
bool mf_command_lacks(const struct mf_command_target *command, const char *modules_dir, const char *programs_dir,
                      char *text, size_t bytes);

/* Version numbers of the modules, asked of `midflight-node --describe PATH...` (so that they do not rest on what a
 * running target claims). Fills versions[cell->node.modules_count]. Blocking; before any run. -1 with TARGET where a
 * module cannot be loaded (its path and why). */
int mf_node_describe(const char *program, const char *modules_dir, const struct mf_node_target *node,
                     uint32_t *versions, struct mf_error *err);

#endif
