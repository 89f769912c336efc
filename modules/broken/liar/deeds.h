/* The acts, as acts.c sees them, and what both ask of connections and pings. */
#ifndef MF_LIAR_DEEDS_H
#define MF_LIAR_DEEDS_H

#include "liar.h"

struct liar_rule {
    bool (*fits)(const struct liar *l, const struct liar_peer *p);      /* scopes PING and CLEAR */
    void (*perform)(struct liar *l, struct liar_peer *p, uint64_t arg); /* p NULL: all (WINDOWS, LAST) */
};

extern const struct liar_rule liar_rules[LIAR_ACT_COUNT];

/* Answers what was gathered of p's window. */
void liar_answer_held(struct liar *l, struct liar_peer *p);
/* All connections live, and nobody waits in the accept queue, who would be reset with the listener. */
bool liar_all_are_here(const struct liar *l);

static inline uint32_t newest(const struct liar_peer *p)
{
    return p->opens - 1;
}

/* Whether it may still hold a slot of the window although no answer is about to be sent. */
static inline bool holds_slot(const struct liar *l, const struct liar_open *o)
{
    bool strange = o->wait == LIAR_WAIT_NEVER || o->wait == LIAR_WAIT_SWAP ||
                   (o->wait == LIAR_WAIT_UNTIL && o->until_ns > o->came_ns + l->plan.timeout_ns);
    return strange && l->now_ns - o->came_ns <= l->plan.timeout_ns + LIAR_SURELY_NS;
}

static inline bool peer_is_clear(const struct liar *l, const struct liar_peer *p)
{
    for (uint32_t i = 0; i < p->opens; i++)
        if (holds_slot(l, p->open + i))
            return false;
    return true;
}

static inline bool peer_lives(const struct liar_peer *p)
{
    return p->fd >= 0 && p->end == LIAR_END_NONE;
}

static inline uint64_t to_come(const struct liar *l)
{
    return l->plan.messages - l->received;
}

#endif
