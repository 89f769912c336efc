/* A module: the behaviour of a node's processes, as a shared object that can be exchanged while messages fly.
 * This is the only header of midflight that a module may include.
 *
 * A module exports one symbol, `const struct mf_module midflight_module`. The static core loads it, checks it, calls init once, then
 * handle for each message. Each call comes with the process's state: a block of state_bytes that the core owns and keeps
 * across upgrades; a module must keep nothing of a process anywhere else (no static data that outlives a message).
 * Threads: init and fini on the thread that loads (never a scheduler); init_state, handle, handle_pong and convert on the
 * process's scheduler, or on the upgrade's thread while all schedulers stand still. One process is never in two calls at once; two
 * processes may be. */
#ifndef MIDFLIGHT_MODULE_H
#define MIDFLIGHT_MODULE_H

#include <stdint.h>

#define MF_MODULE_ABI 1
#define MF_MODULE_SYMBOL "midflight_module"
#define MF_STATE_BYTES_MAX 4096

/* A message as a module sees it: valid during the call. */
struct mf_ping {
    uint32_t stream, process;
    uint64_t seq;
    const uint8_t *payload;
    uint32_t payload_bytes;
};

/* The answer, preset by the core: payload echoes the ping's. */
struct mf_answer {
    uint64_t count;         /* how many pings this process has answered in its life, this one included (its state) */
    uint32_t version;       /* the version of the code that answers; a truthful module sets its own */
    const uint8_t *payload; /* what goes back; must stay valid until handle returns */
    uint32_t payload_bytes; /* not over the ping's */
};

enum mf_handle {
    MF_HANDLE_REPLY, /* send the answer */
    MF_HANDLE_DROP,  /* send nothing: the message is lost (modules/broken) */
    MF_HANDLE_ERROR, /* answer with an error */
    MF_HANDLE_CRASH, /* the process has crashed over it: the message is lost, and so are the process's mailbox and state; its
                        supervisor starts it anew */
};

/* What the core offers a pinger (transport local; the client side of the ping-pong lives in the module too). */
struct mf_pinger_api {
    void *pinger;
    void (*pong_arrived)(void *pinger, uint32_t stream, uint64_t seq, const struct mf_answer *answer, uint64_t instance);
};

struct mf_module {
    uint32_t abi;           /* MF_MODULE_ABI */
    const char *name;       /* "pingpong" */
    uint32_t version;       /* of the code; answered to every ping. Not 0 */
    uint32_t state_version; /* of the state's layout. Not 0 */
    uint32_t state_bytes;   /* 1 ... MF_STATE_BYTES_MAX */

    /* Once after loading, before any other call. NULL: nothing to do. Non-zero: the module cannot work; *why (static
     * storage of the module, one line) is reported. */
    int (*init)(const char **why);
    /* A fresh process's state, from zeroed memory. NULL: zeroes are right. */
    void (*init_state)(void *state);
    /* One ping. Required. Must not block. */
    enum mf_handle (*handle)(void *state, const struct mf_ping *ping, struct mf_answer *answer);
    /* One pong, on the client's side. NULL: handed to the pinger as it is. */
    void (*handle_pong)(const struct mf_pinger_api *api, uint32_t stream, uint64_t seq, const struct mf_answer *answer,
                        uint64_t instance);
    /* Makes this module's state (`to`, zeroed, state_bytes) out of one of layout `from_version`; called when the layouts differ, also downwards.
     * NULL: only equal layouts are accepted. Returns 0, or non-zero where that version cannot be converted. */
    int (*convert)(void *to, uint32_t from_version, const void *from, uint32_t from_bytes);
    /* Before unloading. NULL: nothing to do. */
    void (*fini)(void);
};

/* Optional, for strategy `patch`, which redirects functions: besides those in the table, these too. A module that calls a
 * function of its own out of a loop that it never leaves, or hands one out, names it here: `const struct mf_function
 * midflight_functions[]`, ended by a row of NULLs. The next version must have each of the names. */
#define MF_FUNCTIONS_SYMBOL "midflight_functions"
struct mf_function {
    const char *name;
    void (*at)(void);
};

#endif
