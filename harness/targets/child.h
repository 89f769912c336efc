/* A program of ours as a child: spawned into a session of its own, talked to over control lines, and ended together
 * with all that it forked.
 *
 * Its descriptors: 0 /dev/null; 1 and 2 the log file (appended); 3 the flight recorder, 4 the control line, where asked
 * for. Life: mf_child_start; events; mf_child_stop at any time (also after it has exited by itself); `gone` is the last
 * event: then no process of its group lives, and the child is freed when that call returns. Where start fails there are
 * no events and nothing is left. Threads: the loop's. Nothing blocks. */
#ifndef MF_TARGETS_CHILD_H
#define MF_TARGETS_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"
#include "wire/control.h"

struct mf_child_events {
    void *ctx;
    /* One control line. NULL where it writes none. A line that is none, or is too long, is told by `garbage`. */
    void (*line)(void *ctx, const struct mf_control_line *line);
    void (*garbage)(void *ctx, const char *text);
    /* It ended, by itself or because it was told to: "exit 3", "signal 9 (Killed)". `asked`: after mf_child_stop. */
    void (*exited)(void *ctx, const char *how, bool asked);
    /* Nothing of it is left. `left` > 0: so many processes of its group could not be killed within the deadline. */
    void (*gone)(void *ctx, uint32_t left);
};

struct mf_child_options {
    const char *const *argv; /* argv[0] is the program's path; NULL-terminated; borrowed during the call */
    const char *log_path;    /* made if need be, appended to */
    int recorder_fd;         /* -1: none */
    int net_fd;              /* the network namespace that it lives in (targets/netspace.h); 0: ours */
    bool control;
};

struct mf_child;

/* NULL with TARGET (it cannot be started) or INTERNAL (no log, no descriptor, no memory). */
struct mf_child *mf_child_start(uv_loop_t *loop, const struct mf_child_options *options,
                                const struct mf_child_events *events, struct mf_error *err);
pid_t mf_child_pid(const struct mf_child *c);
/* Whether that is one of ours, living or not yet gone. */
bool mf_child_owns(pid_t pid);
/* Sends the line, which mf_control_end has ended. Returns -1 where it does not fit or there is nobody to hear it (the
 * child's end is told by `exited`). */
int mf_child_say(struct mf_child *c, const struct mf_control_writer *w);
/* `stop`, after polite_ms SIGTERM to the group, after another second SIGKILL. 0: SIGKILL at once; may be said again to
 * hurry. */
void mf_child_stop(struct mf_child *c, uint64_t polite_ms);
/* The last line of a log, for error messages: "" where there is none. `text` is the caller's. */
const char *mf_child_last_words(const char *log_path, char *text, size_t bytes);

#endif
