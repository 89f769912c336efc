/* A strategy: the way in which the node's code is exchanged. One file per strategy with one `const struct mf_strategy
 * mf_strategy_<id>` at its foot, and one row in strategies.def. All else in that file is static.
 *
 * Exactly one of `supervise` and `upgrade` is required. Both return 0 when the upgrade is committed, or -1 with *err
 * (one line: it becomes the log's reason) and request->rolled_back telling whether the old code goes on. Both must call
 * ..._commit at the instant from which every message that is sent meets the new code, and stamp the phases that they go
 * through; outcome, RETIRED's absence and the `ended` line are the core's business. A trigger that is held is let go by
 * commit, and by the core when the call returns. */
#ifndef MF_STRATEGIES_STRATEGY_H
#define MF_STRATEGIES_STRATEGY_H

#include <stdbool.h>

#include "base/error.h"
#include "node/core.h"
#include "node/supervisor.h"
#include "strategies/flags.h"

enum mf_take {
    MF_TAKE_HANDLE, /* go on: convert if need be, handle */
    MF_TAKE_DROP,   /* this message is lost; the process goes on */
    MF_TAKE_STAY,   /* go on with the code and the state that it has */
    MF_TAKE_AGAIN,  /* the process was changed: look at its mailbox anew (the message was freed with it) */
};

/* Whose the listening socket is. */
enum mf_listener_owner {
    MF_LISTENER_OWN,    /* the worker's: it ends with it, or rides along as cargo */
    MF_LISTENER_HELD,   /* the supervisor's: workers inherit it, and it outlives them */
    MF_LISTENER_SHARED, /* each worker has one of its own at the same place (SO_REUSEPORT; transport tcp only) */
};

struct mf_strategy {
    const char *name; /* as in strategies.def */
    enum mf_listener_owner listener;
    /* In the supervisor: replaces the worker. NULL: the request goes to the worker's `upgrade`. */
    int (*supervise)(struct mf_supervisor *supervisor, struct mf_upgrade_request *request, struct mf_error *err);
    /* In the worker, when its first module is loaded and no thread runs yet. What it can't do is for `upgrade` to say. NULL: nothing. */
    void (*begin)(struct mf_core *core);
    /* In the worker, on the upgrade's thread. */
    int (*upgrade)(struct mf_core *core, struct mf_upgrade_request *request, struct mf_error *err);
    /* `supervise` uses mf_supervisor_hand_over: each worker gets a line over which it can be handed a descriptor. */
    bool hands_over;
    /* In the worker, on the upgrade's thread: what `supervise` asked by mf_supervisor_command. NULL: it asks nothing.
     * May not return where the command is to exit. */
    int (*command)(struct mf_core *core, const char *what, struct mf_error *err);
    /* In the worker started with cargo for slot request->k (exec), after everything is taken up and before the
     * schedulers run. NULL: none. */
    int (*resume)(struct mf_core *core, struct mf_upgrade_request *request, struct mf_error *err);
    /* On a scheduler, before `process` handles a message whose image is not the current one. Must be quick. NULL:
     * MF_TAKE_HANDLE. */
    enum mf_take (*take)(struct mf_core *core, struct mf_process *process);
    /* Its loads are MF_LOAD_IN_PLACE: so must the node's first one be, or the name would not be open yet. */
    bool loads_in_place;
};

/* By name; NULL where there is none. */
const struct mf_strategy *mf_strategy_find(const char *name);
/* Its promises, as its row in strategies.def says. */
unsigned mf_strategy_flags(const struct mf_strategy *strategy);
/* Checks each row of the list against its table (name, exactly one of supervise and upgrade); run at the node's start
 * in every build. */
int mf_strategies_check(struct mf_error *err);

#endif
