/* What a strategy may ask of the supervisor: the small parent process that holds the line to the driver, starts the
 * worker, and outlives it. For strategies that replace the OS process. One thread; every call blocks it (the driver's
 * next line waits). Errors: -1 with *err. */
#ifndef MF_NODE_SUPERVISOR_H
#define MF_NODE_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "node/core.h"

struct mf_supervisor;

/* Starts a worker with module `module_index` on the node's endpoint (the address of the first one is kept: same path,
 * same port), and returns when it is ready (deadline 5 s). `cargo_fd` >= 0 is handed to it (its states are taken up;
 * the descriptor is closed here in any case); -1: none. The supervisor must have no worker. */
int mf_supervisor_start_worker(struct mf_supervisor *s, uint32_t module_index, int cargo_fd, struct mf_error *err);
/* SIGKILL and wait until it is gone. */
int mf_supervisor_kill_worker(struct mf_supervisor *s, struct mf_error *err);
/* Sends `command what=<what>` to the worker, where the strategy's `command` carries it out, and waits for its answer.
 */
int mf_supervisor_command(struct mf_supervisor *s, const char *what, uint32_t deadline_ms, struct mf_error *err);
/* Starts a second worker beside the first, which is undisturbed. `takes_over`: it loads and initialises its module and
 * then waits to be handed everything (mf_supervisor_hand_over; the strategy's `hands_over` must be set); else it
 * listens beside the first (MF_LISTENER_SHARED) and serves from now on. Returns when it has come so far (deadline 5 s);
 * -1: nothing of it is left. */
int mf_supervisor_start_newcomer(struct mf_supervisor *s, uint32_t module_index, bool takes_over, struct mf_error *err);
/* Sends the worker the newcomer's line, and `command what=<what>`, where the strategy's `command` calls
 * mf_core_hand_over. 0: the newcomer has everything, is the worker now and serves, and the old one has ended. -1: the
 * newcomer is no more; whether the old one goes on, mf_supervisor_has_worker tells. */
int mf_supervisor_hand_over(struct mf_supervisor *s, const char *what, uint32_t deadline_ms, struct mf_error *err);
/* The newcomer is the worker from now on. There must be a newcomer, and no worker. */
void mf_supervisor_succeed(struct mf_supervisor *s);
bool mf_supervisor_has_worker(const struct mf_supervisor *s);
/* How the old copy is to end (reuseport). */
const char *mf_supervisor_retire(const struct mf_supervisor *s);
/* Waits until the worker has ended by itself (deadline, then -1). */
int mf_supervisor_wait_worker(struct mf_supervisor *s, uint32_t deadline_ms, struct mf_error *err);
/* The module that the worker runs. */
uint32_t mf_supervisor_module_index(const struct mf_supervisor *s);
const char *mf_supervisor_module_path(const struct mf_supervisor *s, uint32_t index);
const char *mf_supervisor_dir(const struct mf_supervisor *s);
uint32_t mf_supervisor_schedulers(const struct mf_supervisor *s);
uint32_t mf_supervisor_processes(const struct mf_supervisor *s);

/* Loads and initialises module `module_index` in an OS process of its own that does nothing else and ends (deadline 5
 * s, then it is killed): a module that fails, crashes or hangs does so there. -1 with what it said, or how it ended. */
int mf_supervisor_probe(struct mf_supervisor *s, uint32_t module_index, struct mf_error *err);

/* The log, as mf_core_phase and mf_core_commit do on the worker's side. */
void mf_supervisor_phase(struct mf_supervisor *s, uint32_t k, uint32_t phase);
void mf_supervisor_commit(struct mf_supervisor *s, uint32_t k);
void mf_supervisor_note_made_anew(struct mf_supervisor *s, uint32_t k, uint32_t made_anew, uint32_t threads_ended);

#endif
