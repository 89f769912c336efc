#include "report/figures.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Three digits and a letter: 999, 1.00k, 12.3k, 123k, 1.00M. x >= 0, below 1e21. */
static void brief_print(char *text, double x)
{
    static const char letters[] = " kMGTPE";
    unsigned thousands = 0;
    while (x >= 999.5 && thousands + 2 < sizeof letters) {
        x /= 1000;
        thousands++;
    }
    int decimals = thousands == 0 || x >= 99.95 ? 0 : x >= 9.995 ? 1 : 2;
    snprintf(text, MF_FIGURE_BYTES - 2, "%.*f", decimals, x);
    if (thousands)
        snprintf(text + strlen(text), 2, "%c", letters[thousands]);
}

static void count_print(char *text, double x, bool brief)
{
    if (x != floor(x) && x < 999) /* the median of two counts */
        snprintf(text, MF_FIGURE_BYTES - 2, "%.1f", x);
    else if (brief && x > 99999)
        brief_print(text, x);
    else
        snprintf(text, MF_FIGURE_BYTES - 2, "%.0f", x);
}

/* Three digits, at most five columns: 0.012, 1.23, 12.3, 123, 12345, 123k. */
static void ms_print(char *text, double x)
{
    if (x < 0.0005)
        snprintf(text, MF_FIGURE_BYTES - 2, "0");
    else if (x < 99999.5)
        snprintf(text, MF_FIGURE_BYTES - 2, "%.*f", x < 0.9995 ? 3 : x < 9.995 ? 2 : x < 99.95 ? 1 : 0, x);
    else
        brief_print(text, x);
}

static double cut(double x)
{
    return x < 1e20 ? x : 1e20; /* a hostile report's 1e300 must not break the table */
}

void mf_figure(char *text, const struct mf_figure_style *style, const struct mf_row *row, const struct mf_row *baseline,
               enum mf_measure m)
{
    double x = row->value[m];
    if (baseline ? !mf_row_difference(row, baseline, m, &x) : !row->has[m]) {
        snprintf(text, MF_FIGURE_BYTES, "%s", style->absent);
        return;
    }
    char digits[MF_FIGURE_BYTES - 1]; /* a sign stands before them */
    if (mf_measure_units[m] == MF_UNIT_MS)
        ms_print(digits, cut(fabs(x)));
    else
        count_print(digits, cut(fabs(x)), style->brief);
    bool zero = digits[strspn(digits, "0.")] == '\0';
    snprintf(text, MF_FIGURE_BYTES, "%s%s", zero ? "" : x < 0 ? "-" : baseline ? "+" : "", digits);
}

void mf_figure_pair(char *text, const struct mf_figure_style *style, const struct mf_row *row,
                    const struct mf_row *baseline, enum mf_measure a, enum mf_measure b)
{
    char second[MF_FIGURE_BYTES];
    mf_figure(text, style, row, baseline, a);
    mf_figure(second, style, row, baseline, b);
    if (strcmp(text, style->absent) != 0 || strcmp(second, style->absent) != 0)
        snprintf(text + strlen(text), MF_FIGURE_BYTES + 1, "/%s", second);
}

void mf_figure_full(char *text, double x)
{
    snprintf(text, MF_FIGURE_BYTES, "%.15g", x);
}
