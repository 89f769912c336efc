/* The liar: one thread, one loop over poll. server.c has its sockets and connections, answer.c what it sends, deeds.c
 * how it misbehaves, acts.c when, truth.c its books, main.c its life and its orders.
 *
 * Why its numbers are exact: a ping counts from when it is read, and nothing is decided about one that was not. Where a
 * connection is closed or reset, the liar has first gathered its whole window (a closed loop sends nothing more then);
 * or it shuts down its own half only, and reads what still comes until the load has closed the other. What is answered
 * near the time-out is kept until it is surely past it. */
#ifndef MF_LIAR_LIAR_H
#define MF_LIAR_LIAR_H

#include <netinet/in.h>

#include "base/clock.h"
#include "plan.h"
#include "truth.h"
#include "wire/control.h"

#define LIAR_PEERS_MAX 128
#define LIAR_PLUGS_MAX 16
/* Past the time-out by so much, a ping has surely freed its slot of the window at the load, which looks about every
 * millisecond. */
#define LIAR_SURELY_NS (30 * MF_NS_PER_MS)

enum liar_wait {
    LIAR_WAIT_NONE,  /* just came */
    LIAR_WAIT_NEVER, /* for its connection's end */
    LIAR_WAIT_UNTIL, /* to be answered rightly at until_ns */
    LIAR_WAIT_HELD,  /* gathered, for an act */
    LIAR_WAIT_SWAP,  /* for the next ping of its stream */
    LIAR_WAIT_CUT,   /* half answered */
};

/* A ping that has had no answer. */
struct liar_open {
    uint32_t stream, process;
    uint64_t seq, came_ns, until_ns;
    uint32_t owed; /* generation that a claim has promised to it */
    enum liar_wait wait;
};

enum liar_end { LIAR_END_NONE, LIAR_END_FIN, LIAR_END_ANNOUNCED, LIAR_END_RST };

struct liar_peer {
    int fd;                  /* -1: free. Over udp the listener's, doubled: all that comes is read there */
    struct sockaddr_in from; /* over udp: who it is */
    enum liar_end end;       /* what we have done to it: from then on nothing is sent */
    uint64_t since_commit;   /* pings that came since the last commit, or since it was accepted */
    struct liar_open *open;
    uint32_t opens, room;
    uint8_t *bytes; /* that came and make no whole ping */
    size_t bytes_used;
};

/* A lost ping that is to be answered on its stream's next connection. */
struct liar_ghost {
    struct liar_open ping;
    bool waits;
};

/* A second answer that is to be sent when message number `at` has come. */
struct liar_second {
    struct liar_open ping;
    const struct liar_peer *peer;
    uint64_t at;
};

enum liar_upgrade { LIAR_UPGRADE_NONE, LIAR_UPGRADE_MARKED, LIAR_UPGRADE_SWITCHING, LIAR_UPGRADE_ENDED };

struct liar {
    struct liar_plan plan;
    struct liar_truth truth;
    uint64_t now_ns; /* when poll last returned, or (udp) a datagram was taken */
    bool stopped;

    int listener, anchor; /* the anchor is bound, never listens, and keeps the port ours */
    uint16_t port;
    uint64_t listen_at_ns, accept_at_ns; /* 0: now */
    bool never_accepts;
    struct liar_peer peer[LIAR_PEERS_MAX];
    int plug[LIAR_PLUGS_MAX];
    uint32_t plugs;

    uint64_t received; /* pings that were sent, as far as is known */
    uint32_t next_act;
    uint64_t deferred_ns;          /* since when the next act has been waiting for its chance; 0: it has not */
    const struct liar_act *gather; /* being gathered for */
    struct liar_peer *gather_peer; /* NULL: all */
    bool racy;                     /* what has not come in the end was lost to a reset, sent or not */
    enum mf_outcome rest_outcome;  /* of pings that will not come any more: MF_OUTCOME_COUNT: there should be none */
    enum mf_cause rest_cause;
    bool starving;

