/* Fisher's exact test. */
#include "checker/significance.h"

#include <math.h>

/* All tables with the margins of a of n against b of m, `drawn` = a + b. */
struct margins {
    double n, m, drawn;
};

/* The probability of the table with x + 1 in its first cell, relative to that with x. */
static double step_up(const struct margins *t, double x)
{
    return (t->n - x) * (t->drawn - x) / ((x + 1) * (t->m - t->drawn + x + 1));
}

/* Adds the weights of the tables from `mode` away in the direction of `by`, the mode's own (1) left out; those at or
 * below `limit` also to *tail. Weights fall from the mode on, so what underflows would not have counted. */
static void side_add(const struct margins *t, double mode, double end, int by, double limit, double *all, double *tail)
{
    double weight = 1;
    for (double x = mode; x != end && weight > 0; x += by) {
        weight *= by > 0 ? step_up(t, x) : 1 / step_up(t, x - 1);
        *all += weight;
        *tail += weight <= limit ? weight : 0;
    }
}

double mf_fisher(uint32_t a, uint32_t n, uint32_t b, uint32_t m)
{
    struct margins t = {.n = n, .m = m, .drawn = (double)a + b};
    double low = fmax(0, t.drawn - t.m), high = fmin(t.n, t.drawn);
    double mode = fmin(fmax(floor((t.n + 1) * (t.drawn + 1) / (t.n + t.m + 2)), low), high);
    double seen = 1;
    for (double x = mode; x < a; x++)
        seen *= step_up(&t, x);
    for (double x = mode; x > a; x--)
        seen /= step_up(&t, x - 1);
    double limit = seen * (1 + 1e-7), all = 1, tail = 1 <= limit ? 1 : 0; /* R's tolerance for "no likelier" */
    side_add(&t, mode, high, 1, limit, &all, &tail);
    side_add(&t, mode, low, -1, limit, &all, &tail);
    return fmin(tail / all, 1);
}
