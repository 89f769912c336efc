/* The inside of a worker, for the files of node/ only (strategies see core.h).
 *
 * Life of a worker: worker.c opens everything, takes up cargo (cargo.c) where there is some, starts the threads, reads
 * control lines, ends. Threads: the main thread (control lines, upgrades), the I/O thread (`io`), the schedulers. Each
 * struct says who owns it. While the schedulers (and the I/O thread) are paused, the main thread may touch what is
 * theirs: pausing hands it over through a mutex. Units: ns on the monotonic clock, bytes.
 *
 * Control lines between worker and supervisor, besides those of wire/control.h:
 * - supervisor -> worker: `upgrade k=N`, `command what=TEXT`, `plan ...`, `go`, `stop`
 * - worker -> supervisor: `prepared` (a newcomer waits to take over), `ready endpoint=TEXT pid=N`, `fired k=N`,
 *   `ended k=N outcome=TEXT [reason=TEXT]`, `finished`, `error text=TEXT status=N`, `done what=TEXT [reason=TEXT]` (a
 *   command has been carried out; reason: it failed, and why) */
#ifndef MF_NODE_CORE_INTERNAL_H
#define MF_NODE_CORE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/module.h"
#include "base/error.h"
#include "node/args.h"
#include "node/core.h"
#include "node/message.h"
#include "node/trial.h"
#include "recorder/recorder.h"
#include "strategies/strategy.h"
#include "wire/codec.h"
#include "wire/control.h"
#include "wire/plan.h"

/* --- modules and processes
 * ------------------------------------------------------------------------------------------------ */

/* The states of all processes in one layout: `stride` bytes each, by process id. Shared by images of equal layout. Main
 * thread makes and frees. */
struct mf_states {
    uint32_t refs, stride;
    uint8_t *at;
};

struct mf_image {
    struct mf_image *next; /* core->images */
    uint32_t number;       /* counts loads; never 0 */
    const struct mf_module *module;
    void *handle;
    int copy_fd; /* the private copy that it was opened from; -1: none */
    struct mf_states *states;
    char *path;
    uint64_t loaded_ns, superseded_ns; /* superseded: when another one became current; 0: is or never was current */
    _Atomic uint64_t processes;        /* processes and pingers that belong to it */
};

/* Who does not go over to the current image by itself. */
enum mf_stay {
    MF_STAY_NOT,
    MF_STAY_LINGERS, /* makes local calls only: never comes out of the code that it is in, until it is killed or, while
                        the schedulers stand, converted */
    MF_STAY_CONTROL, /* of the control group: in an image of its own, and no upgrade's business */
};

struct mf_process {
    struct mf_process *next_run;
    struct mf_image *image;
    void *state; /* in image->states (or an older image's of the same layout); NULL for a pinger */
    uint64_t instance;
    struct mf_chain mailbox;
    struct mf_message *held_reply; /* held at HANDLED: answered, and not yet on its way */
    uint32_t id;                   /* below core->processes_count; a pinger's: processes_count + its stream */
    uint32_t refused;              /* number of the image that it could not be converted to; 0: none */
    uint32_t scheduler;            /* index of the one that runs it */
    bool in_run_queue;
    bool held;   /* does not run: its mailbox's front (or held_reply) is held at a point */
    bool behind; /* in its scheduler's `behind`: does not run until a held message of the same stream goes on */
    bool is_pinger;
    bool dying;    /* in the list of a death under way */
    uint8_t why;   /* ... enum mf_death */
    uint8_t stays; /* enum mf_stay; constant */
    struct mf_process *next_behind, *next_dying;
};

/* Closes every image, whoever belongs to it: the worker ends. */
void mf_images_done(struct mf_core *core);

/* Makes all processes afresh, in the current image. -1: no memory. */
int mf_processes_init(struct mf_core *core, struct mf_error *err);
void mf_processes_done(struct mf_core *core);
/* Kills it and starts it afresh in the current image (of the control group: in its own): its mailbox is dropped, its
 * state begins anew, its instance changes. Nobody else dies, and nobody is told: see guard.h. On its scheduler. */
