/* P-values against those that R prints. R's figures: version 4.2.2, options(digits = 10), the call beside each. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <math.h>

#include "checker/significance.h"

/* equal to six digits */
#define same(x, wanted) lt(dbl, fabs((x) / (wanted)-1), 5e-7)
#define n_of(a)         ((uint32_t)(sizeof(a) / sizeof((a)[0])))

/* fisher.test(matrix(c(a, n - a, b, m - b), 2, byrow = TRUE))$p.value. The first is Fisher's tea tasting (Agresti,
 * Categorical Data Analysis, 1990, p. 61: 0.4857), the second Fisher's convicted twins (1962; R's own example:
 * 0.0005367). */
Test(significance, fisher_as_r)
{
    static const struct {
        uint32_t a, n, b, m;
        double p;
    } row[] = {
        {3, 4, 1, 4, 0.4857142857},      {2, 17, 10, 13, 0.0005367241191},    {10, 12, 3, 18, 0.0005367241191},
        {0, 20, 5, 20, 0.04712404712},   {0, 300, 6, 300, 0.03047137597},     {7, 20, 2, 20, 0.1273861274},
        {1, 10, 11, 14, 0.002759456185}, {40, 1000, 62, 1000, 0.03234614935}, {0, 5, 5, 5, 0.007936507937},
    };
    for (uint32_t i = 0; i < n_of(row); i++) {
        double p = mf_fisher(row[i].a, row[i].n, row[i].b, row[i].m);
        cr_expect(same(p, row[i].p), "row %u: %.10g", i, p);
        double turned = mf_fisher(row[i].b, row[i].m, row[i].a, row[i].n);
        cr_expect(same(turned, row[i].p), "row %u, sides exchanged: %.10g", i, turned);
    }
}

Test(significance, fisher_of_nothing_to_tell)
{
    cr_expect(eq(dbl, mf_fisher(0, 300, 0, 300), 1));
    cr_expect(eq(dbl, mf_fisher(20, 20, 20, 20), 1));
    cr_expect(eq(dbl, mf_fisher(0, 0, 3, 5), 1));
    double p = mf_fisher(0, 100000, 100000, 100000); /* far below what a double holds */
    cr_expect(ge(dbl, p, 0));
    cr_expect(lt(dbl, p, 1e-300));
}

static struct mf_mann_whitney ranks(const double *x, uint32_t n, const double *y, uint32_t m)
{
    struct mf_mann_whitney r;
    cr_assert(eq(int, mf_mann_whitney(x, n, y, m, &r), 0));
    return r;
}

/* wilcox.test(x, y): permeability constants of the placenta, Hollander & Wolfe, Nonparametric Statistical Methods
 * (1973), p. 69: W = 35; one-sided 0.1272, of which R's two-sided p is the double: 0.2544122544. */
Test(significance, mann_whitney_exact_as_r)
{
    static const double x[] = {0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46};
    static const double y[] = {1.15, 0.88, 0.90, 0.74, 1.21};
    struct mf_mann_whitney r = ranks(x, n_of(x), y, n_of(y));
    cr_expect(r.exact);
    cr_expect(eq(dbl, r.w, 35));
    cr_expect(same(r.p, 0.2544122544));
    struct mf_mann_whitney turned = ranks(y, n_of(y), x, n_of(x));
    cr_expect(eq(dbl, turned.w, 15));
    cr_expect(same(turned.p, 0.2544122544));
}

Test(significance, mann_whitney_exact_at_its_ends)
{
    static const double low[] = {1.1, 2.2, 3.3, 4.4, 5.5}, high[] = {6.1, 7.2, 8.3, 9.4, 10.5};
    cr_expect(same(ranks(low, 5, high, 5).p, 0.007936507937)); /* wilcox.test(low, high): W = 0 */
    double x[49], y[49];
    for (int i = 0; i < 49; i++) {
        x[i] = i + 1;
        y[i] = (i + 1) * 1.1 + 0.05;
    }
    struct mf_mann_whitney r = ranks(x, 49, y, 49); /* wilcox.test((1:49)*1.0, (1:49)*1.1 + 0.05) */
    cr_expect(r.exact);
    cr_expect(eq(dbl, r.w, 1086));
    cr_expect(same(r.p, 0.4196309433));
}

/* wilcox.test(Ozone ~ Month, data = airquality, subset = Month %in% c(5, 8)), the example of R's manual: W = 127.5,
 * p-value = 0.0001208; ties and a continuity correction. */
Test(significance, mann_whitney_with_ties_as_r)
{
    static const double may[] = {41, 36, 12, 18, 28, 23, 19, 8, 7,  16, 11, 14,  18,
                                 14, 34, 6,  30, 11, 1,  11, 4, 32, 23, 45, 115, 37};
    static const double august[] = {39, 9,  16, 78, 35, 66, 122, 89,  110, 44, 28,  65, 22,
                                    59, 23, 31, 44, 21, 9,  45,  168, 73,  76, 118, 84, 85};
    struct mf_mann_whitney r = ranks(may, n_of(may), august, n_of(august));
    cr_expect(not(r.exact));
    cr_expect(eq(dbl, r.w, 127.5));
    cr_expect(same(r.p, 0.0001208078308));
    static const double x[] = {0, 0, 0, 0, 0, 0, 1, 2}, y[] = {0, 0, 0, 1, 1, 3, 4, 4};
    cr_expect(same(ranks(x, 8, y, 8).p, 0.1165680093));
}

