/* Pairs of cells for programs: CSV and JSON. */
#include <stdio.h>

#include "report/figures.h"
#include "report/file.h"
#include "report/json.h"
#include "report/pairs.h"

/* What of a finding tells how much more there is: of counts the mean, of times the median. */
static const struct mf_estimate *estimate_of(const struct mf_finding *f, int id)
{
    return id == MF_CONTRAST_DIRTY || id == MF_CONTRAST_LOST ? &f->shift.mean : &f->shift.quantile[MF_SHIFT_MEDIAN];
}

static bool is_known(const struct mf_finding *f)
{
    return f->shift.n[MF_BASELINE] > 0 && f->shift.n[MF_CELL] > 0;
}

static const char *over_of(const struct mf_shift *s)
{
    return !s->has_interval ? NULL : s->over_runs ? "runs" : "upgrades";
}

static void number_print(FILE *out, bool known, double x)
{
    char text[MF_FIGURE_BYTES];
    mf_figure_full(text, known ? x : 0);
    fprintf(out, ",%s", known ? text : "");
}

void mf_pair_csv_head(FILE *out)
{
    fputs(",mark", out);
    for (int i = 0; i < MF_CONTRAST_COUNT; i++) {
        static const char *const column[] = {"baseline_n", "n",      "shift",  "low", "high",
                                             "p",          "p_holm", "p_runs", "mark"};
        for (unsigned c = 0; c < sizeof column / sizeof column[0]; c++)
            fprintf(out, ",%s_%s", mf_contrast_keys[i], column[c]);
    }
    fputs(",interval_over,sentence", out);
}

void mf_pair_csv(FILE *out, const struct mf_pair *pair)
{
    bool held = pair && pair->held;
    fprintf(out, ",%s", pair ? mf_pair_mark(pair) : "");
    for (int i = 0; i < MF_CONTRAST_COUNT; i++) {
        static const struct mf_finding nothing;
        const struct mf_finding *f = held ? &pair->contrast.finding[i] : &nothing;
        const struct mf_estimate *e = estimate_of(f, i);
        number_print(out, held, f->shift.n[MF_BASELINE]);
        number_print(out, held, f->shift.n[MF_CELL]);
        number_print(out, is_known(f), e->value);
        number_print(out, f->shift.has_interval, e->low);
        number_print(out, f->shift.has_interval, e->high);
        number_print(out, f->tested, f->p);
        number_print(out, f->tested, f->p_holm);
        number_print(out, f->runs_tested, f->p_runs);
        fprintf(out, ",%s", held ? mf_mark_keys[f->mark] : "");
    }
    const char *over = held ? over_of(&pair->contrast.finding[MF_CONTRAST_DIRTY].shift) : NULL;
    fprintf(out, ",%s,", over ? over : "");
    mf_file_csv(out, pair ? pair->sentence : NULL);
}

static json_t *number_json(bool known, double x)
{
    return known ? mf_json_number(x) : json_null();
}

static json_t *finding_json(const struct mf_finding *f, int id)
{
    const struct mf_estimate *e = estimate_of(f, id);
    struct mf_json j = mf_json_begin();
    mf_json_put(&j, "baseline_n", json_integer(f->shift.n[MF_BASELINE]));
    mf_json_put(&j, "n", json_integer(f->shift.n[MF_CELL]));
    mf_json_put(&j, "shift", number_json(is_known(f), e->value));
    mf_json_put(&j, "low", number_json(f->shift.has_interval, e->low));
    mf_json_put(&j, "high", number_json(f->shift.has_interval, e->high));
    mf_json_put(&j, "interval_over", mf_json_text(over_of(&f->shift)));
    mf_json_put(&j, "superiority", number_json(is_known(f), f->shift.superiority.value));
    mf_json_put(&j, "test", mf_json_text(mf_contrast_tests[id]));
    mf_json_put(&j, "p", number_json(f->tested, f->p));
    mf_json_put(&j, "p_holm", number_json(f->tested, f->p_holm));
    mf_json_put(&j, "p_runs", number_json(f->runs_tested, f->p_runs));
    mf_json_put(&j, "mark", mf_json_text(mf_mark_keys[f->mark]));
    return mf_json_end(&j);
}

json_t *mf_pair_json(const struct mf_pair *pair)
{
    if (!pair)
        return json_null();
    struct mf_json j = mf_json_begin();
    mf_json_put(&j, "mark", mf_json_text(mf_pair_mark(pair)));
    mf_json_put(&j, "sentence", mf_json_text(pair->sentence));
    mf_json_put(&j, "doubt", pair->why[0] ? mf_json_text(pair->why) : json_null());
    for (int i = 0; i < MF_CONTRAST_COUNT; i++)
        mf_json_put(&j, mf_contrast_keys[i], pair->held ? finding_json(&pair->contrast.finding[i], i) : json_null());
    return mf_json_end(&j);
}

void mf_pairs_shift_csv(FILE *out, const struct mf_pairs *pairs)
{
    fputs("cell,measure,quantile,baseline_ms,cell_ms,shift_ms,low_ms,high_ms,baseline_n,cell_n,interval_over\n", out);
    for (uint32_t i = 0; i < pairs->n; i++)
        for (int id = MF_CONTRAST_SPIKE; id <= MF_CONTRAST_BLACKOUT; id++) {
            const struct mf_pair *pair = &pairs->pair[i];
            const struct mf_shift *s = &pair->contrast.finding[id].shift;
            for (unsigned q = 0; pair->held && q < MF_SHIFT_QUANTILES; q++) {
                if (!s->known[q])
                    continue;
                mf_file_csv(out, pair->row->cell);
                fprintf(out, ",%s,%g", mf_contrast_keys[id], mf_shift_quantile(q));
                number_print(out, true, s->of[MF_BASELINE][q]);
                number_print(out, true, s->of[MF_CELL][q]);
                number_print(out, true, s->quantile[q].value);
                number_print(out, s->has_interval, s->quantile[q].low);
                number_print(out, s->has_interval, s->quantile[q].high);
                const char *over = over_of(s);
                fprintf(out, ",%u,%u,%s\n", s->n[MF_BASELINE], s->n[MF_CELL], over ? over : "");
            }
        }
}
