/* How it misbehaves: one function an act, and their table at the foot. When an act has its chance is the business of
 * acts.c. */
#include "deeds.h"

#include <sys/ioctl.h>
#include <time.h>

static void stand_still(uint64_t ns)
{
    struct timespec left = mf_clock_timespec(ns);

    while (nanosleep(&left, &left) != 0)
        continue;
}

/* Nothing of this connection is on its way to us any more: it ends at once. */
static void peer_end(struct liar *l, struct liar_peer *p, enum mf_cause cause)
{
    liar_peer_settle(l, p, cause, 0);
}

void liar_answer_held(struct liar *l, struct liar_peer *p)
{
    for (uint32_t i = 0; i < p->opens;) {
        uint32_t opens = p->opens;
        if (p->open[i].wait == LIAR_WAIT_HELD)
            liar_answer(l, p, i);
        i += p->opens == opens;
    }
}

void liar_answer_all_held(struct liar *l)
{
    for (int i = 0; i < LIAR_PEERS_MAX; i++)
        if (peer_lives(&l->peer[i]))
            liar_answer_held(l, &l->peer[i]);
}

static void answer_one_held(struct liar *l, struct liar_peer *p)
{
    uint32_t i = 0;

    while (p->open[i].wait != LIAR_WAIT_HELD)
        i++;
    liar_answer(l, p, i);
}

/* Acts on the newest ping of a connection */

static bool fits_always(const struct liar *l, const struct liar_peer *p)
{
    (void)l;
    (void)p;
    return true;
}

static void act_never(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    (void)l;
    (void)arg;
    p->open[newest(p)].wait = LIAR_WAIT_NEVER;
}

static void act_twice(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    struct liar_open ping = p->open[newest(p)];

    (void)arg;
    liar_answer(l, p, newest(p));
    liar_answer_again(l, p, &ping);
}

static void act_twice_later(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    uint64_t at = l->received + arg;

    l->second[l->seconds++] = (struct liar_second){
        .ping = p->open[newest(p)], .peer = p, .at = at < l->plan.messages ? at : l->plan.messages};
    liar_answer(l, p, newest(p));
}

static bool fits_twice_later(const struct liar *l, const struct liar_peer *p)
{
    (void)p;
    return l->seconds < LIAR_ACTS_MAX && to_come(l) > 0;
}

/* With a window of one, no further ping would come. */
static bool fits_swap(const struct liar *l, const struct liar_peer *p)
{
    uint32_t waiting = 0;

    for (uint32_t i = 0; i < p->opens; i++)
        waiting += holds_slot(l, p->open + i);
    return l->plan.window > waiting + 1 && to_come(l) >= (uint64_t)l->plan.window * l->plan.connections;
}

static void act_swap(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    (void)l;
    (void)arg;
    p->open[newest(p)].wait = LIAR_WAIT_SWAP;
}

static void act_late(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    struct liar_open *ping = p->open + newest(p);

    (void)arg;
    ping->wait = LIAR_WAIT_UNTIL;
    ping->until_ns = ping->came_ns + l->plan.timeout_ns + MF_NS_PER_MS;
}

static void act_corrupt(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    (void)arg;
    liar_answer_wrong(l, p, newest(p), LIAR_CORRUPT);
}

static void act_others(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    (void)arg;
    liar_answer_wrong(l, p, newest(p), LIAR_OTHERS);
}

static void act_echo(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    (void)arg;
    liar_answer_wrong(l, p, newest(p), LIAR_ECHO);
}

static void act_error(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    (void)arg;
    liar_answer_error(l, p, newest(p));
}

static void act_phantom(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    liar_answer_phantom(l, p, p->open + newest(p), arg);
    liar_answer(l, p, newest(p));
}

static void act_wrong_id(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    liar_answer_phantom(l, p, p->open + newest(p), arg);
    p->open[newest(p)].wait = LIAR_WAIT_NEVER;
}

/* Pings that wait in the load for their connection may be as many as its window: behind those, a ping was sent after
 * the commit. */
static bool fits_stale(const struct liar *l, const struct liar_peer *p)
{
    return l->upgrade == LIAR_UPGRADE_NONE && l->generation > 0 && l->generation >= l->owed &&
           (!l->plan.open_loop || l->plan.serves) && p->since_commit > l->plan.window;
}

