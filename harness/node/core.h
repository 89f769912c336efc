/* What a strategy may ask of the static core, inside the worker (the OS process that runs the processes). One of the
 * node's three contract headers (core.h, supervisor.h, ../strategies/strategy.h).
 *
 * Threads of a worker: the main thread reads control lines and carries upgrades out, one at a time ("the upgrade's
 * thread"); one I/O thread reads and writes sockets and never stops for an upgrade unless asked to by mf_core_pause_io;
 * S scheduler threads run processes, each process on one (p mod S). All functions here are for the upgrade's thread,
 * unless said otherwise; they may block it, and never block the others for longer than they say. Errors: -1 with *err.
 */
#ifndef MF_NODE_CORE_H
#define MF_NODE_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/module.h"
#include "base/error.h"

struct mf_core;    /* the worker's core */
struct mf_image;   /* a module loaded once: code, and how many processes belong to it */
struct mf_process; /* one lightweight process: mailbox, state, the image that its state belongs to */

/* An upgrade, as a strategy sees it. */
struct mf_upgrade_request {
    uint32_t k; /* slot of the upgrade log */
    uint32_t module_index;
    const char *module_path; /* the new module's file */
    bool rolled_back; /* set by a strategy that returns -1 having left the old code going on; else -1 means failed */
};

/* --- modules
 * ---------------------------------------------------------------------------------------------------------- */

enum mf_load_how {
    MF_LOAD_PRIVATE,  /* open a private copy (in memory), so that glibc can't hand back an
                         image still open */
    MF_LOAD_IN_PLACE, /* put a copy at the one name that the node's module has in the run's folder, as a deployment
                       * would, and open that: where it is still open glibc returns the old image (`stale` lives from
                       * that). The first module is loaded so */
};
/* Opens, checks (symbol, ABI number, sizes, required members) and initialises a module. Message path undisturbed.
 * *image is the caller's until published or unloaded. */
int mf_core_load(struct mf_core *core, const char *path, enum mf_load_how how, struct mf_image **image,
                 struct mf_error *err);
/* fini and dlclose (sanitizer builds keep it mapped). No process may belong to it. Takes NULL. */
void mf_core_unload(struct mf_core *core, struct mf_image *image);
const struct mf_module *mf_image_module(const struct mf_image *image);
/* The image that new and converting processes take. Any thread. */
struct mf_image *mf_core_current(struct mf_core *core);
/* How many processes have a state that belongs to `image`. Any thread. */
uint64_t mf_image_processes(const struct mf_image *image);

/* --- stop and go
 * ------------------------------------------------------------------------------------------------------ */

/* Returns when every scheduler stands between two messages. A message held at a point counts as lying in its mailbox's
 * front. */
void mf_core_pause_schedulers(struct mf_core *core);
void mf_core_resume_schedulers(struct mf_core *core);
/* Returns when the I/O thread stands between two reads; sockets keep filling in the kernel. */
void mf_core_pause_io(struct mf_core *core);
void mf_core_resume_io(struct mf_core *core);

/* --- exchange
 * --------------------------------------------------------------------------------------------------------- */

/* Converts every process's state to `image` and makes it theirs. Schedulers must be paused. All or nothing: on -1 every
 * state is as it was. Fills *converted with the number of states whose layout changed. */
int mf_core_convert_all(struct mf_core *core, struct mf_image *image, uint32_t *converted, struct mf_error *err);
/* `image` becomes current. A process whose image is another one converts before it handles its next message (whoever
 * runs it), but for lingerers, and for the control group, which has an image of its own. Any state of schedulers. */
void mf_core_publish(struct mf_core *core, struct mf_image *image);
/* Lets the schedulers convert idle processes in the background, between messages, until none belongs to `old` or one
 * could not be converted. Blocks until then. 0 with *converted; -1 with *err (the process that refused keeps `old`). */
int mf_core_convert_idle(struct mf_core *core, struct mf_image *old, uint32_t *converted, struct mf_error *err);
/* Kills, one after the other and on their own schedulers, the processes that are not in the current image (the control
 * group lives); their supervisors start them in it (node/guard.h), and by the scenario's supervision a death may take
 * others along. Blocks until none is left; returns how many processes were made anew. */
uint32_t mf_core_kill_old(struct mf_core *core);
/* Returns when every scheduler has been between two messages since the call. */
void mf_core_await_schedulers(struct mf_core *core);
/* The scenario's purge is `hard` (two-version). */
bool mf_core_purges_hard(const struct mf_core *core);

/* --- redirection (node/redirect.h)
 * ------------------------------------------------------------------------------------- */

/* Makes the entries of an image's functions ready for redirection. Before any thread can run them. */
int mf_core_redirect_prepare(struct mf_core *core, struct mf_image *image, struct mf_error *err);
/* Every function of `from` (prepared) leads to that of `to` from now on, one function after the other, while threads
 * run them. Refused, and nothing changed, where the layouts of the states differ or a function has no counterpart. `to`
 * must stay loaded until the next redirection and a wait for the schedulers. */
int mf_core_redirect(struct mf_core *core, struct mf_image *from, struct mf_image *to, struct mf_error *err);

