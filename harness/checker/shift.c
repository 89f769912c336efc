#include "checker/shift.h"

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "checker/significance.h"
#include "checker/statistics.h"

#define RESAMPLES 1999       /* (1999 + 1) * 0.025 is whole: the bounds are the 50th and the 1950th */
#define PURPOSE   0x73686966 /* of the random numbers */

/* One number of what is estimated, in a row of them. */
enum { FIGURE_MEAN = MF_SHIFT_QUANTILES, FIGURE_SUPERIORITY, FIGURE_COUNT };

struct item {
    double value;
    uint32_t side, draw; /* draw: the run, or the upgrade, with which it is drawn or not */
};

/* All values of both sides in order, and how often each draw counts. */
struct pool {
    struct item *item;
    uint32_t n, draws[MF_SIDES];
    uint32_t *times[MF_SIDES];
    double of[MF_SIDES][MF_SHIFT_QUANTILES], mean_of[MF_SIDES], figure[FIGURE_COUNT]; /* by the latest walk */
};

double mf_shift_quantile(unsigned i)
{
    return (i + 1) / 10.0;
}

static int item_compare(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

static void pool_done(struct pool *p)
{
    free(p->item);
    free(p->times[MF_BASELINE]);
    free(p->times[MF_CELL]);
}

static int pool_init(struct pool *p, const struct mf_series *const side[MF_SIDES], bool over_runs)
{
    *p = (struct pool){.item = calloc((size_t)side[MF_BASELINE]->n + side[MF_CELL]->n, sizeof *p->item)};
    for (uint32_t s = 0; p->item && s < MF_SIDES; s++) {
        for (uint32_t i = 0; i < side[s]->n; i++)
            p->item[p->n++] =
                (struct item){.value = side[s]->value[i], .side = s, .draw = over_runs ? side[s]->run[i] : i};
        p->draws[s] = over_runs ? side[s]->runs : side[s]->n;
        p->times[s] = calloc(p->draws[s], sizeof *p->times[s]);
    }
    if (!p->item || !p->times[MF_BASELINE] || !p->times[MF_CELL])
        return -1;
    qsort(p->item, p->n, sizeof *p->item, item_compare);
    for (uint32_t s = 0; s < MF_SIDES; s++)
        for (uint32_t i = 0; i < p->draws[s]; i++)
            p->times[s][i] = 1;
    return 0;
}

static double nearest_rank(double n, double q)
{
    return fmax(ceil(q * n - 1e-9), 1);
}

/* Walks the values upwards, each as often as its draw counts, and fills the figures. */
static void pool_walk(struct pool *p)
{
    double n[MF_SIDES] = {0}, seen[MF_SIDES] = {0}, sum[MF_SIDES] = {0}, higher = 0;
    unsigned next[MF_SIDES] = {0};
    for (uint32_t i = 0; i < p->n; i++)
        n[p->item[i].side] += p->times[p->item[i].side][p->item[i].draw];
    for (uint32_t i = 0, k; i < p->n; i = k) {
        double here[MF_SIDES] = {0}, value = p->item[i].value;
        for (k = i; k < p->n && p->item[k].value == value; k++)
            here[p->item[k].side] += p->times[p->item[k].side][p->item[k].draw];
        higher += here[MF_CELL] * (seen[MF_BASELINE] + here[MF_BASELINE] / 2);
        for (uint32_t s = 0; s < MF_SIDES; s++) {
            seen[s] += here[s];
            sum[s] += here[s] * value;
            for (; next[s] < MF_SHIFT_QUANTILES && nearest_rank(n[s], mf_shift_quantile(next[s])) <= seen[s]; next[s]++)
                p->of[s][next[s]] = value;
        }
    }
    for (uint32_t s = 0; s < MF_SIDES; s++)
        p->mean_of[s] = sum[s] / n[s];
    for (unsigned q = 0; q < MF_SHIFT_QUANTILES; q++)
        p->figure[q] = p->of[MF_CELL][q] - p->of[MF_BASELINE][q];
    p->figure[FIGURE_MEAN] = p->mean_of[MF_CELL] - p->mean_of[MF_BASELINE];
    p->figure[FIGURE_SUPERIORITY] = higher / (n[MF_BASELINE] * n[MF_CELL]);
}

static void pool_draw(struct pool *p, struct mf_rng *rng)
{
    for (uint32_t s = 0; s < MF_SIDES; s++) {
        for (uint32_t i = 0; i < p->draws[s]; i++)
            p->times[s][i] = 0;
        for (uint32_t i = 0; i < p->draws[s]; i++)
            p->times[s][mf_rng_below(rng, p->draws[s])]++;
    }
}

static int double_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct mf_estimate *estimate_at(struct mf_shift *shift, unsigned figure)
{
    return figure == FIGURE_MEAN          ? &shift->mean
           : figure == FIGURE_SUPERIORITY ? &shift->superiority
                                          : &shift->quantile[figure];
}

/* `drawn`: room for RESAMPLES of each figure. */
static void intervals_fill(struct mf_shift *shift, struct pool *p, double *drawn, uint64_t seed)
{
    struct mf_rng rng;
    mf_rng_init(&rng, seed, PURPOSE);
    for (unsigned r = 0; r < RESAMPLES; r++) {
        pool_draw(p, &rng);
        pool_walk(p);
        for (unsigned f = 0; f < FIGURE_COUNT; f++)
            drawn[f * RESAMPLES + r] = p->figure[f];
    }
    for (unsigned f = 0; f < FIGURE_COUNT; f++) {
        double *of = drawn + f * RESAMPLES;
        qsort(of, RESAMPLES, sizeof *of, double_compare);
        estimate_at(shift, f)->low = of[(RESAMPLES + 1) / 40 - 1];
        estimate_at(shift, f)->high = of[(RESAMPLES + 1) / 40 * 39 - 1];
    }
}

static void estimates_fill(struct mf_shift *shift, struct pool *p)
{
    pool_walk(p);
    for (uint32_t s = 0; s < MF_SIDES; s++) {
        shift->mean_of[s] = p->mean_of[s];
        for (unsigned q = 0; q < MF_SHIFT_QUANTILES; q++)
            shift->of[s][q] = p->of[s][q];
    }
    for (unsigned f = 0; f < FIGURE_COUNT; f++)
        *estimate_at(shift, f) = (struct mf_estimate){p->figure[f], p->figure[f], p->figure[f]};
    for (unsigned q = 0; q < MF_SHIFT_QUANTILES; q++)
        shift->known[q] = q == MF_SHIFT_MEDIAN || (mf_quantile_known(shift->n[MF_BASELINE], mf_shift_quantile(q)) &&
                                                   mf_quantile_known(shift->n[MF_CELL], mf_shift_quantile(q)));
}

int mf_shift_compute(struct mf_shift *shift, const struct mf_series *baseline, const struct mf_series *cell,
                     uint64_t seed)
{
    const struct mf_series *const side[MF_SIDES] = {baseline, cell};
    *shift = (struct mf_shift){.n = {baseline->n, cell->n}, .runs = {baseline->runs, cell->runs}};
    if (baseline->n == 0 || cell->n == 0)
        return 0;
    shift->over_runs = baseline->runs >= MF_REPETITIONS_MIN && cell->runs >= MF_REPETITIONS_MIN;
    shift->has_interval = baseline->n >= MF_REPETITIONS_MIN && cell->n >= MF_REPETITIONS_MIN;
    struct pool pool;
    double *drawn = calloc((size_t)FIGURE_COUNT * RESAMPLES, sizeof *drawn);
    int bad = pool_init(&pool, side, shift->over_runs);
    if (!bad && drawn) {
        estimates_fill(shift, &pool);
        if (shift->has_interval)
            intervals_fill(shift, &pool, drawn, seed);
    }
    bad = bad || !drawn ? -1 : 0;
    pool_done(&pool);
    free(drawn);
    return bad;
}