void mf_process_begin_anew(struct mf_core *core, struct mf_process *process);
/* Holds it, with m at its front or just handled, and what stands behind m in its stream. */
void mf_process_hold(struct mf_core *core, struct mf_process *process, const struct mf_message *m);
void mf_process_let_go(struct mf_core *core, struct mf_process *process);
/* Lets process (its scheduler's run queue) run when it has something to do and is not held. On its scheduler, or while
 * it stands. */
void mf_process_wake(struct mf_core *core, struct mf_process *process);
/* Makes the state of `process` out of `bytes` in layout `state_version`, in the image that it belongs to (converts
 * where the layouts differ). Schedulers not running. */
int mf_process_adopt(struct mf_core *core, struct mf_process *process, uint64_t instance, uint32_t state_version,
                     const void *bytes, uint32_t n, struct mf_error *err);
/* Converts to `image` on the calling thread, which must be the process's scheduler, or any while the schedulers are
 * paused. 1: its layout was changed; 0: taken as it is; -1: refused, nothing changed. */
int mf_process_convert(struct mf_process *process, struct mf_image *image);

/* --- connections
 * ------------------------------------------------------------------------------------------------------------ */

/* A reply that the kernel has not wholly taken: FLUSHED is stamped when out_written reaches `end`. */
struct mf_flush_mark {
    uint64_t seq, end; /* end: in bytes of this connection's output, counted from its first */
    uint32_t stream, process;
};

/* Owner: whoever holds io->lock. */
struct mf_connection {
    struct mf_connection *next, *prev; /* io->connections, oldest first */
    struct mf_connection *next_dirty;
    struct mf_connection *next_ready;
    struct mf_connection *next_over;
    uint64_t id;
    int fd;                     /* -1: closed, and waits for its pending messages to come back */
    uint32_t pending;           /* its messages inside the node: their blocks point here */
    uint32_t events;            /* what epoll watches */
    bool dirty;                 /* in io->dirty: has output to write */
    bool ready;                 /* in io->ready: still has whole messages in `in` (or input in the kernel) to look at */
    bool over;                  /* in io->over */
    bool blocked;               /* the kernel's buffer is full: waits for EPOLLOUT */
    bool input_ended;           /* the peer sent FIN: what is pending is answered, then it is closed */
    struct mf_message *held_in; /* held at RECEIVED: nothing is read behind it */
    bool holds_output;          /* held at REPLIED, half flushed, FLUSHED: nothing from byte hold_at on is written */
    uint64_t hold_at;
    /* input not yet decoded: in[in_begin .. in_end) */
    uint8_t *in;
    size_t in_begin, in_end, in_room;
    /* output not yet taken by the kernel: out[out_begin .. out_end); out_written counts the bytes taken in its life */
    uint8_t *out;
    size_t out_begin, out_end, out_room;
    uint64_t out_written;
    /* marks[marks_begin .. marks_end), in order */
    struct mf_flush_mark *marks;
    size_t marks_begin, marks_end, marks_room;
};

/* For cargo, before the threads start. The connection takes the descriptor (on failure too); -1: its client has gone
 * and its messages have not been handled yet. NULL: no memory or no epoll, errno. */
struct mf_connection *mf_connection_new(struct mf_core *core, int fd, uint64_t id);
int mf_connection_add_input(struct mf_connection *c, const void *bytes, size_t n);  /* -1: no memory */
int mf_connection_add_output(struct mf_connection *c, const void *bytes, size_t n); /* -1: no memory */
int mf_connection_add_mark(struct mf_connection *c,
                           const struct mf_flush_mark *mark); /* mark->end counts from out_written; -1: no memory */