Test(significance, mann_whitney_of_many_as_r)
{
    double x[60], y[60];
    for (int i = 0; i < 60; i++) {
        x[i] = i + 1;
        y[i] = i + 6.5;
    }
    struct mf_mann_whitney r = ranks(x, 60, y, 60); /* wilcox.test((1:60)*1.0, (1:60) + 5.5) */
    cr_expect(not(r.exact));
    cr_expect(same(r.p, 0.09880047992));
    static const double same_all[] = {3, 3, 3, 3, 3, 3};
    cr_expect(eq(dbl, ranks(same_all, 6, same_all, 5).p, 1)); /* R: NaN */
}

/* o <- abs(mean(a) - mean(b)); v <- c(a, b)
 * mean(combn(length(v), length(a), function(i) abs(mean(v[i]) - mean(v[-i]))) >= o - 1e-9); the first is Natrella's
 * heat of fusion of ice (NBS Handbook 91, 1963, 3-23). */
Test(significance, permutation_exact_as_r)
{
    static const double a1[] = {79.98, 80.04, 80.02, 80.04, 80.03, 80.03, 80.04, 79.97},
                        b1[] = {80.02, 79.94, 79.98, 79.97, 79.97, 80.03};
    static const double a2[] = {0, 0, 0, 0, 0}, b2[] = {0, 3, 5, 2, 0};
    static const double a3[] = {19, 22, 25, 26}, b3[] = {23, 33, 40};
    static const double a4[] = {0, 0, 0, 0, 0, 0}, b4[] = {4, 0, 9, 1, 7, 2, 3};
    static const struct {
        const double *a, *b;
        uint32_t n, m;
        double p;
    } row[] = {{a1, b1, n_of(a1), n_of(b1), 0.05694305694},
               {a2, b2, n_of(a2), n_of(b2), 0.1666666667},
               {a3, b3, n_of(a3), n_of(b3), 0.1142857143},
               {a4, b4, n_of(a4), n_of(b4), 0.01282051282}};
    for (uint32_t i = 0; i < n_of(row); i++) {
        struct mf_permutation r;
        cr_assert(eq(int, mf_permutation(row[i].a, row[i].n, row[i].b, row[i].m, 1, &r), 0));
        cr_expect(r.exact);
        cr_expect(same(r.p, row[i].p), "row %u: %.10g", i, r.p);
        cr_assert(eq(int, mf_permutation(row[i].b, row[i].m, row[i].a, row[i].n, 1, &r), 0));
        cr_expect(same(r.p, row[i].p), "row %u, sides exchanged: %.10g", i, r.p);
    }
}

/* Random rounds come out near the exact p, the same for the same seed, and never at 0. */
Test(significance, permutation_by_chance)
{
    double x[15], y[15];
    for (int i = 0; i < 15; i++) {
        x[i] = i < 4 ? i + 1 : 0;
        y[i] = 0;
    }
    struct mf_permutation r, again;
    cr_assert(eq(int, mf_permutation(x, 15, y, 15, 7, &r), 0));
    cr_assert(eq(int, mf_permutation(x, 15, y, 15, 7, &again), 0));
    cr_expect(not(r.exact));
    cr_expect(eq(u32, r.rounds, 99999));
    cr_expect(eq(dbl, r.p, again.p));
    /* all four that are not 0 on one side: 2 * C(15, 4) / C(30, 4) = 2 * 1365 / 27405 */
    cr_expect(lt(dbl, fabs(r.p - 0.0996168582), 0.005));
    for (int i = 0; i < 15; i++)
        x[i] = 100 + i;
    cr_assert(eq(int, mf_permutation(x, 15, y, 15, 7, &r), 0));
    cr_expect(ge(dbl, r.p, 1e-5));
    cr_expect(lt(dbl, r.p, 1e-4));
    for (int i = 0; i < 15; i++)
        x[i] = 0;
    cr_assert(eq(int, mf_permutation(x, 15, y, 15, 7, &r), 0));
    cr_expect(eq(dbl, r.p, 1));
}

/* p.adjust(p, "holm") */
Test(significance, holm_as_r)
{
    double p[] = {0.01, 0.04, 0.03, 0.005, 0.5, 0.02}, q[] = {0.2, 0.2, 0.001, 1, 0.9};
    static const double p_wanted[] = {0.05, 0.09, 0.09, 0.03, 0.50, 0.08}, q_wanted[] = {0.8, 0.8, 0.005, 1, 1};
    cr_assert(eq(int, mf_holm(p, n_of(p)), 0));
    cr_assert(eq(int, mf_holm(q, n_of(q)), 0));
    cr_assert(eq(int, mf_holm(NULL, 0), 0));
    for (uint32_t i = 0; i < n_of(p); i++)
        cr_expect(same(p[i], p_wanted[i]), "p %u: %.10g", i, p[i]);
    for (uint32_t i = 0; i < n_of(q); i++)
        cr_expect(same(q[i], q_wanted[i]), "q %u: %.10g", i, q[i]);
}