static void act_stale(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    (void)arg;
    liar_answer_stale(l, p, newest(p));
}

/* What a process's answer says of its state is judged against its last one that came in order. */
static bool fits_state(const struct liar *l, const struct liar_peer *p)
{
    const struct liar_open *ping = p->open + newest(p);
    const struct liar_process *process = l->truth.process + ping->process;

    return process->seen && !process->disturbed && liar_truth_in_order(&l->truth, ping->process, ping->seq);
}

static void act_count_reset(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    const struct liar_open *ping = p->open + newest(p);

    (void)arg;
    l->truth.process[ping->process].base = -liar_truth_position(&l->truth, ping->stream, ping->seq);
    liar_truth_extra(&l->truth, MF_EXTRA_STATE_LOST, 1);
    liar_answer(l, p, newest(p));
}

static void act_count_skip(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    l->truth.process[p->open[newest(p)].process].base += arg;
    liar_truth_extra(&l->truth, MF_EXTRA_REHANDLED, arg);
    liar_answer(l, p, newest(p));
}

static void act_remade(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    (void)arg;
    l->truth.process[p->open[newest(p)].process].instance += l->plan.processes;
    liar_truth_extra(&l->truth, MF_EXTRA_REMADE, 1);
    liar_answer(l, p, newest(p));
}

static bool fits_upgrade(const struct liar *l, const struct liar_peer *p)
{
    (void)p;
    return l->upgrade == LIAR_UPGRADE_NONE;
}

static void act_upgrade(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    l->upgrade = LIAR_UPGRADE_MARKED;
    l->regress = arg;
    liar_say(l, "mark", "k", l->upgrades++);
    liar_answer(l, p, newest(p));
}

/* All windows are held until the claim is committed: then whatever comes was sent after it. A server that only serves
 * is not told of that: it notes that the next upgrade is to be a claim (acts.c gives it a ping, and not the windows).
 */
static void act_claim(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    (void)arg;
    if (p) {
        l->claims = true;
        liar_answer(l, p, newest(p));
        return;
    }
    if (l->upgrade != LIAR_UPGRADE_NONE) { /* one is under way */
        l->truth.skipped++;
        liar_answer_all_held(l);
        return;
    }
    l->claims = true;
    l->upgrade = LIAR_UPGRADE_MARKED;
    liar_say(l, "mark", "k", l->upgrades++);
}

/* Acts that end connections */

static bool fits_idle(const struct liar *l, const struct liar_peer *p)
{
    return l->plan.open_loop && p->opens == 1;
}

/* What has not come in the end is laid to one kind of act only. */
static bool fits_rst_idle(const struct liar *l, const struct liar_peer *p)
{
    return l->plan.over_tcp && l->rest_outcome == MF_OUTCOME_COUNT && fits_idle(l, p);
}

static void act_fin(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    (void)arg;
    liar_answer(l, p, newest(p));
    liar_peer_shut(p, LIAR_END_FIN);
}

static void act_rst_idle(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    (void)arg;
    liar_answer(l, p, newest(p));
    l->racy = true; /* the next ping may have been sent already */
    liar_peer_reset_on_close(p);
    peer_end(l, p, MF_CAUSE_INFLIGHT_RST);
}

static void act_half(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    liar_answer_half(l, p, newest(p), arg);
    liar_peer_shut(p, LIAR_END_FIN);
}

static bool fits_http(const struct liar *l, const struct liar_peer *p)
{
    (void)p;
    return l->plan.is_http;
}

/* Its ping has just come: no answer is as surely in time. */
static void answer_last(struct liar *l, struct liar_peer *p, bool to_end)
{
    liar_answer_last(l, p, newest(p), to_end);
    liar_peer_shut(p, LIAR_END_ANNOUNCED);
}

static void act_announce(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    (void)arg;
    answer_last(l, p, false);
}

static void act_to_end(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    (void)arg;
    answer_last(l, p, true);
}

bool liar_all_are_here(const struct liar *l)
{
    return l->listener >= 0 && l->accept_at_ns <= l->now_ns && liar_peers(l) == l->plan.connections;
}

