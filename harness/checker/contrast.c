#include "checker/contrast.h"

#include <stdlib.h>
#include <string.h>

#include "checker/significance.h"
#include "checker/statistics.h"

const char *const mf_contrast_keys[MF_CONTRAST_COUNT] = {
#define MF_CONTRAST(id, key, test, about) key,
#include "checker/contrasts.def"
#undef MF_CONTRAST
};
const char *const mf_contrast_tests[MF_CONTRAST_COUNT] = {
#define MF_CONTRAST(id, key, test, about) test,
#include "checker/contrasts.def"
#undef MF_CONTRAST
};
const char *const mf_contrast_texts[MF_CONTRAST_COUNT] = {
#define MF_CONTRAST(id, key, test, about) about,
#include "checker/contrasts.def"
#undef MF_CONTRAST
};
const char *const mf_mark_keys[4] = {"too few", "no difference shown", "better", "worse"};

void mf_sample_done(struct mf_sample *sample)
{
    for (int i = 0; i < MF_CONTRAST_COUNT; i++)
        mf_series_done(&sample->series[i]);
}

static double fisher_p(const struct mf_series *baseline, const struct mf_series *cell)
{
    const struct mf_series *const side[MF_SIDES] = {baseline, cell};
    uint32_t dirty[MF_SIDES] = {0};
    for (uint32_t s = 0; s < MF_SIDES; s++)
        for (uint32_t i = 0; i < side[s]->n; i++)
            dirty[s] += side[s]->value[i] != 0;
    return mf_fisher(dirty[MF_BASELINE], baseline->n, dirty[MF_CELL], cell->n);
}

static int double_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Where `value` stands among n sorted ones: how many are below it, and half of those that are the same. */
static double place_of(const double *sorted, uint32_t n, double value)
{
    uint32_t below = 0, not_above = n;
    for (uint32_t end = n; below < end;) {
        uint32_t middle = below + (end - below) / 2;
        if (sorted[middle] < value)
            below = middle + 1;
        else
            end = middle;
    }
    for (uint32_t start = below; start < not_above;) {
        uint32_t middle = start + (not_above - start) / 2;
        if (sorted[middle] <= value)
            start = middle + 1;
        else
            not_above = middle;
    }
    return (below + not_above) / 2.0;
}

/* mean[r]: of the places of run r's values. */
static void places_average(const struct mf_series *s, const double *sorted, uint32_t n, double *mean)
{
    for (uint32_t i = 0, k; i < s->n; i = k) {
        double sum = 0;
        for (k = i; k < s->n && s->run[k] == s->run[i]; k++)
            sum += place_of(sorted, n, s->value[k]);
        mean[s->run[i]] = sum / (k - i);
    }
}

static int runs_test(struct mf_finding *f, const struct mf_series *baseline, const struct mf_series *cell)
{
    uint32_t n = baseline->n + cell->n;
    double *sorted = calloc(n, sizeof *sorted), *mean = calloc((size_t)baseline->runs + cell->runs, sizeof *mean);
    struct mf_mann_whitney ranks;
    int bad = sorted && mean ? 0 : -1;
    if (!bad) {
        memcpy(sorted, baseline->value, baseline->n * sizeof *sorted);
        memcpy(sorted + baseline->n, cell->value, cell->n * sizeof *sorted);
        qsort(sorted, n, sizeof *sorted, double_compare);
        places_average(baseline, sorted, n, mean);
        places_average(cell, sorted, n, mean + baseline->runs);
        bad = mf_mann_whitney(mean + baseline->runs, cell->runs, mean, baseline->runs, &ranks);
        f->p_runs = bad ? 1 : ranks.p;
    }
    free(sorted);
    free(mean);
    return bad;
}

static int finding_test(struct mf_finding *f, int id, const struct mf_series *baseline, const struct mf_series *cell,
                        uint64_t seed)
{
    struct mf_permutation permutation;
    struct mf_mann_whitney ranks;
    int bad = 0;
    switch (id) {
    case MF_CONTRAST_DIRTY:
        f->p = fisher_p(baseline, cell);
        break;
    case MF_CONTRAST_LOST:
        bad = mf_permutation(cell->value, cell->n, baseline->value, baseline->n, seed, &permutation);
        f->p = bad ? 1 : permutation.p;
        break;
    default:
        bad = mf_mann_whitney(cell->value, cell->n, baseline->value, baseline->n, &ranks);
        f->p = bad ? 1 : ranks.p;
    }
    return bad;
}

