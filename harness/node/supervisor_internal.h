/* The inside of the supervisor, for the files supervisor*.c only (strategies see supervisor.h). One thread. */
#ifndef MF_NODE_SUPERVISOR_INTERNAL_H
#define MF_NODE_SUPERVISOR_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "node/args.h"
#include "node/supervisor.h"
#include "recorder/recorder.h"
#include "strategies/strategy.h"
#include "wire/control.h"

/* The OS process that runs the processes. */
struct mf_worker {
    pid_t pid;   /* 0: there is none */
    int pid_fd;  /* readable once it has ended; -1 with pid 0 */
    int fd;      /* our end of its control line; -1: none, or it has ended its side */
    int hand_fd; /* our end of the line over which it is handed descriptors; -1: it has none */
    uint32_t module_index;
    bool prepared, ready;
    int end_status, end_code; /* of one that has ended, as waitid gave it: si_status, si_code */
    struct mf_error error;    /* what it said before it was ready; empty text: nothing */
    struct mf_control_reader reader;
};

/* A command that the worker was asked to carry out. */
enum mf_command_state { MF_COMMAND_NONE, MF_COMMAND_SENT, MF_COMMAND_DONE, MF_COMMAND_REFUSED };

struct mf_supervisor {
    const struct mf_node_args *args;
    const char *program; /* argv[0] */
    const struct mf_strategy *strategy;
    struct mf_recorder rec;
    int driver_fd;
    struct mf_control_reader driver;
    bool driver_gone, stopping;

    struct mf_worker worker;
    struct mf_worker newcomer; /* beside it, while an upgrade is under way */
    int take_fd;               /* the newcomer's line, until the worker is sent it; -1: none */
    int listen_fd;             /* MF_LISTENER_HELD; else -1 */
    char held_endpoint[256];   /* of it */
    char endpoint[256];        /* resolved; empty before the first `ready` */

    bool in_strategy; /* a strategy's `supervise` runs: a worker that ends is its business */
    enum mf_command_state command;
    char command_reason[MF_REASON_BYTES];

    uint8_t *under_way; /* per slot: given to, or fired by, a worker that has not said `ended` */
    uint32_t *fired;    /* slots that the worker fired and `supervise` must carry out: a ring of shape.upgrades */
    uint32_t fired_at, fired_count;
};

/* --- supervisor_worker.c -------------------------------------------------------------------------------------------
 */

/* Waits for one thing to happen, until `deadline_ns` (UINT64_MAX: for ever), and does what it asks for. The driver's
 * lines are left to mf_supervisor_run's loop (`with_driver`); that it has gone is noticed in any case. -1: it has gone,
 * or poll failed. */
int mf_supervisor_pump(struct mf_supervisor *s, bool with_driver, uint64_t deadline_ns, struct mf_error *err);
/* Forks a worker with `args` but for its lines, which it makes. It has not begun yet. */
int mf_worker_launch(struct mf_supervisor *s, struct mf_worker *w, struct mf_node_args *args, struct mf_error *err);
/* Pumps until *what, which one of its lines makes true. -1 with *err: it has ended (and why), or the deadline is over. */
int mf_worker_await(struct mf_supervisor *s, struct mf_worker *w, const bool *what, uint32_t deadline_ms,
                    struct mf_error *err);
/* Waits until it has ended, which it has or is about to, hears what it still had to say, and tells of its end. */
void mf_worker_reap(struct mf_supervisor *s, struct mf_worker *w);
uint32_t mf_supervisor_start_ms(const struct mf_supervisor *s); /* deadline of a start now */
/* "exit 3", "signal 9 (Killed)": how it ended. */
const char *mf_worker_end_text(const struct mf_worker *w, char *text, size_t n);
/* MF_LISTENER_HELD: makes the listening socket, before the first worker. */
int mf_supervisor_listen(struct mf_supervisor *s, struct mf_error *err);
/* Removes a UNIX socket's path, which a worker that is or was killed can't. */
void mf_supervisor_unlink_endpoint(const struct mf_supervisor *s);
/* SIGKILL to the newcomer, where there is one; waits until it is gone. */
void mf_supervisor_dismiss_newcomer(struct mf_supervisor *s);
/* Sends a line to the worker. -1: it has none, or has ended its side. */
int mf_supervisor_tell_worker(struct mf_supervisor *s, struct mf_control_writer *w);

/* --- supervisor_log.c ----------------------------------------------------------------------------------------------
 */

/* A supervised upgrade begins: who runs the processes now, and nothing known yet. */
void mf_supervisor_log_begin(struct mf_supervisor *s, uint32_t k);
/* It has ended: phase, reason, outcome (last), and the driver is told. `reason` NULL: committed. */
void mf_supervisor_log_end(struct mf_supervisor *s, uint32_t k, bool rolled_back, const char *reason);

/* --- supervisor.c --------------------------------------------------------------------------------------------------
 */

/* What a worker (or the newcomer) says, and its end; called by the pump. */
void mf_supervisor_on_worker_line(struct mf_supervisor *s, struct mf_worker *w, const struct mf_control_line *line);
void mf_supervisor_on_worker_end(struct mf_supervisor *s, struct mf_worker *w, pid_t pid);
void mf_supervisor_on_driver_line(struct mf_supervisor *s, const struct mf_control_line *line);
/* Tells the driver. That it has gone is noticed by the pump. */
void mf_supervisor_tell_driver(struct mf_supervisor *s, struct mf_control_writer *w);

#endif
