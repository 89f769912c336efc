/* When an act has its chance: what is done with a ping that has come, whose window is gathered, what was put off. */
#include "deeds.h"

/* Gathering */

static bool gathers(const struct liar *l, const struct liar_peer *p)
{
    return l->gather && (!l->gather_peer || l->gather_peer == p);
}

static bool window_is_here(const struct liar *l, const struct liar_peer *p)
{
    uint32_t held = 0;

    for (uint32_t i = 0; i < p->opens; i++)
        held += p->open[i].wait == LIAR_WAIT_HELD;
    return held >= l->plan.window;
}

static void gather_check(struct liar *l)
{
    if (!l->gather)
        return;
    if (l->gather_peer && !peer_lives(l->gather_peer)) { /* the load has ended it: it will send no more */
        l->gather = NULL;
        return;
    }
    for (int i = 0; i < LIAR_PEERS_MAX && to_come(l) > 0; i++) {
        const struct liar_peer *p = &l->peer[i];
        if (peer_lives(p) && gathers(l, p) && !window_is_here(l, p))
            return;
    }
    const struct liar_act *act = l->gather;
    struct liar_peer *p = l->gather_peer;
    l->gather = NULL;
    if (act->kind == LIAR_RST_INFLIGHT && !l->plan.over_tcp && to_come(l) == 0) {
        l->truth.skipped++;
        liar_answer_held(l, p);
        return;
    }
    l->truth.act[act->kind]++;
    liar_rules[act->kind].perform(l, p, act->arg);
}

/* Whether it is possible now; then it has begun. */
static bool gather_begin(struct liar *l, struct liar_peer *p, const struct liar_act *act)
{
    bool all = liar_act_scopes[act->kind] >= LIAR_SCOPE_WINDOWS;

    if (l->plan.open_loop || (all && !liar_all_are_here(l)))
        return false;
    for (int i = 0; i < LIAR_PEERS_MAX; i++)
        if (peer_lives(&l->peer[i]) && (all || &l->peer[i] == p) && !peer_is_clear(l, &l->peer[i]))
            return false;
    l->gather = act;
    l->gather_peer = all ? NULL : p;
    for (int i = 0; i < LIAR_PEERS_MAX; i++) {
        struct liar_peer *other = &l->peer[i];
        for (uint32_t k = 0; peer_lives(other) && gathers(l, other) && k < other->opens; k++)
            if (other->open[k].wait == LIAR_WAIT_NONE || other->open[k].wait == LIAR_WAIT_UNTIL)
                other->open[k].wait = LIAR_WAIT_HELD;
    }
    return true;
}

/* Tries the next act on the ping that has just come. */
static bool act_try(struct liar *l, struct liar_peer *p, const struct liar_act *act)
{
    bool notes = act->kind == LIAR_CLAIM && l->plan.serves;
    enum liar_scope scope = notes ? LIAR_SCOPE_PING : liar_act_scopes[act->kind];

    if (scope >= LIAR_SCOPE_WINDOW)
        return gather_begin(l, p, act);
    if (!liar_rules[act->kind].fits(l, p) || (scope == LIAR_SCOPE_CLEAR && !peer_is_clear(l, p)))
        return false;
    l->truth.act[act->kind]++;
    liar_rules[act->kind].perform(l, p, act->arg);
    return true;
}

/* While an act waits for its chance, answers are slow, so that the messages last till then (an open loop's come when
 * they come); not for ever. */
static void act_defer(struct liar *l, struct liar_peer *p)
{
    struct liar_open *ping = p->open + newest(p);

    if (l->deferred_ns == 0)
        l->deferred_ns = l->now_ns;
    if (l->now_ns - l->deferred_ns > 2 * l->plan.timeout_ns) {
        l->truth.skipped++;
        l->next_act++;
        l->deferred_ns = 0;
    }
    if (l->plan.open_loop) {
        liar_answer(l, p, newest(p));
        return;
    }
    ping->wait = LIAR_WAIT_UNTIL;
    ping->until_ns = ping->came_ns + l->plan.timeout_ns / 8;
}

