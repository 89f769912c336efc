/* A naive account: every ping and every answer in one array, everything counted at the end by the letter of the rules
 * in checker/account.h, with no rings, no fast paths and no caches. What it is held against must not share code with
 * it. Not judged here: state and regress (they have tests of their own), the stage bytes. */
#ifndef MF_TESTS_CHECKER_MODEL_H
#define MF_TESTS_CHECKER_MODEL_H

#include "rig.h"

#define MODEL_PINGS    4096
#define MODEL_UPGRADES 12

struct model_ping {
    uint32_t stream, committed;
    uint64_t seq, due_ns, written_ns, end_ns; /* end: 0 open */
    int outcome;                              /* -1 open */
    enum mf_cause cause;
    uint32_t requested_at_end; /* how many were requested when it ended */
    bool right, reordered, stale, has_version;
    uint32_t version;
    uint64_t order; /* of its end among all ends */
};

struct model {
    struct rig *rig;
    uint32_t used;
    struct model_ping ping[MODEL_PINGS];
    uint64_t orders;
    uint32_t by_order[MODEL_PINGS + 1];
    uint64_t replies, duplicated, phantom;
    struct {
        uint64_t extra[MF_EXTRA_COUNT];
    } charged[MODEL_UPGRADES];
};

struct model_ping *model_find(struct model *m, uint32_t stream, uint64_t seq);
struct model_ping *model_due(struct model *m, uint32_t stream, uint64_t seq, uint64_t due_ns);
/* Tells the model what the account was told. */
void model_pong(struct model *m, const struct mf_pong *pong, uint64_t now_ns);
void model_lost(struct model *m, struct model_ping *p, enum mf_outcome outcome, enum mf_cause cause, uint64_t now_ns);
/* Ends what is open and asserts that the account's books say the same. `blackouts`: those too. They need not agree
 * where a loss was taken back, or a run of bad pings began with one that was never answered: the account then has to
 * charge it before all upgrades are known. */
void model_check(struct model *m, uint64_t seed, bool blackouts);

#endif
