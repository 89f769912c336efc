/* Holm's adjustment of many p-values. */
#include "checker/significance.h"

#include <math.h>
#include <stdlib.h>

struct ordered {
    double p;
    uint32_t at;
};

static int ordered_compare(const void *a, const void *b)
{
    const struct ordered *x = a, *y = b;
    return (x->p > y->p) - (x->p < y->p);
}

int mf_holm(double *p, uint32_t n)
{
    struct ordered *order = calloc((size_t)n + 1, sizeof *order);
    if (!order)
        return -1;
    for (uint32_t i = 0; i < n; i++)
        order[i] = (struct ordered){.p = p[i], .at = i};
    qsort(order, n, sizeof *order, ordered_compare);
    double adjusted = 0;
    for (uint32_t i = 0; i < n; i++) {
        adjusted = fmin(fmax(adjusted, order[i].p * (n - i)), 1);
        p[order[i].at] = adjusted;
    }
    free(order);
    return 0;
}