int mf_contrast_measure(struct mf_contrast *contrast, const struct mf_sample *baseline, const struct mf_sample *cell,
                        uint64_t seed)
{
    *contrast = (struct mf_contrast){.mark = MF_MARK_TOO_FEW};
    for (int i = 0; i < MF_CONTRAST_COUNT; i++) {
        const struct mf_series *b = &baseline->series[i], *c = &cell->series[i];
        struct mf_finding *f = &contrast->finding[i];
        if (mf_shift_compute(&f->shift, b, c, seed) < 0)
            return -1;
        f->tested = b->n >= MF_REPETITIONS_MIN && c->n >= MF_REPETITIONS_MIN;
        f->runs_tested = b->runs >= MF_REPETITIONS_MIN && c->runs >= MF_REPETITIONS_MIN;
        if ((f->tested && finding_test(f, i, b, c, seed) < 0) || (f->runs_tested && runs_test(f, b, c) < 0))
            return -1;
    }
    return 0;
}

/* Whether more (1), less (-1) or neither is shown, going by what is estimated. */
static int direction(const struct mf_finding *f, int id)
{
    const struct mf_shift *s = &f->shift;
    if (id == MF_CONTRAST_DIRTY || id == MF_CONTRAST_LOST)
        return (s->mean.value > 0) - (s->mean.value < 0);
    if (f->runs_tested && f->p_runs > MF_CONTRAST_ALPHA)
        return 0;
    return (s->superiority.value > 0.5) - (s->superiority.value < 0.5);
}

static void finding_mark(struct mf_finding *f, int id, int32_t tests)
{
    const uint32_t *n = f->shift.n;
    int where = f->tested ? direction(f, id) : 0;
    f->mark = MF_MARK_NO_DIFFERENCE;
    if (f->tested && f->p_holm <= MF_CONTRAST_ALPHA)
        f->mark = where > 0 ? MF_MARK_WORSE : where < 0 ? MF_MARK_BETTER : MF_MARK_NO_DIFFERENCE;
    else if (!f->tested || mf_least_p(n[MF_BASELINE], n[MF_CELL]) * tests > MF_CONTRAST_ALPHA)
        f->mark = MF_MARK_TOO_FEW;
}

static void contrast_mark(struct mf_contrast *contrast, int32_t tests)
{
    bool has[4] = {false};
    for (int i = 0; i < MF_CONTRAST_COUNT; i++) {
        finding_mark(&contrast->finding[i], i, tests);
        has[contrast->finding[i].mark] = true;
    }
    contrast->mark = has[MF_MARK_WORSE]     ? MF_MARK_WORSE
                     : has[MF_MARK_BETTER]  ? MF_MARK_BETTER
                     : has[MF_MARK_TOO_FEW] ? MF_MARK_TOO_FEW
                                            : MF_MARK_NO_DIFFERENCE;
}

int32_t mf_contrasts_mark(struct mf_contrast *const *contrasts, uint32_t n)
{
    double *p = calloc((size_t)n * MF_CONTRAST_COUNT + 1, sizeof *p);
    uint32_t tests = 0, at = 0;
    for (uint32_t k = 0; p && k < n; k++)
        for (int i = 0; i < MF_CONTRAST_COUNT; i++)
            if (contrasts[k]->finding[i].tested)
                p[tests++] = contrasts[k]->finding[i].p;
    if (!p || mf_holm(p, tests) < 0) {
        free(p);
        return -1;
    }
    for (uint32_t k = 0; k < n; k++)
        for (int i = 0; i < MF_CONTRAST_COUNT; i++)
            if (contrasts[k]->finding[i].tested)
                contrasts[k]->finding[i].p_holm = p[at++];
    free(p);
    for (uint32_t k = 0; k < n; k++)
        contrast_mark(contrasts[k], (int32_t)tests);
    return (int32_t)tests;
}

uint32_t mf_contrast_required(int32_t tests)
{
    uint32_t n = tests > 0 ? mf_required_any(MF_CONTRAST_ALPHA / tests) : 0;
    return n > MF_REPETITIONS_MIN ? n : MF_REPETITIONS_MIN;
}