    enum liar_upgrade upgrade;
    uint32_t upgrades;   /* asked for */
    uint32_t switched;   /* upgrades that have ended, claims included */
    uint32_t generation; /* of the code that answers */
    uint32_t owed;       /* of the code that was claimed, once the claim has been committed; 0: none was */
    bool claims;         /* the next upgrade will be a claim */
    uint64_t regress;    /* answers of the old version still to be given while switching */
    uint32_t regress_process;
    bool regress_chosen;

    struct liar_ghost *ghost; /* [window] */
    uint32_t ghosts;
    struct liar_second second[LIAR_ACTS_MAX];
    uint32_t seconds;

    uint8_t *out, *payload;
    struct mf_error error; /* status 0: none */
};

/* server.c */
int liar_server_open(struct liar *l, struct mf_error *err);
void liar_server_close(struct liar *l);
int liar_server_listen(struct liar *l, struct mf_error *err);
void liar_server_unlisten(struct liar *l);
/* Nobody can be accepted any more: the queue is full, and stays so. */
void liar_server_fill_queue(struct liar *l);
void liar_server_accept(struct liar *l);
/* Returns whether there may be more to read. */
bool liar_peer_read(struct liar *l, struct liar_peer *p);
/* We say no more; what still comes is lost by FIN (or, after a message that made no sense, by the load's reset). */
void liar_peer_shut(struct liar_peer *p, enum liar_end end);
/* It has ended, for all that is open on it by `cause`. unseen: so many more were in flight that never came here. */
void liar_peer_settle(struct liar *l, struct liar_peer *p, enum mf_cause cause, uint64_t unseen);
void liar_peer_reset_on_close(const struct liar_peer *p);
void liar_peer_forget(struct liar_peer *p, uint32_t index);
/* Connections that live. */
uint32_t liar_peers(const struct liar *l);

/* deeds.c: answers what was gathered of all windows. */
void liar_answer_all_held(struct liar *l);

/* answer.c: p->open[index] is sent its answer, and is open no longer. */
/* A right one, or, where it can't be told whether it would be late: later. */
void liar_answer(struct liar *l, struct liar_peer *p, uint32_t index);
void liar_answer_stale(struct liar *l, struct liar_peer *p, uint32_t index);
/* On this connection, to a ping of another one. */
void liar_answer_ghost(struct liar *l, struct liar_peer *p, const struct liar_open *ping, bool late);
void liar_answer_error(struct liar *l, struct liar_peer *p, uint32_t index);
void liar_answer_wrong(struct liar *l, struct liar_peer *p, uint32_t index, enum liar_act_kind how);
/* The last one of its connection: it says so, or (to_end) the connection's end is its own. */
void liar_answer_last(struct liar *l, struct liar_peer *p, uint32_t index, bool to_end);
void liar_answer_half(struct liar *l, struct liar_peer *p, uint32_t index, uint64_t bytes);
/* The ping may have been answered before: this does not count as its answer. */
void liar_answer_again(struct liar *l, struct liar_peer *p, const struct liar_open *ping);
void liar_answer_phantom(struct liar *l, struct liar_peer *p, const struct liar_open *ping, uint64_t how);
void liar_send_broken(struct liar *l, struct liar_peer *p);

/* acts.c */
/* The newest of p's open pings has just come. */
void liar_on_ping(struct liar *l, struct liar_peer *p);
/* Answers whose time has come. */
void liar_on_time(struct liar *l);
/* The next instant at which liar_on_time, listening or accepting has something to do; UINT64_MAX: none. */
uint64_t liar_next_ns(const struct liar *l);
/* The load has been starved. */
void liar_on_starved(struct liar *l);

/* main.c */
void liar_say(struct liar *l, const char *verb, const char *key, uint64_t value);
void liar_fail(struct liar *l, const struct mf_error *err);
/* Moves now_ns on. Since it was last moved we have worked: if that took long, our processor was taken from us. */
void liar_look_at_clock(struct liar *l);
/* An upgrade that was asked for has done all that it was to do. */
void liar_upgrade_check(struct liar *l);

#endif
