/* The probes: at the driver's word one in each wanted wire state, beside the ordinary pings, with streams and an
 * account of their own (the recorder's section behind the workers').
 *
 * Life: mf_probes_new; for each upgrade mf_probes_place, which says `placed` when all that can be are in their states,
 * and mf_probes_release; mf_probes_beat about every millisecond; mf_probes_finish closes the books; the loop must run
 * until its handles are closed; mf_probes_free. An order that comes while the probes of the last upgrade are still
 * being judged waits for that. Threads: the loop's. */
#ifndef MF_LOAD_PROBES_H
#define MF_LOAD_PROBES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "checker/account.h"
#include "load/probe.h"

struct mf_worker;

enum mf_probes_phase { MF_PROBES_IDLE, MF_PROBES_PLACING, MF_PROBES_HELD, MF_PROBES_JUDGING };

struct mf_probes {
    struct mf_worker *worker;
    struct mf_account *account;
    struct mf_worker_record *record;
    enum mf_probes_phase phase;
    uint32_t k;           /* the upgrade that they are for */
    bool waits, finished; /* waits: `next_k` was ordered while the last ones were judged */
    uint32_t next_k;
    uint64_t give_up_ns; /* PLACING */
    uint32_t count;
    struct mf_probe probe[MF_WIRE_STATE_COUNT];
};

/* For the worker's plan, which wants some. NULL with *err. */
struct mf_probes *mf_probes_new(struct mf_worker *w, struct mf_error *err);
void mf_probes_place(struct mf_probes *s, uint32_t k, uint64_t now_ns);
void mf_probes_release(struct mf_probes *s, uint32_t k, uint64_t now_ns);
void mf_probes_beat(struct mf_probes *s, uint64_t now_ns);
/* Whether probes wait for the end of an upgrade that was requested, or for their judgement. */
bool mf_probes_are_busy(const struct mf_probes *s);
/* Whether the upgrade that they are for has been requested. */
bool mf_probes_requested(const struct mf_probes *s);
/* A message has come on the connection of one of them. */
void mf_probes_answer(struct mf_probes *s, struct mf_probe *p, const struct mf_msg *msg, uint64_t now_ns);
void mf_probes_finish(struct mf_probes *s, uint64_t now_ns);
void mf_probes_close(struct mf_probes *s); /* takes NULL */
void mf_probes_free(struct mf_probes *s);  /* takes NULL */

#endif
