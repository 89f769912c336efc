/* What a process's answers tell of it: its count (the state), its instance, and the generation of code that it runs.
 *
 * One witness per process; where processes are fewer than streams, one per stream. 32 bytes, zeroed is "nothing known".
 * Kept for answers that come in the order of their pings; others are left out. Threads: one. */
#ifndef MF_CHECKER_STATE_H
#define MF_CHECKER_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { MF_WITNESS_VERSION = 1, MF_WITNESS_INSTANCE = 2, MF_WITNESS_COUNT = 4, MF_WITNESS_SEQ = 8 };

struct mf_witness {
    uint64_t next_count; /* 1 + the count of its latest answer; known with COUNT */
    uint64_t next_seq;   /* the seq of the ping it is asked next after the latest answered one; known with SEQ */
    uint64_t instance;   /* known with INSTANCE */
    uint32_t generation; /* of the code that gave its latest answer; known with VERSION */
    uint16_t known;      /* MF_WITNESS_... */
    uint16_t credit;     /* pings handled out of their order since: by so many its count may be ahead */
};

_Static_assert(offsetof(struct mf_witness, generation) + 8 == sizeof(struct mf_witness),
               "generation, known and credit are one word");

/* What an answer showed. */
struct mf_state_finding {
    uint64_t rehandled; /* so many messages too many */
    bool state_lost, remade;
};

/* Judges the answer to ping `seq` and makes it the latest. The caller has made sure that it is in order (seq >=
 * next_seq). `turns`: the process is asked every so many pings. `shared`: others ask it too, so a count may run ahead.
 */
struct mf_state_finding mf_state_judge(struct mf_witness *w, uint64_t seq, uint32_t turns, bool shared,
                                       const uint64_t *count, const uint64_t *instance);

/* An answer out of order came from this process (count NULL: none that can be trusted). If the ping was handled after
 * the latest one that was in order, the count will be ahead by one for it, and that is no rehandling. */
void mf_state_skip(struct mf_witness *w, const uint64_t *count);

/* Generation, knowledge and credit in one word: a process of which all is known, that runs this generation and has no
 * credit. */
static inline uint64_t mf_witness_standing(const struct mf_witness *w)
{
    uint64_t standing;
    memcpy(&standing, &w->generation, sizeof standing);
    return standing;
}

static inline uint64_t mf_standing_of(uint32_t generation)
{
    const struct mf_witness w = {.generation = generation, .known = 15};
    return mf_witness_standing(&w);
}

#endif
