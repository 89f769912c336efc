/* Who is told how each ping ends, while an account counts it: the export of a history. */
#ifndef MF_CHECKER_EAR_H
#define MF_CHECKER_EAR_H

#include <stdint.h>

#include "recorder/recorder.h"

struct mf_ended {
    uint32_t stream;
    uint64_t seq;
    enum mf_outcome outcome;
    enum mf_cause cause; /* LOST */
    uint8_t stage;       /* LOST: 1 + enum mf_stage; 0: none, or not known */
    uint32_t charged;    /* 1 + the upgrade; 0: none */
};

/* ended: in whatever way (an outcome that is taken back is followed by another); not called for the plain answer, which
 * mf_account_pong returns as ANSWERED. extra: beyond the outcome, in the same call, `by` so many. Neither may call the
 * account. */
struct mf_ear {
    void *ctx;
    void (*ended)(void *ctx, const struct mf_ended *ended);
    void (*extra)(void *ctx, enum mf_extra extra, uint64_t by, uint32_t charged);
};

#endif