/* What others ask of a thread, as bits of its `attention` word. */
enum mf_attention {
    MF_ATTENTION_PAUSE = 1,
    MF_ATTENTION_STOP = 2,
    MF_ATTENTION_RELEASE = 4,     /* let the held message go on */
    MF_ATTENTION_SWEEP = 8,       /* schedulers: convert idle processes */
    MF_ATTENTION_GO = 16,         /* schedulers: begin pinging (transport local) */
    MF_ATTENTION_DEAF = 32,       /* I/O: stop listening */
    MF_ATTENTION_DRAIN = 64,      /* I/O: say so when nothing is left to read, answer or write */
    MF_ATTENTION_END_INPUT = 128, /* I/O: read no more; a connection ends when it is answered and flushed */
    MF_ATTENTION_SAMPLE = 512,    /* schedulers: copy some states (probe.c) */
    MF_ATTENTION_CLOSE = 256,     /* I/O: stop listening, and leave whoever is in the accept queue there */
};

/* The I/O thread reads, and writes what it finds to write. A scheduler that has answers while the I/O thread sleeps in
 * epoll_wait writes them itself: waking the I/O thread for it would cost more than all else that a message costs.
 * Whoever does has the lock; the I/O thread has it whenever it does not sleep, and while it stands. */
struct mf_io {
    struct mf_core *core;
    pthread_t thread;
    bool started, has_lock;
    pthread_mutex_t lock; /* guards all below but the atomics */
    int epoll_fd, listen_fd, event_fd;
    int accept_timer_fd;        /* args->accept_delay_us; -1: none */
    bool listener_is_lent;      /* others hold it too: closing it here leaves it, and its path, to them */
    int spare_fd;               /* given up for a moment to refuse a connection where descriptors are out */
    struct mf_inbox outbox;     /* answers and empty blocks from the schedulers */
    _Atomic uint32_t sleeping;  /* it is (about to be) in epoll_wait: write event_fd after pushing */
    _Atomic uint32_t attention; /* enum mf_attention */
    _Atomic bool awaits_first;  /* a drain waits for connections that have brought nothing yet */
    uint64_t pending;           /* messages inside the node: read, and their blocks not yet back */
    struct mf_pool pool;
    struct mf_connection *connections, *connections_last, *dirty, *ready;
    /* closed, and nothing left inside: the I/O thread frees them, which may have an event of theirs in hand */
    struct mf_connection *over;
    uint64_t next_id;
    struct mf_chain *batch; /* per scheduler: read and not yet pushed */
};

/* What a scheduler does with each of its processes, between messages. */
enum mf_sweep {
    MF_SWEEP_CONVERT, /* brings it to the current image */
    MF_SWEEP_KILL,    /* kills it where it is in another image */
    MF_SWEEP_LOOK,    /* nothing: that it is done says that the scheduler has been between two messages */
};

/* --- schedulers
 * --------------------------------------------------------------------------------------------------------------- */

struct mf_scheduler {
    struct mf_core *core;
    uint32_t index;
    pthread_t thread;
    bool started;
    void *stack;
    size_t stack_bytes;
    struct mf_inbox inbox;             /* pings for its processes; pongs for its pingers (transport local) */
    _Atomic uint32_t sleeping;         /* futex: 1 while it sleeps or is about to */
    _Atomic uint32_t attention;        /* enum mf_attention */
    _Atomic uint64_t pushed, dequeued; /* pings given to its inbox / taken out for handling or dropped with their
                                          mailbox: the difference is queued */
    uint64_t arrivals;                 /* pings put into mailboxes */
    /* A message of this stream is held in a process of this scheduler: what arrived behind it waits too, whatever its
     * process, so that a hold by itself answers no stream out of its order. */
    bool holds_stream;
    uint32_t held_stream;
    uint64_t held_arrived;
    struct mf_process *behind_first, *behind_last;
    struct mf_process *run_first, *run_last;
    bool has_emptied; /* one of those in run queue or `behind` has died, and its mailbox with it */
    struct mf_chain out;     /* answers not yet pushed to the I/O thread */
    struct mf_chain *across; /* transport local: per scheduler, messages not yet pushed to it */
    uint32_t sweep_next;     /* next process (times S) of a sweep under way */
    uint32_t sweep_killed;   /* by it */
    struct mf_local *local;  /* its pingers; NULL where it has none */
};

/* --- points
 * ----------------------------------------------------------------------------------------------------------------------
 */