static bool fits_listener(const struct liar *l, const struct liar_peer *p)
{
    (void)p;
    return liar_all_are_here(l);
}

static bool fits_listener_gone(const struct liar *l, const struct liar_peer *p)
{
    return fits_listener(l, p) && !l->racy;
}

/* A closed loop's pings wait through it; of an open loop those are refused that are due meanwhile: all that never come.
 */
static void act_listener_gone(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    if (l->plan.open_loop) {
        l->rest_outcome = MF_OUTCOME_LOST;
        l->rest_cause = MF_CAUSE_REFUSED;
    }
    liar_answer(l, p, newest(p));
    liar_server_unlisten(l);
    l->listen_at_ns = l->now_ns + arg * MF_NS_PER_MS;
    liar_peer_shut(p, LIAR_END_FIN);
}

static void act_slow_accept(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    liar_answer(l, p, newest(p));
    l->accept_at_ns = l->now_ns + arg * MF_NS_PER_MS;
    liar_peer_shut(p, LIAR_END_FIN);
}

static void act_silent(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    stand_still(arg * MF_NS_PER_MS);
    l->now_ns = mf_clock_now_ns();
    liar_answer(l, p, newest(p));
}

/* Acts on a whole window: its pings are held, and no further one is on its way */

static void act_fin_inflight(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    (void)arg;
    peer_end(l, p, MF_CAUSE_INFLIGHT_FIN);
}

static void act_rst_inflight(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    (void)arg;
    if (l->plan.over_tcp) {
        liar_peer_reset_on_close(p);
        peer_end(l, p, MF_CAUSE_INFLIGHT_RST);
        return;
    }
    /* a UNIX socket resets when it is closed with something unread: the ping that takes the slot of one answer */
    int unread = 0;
    answer_one_held(l, p);
    while (ioctl(p->fd, FIONREAD, &unread) == 0 && unread == 0)
        stand_still(MF_NS_PER_MS / 10);
    l->received++;
    liar_truth_lost(&l->truth, MF_CAUSE_INFLIGHT_RST, 1);
    liar_peer_settle(l, p, MF_CAUSE_INFLIGHT_RST, 1);
}

static void act_return(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    (void)arg;
    for (uint32_t i = 0; i < p->opens && l->ghosts < l->plan.window; i++)
        if (p->open[i].wait == LIAR_WAIT_HELD)
            l->ghost[l->ghosts++] = (struct liar_ghost){.ping = p->open[i], .waits = true};
    peer_end(l, p, MF_CAUSE_INFLIGHT_FIN);
}

static void act_broken(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    (void)arg;
    liar_send_broken(l, p);
    if (l->plan.breaks)
        p->end = LIAR_END_RST; /* it is the load that closes it */
    else
        liar_answer_held(l, p);
}

static void act_deaf(struct liar *l, struct liar_peer *p, uint64_t arg)
{
    int before, unread = -1;

    (void)arg;
    liar_answer(l, p, newest(p)); /* so that there is something unread, whatever was read before */
    do {
        before = unread;
        stand_still(20 * MF_NS_PER_MS); /* how far the load gets decides between two causes only */
        ioctl(p->fd, FIONREAD, &unread);
    } while (unread != before || unread <= 0);
    uint64_t live = 0;
    for (uint32_t i = 0; i < p->opens; i++)
        live += l->now_ns - p->open[i].came_ns <= l->plan.timeout_ns;
    uint64_t unseen = l->plan.window > live ? l->plan.window - live : 0;
    liar_truth_unseen(&l->truth, unseen);
    l->received += unseen;
    liar_peer_settle(l, p, MF_CAUSE_INFLIGHT_RST, unseen);
}

static bool fits_deaf(const struct liar *l, const struct liar_peer *p)
{
    (void)p;
    return l->plan.connections == 1 && !l->plan.open_loop && to_come(l) > l->plan.window;
}

static void act_silent_long(struct liar *l, struct liar_peer *none, uint64_t arg)
{
    uint64_t last_ns = 0;

    (void)none;
    (void)arg;
    for (int i = 0; i < LIAR_PEERS_MAX; i++)
        for (uint32_t k = 0; k < l->peer[i].opens; k++)
            if (l->peer[i].open[k].came_ns > last_ns)
                last_ns = l->peer[i].open[k].came_ns;
    stand_still(last_ns + l->plan.timeout_ns / 2 * 3 - l->now_ns);
    l->now_ns = mf_clock_now_ns();
    liar_answer_all_held(l);
}

