/* Plans: each act alone, all of them in one run, and random ones. */
#include <inttypes.h>
#include <string.h>

#include "base/rng.h"
#include "self.h"

const char *const self_act_keys[SELF_ACT_COUNT] = {
#define LIAR_ACT(id, key, scope, text) key,
#include "acts.def"
#undef LIAR_ACT
};

enum { FRAME, LINE, HTTP, PLAIN };
static const char *const codecs[SELF_CODECS] = {"frame", "line", "http1", "http1"};
static const char *const codec_names[SELF_CODECS] = {"frame", "line", "http1", "http1-plain"};
enum { UNIX, TCP, UDP };
static const char *const transports[SELF_TRANSPORTS] = {"unix", "tcp", "udp"};

static void plan_begin(struct self_plan *plan, int transport, int codec)
{
    *plan = (struct self_plan){
        .seed = 42,
        .over_tcp = transport == TCP,
        .over_udp = transport == UDP,
        .codec = codecs[codec],
        .is_http = codec >= HTTP,
        .is_plain = codec == PLAIN,
        /* where answers tell their ping, there may be more than a window on the way: some are never answered */
        .pipeline = codec == PLAIN  ? 1
                    : codec == HTTP ? 1000
                                    : 0,
        .rate_per_s = 500,
        .window = codec == PLAIN ? 1 : 4,
        .connections = 2,
        .streams_per_connection = 2,
        .processes_per_stream = 2,
        .payload_bytes = codec == FRAME ? 16 : 0,
        .messages = 240,
    };
}

static void plan_add(struct self_plan *plan, enum self_act kind, uint64_t at, uint64_t arg)
{
    if (plan->acts == SELF_ACTS_MAX)
        return;
    plan->act[plan->acts].kind = kind;
    plan->act[plan->acts].at = at;
    plan->act[plan->acts++].arg = arg;
    plan->upgrades += kind == SELF_UPGRADE || kind == SELF_CLAIM;
}

/* Idle connections are an open loop's: in a closed loop something is always in flight. */
static bool act_is_idle(enum self_act kind)
{
    return kind == SELF_FIN_IDLE || kind == SELF_RST_IDLE;
}

static bool act_is_last(enum self_act kind)
{
    return kind == SELF_GONE || kind == SELF_FULL_QUEUE || kind == SELF_STARVE;
}

/* So that some pings are left which then can't be sent. */
static uint64_t last_at(const struct self_plan *plan)
{
    return plan->messages - 2ULL * plan->window * plan->connections;
}

/* So much in flight that the kernel does not take it all. */
static void plan_be_deaf(struct self_plan *plan)
{
    plan->window = 16;
    plan->connections = 1;
    plan->payload_bytes = 60000;
    plan->messages = 80;
}

/* Answers that say little belong to the pings by their order: one too many would be taken for the next ping's. And
 * there is no witness of a state in them. */
static bool act_needs_names(enum self_act kind)
{
    return kind == SELF_TWICE || kind == SELF_TWICE_LATER || kind == SELF_SWAP || kind == SELF_PHANTOM ||
           kind == SELF_WRONG_ID || kind == SELF_COUNT_RESET || kind == SELF_COUNT_SKIP || kind == SELF_REMADE ||
           kind == SELF_RETURN;
}

/* What ends connections, cuts messages in two or leaves nobody at the port needs a connection; nobody would know which
 * ping was lost. */
static bool act_needs_stream(enum self_act kind)
{
    switch (kind) {
    case SELF_NEVER:
    case SELF_TWICE:
    case SELF_TWICE_LATER:
    case SELF_SWAP:
    case SELF_LATE:
    case SELF_CORRUPT:
    case SELF_OTHERS:
    case SELF_ECHO:
    case SELF_ERROR:
    case SELF_PHANTOM:
    case SELF_WRONG_ID:
    case SELF_STALE:
    case SELF_COUNT_RESET:
    case SELF_COUNT_SKIP:
    case SELF_REMADE:
    case SELF_UPGRADE:
    case SELF_CLAIM:
    case SELF_SILENT:
    case SELF_SILENT_LONG:
        return false;
    default:
        return true;
    }
}