enum mf_hold_state {
    MF_HOLD_NONE,
    MF_HOLD_DUE,       /* a point has come due: the main thread has been told and has yet to claim the slot */
    MF_HOLD_UNDER_WAY, /* its upgrade is under way */
    MF_HOLD_RELEASED,  /* the thread that holds the message has been told to let it go */
};

struct mf_points {
    pthread_mutex_t lock;              /* guards all below but the atomics */
    uint32_t at_stage[MF_STAGE_COUNT]; /* bits of the points to look at, by stage; constant */
    uint32_t half_in;                  /* bits of those that wait for a part of a ping; constant */
    bool holds_flushed; /* some hold what stands behind a flushed reply: replies are written one by one; constant */
    _Atomic uint32_t settled;          /* slots below this have an outcome */
    _Atomic int state;                 /* enum mf_hold_state */
    bool holds;                        /* a message really is held */
    uint32_t point, stage;             /* of the one that has come due; enum mf_point_stage */
    uint32_t stream, process_id;
    uint64_t seq;
    uint32_t k;                       /* its slot, once claimed; UINT32_MAX: not yet */
    struct mf_process *process;       /* held at ENQUEUED, DEQUEUED, HANDLED; NULL: none */
    struct mf_connection *connection; /* held at RECEIVED, REPLIED; NULL: none */
};

/* States on their way into a trial. */
struct mf_sampling {
    struct mf_samples layout;
    uint8_t *states;
    _Atomic uint32_t count;
    uint32_t left; /* schedulers that have not had their turn; under core->gate */
};
void mf_samples_take(struct mf_scheduler *s);

/* --- the core
 * ----------------------------------------------------------------------------------------------------------------------
 */

struct mf_core {
    struct mf_node_args *args;
    char **argv; /* as the worker was started: what mf_core_exec builds on */
    struct mf_recorder rec;
    const struct mf_strategy *strategy;
    void *strategy_data;
    const struct mf_codec *codec; /* NULL: transport local */
    bool local;
    char endpoint[256]; /* "unix:PATH", "tcp:ADDRESS:PORT" (with the real port), "local" */

    struct mf_image *images; /* main thread */
    _Atomic(struct mf_image *) current;
    _Atomic bool take_armed;    /* `take` is called before every message (mf_core_arm_take); beside `current`, which is
                                   read as often */
    _Atomic uint32_t converted; /* states whose layout was changed since the last publication */
    struct mf_image *control;   /* the control group's; NULL: there is none */
    struct mf_guard *guard;
    char turned_back[MF_REASON_BYTES]; /* mf_core_turned_back; empty: not */

    struct mf_process *processes; /* processes_count of them; process p is scheduler (p mod schedulers_count)'s */
    uint32_t processes_count;
    struct mf_scheduler *schedulers;
    uint32_t schedulers_count;
    struct mf_io io;
    struct mf_points points;

    /* stop and go: `paused` counts threads that stand; a thread stands while its attention says PAUSE */
    pthread_mutex_t gate;
    pthread_cond_t gate_changed;
    uint32_t schedulers_paused, sweeps_done;
    uint32_t io_paused;
    bool io_deaf, io_drained, schedulers_stopped, io_stopped; /* ..._stopped: asked to stand */
    struct mf_sampling *sampling;                             /* while MF_ATTENTION_SAMPLE is asked for */
    struct mf_error sweep_error;                              /* of the process that refused; empty text: none */
    enum mf_sweep sweep;                                      /* what the sweep under way does */

    uint32_t threads; /* schedulers and I/O that have begun; under the gate */
    uint64_t threads_id; /* made of their ids: see the upgrade log */

    int event_fd;                           /* wakes the main thread: a point has come due, pingers have finished */
    _Atomic uint32_t pingers_left;          /* schedulers whose pingers have not finished */
    bool pingers_started, pingers_reported; /* main thread */
};

/* --- threads ---------------------------------------------------------------------------------------------------------
 */