/* --- scheduler side (called from a strategy's `take`, on the process's scheduler)
 * --------------------------------------- */

/* Kills and makes anew: its mailbox is dropped (lost), its state begins afresh in the current image, its instance
 * changes. */
void mf_process_remake(struct mf_core *core, struct mf_process *process);
struct mf_image *mf_process_image(const struct mf_process *process);
/* While armed, `take` is called before every message, also of a process whose image is the current one. Any thread. */
void mf_core_arm_take(struct mf_core *core, bool armed);
/* Enters the scheduler's main loop afresh, on top of the present stack; returns only when the node stops (`reboot`). */
void mf_core_enter_main(struct mf_core *core);
/* Bytes of the calling scheduler's stack still free. */
uint64_t mf_core_stack_left(struct mf_core *core);

/* --- I/O
 * -------------------------------------------------------------------------------------------------------------- */

/* Stops accepting: accepts whoever has connected, and closes the listener (a UNIX socket's path is unlinked). One that
 * the supervisor holds stays: who connects, and who has connected and was not accepted, waits for the next worker. */
void mf_core_stop_listening(struct mf_core *core);
/* Closes the listener without accepting: who is in its queue is reset by the kernel, or given to another listener of
 * the same place. */
void mf_core_close_listener(struct mf_core *core);
/* Returns when everything read so far has been answered and flushed (or `deadline_ms` is over: returns -1). New input
 * on live connections counts as long as it is there without waiting. */
int mf_core_drain(struct mf_core *core, uint32_t deadline_ms, struct mf_error *err);
/* As mf_core_drain, and besides waits for a first message on each connection that has brought none yet. */
int mf_core_drain_all(struct mf_core *core, uint32_t deadline_ms, struct mf_error *err);
/* Reads no more: what has been read is answered and flushed, and each connection then closed. For a drain that new
 * input would never let end. */
void mf_core_end_input(struct mf_core *core);

/* --- cargo: what rides along into another OS process (node/cargo.h writes and reads it)
 * ---------------------------------- */

enum mf_cargo_part {
    MF_CARGO_STATE = 1,       /* processes: state, instance */
    MF_CARGO_MESSAGES = 2,    /* mailboxes, held message, replies not yet flushed */
    MF_CARGO_CONNECTIONS = 4, /* descriptors of listener and live connections, half-read frames, half-written replies */
};
/* Writes the parts into a memfd (close-on-exec) whose number it returns; -1 with *err. Schedulers (and for messages and
 * connections the I/O thread) must be paused. */
int mf_core_pack(struct mf_core *core, unsigned parts, struct mf_error *err);
/* Clears close-on-exec of the descriptors that an execve must keep (connections, listener, recorder, control,
 * `cargo_fd`), and replaces this program by itself with `--cargo-fd`, the request's module and slot. Returns only on
 * failure, having set them back. */
int mf_core_exec(struct mf_core *core, const struct mf_upgrade_request *request, int cargo_fd, struct mf_error *err);
/* In a worker started with cargo for a slot: why the new module could not take it up, so that this one, with the old
 * module, took it up in its place; NULL: this is the new one. */
const char *mf_core_turned_back(const struct mf_core *core);
/* Packs everything and hands it, with all descriptors, to the newcomer whose line the supervisor has sent
 * (mf_supervisor_hand_over). 0: the newcomer has taken all of it up and has been told that it is its own: this OS
 * process must end at once, and touch nothing. -1 with *err: the newcomer has been told to go, or is dead; all is still
 * here. Schedulers and I/O thread must be paused, and still are. */
int mf_core_hand_over(struct mf_core *core, uint32_t k, struct mf_error *err);
/* Exactly how many bytes mf_core_pack(MF_CARGO_STATE) will write. */
uint64_t mf_core_state_bytes(struct mf_core *core);

/* --- the log
 * ---------------------------------------------------------------------------------------------------------- */

/* Stamps a phase of slot k with the present instant. */
void mf_core_phase(struct mf_core *core, uint32_t k, uint32_t phase /* enum mf_phase */);
/* Stamps COMMITTED, writes the evidence, raises header->committed and lets a held trigger go on. From here on a message
 * that is sent meets the new code. */
void mf_core_commit(struct mf_core *core, uint32_t k);
/* Lets a held trigger go on before the commit. No effect where none is held. */
void mf_core_release_trigger(struct mf_core *core);
/* Evidence for slot k's log (recorder/recorder.h). `queued` is counted by the core: call with schedulers paused, or at
 * the commit. */
void mf_core_note_queued(struct mf_core *core, uint32_t k);
void mf_core_note_converted(struct mf_core *core, uint32_t k, uint32_t converted);
void mf_core_note_made_anew(struct mf_core *core, uint32_t k, uint32_t made_anew); /* adds; any thread */

/* A place for what the strategy must remember between its calls (one pointer per core; the strategy frees it). */
void **mf_core_strategy_data(struct mf_core *core);

/* The run's folder. */
const char *mf_core_dir(const struct mf_core *core);
/* The module files of the scenario. */
const char *mf_core_module_path(const struct mf_core *core, uint32_t index);

#endif
