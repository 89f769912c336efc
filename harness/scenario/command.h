/* A foreign system as a target: data. What is needed, made, started, waited for, and done for an upgrade.
 *
 * All texts may hold placeholders (placeholders.def), checked when they were read and filled in by targets/ at each
 * use. Owner: the scenario's arena. */
#ifndef MF_SCENARIO_COMMAND_H
#define MF_SCENARIO_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

enum mf_step_verb {
#define MF_STEP(id, key, text) MF_STEP_##id,
#include "scenario/steps.def"
#undef MF_STEP
    MF_STEP_COUNT
};
extern const char *const mf_step_keys[MF_STEP_COUNT];

/* A program and its arguments; `word` ends with a NULL. */
struct mf_argv {
    const char **word;
    uint32_t count; /* 0: there is none */
};

/* All that is said must hold; nothing said: `is_set` is false. */
struct mf_condition {
    bool is_set;
    bool connect;           /* the endpoint takes connections */
    const char *connect_to; /* with connect: another endpoint; NULL: the target's own */
    bool witness;           /* the load has seen an answer of the version that was put in place */
    double old_silent_ms;   /* no answer of another version than that for so long; 0: not asked */
    const char *gone;       /* "old": the OS processes that were there at the request, but for the started one; "all":
                               with it; else a pid file, whose process at the request it is; NULL: not asked */
    const char *file, *log; /* at most one of them: `text` stands in it (log: behind what was there before the step;
                               "output": the target's own) */
    struct mf_argv run; /* ends with status 0, and `text` (where there is one and neither file nor log) in its output */
    const char *text;
};

struct mf_step {
    enum mf_step_verb verb;
    const char *place;    /* "target.command.upgrade[1]", for messages */
    struct mf_argv argv;  /* RUN, SPAWN */
    uint32_t status;      /* RUN */
    const char *what;     /* WRITE, COPY, LINK: the file's name; SIGNAL: the name; SEND: the endpoint; PING: the text */
    const char *from;     /* COPY: the source; LINK: what it leads to */
    const char *text;     /* WRITE, SEND */
    const char *expect;   /* SEND: wanted in the answer; PING: how its answer begins; NULL: none is waited for */
    bool trigger;         /* SEND: the answer names the ping that set the upgrade off */
    const char *pid_file; /* SIGNAL; NULL: the started process */
    int signal;
    struct mf_condition wait;
    double within_ms; /* 0: the deadline of all the steps is its own */
};

struct mf_steps {
    struct mf_step *step;
    uint32_t count;
};

/* Exactly one of program (in PATH) and file. */
struct mf_need {
    const char *program, *file, *package; /* package: Debian's, or NULL */
};

struct mf_command_file {
    const char *name;
    const char *text; /* NULL: a copy */
    const char *copy; /* relative to the target's file */
};

struct mf_variable {
    const char *name, *value;
};

struct mf_command_target {
    const char *name; /* of the target; NULL: it has none */
    const char *here; /* absolute: the folder of the target's file */
    struct mf_need *needs;
    uint32_t needs_count;
    struct mf_command_file *files;
    uint32_t files_count;
    struct mf_variable *env;
    uint32_t env_count;
    struct mf_steps prepare, upgrade, stop;
    struct mf_argv start;
    const char *endpoint;
    struct mf_condition ready, complete, failed;
    uint32_t processes; /* how many the load addresses */
    uint32_t versions;  /* {n} goes around 1 ... versions; 0: it goes on for ever */
    double prepare_ms, ready_ms, upgrade_ms, stop_ms;
};

/* The version that upgrade `k` (from 0) puts in place; k = -1: the one at the start. */
static inline uint32_t mf_command_version(const struct mf_command_target *c, int64_t k)
{
    return (uint32_t)(c->versions ? (k + 1) % c->versions : k + 1) + 1;
}

#endif