static bool act_makes_sense(enum self_act kind, const struct self_plan *plan)
{
    if (plan->over_udp && (plan->is_http || act_needs_stream(kind)))
        return false;
    if ((kind == SELF_RST_IDLE && !plan->over_tcp) || (plan->is_plain && act_needs_names(kind)))
        return false;
    if (kind == SELF_ANNOUNCE || kind == SELF_TO_END)
        return plan->is_http;
    return kind != SELF_DEAF || strcmp(plan->codec, "frame") == 0;
}

/* An argument that makes sense, from any number. */
static uint64_t act_arg(enum self_act kind, uint64_t any)
{
    switch (kind) {
    case SELF_TWICE_LATER:
        return 1 + any % 9;
    case SELF_PHANTOM:
    case SELF_WRONG_ID:
    case SELF_UPGRADE:
        return any % 3;
    case SELF_COUNT_SKIP:
        return 1 + any % 5;
    case SELF_HALF:
        return 1 + any % 60;
    case SELF_LISTENER_GONE:
    case SELF_SLOW_ACCEPT:
    case SELF_SILENT:
        return 1 + any % 40;
    default:
        return 0;
    }
}

bool self_plan_alone(struct self_plan *plan, enum self_act kind, int transport, int codec)
{
    plan_begin(plan, transport, codec);
    if (!act_makes_sense(kind, plan))
        return false;
    snprintf(plan->name, sizeof plan->name, "alone-%s-%s-%s", self_act_keys[kind], transports[transport],
             codec_names[codec]);
    plan->open_loop = act_is_idle(kind);
    if (plan->open_loop)
        plan->rate_per_s = 200;
    if (plan->open_loop)
        plan->messages = 60;
    if (kind == SELF_DEAF)
        plan_be_deaf(plan);
    if (kind == SELF_STALE)
        plan_add(plan, SELF_UPGRADE, 20, 0);
    if (act_is_last(kind)) {
        plan_add(plan, kind, last_at(plan), 0);
    } else if (kind == SELF_NEVER && plan->is_plain) {
        plan_add(plan, kind, plan->messages, 0); /* a ping that waited behind it would be late for that */
    } else if (kind == SELF_SILENT_LONG || kind == SELF_DEAF) {
        plan_add(plan, kind, 40, 0);
    } else {
        for (uint64_t i = 1; i <= 4; i++)
            plan_add(plan, kind, plan->messages * i / 6, act_arg(kind, 37 * (i - 1)));
    }
    return true;
}

bool self_plan_mixed(struct self_plan *plan, int transport, int codec)
{
    uint64_t at = 20;

    plan_begin(plan, transport, codec);
    if (plan->over_udp && plan->is_http)
        return false;
    plan->messages = 1500;
    plan->listen_after_ms = plan->over_udp ? 0 : 10;
    snprintf(plan->name, sizeof plan->name, "mixed-%s-%s", transports[transport], codec_names[codec]);
    plan_add(plan, SELF_UPGRADE, 10, 1);
    for (int kind = 0; kind < SELF_ACT_COUNT; kind++)
        if (act_makes_sense(kind, plan) && !act_is_idle(kind) && !act_is_last(kind) && kind != SELF_DEAF &&
            !(plan->is_plain && kind == SELF_NEVER))
            plan_add(plan, kind, at += 25, act_arg(kind, (uint64_t)kind));
    if (!plan->over_udp)
        plan_add(plan, SELF_GONE, last_at(plan), 0);
    return true;
}

static bool act_ends_connection(enum self_act kind)
{
    return (kind >= SELF_FIN_IDLE && kind <= SELF_SLOW_ACCEPT) || kind == SELF_SILENT_LONG;
}

