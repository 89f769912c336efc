/* A cell held against a baseline: what differs, by how much, and whether that may be said.
 *
 * The upgrade is the sampling unit. Four findings (contrasts.def): dirty or clean by Fisher's exact test, losses per
 * upgrade by permutation of their means, spikes and blackouts by Mann & Whitney's test. In all four more is worse.
 * Life: fill a struct mf_sample for each cell (mf_series_add); mf_contrast_measure for each pair; mf_contrasts_mark
 * over all pairs that are told together; mf_sample_done. Pure. Threads: any. */
#ifndef MF_CHECKER_CONTRAST_H
#define MF_CHECKER_CONTRAST_H

#include <stdbool.h>
#include <stdint.h>

#include "checker/series.h"
#include "checker/shift.h"

#define MF_CONTRAST_ALPHA 0.05

enum mf_contrast_id {
#define MF_CONTRAST(id, key, test, about) MF_CONTRAST_##id,
#include "checker/contrasts.def"
#undef MF_CONTRAST
    MF_CONTRAST_COUNT
};
extern const char *const mf_contrast_keys[MF_CONTRAST_COUNT];
extern const char *const mf_contrast_tests[MF_CONTRAST_COUNT];
extern const char *const mf_contrast_texts[MF_CONTRAST_COUNT];

/* TOO_FEW: nothing can be said, not even that no difference was shown. */
enum mf_mark { MF_MARK_TOO_FEW, MF_MARK_NO_DIFFERENCE, MF_MARK_BETTER, MF_MARK_WORSE };
extern const char *const mf_mark_keys[4]; /* too few, no difference shown, better, worse */

/* The upgrades of one cell that fired: 0 or 1, messages, ms, ms. An upgrade without a spike or blackout (tainted, or
 * nothing was answered) has no value there. */
struct mf_sample {
    struct mf_series series[MF_CONTRAST_COUNT];
};
void mf_sample_done(struct mf_sample *sample);

struct mf_finding {
    struct mf_shift shift; /* of DIRTY and LOST the mean matters, of SPIKE and BLACKOUT the quantiles */
    bool tested;           /* p and p_holm are there: both sides have MF_REPETITIONS_MIN values */
    double p, p_holm;      /* p_holm: since mf_contrasts_mark */
    bool runs_tested;      /* p_runs is there: both sides have MF_REPETITIONS_MIN runs */
    double p_runs;         /* of Mann & Whitney's test on the runs: each run's mean of its values' ranks among all */
    enum mf_mark mark;     /* since mf_contrasts_mark */
};
struct mf_contrast {
    struct mf_finding finding[MF_CONTRAST_COUNT];
    enum mf_mark mark; /* worse where anything is; else better where anything is; else too few where anything is */
};

/* Holds the cell against the baseline. -1: no memory. */
int mf_contrast_measure(struct mf_contrast *contrast, const struct mf_sample *baseline, const struct mf_sample *cell,
                        uint64_t seed);
/* Adjusts the p-values of all n contrasts together by Holm's method and sets the marks. A finding is better or worse
 * where its adjusted p is at most MF_CONTRAST_ALPHA and, for times from enough runs on both sides, p_runs is as well:
 * what differs from run to run (where the kernel put the processes, what else ran) would otherwise make the upgrades of
 * a single slow run look like many independent ones. It is too few where not even the most extreme outcome could have
 * been shown among so many tests. Returns how many tests there were; -1: no memory. */
int32_t mf_contrasts_mark(struct mf_contrast *const *contrasts, uint32_t n);
/* How many upgrades a side it takes before anything can be shown among `tests` tests; MF_REPETITIONS_MIN at least. */
uint32_t mf_contrast_required(int32_t tests);

#endif
