/* Mann & Whitney's rank sum test. */
#include "checker/significance.h"

#include <math.h>
#include <stdlib.h>

#define EXACT_BELOW 50 /* values on a side, as in R */

struct ranked {
    double value;
    bool is_x;
};

static int ranked_compare(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

/* In how many of the pairs x is higher (ties half), and the sum of t^3 - t over groups of t equal values. */
static void pairs_count(const struct ranked *all, uint32_t total, double *w, double *ties)
{
    double below = 0;
    *w = *ties = 0;
    for (uint32_t i = 0, k; i < total; i = k) {
        double x = 0, y = 0;
        for (k = i; k < total && all[k].value == all[i].value; k++) {
            x += all[k].is_x;
            y += !all[k].is_x;
        }
        *w += x * (below + y / 2);
        below += y;
        double t = x + y;
        *ties += t * t * t - t;
    }
}

/* P(W <= w), all of the C(n + m, n) orders equally likely. way[k][s]: in how many ways k of the ranks seen so far have
 * k(k+1)/2 + s as their sum. Negative: no memory. */
static double exact_below(double w, uint32_t n, uint32_t m)
{
    size_t width = (size_t)n * m + 1;
    double *way = calloc((n + 1) * width, sizeof *way);
    if (!way)
        return -1;
    way[0] = 1;
    for (uint32_t rank = 1; rank <= n + m; rank++)
        for (uint32_t k = rank < n ? rank : n; k >= 1; k--) {
            size_t more = rank - k; /* over k, the least that the k-th lowest can have */
            for (size_t s = more; more <= m && s < width; s++)
                way[k * width + s] += way[(k - 1) * width + s - more];
        }
    double all = 0, below = 0;
    for (size_t s = 0; s < width; s++) {
        all += way[n * width + s];
        below += (double)s <= w ? way[n * width + s] : 0;
    }
    free(way);
    return below / all;
}

static double normal_p(double w, double n, double m, double ties)
{
    double total = n + m, apart = w - n * m / 2;
    double sigma = sqrt(n * m / 12 * (total + 1 - ties / (total * (total - 1))));
    if (!(sigma > 0))
        return 1;
    double z = fmax(fabs(apart) - 0.5, 0) / sigma;
    return fmin(erfc(z / sqrt(2)), 1);
}

int mf_mann_whitney(const double *x, uint32_t n, const double *y, uint32_t m, struct mf_mann_whitney *result)
{
    uint32_t total = n + m;
    struct ranked *all = calloc(total, sizeof *all);
    if (!all)
        return -1;
    for (uint32_t i = 0; i < total; i++)
        all[i] = (struct ranked){.value = i < n ? x[i] : y[i - n], .is_x = i < n};
    qsort(all, total, sizeof *all, ranked_compare);
    double w, ties;
    pairs_count(all, total, &w, &ties);
    free(all);
    *result = (struct mf_mann_whitney){.w = w, .exact = n < EXACT_BELOW && m < EXACT_BELOW && ties == 0};
    if (!result->exact) {
        result->p = normal_p(w, n, m, ties);
        return 0;
    }
    /* W is symmetric about n m / 2 */
    double tail = exact_below(fmin(w, (double)n * m - w), n, m);
    result->p = fmin(2 * tail, 1);
    return tail < 0 ? -1 : 0;
}