static enum self_act random_act(struct mf_rng *rng, const struct self_plan *plan, bool is_deaf)
{
    for (;;) {
        enum self_act kind = mf_rng_below(rng, SELF_ACT_COUNT);
        bool is_window = kind == SELF_FIN_INFLIGHT || kind == SELF_RST_INFLIGHT || kind == SELF_RETURN ||
                         kind == SELF_BROKEN || kind == SELF_SILENT_LONG || kind == SELF_CLAIM;
        if (!act_makes_sense(kind, plan) || act_is_last(kind) || (plan->is_plain && kind == SELF_NEVER) ||
            /* of large pings the kernel may not have taken all where a connection ends: that is for the deaf act */
            (is_deaf && act_ends_connection(kind)) || kind == SELF_DEAF ||
            ((kind == SELF_UPGRADE || kind == SELF_CLAIM) && plan->upgrades >= 3) ||
            (kind == SELF_STALE && (plan->upgrades == 0 || plan->open_loop)) ||
            (plan->open_loop ? is_window : act_is_idle(kind)) || (kind == SELF_SWAP && plan->window < 2) ||
            (kind == SELF_SILENT_LONG && mf_rng_below(rng, 3) > 0)) /* it takes long */
            continue;
        return kind;
    }
}

void self_plan_random(struct self_plan *plan, uint64_t seed)
{
    struct mf_rng rng;

    mf_rng_init(&rng, seed, 0x5E1F);
    int transport = (int)mf_rng_below(&rng, SELF_TRANSPORTS);
    int codec = (int)mf_rng_below(&rng, SELF_CODECS);
    plan_begin(plan, transport, transport == UDP ? codec % HTTP : codec);
    snprintf(plan->name, sizeof plan->name, "random-%" PRIu64, seed);
    plan->seed = seed;
    if (!plan->is_plain)
        plan->window = 1 + (uint32_t)mf_rng_below(&rng, 8);
    plan->connections = 1 + (uint32_t)mf_rng_below(&rng, 4);
    plan->streams_per_connection = 1 + (uint32_t)mf_rng_below(&rng, 2);
    plan->processes_per_stream = 1 + (uint32_t)mf_rng_below(&rng, 2);
    plan->messages = 150 + mf_rng_below(&rng, 250);
    if (plan->payload_bytes)
        plan->payload_bytes = (uint32_t)mf_rng_below(&rng, 200);
    /* where one ping waits for the answer to another, an open loop's are late for that, and nobody planted it */
    plan->open_loop = mf_rng_below(&rng, 8) == 0 && !plan->is_plain;
    if (mf_rng_below(&rng, 16) == 0 && !plan->over_udp)
        plan->listen_after_ms = 1 + (uint32_t)mf_rng_below(&rng, 20);
    bool is_deaf =
        !plan->open_loop && !plan->over_udp && strcmp(plan->codec, "frame") == 0 && mf_rng_below(&rng, 20) == 0;
    if (plan->open_loop)
        plan->messages = 120;
    if (is_deaf)
        plan_be_deaf(plan);

    uint32_t acts = 2 + (uint32_t)mf_rng_below(&rng, 7);
    uint64_t at = 2;
    for (uint32_t i = 0; i < acts; i++) {
        enum self_act kind = random_act(&rng, plan, is_deaf);
        at += mf_rng_below(&rng, plan->messages * 3 / 2 / acts);
        if (at < plan->messages * 3 / 4)
            plan_add(plan, kind, at, act_arg(kind, mf_rng_next(&rng)));
        if (kind == SELF_UPGRADE && !plan->open_loop && mf_rng_below(&rng, 3) > 0)
            plan_add(plan, SELF_STALE, at + 1 + mf_rng_below(&rng, plan->messages / 4), 0);
    }
    if (is_deaf)
        plan_add(plan, SELF_DEAF, plan->messages / 3, 0);
    static const enum self_act last[] = {SELF_GONE, SELF_FULL_QUEUE, SELF_STARVE};
    if (!plan->open_loop && !is_deaf && !plan->over_udp && mf_rng_below(&rng, 6) == 0)
        plan_add(plan, last[mf_rng_below(&rng, 3)], last_at(plan), 0);
}
