/* What the liar is told: how the load will ask, and at which messages it shall misbehave how. Read from the command
 * line (and a file), then constant. */
#ifndef MF_LIAR_PLAN_H
#define MF_LIAR_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "wire/codec.h"

#define LIAR_ACTS_MAX 256

enum liar_act_kind {
#define LIAR_ACT(id, key, scope, text) LIAR_##id,
#include "acts.def"
#undef LIAR_ACT
    LIAR_ACT_COUNT
};

enum liar_scope { LIAR_SCOPE_PING, LIAR_SCOPE_CLEAR, LIAR_SCOPE_WINDOW, LIAR_SCOPE_WINDOWS, LIAR_SCOPE_LAST };

extern const char *const liar_act_keys[LIAR_ACT_COUNT];
extern const char *const liar_act_texts[LIAR_ACT_COUNT];
extern const enum liar_scope liar_act_scopes[LIAR_ACT_COUNT];

/* Done at the first message from number `at` on (1, 2, 3 ... as they come, over all connections) that fits it. */
struct liar_act {
    enum liar_act_kind kind;
    uint64_t at, arg;
};

struct liar_plan {
    bool over_tcp, over_udp; /* neither: over a UNIX socket */
    char path[108];          /* of the UNIX socket */
    const struct mf_codec *codec;
    struct mf_codec_conf *asks, *answers; /* what the codec is told of the pings; of the answers. NULL: nothing */
    bool is_http, is_plain;               /* plain: an answer does not say to which ping it belongs */
    bool breaks;                          /* what is no message makes the connection useless for the load */
    bool anybody; /* who asks is no load of ours: his pings have no ids, and what he does with answers is his affair */
    uint32_t payload_bytes;
    uint64_t seed; /* of the pings' payloads */
    bool open_loop;
    uint32_t window, connections, streams, processes;
    uint64_t messages; /* that the load will send in all */
    uint64_t timeout_ns;
    uint64_t listen_after_ns;           /* it says that it is ready, and listens so much later */
    bool serves;                        /* orders come by signals: USR1 upgrade, TERM stop */
    uint16_t port;                      /* tcp, udp; 0: the kernel chooses */
    const char *truth;                  /* the file to write; NULL: standard output */
    struct liar_act act[LIAR_ACTS_MAX]; /* in order of `at` */
    uint32_t acts;
    bool wants_help, wants_version;
};

/* Returns 0, or -1 with *err (USAGE). */
int liar_plan_parse(struct liar_plan *plan, int argc, char **argv, struct mf_error *err);
void liar_plan_done(struct liar_plan *plan);
void liar_plan_usage(void);

#endif