static void end_all(struct liar *l)
{
    for (int i = 0; i < LIAR_PEERS_MAX; i++)
        if (peer_lives(&l->peer[i]))
            peer_end(l, &l->peer[i], MF_CAUSE_INFLIGHT_FIN);
}

static void act_gone(struct liar *l, struct liar_peer *none, uint64_t arg)
{
    (void)none;
    (void)arg;
    l->rest_outcome = MF_OUTCOME_LOST;
    l->rest_cause = MF_CAUSE_REFUSED;
    liar_server_unlisten(l);
    end_all(l);
}

static void act_full_queue(struct liar *l, struct liar_peer *none, uint64_t arg)
{
    (void)none;
    (void)arg;
    l->rest_outcome = MF_OUTCOME_LOST;
    l->rest_cause = MF_CAUSE_CONNECT_TIMEOUT;
    liar_server_fill_queue(l);
    end_all(l);
}

static void act_starve(struct liar *l, struct liar_peer *none, uint64_t arg)
{
    (void)none;
    (void)arg;
    l->rest_outcome = MF_OUTCOME_NOT_SENT;
    l->starving = true;
    liar_say(l, "starve", NULL, 0);
}

void liar_on_starved(struct liar *l)
{
    if (l->starving)
        end_all(l);
}

/* The table: by kind */

const struct liar_rule liar_rules[LIAR_ACT_COUNT] = {
    [LIAR_NEVER] = {fits_always, act_never},
    [LIAR_TWICE] = {fits_always, act_twice},
    [LIAR_TWICE_LATER] = {fits_twice_later, act_twice_later},
    [LIAR_SWAP] = {fits_swap, act_swap},
    [LIAR_LATE] = {fits_always, act_late},
    [LIAR_CORRUPT] = {fits_always, act_corrupt},
    [LIAR_OTHERS] = {fits_always, act_others},
    [LIAR_ECHO] = {fits_always, act_echo},
    [LIAR_ERROR] = {fits_always, act_error},
    [LIAR_PHANTOM] = {fits_always, act_phantom},
    [LIAR_WRONG_ID] = {fits_always, act_wrong_id},
    [LIAR_STALE] = {fits_stale, act_stale},
    [LIAR_COUNT_RESET] = {fits_state, act_count_reset},
    [LIAR_COUNT_SKIP] = {fits_state, act_count_skip},
    [LIAR_REMADE] = {fits_state, act_remade},
    [LIAR_UPGRADE] = {fits_upgrade, act_upgrade},
    [LIAR_CLAIM] = {fits_always, act_claim},
    [LIAR_FIN_IDLE] = {fits_idle, act_fin},
    [LIAR_FIN_ANSWER] = {fits_always, act_fin},
    [LIAR_FIN_INFLIGHT] = {NULL, act_fin_inflight},
    [LIAR_RST_IDLE] = {fits_rst_idle, act_rst_idle},
    [LIAR_RST_INFLIGHT] = {NULL, act_rst_inflight},
    [LIAR_RETURN] = {NULL, act_return},
    [LIAR_HALF] = {fits_always, act_half},
    [LIAR_BROKEN] = {NULL, act_broken},
    [LIAR_DEAF] = {fits_deaf, act_deaf},
    [LIAR_ANNOUNCE] = {fits_http, act_announce},
    [LIAR_TO_END] = {fits_http, act_to_end},
    [LIAR_LISTENER_GONE] = {fits_listener_gone, act_listener_gone},
    [LIAR_SLOW_ACCEPT] = {fits_listener, act_slow_accept},
    [LIAR_SILENT] = {fits_always, act_silent},
    [LIAR_SILENT_LONG] = {NULL, act_silent_long},
    [LIAR_GONE] = {NULL, act_gone},
    [LIAR_FULL_QUEUE] = {NULL, act_full_queue},
    [LIAR_STARVE] = {NULL, act_starve},
};