/* Fills a core from its arguments: recorder, schedulers. mf_core_done takes what failed here, and there. */
int mf_core_init(struct mf_core *core, struct mf_node_args *args, char **argv, struct mf_error *err);
/* Loads the first module, makes the processes, takes up cargo, listens. */
int mf_core_open(struct mf_core *core, struct mf_error *err);
/* Stops the threads and frees everything. */
void mf_core_done(struct mf_core *core);
/* Starts every scheduler (with a large stack) and, where there are sockets, the I/O thread. -1: mf_threads_stop ends
 * those that run. */
int mf_threads_start(struct mf_core *core, struct mf_error *err);
void mf_threads_stop(struct mf_core *core);
/* Where a scheduler or the I/O thread begins. */
void mf_thread_enter(struct mf_core *core);
static inline struct mf_scheduler *mf_scheduler_of(struct mf_core *core, const struct mf_process *process)
{
    return &core->schedulers[process->scheduler];
}
/* Any thread: asks, and wakes it. */
void mf_scheduler_ask(struct mf_scheduler *s, uint32_t attention);
void mf_scheduler_wake(struct mf_scheduler *s); /* after a push to its inbox */
void mf_io_ask(struct mf_io *io, uint32_t attention);
void mf_io_wake(struct mf_io *io);
/* On a scheduler, after a push to the outbox: writes it out, or sees to it that the I/O thread does. */
void mf_io_flush(struct mf_io *io);
void mf_core_tell_main(struct mf_core *core); /* wakes the main thread */
/* Puts it at the end of those that wait until a held message of their stream goes on. */
void mf_process_wait_behind(struct mf_scheduler *s, struct mf_process *process);
/* On a scheduler. */
void mf_scheduler_loop(struct mf_scheduler *s);
void mf_scheduler_send(struct mf_scheduler *s,
                       struct mf_message *message); /* an answer (or an empty block) on its way back */
void mf_scheduler_sort(struct mf_scheduler *s);     /* inbox to mailboxes; also while it stands */
void mf_scheduler_push(struct mf_scheduler *s);     /* gives what it has gathered to the other threads */
void mf_gate_stand(struct mf_core *core, uint32_t *paused, const bool *stopped, _Atomic uint32_t *attention);
bool mf_sweep_step(struct mf_scheduler *s,
                   struct mf_error *err); /* true: this scheduler's share is done, or *err says who refused */

/* --- I/O (io.c, connection.c, listener.c)
 * ------------------------------------------------------------------------------ */

int mf_io_init(struct mf_core *core, struct mf_error *err);
void mf_io_done(struct mf_core *core);
void *mf_io_main(void *core);
/* Connects core->endpoint to a listening socket: the supervisor's (args->listen_fd), or one of its own. */
int mf_listener_open(struct mf_core *core, struct mf_error *err);
/* Takes a listening socket that others hold too. */
void mf_listener_lend(struct mf_core *core, int fd);
int mf_listener_watch(struct mf_core *core);       /* -1: errno */
void mf_listener_rested(struct mf_core *core);     /* the delay between two accepted connections is over */
void mf_listener_close(struct mf_core *core);      /* unlinks a UNIX socket's path */
void mf_listener_accept(struct mf_core *core);     /* whoever waits; with a delay: one */
void mf_listener_accept_all(struct mf_core *core); /* whoever waits */
void mf_connection_read(struct mf_core *core, struct mf_connection *c);
void mf_connection_decode(struct mf_core *core, struct mf_connection *c); /* what stands in its input */
void mf_connection_mark_dirty(struct mf_core *core, struct mf_connection *c);
void mf_connection_mark_ready(struct mf_core *core, struct mf_connection *c);
void mf_connection_flush(struct mf_core *core, struct mf_connection *c);
void mf_connection_close(struct mf_core *core, struct mf_connection *c);
/* Lists it for the I/O thread to free. */
void mf_connection_list_if_over(struct mf_core *core, struct mf_connection *c);
void mf_connection_free(struct mf_connection *c);
void mf_connection_watch(struct mf_core *core, struct mf_connection *c);

/* --- points (points.c)
 * ---------------------------------------------------------------------------------------------------- */

