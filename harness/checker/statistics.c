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

/* The p at which I_p(a, b), which grows with p, reaches `target`. */
static double beta_quantile(double a, double b, double target)
{
    double low = 0, high = 1;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (mf_incomplete_beta(a, b, middle) < target)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

double mf_upper_bound(uint32_t seen, uint32_t n, double confidence)
{
    if (seen >= n)
        return 1;
    if (seen == 0)
        return 1 - pow(1 - confidence, 1.0 / n);
    return beta_quantile(seen + 1.0, (double)n - seen, confidence); /* P(X > seen) = I_p(seen + 1, n - seen) */
}

struct mf_interval mf_share_interval(uint32_t seen, uint32_t n, double confidence)
{
    double side = (1 + confidence) / 2;
    return (struct mf_interval){.low = n == 0 ? 0 : 1 - mf_upper_bound(n - seen, n, side), /* of those not seen */
                                .high = mf_upper_bound(seen, n, side)};
}

bool mf_quantile_known(uint32_t n, double q)
{
    double beyond = (double)n * (q < 0.5 ? q : 1 - q);
    return beyond >= 10 - 1e-9; /* 0.1 * 100 is 10 */
}

uint32_t mf_required_clean(double share, double alpha)
{
    return (uint32_t)fmin(ceil(log(alpha) / log1p(-share) - 1e-9), UINT32_MAX);
}

uint32_t mf_required_each(double p, double q, double alpha, double power)
{
    double middle = (p + q) / 2, apart = fabs(p - q);
    double root = mf_normal_quantile(1 - alpha / 2) * sqrt(2 * middle * (1 - middle)) +
                  mf_normal_quantile(power) * sqrt(p * (1 - p) + q * (1 - q));
    double plain = root * root / (apart * apart);
    double correction = 1 + sqrt(1 + 4 / (plain * apart));
    return (uint32_t)fmin(ceil(plain / 4 * correction * correction), UINT32_MAX);
}

double mf_least_p(uint32_t n, uint32_t m)
{
    double ways = 1;
    uint32_t less = n < m ? n : m;
    for (uint32_t i = 1; i <= less && ways < 1e300; i++)
        ways *= ((double)n + m - less + i) / i;
    return fmin(2 / ways, 1);
}

uint32_t mf_required_any(double alpha)
{
    uint32_t n = 1;
    while (n < 500 && mf_least_p(n, n) > alpha)
        n++;
    return n;
}

double mf_normal_quantile(double p)
{
    double low = -40, high = 40;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        if (erfc(-middle / sqrt(2)) / 2 < p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

#define BEYOND_MIN 10

bool mf_percentile_is_told(uint64_t n, double q)
{
    if (q <= 0.5)
        return n > 0;
    return (double)n * (1 - q) >= BEYOND_MIN - 1e-6; /* 1 - 0.9 is a little under 0.1 */
}