/* Events */

static void seconds_send(struct liar *l)
{
    for (uint32_t i = 0; i < l->seconds;) {
        struct liar_second *second = &l->second[i];
        if (second->at > l->received) {
            i++;
            continue;
        }
        if (peer_lives(second->peer))
            liar_answer_again(l, l->peer + (second->peer - l->peer), &second->ping);
        *second = l->second[--l->seconds];
    }
}

/* Those of this stream, in their order; one that is neither surely in time nor surely late stays lost. */
static void ghosts_send(struct liar *l, struct liar_peer *p, uint32_t stream)
{
    for (uint32_t i = 0; i < l->ghosts; i++) {
        struct liar_ghost *ghost = &l->ghost[i];
        if (!ghost->waits || ghost->ping.stream != stream)
            continue;
        uint64_t age_ns = l->now_ns - ghost->ping.came_ns;
        ghost->waits = false;
        if (age_ns > l->plan.timeout_ns / 4 * 3 && age_ns < l->plan.timeout_ns + MF_NS_PER_MS)
            continue;
        liar_truth_unlost(&l->truth, MF_CAUSE_INFLIGHT_FIN);
        liar_answer_ghost(l, p, &ghost->ping, age_ns > l->plan.timeout_ns);
    }
}

/* The ping waits to come behind the next one of its stream: that one has come. */
static bool swap_send(struct liar *l, struct liar_peer *p)
{
    uint32_t stream = p->open[newest(p)].stream;

    for (uint32_t i = 0; i < newest(p); i++) {
        if (p->open[i].wait != LIAR_WAIT_SWAP || p->open[i].stream != stream)
            continue;
        liar_answer(l, p, newest(p));
        liar_answer(l, p, i);
        return true;
    }
    return false;
}

static void ping_take(struct liar *l, struct liar_peer *p)
{
    seconds_send(l);
    ghosts_send(l, p, p->open[newest(p)].stream);
    if (gathers(l, p)) {
        p->open[newest(p)].wait = LIAR_WAIT_HELD;
        return;
    }
    if (swap_send(l, p))
        return;
    const struct liar_act *act = l->plan.act + l->next_act;
    if (l->gather || l->next_act == l->plan.acts || act->at > l->received) {
        liar_answer(l, p, newest(p));
    } else if (act_try(l, p, act)) {
        l->next_act++;
        l->deferred_ns = 0;
    } else {
        act_defer(l, p);
    }
}

void liar_on_ping(struct liar *l, struct liar_peer *p)
{
    if (l->stopped)
        return;
    if (p->end == LIAR_END_NONE) /* else it is open until the load sees the end */
        ping_take(l, p);
    gather_check(l);
}

void liar_on_time(struct liar *l)
{
    for (int i = 0; i < LIAR_PEERS_MAX; i++) {
        struct liar_peer *p = &l->peer[i];
        for (uint32_t k = 0; peer_lives(p) && k < p->opens;) {
            uint32_t opens = p->opens;
            if (p->open[k].wait == LIAR_WAIT_UNTIL && p->open[k].until_ns <= l->now_ns)
                liar_answer(l, p, k);
            k += p->opens == opens;
        }
    }
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return b && b < a ? b : a;
}

uint64_t liar_next_ns(const struct liar *l)
{
    uint64_t next_ns = sooner(UINT64_MAX, l->listen_at_ns);

    if (l->accept_at_ns > l->now_ns)
        next_ns = sooner(next_ns, l->accept_at_ns);
    for (int i = 0; i < LIAR_PEERS_MAX; i++)
        for (uint32_t k = 0; peer_lives(&l->peer[i]) && k < l->peer[i].opens; k++)
            if (l->peer[i].open[k].wait == LIAR_WAIT_UNTIL)
                next_ns = sooner(next_ns, l->peer[i].open[k].until_ns);
    return next_ns;
}