int mf_points_init(struct mf_core *core, struct mf_error *err);
void mf_points_done(struct mf_core *core);
/* A message has reached a stage that points watch. True: it is to be held there. Its thread. */
bool mf_points_seen(struct mf_core *core, struct mf_message *m, enum mf_stage stage, struct mf_process *process,
                    struct mf_connection *connection);
/* The message that mf_points_seen has just held at REPLIED is to be held in the middle of its reply. I/O. */
bool mf_points_holds_half(struct mf_core *core);
/* These bytes are the beginning of a message whose rest has not come. I/O. */
void mf_points_half_in(struct mf_core *core, const uint8_t *bytes, size_t n);
void mf_points_forget(struct mf_core *core, const struct mf_process *process);
void mf_points_forget_connection(struct mf_core *core, const struct mf_connection *connection);
bool mf_points_hold(const struct mf_core *core); /* some point holds its message */
/* A slot of the log is requested and has no outcome. Under the points' lock, or before the threads run. */
bool mf_points_upgrade_under_way(struct mf_core *core);
/* Main thread: fires what has come due. Returns its slot, UINT32_MAX where nothing is due. */
uint32_t mf_points_take(struct mf_core *core);
void mf_points_release(struct mf_core *core);  /* lets a held message go on: tells its thread */
uint32_t mf_points_slot(struct mf_core *core); /* of the upgrade under way that a point has fired; UINT32_MAX: none */
void mf_points_ended(struct mf_core *core);    /* its upgrade has ended: the next may fire */
/* The holding thread: what it is to let go; both NULL where there is nothing of its own. `scheduler`: its index,
 * UINT32_MAX for I/O. */
void mf_points_let_go(struct mf_core *core, uint32_t scheduler, struct mf_process **process,
                      struct mf_connection **connection);

/* --- transport local (local.c)
 * ------------------------------------------------------------------------------------------------ */

/* The pingers of one plan on scheduler plan->worker; before `go`. */
int mf_local_new(struct mf_core *core, const struct mf_plan *plan, struct mf_error *err);
void mf_local_free(struct mf_scheduler *s);
void mf_local_empty(struct mf_scheduler *s, struct mf_chain *out); /* what lies in its pingers' mailboxes */
void mf_local_resumed(struct mf_scheduler *s); /* it has stood: the time was not the instrument's lateness */
void mf_local_go(struct mf_scheduler *s);
/* Sends what is due, expires what is too old. Returns the instant of the next need, UINT64_MAX: none but messages. */
uint64_t mf_local_tick(struct mf_scheduler *s);
void mf_local_deliver(struct mf_scheduler *s, struct mf_message *message); /* a pong into its pinger's mailbox */
void mf_local_run(struct mf_scheduler *s, struct mf_process *pinger);
struct mf_process *mf_local_pinger(struct mf_scheduler *s, uint32_t i); /* NULL past the end */
void mf_local_join(struct mf_core *core, struct mf_image *image);       /* all pingers; schedulers paused */

/* cargo.c: takes up what mf_core_pack wrote into `cargo_fd` (which it closes). Called by worker.c when images and
 * processes are made and no thread runs; states that were not in it begin afresh; messages go into mailboxes. */
int mf_core_unpack(struct mf_core *core, int cargo_fd, struct mf_error *err);

/* Call with schedulers and I/O thread paused: sorts the inboxes into the mailboxes (they are then ENQUEUED), and writes
 * what is in the outboxes into the connections' output (REPLIED). Afterwards every message stands in a mailbox, as a
 * held_reply, as a held_in, or in a connection's bytes. -1: no memory. */
int mf_core_settle(struct mf_core *core, struct mf_error *err);
/* Puts a message into its process's mailbox, at its end, and the process into its run queue; schedulers not running, or
 * on its scheduler. */
void mf_process_enqueue(struct mf_core *core, struct mf_process *process, struct mf_message *message);
/* A reply in `message` (kind PONG, ERROR or DROPPED) on its way out: into connection bytes. I/O thread, or while it is
 * paused. -1: no memory. */
int mf_io_answer(struct mf_core *core, struct mf_message *message);

#endif
