#include "checker/statistics.h"

#include <math.h>
#include <stdlib.h>

double mf_rank(const double *sorted, size_t n, double q)
{
    double rank = ceil(q * (double)n - 1e-9); /* 0.95 * 20 must be 19, not a rounding error above it */
    size_t i = rank < 1 ? 1 : (size_t)rank;
    return sorted[(i < n ? i : n) - 1];
}

static int double_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct mf_spread mf_spread_of(double *values, uint32_t n)
{
    if (n == 0)
        return (struct mf_spread){0};
    qsort(values, n, sizeof *values, double_compare);
    return (struct mf_spread){
        .median = mf_rank(values, n, 0.5), .p95 = mf_rank(values, n, 0.95), .max = values[n - 1], .n = n};
}

static double away_from_zero(double x)
{
    return fabs(x) < 1e-300 ? 1e-300 : x;
}

/* The continued fraction of DLMF 8.17.22 by Lentz's method; converges fast for x < (a+1)/(a+b+2). */
static double beta_fraction(double a, double b, double x)
{
    double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1)), h = d;
    for (int m = 1; m <= 10000; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 / away_from_zero(1 + even * d);
        c = away_from_zero(1 + even / c);
        h *= d * c;
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / away_from_zero(1 + odd * d);
        c = away_from_zero(1 + odd / c);
        h *= d * c;
        if (fabs(d * c - 1) < 1e-15)
            break;
    }
    return h;
}

double mf_incomplete_beta(double a, double b, double x)
{
    if (x <= 0)
        return 0;
    if (x >= 1)
        return 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double mf_upper_bound(uint32_t seen, uint32_t n, double confidence)
{
    if (seen >= n)
        return 1;
    if (seen == 0)
        return 1 - pow(1 - confidence, 1.0 / n);
    /* P(X > seen) = I_p(seen + 1, n - seen) grows with p: where it reaches the confidence */
    double low = 0, high = 1;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (mf_incomplete_beta(seen + 1.0, (double)n - seen, middle) < confidence)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}
