/* The sentence that one may quote of a pair of cells. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "checker/significance.h"
#include "checker/statistics.h"
#include "report/file.h"
#include "report/pairs.h"

#define NUMBER_BYTES 32

/* Three digits, signed, and 0 without a sign. */
static const char *signed_text(char text[NUMBER_BYTES], double x)
{
    snprintf(text, NUMBER_BYTES, x == 0 ? "%.0f" : "%+.3g", x);
    return text;
}

static void estimate_print(FILE *out, const struct mf_shift *shift, const struct mf_estimate *e, const char *unit)
{
    char text[NUMBER_BYTES];
    fprintf(out, "%s%s", signed_text(text, e->value), unit);
    if (shift->has_interval)
        fprintf(out, " [%.3g, %.3g]", e->low, e->high);
}

static void p_print(FILE *out, int id, const struct mf_finding *f)
{
    fprintf(out, f->p_holm < 0.0001 ? "%s p < 0.0001" : "%s p = %.2g", mf_contrast_tests[id], f->p_holm);
}

static void mark_print(FILE *out, int id, const struct mf_finding *f, int32_t tests)
{
    fprintf(out, ", %s", mf_mark_keys[f->mark]);
    if (!f->tested)
        fprintf(out, " for a p-value: %u a side are needed", MF_REPETITIONS_MIN);
    else if (f->mark == MF_MARK_TOO_FEW)
        fprintf(out, " to show anything among %d tests: %u a side are needed", (int)tests, mf_contrast_required(tests));
    if (f->tested) {
        fputs(" (", out);
        p_print(out, id, f);
        if (f->runs_tested && id >= MF_CONTRAST_SPIKE)
            fprintf(out, ", of runs %.2g", f->p_runs);
        fputc(')', out);
    }
}

/* The size of what was found, with its unit. `fired`: how many upgrades each side has. */
static void size_print(FILE *out, int id, const struct mf_finding *f, const uint32_t *fired)
{
    const struct mf_shift *s = &f->shift;
    const uint32_t *n = s->n;
    if (n[MF_CELL] == 0 || n[MF_BASELINE] == 0) {
        fprintf(out, "%s: %u vs %u measured", mf_contrast_texts[id], n[MF_CELL], n[MF_BASELINE]);
    } else if (id == MF_CONTRAST_DIRTY) {
        fprintf(out, "%.0f of %u vs %.0f of %u %s", s->mean_of[MF_CELL] * n[MF_CELL], n[MF_CELL],
                s->mean_of[MF_BASELINE] * n[MF_BASELINE], n[MF_BASELINE], mf_contrast_texts[id]);
    } else if (id == MF_CONTRAST_LOST) {
        fprintf(out, "%s %.3g vs %.3g: ", mf_contrast_texts[id], s->mean_of[MF_CELL], s->mean_of[MF_BASELINE]);
        estimate_print(out, s, &s->mean, "");
    } else {
        fprintf(out, "%s median ", mf_contrast_texts[id]);
        estimate_print(out, s, &s->quantile[MF_SHIFT_MEDIAN], " ms");
        if (n[MF_CELL] != fired[MF_CELL] || n[MF_BASELINE] != fired[MF_BASELINE])
            fprintf(out, " (of %u vs %u)", n[MF_CELL], n[MF_BASELINE]);
    }
}

static void held_print(FILE *out, const struct mf_pairs *pairs, const struct mf_pair *pair)
{
    const struct mf_shift *all = &pair->contrast.finding[MF_CONTRAST_DIRTY].shift;
    for (int i = 0; i < MF_CONTRAST_COUNT; i++) {
        const struct mf_finding *f = &pair->contrast.finding[i];
        fputs(i ? "; " : "", out);
        size_print(out, i, f, all->n);
        mark_print(out, i, f, pairs->tests);
    }
    if (pairs->tests)
        fprintf(out, "; p adjusted by Holm over %d tests", (int)pairs->tests);
    if (all->has_interval && all->over_runs)
        fprintf(out, "; [95 %%] over %u and %u runs", all->runs[MF_CELL], all->runs[MF_BASELINE]);
    else if (all->has_interval)
        fprintf(out, "; [95 %%] over upgrades, for want of %u runs a side", MF_REPETITIONS_MIN);
    if (pair->why[0])
        fprintf(out, "; not to be relied upon: %s", pair->why);
}

char *mf_pair_sentence(const struct mf_pairs *pairs, const struct mf_pair *pair)
{
    char *text = NULL;
    size_t size = 0;
    const struct mf_rows *rows = pairs->rows;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    if (rows->baseline && rows->reports_count > 1)
        fprintf(out, "%s: %s against %s: %s: ", rows->reports[pair->row->report].path, mf_pair_label(pair),
                rows->reports[pair->baseline->report].path, pair->baseline->label);
    else if (rows->baseline)
        fprintf(out, "%s against %s: ", mf_pair_label(pair), pair->baseline->label);
    else
        fprintf(out, "%s, %s against %s: ", mf_pair_label(pair), rows->reports[1].path, rows->reports[0].path);
    if (pair->held)
        held_print(out, pairs, pair);
    else
        fprintf(out, "not tested: %s", pair->why);
    bool bad = ferror(out);
    if (fclose(out) == 0 && !bad)
        return text;
    free(text);
    return NULL;
}

void mf_pairs_required(const struct mf_pairs *pairs, char *text, size_t size)
{
    uint32_t each = mf_required_each(0, 0.05, MF_CONTRAST_ALPHA / pairs->tests, 0.8);
    snprintf(
        text, size,
        "upgrades needed: %u (%u) without a dirty one say that under 1 %% (0.1 %%) are, at 95 %%; %u a side show 5 %% "
        "dirty against none with probability 0.8, among %d tests",
        mf_required_clean(0.01, 0.05), mf_required_clean(0.001, 0.05), each, (int)pairs->tests);
}
