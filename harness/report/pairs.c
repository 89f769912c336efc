#include "report/pairs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *room_for(size_t n, size_t size, struct mf_error *err)
{
    void *room = calloc(n + 1, size);
    if (!room)
        mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory to compare");
    return room;
}

/* A cell whose run proved nothing may be shown, but not be relied upon. */
static void doubt_note(struct mf_pair *pair, const struct mf_row *row)
{
    if (row->verdict_id != MF_VERDICT_UNKNOWN || pair->why[0])
        return;
    const char *reason = json_string_value(json_array_get(row->reasons, 0));
    snprintf(pair->why, sizeof pair->why, "the verdict of %s is unknown: %s", row->label, reason ? reason : "?");
}

/* Why two cells of the same name, of an old and a new report, are not the same thing measured twice. */
static bool is_comparable(struct mf_pair *pair, const struct mf_rows *rows)
{
    const struct mf_compared *old = &rows->reports[0], *new = &rows->reports[1];
    if (!pair->row || !pair->baseline) {
        snprintf(pair->why, sizeof pair->why, "the cell is missing in %s", pair->row ? old->path : new->path);
        return false;
    }
    const char *a = pair->baseline->load ? pair->baseline->load : "?", *b = pair->row->load ? pair->row->load : "?";
    if (strcmp(a, b) != 0) {
        snprintf(pair->why, sizeof pair->why, "the load was another one: %s before, %s now", a, b);
        return false;
    }
    a = old->build ? old->build : "ordinary";
    b = new->build ? new->build : "ordinary";
    if (strcmp(a, b) != 0) {
        snprintf(pair->why, sizeof pair->why, "the build was another one: %s before, %s now", a, b);
        return false;
    }
    return true;
}

/* 0: held, or known why not. */
static int pair_hold(struct mf_pair *pair, const struct mf_rows *rows, const struct mf_sample *baseline,
                     struct mf_error *err)
{
    struct mf_sample cell = {0};
    int bad = mf_samples_read(&cell, rows, pair->row, pair->why, err);
    if (!bad) {
        bad =
            mf_contrast_measure(&pair->contrast, baseline, &cell, (uint64_t)rows->reports[pair->baseline->report].seed);
        if (bad)
            mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory to compare");
        pair->held = !bad;
    }
    mf_sample_done(&cell);
    return bad < 0 ? -1 : 0;
}

/* Adjusts, marks and says what was held. */
static int pairs_finish(struct mf_pairs *pairs, struct mf_error *err)
{
    struct mf_contrast **all = room_for(pairs->n, sizeof *all, err);
    uint32_t held = 0;
    if (!all)
        return -1;
    for (uint32_t i = 0; i < pairs->n; i++)
        if (pairs->pair[i].held)
            all[held++] = &pairs->pair[i].contrast;
    pairs->tests = mf_contrasts_mark(all, held);
    free(all);
    bool bad = pairs->tests < 0;
    for (uint32_t i = 0; !bad && i < pairs->n; i++) {
        struct mf_pair *pair = &pairs->pair[i];
        if (pair->held) {
            doubt_note(pair, pair->row);
            doubt_note(pair, pair->baseline);
        }
        pair->sentence = mf_pair_sentence(pairs, pair);
        bad = !pair->sentence;
    }
    return bad ? mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory to compare") : 0;
}

int mf_pairs_against(struct mf_pairs *pairs, const struct mf_rows *rows, struct mf_error *err)
{
    struct mf_sample baseline = {0};
    char why[MF_SAMPLES_WHY_BYTES] = "";
    *pairs = (struct mf_pairs){.rows = rows, .pair = room_for(rows->count, sizeof *pairs->pair, err)};
    if (!pairs->pair)
        return -1;
    int missing = mf_samples_read(&baseline, rows, rows->baseline, why, err), bad = missing < 0 ? -1 : 0;
    for (uint32_t i = 0; !bad && i < rows->count; i++) {
        if (&rows->row[i] == rows->baseline)
            continue;
        struct mf_pair *pair = &pairs->pair[pairs->n++];
        *pair = (struct mf_pair){.baseline = rows->baseline, .row = &rows->row[i]};
        if (missing)
            snprintf(pair->why, sizeof pair->why, "%s", why);
        else
            bad = pair_hold(pair, rows, &baseline, err);
    }
    mf_sample_done(&baseline);
    return bad ? -1 : pairs_finish(pairs, err);
}

bool mf_pairs_are_since(const struct mf_rows *rows)
{
    return rows->reports_count == 2 && strcmp(rows->reports[0].scenario, rows->reports[1].scenario) == 0;
}

static const struct mf_row *row_named(const struct mf_rows *rows, uint32_t report, const char *cell)
{
    for (uint32_t i = 0; i < rows->count; i++)
        if (rows->row[i].report == report && strcmp(rows->row[i].cell, cell) == 0)
            return &rows->row[i];
    return NULL;
}

static int since_hold(struct mf_pair *pair, const struct mf_rows *rows, struct mf_error *err)
{
    struct mf_sample old = {0};
    if (!is_comparable(pair, rows))
        return 0;
    int bad = mf_samples_read(&old, rows, pair->baseline, pair->why, err);
    if (!bad)
        bad = pair_hold(pair, rows, &old, err);
    mf_sample_done(&old);
    return bad < 0 ? -1 : 0;
}

int mf_pairs_since(struct mf_pairs *pairs, const struct mf_rows *rows, struct mf_error *err)
{
    int bad = 0;
    *pairs = (struct mf_pairs){.rows = rows, .pair = room_for(rows->count, sizeof *pairs->pair, err)};
    if (!pairs->pair)
        return -1;
    for (uint32_t i = 0; !bad && i < rows->count; i++) {
        const struct mf_row *row = &rows->row[i], *other = row_named(rows, !row->report, row->cell);
        if (row->report == 1 && other)
            continue; /* it came with the old one */
        struct mf_pair *pair = &pairs->pair[pairs->n++];
        *pair = (struct mf_pair){.baseline = row->report == 0 ? row : other, .row = row->report == 0 ? other : row};
        bad = since_hold(pair, rows, err);
    }
    return bad ? -1 : pairs_finish(pairs, err);
}

void mf_pairs_done(struct mf_pairs *pairs)
{
    for (uint32_t i = 0; i < pairs->n; i++)
        free(pairs->pair[i].sentence);
    free(pairs->pair);
    *pairs = (struct mf_pairs){0};
}

const struct mf_pair *mf_pairs_find(const struct mf_pairs *pairs, const struct mf_row *row)
{
    for (uint32_t i = 0; pairs && i < pairs->n; i++)
        if (pairs->pair[i].row == row)
            return &pairs->pair[i];
    return NULL;
}

const char *mf_pair_label(const struct mf_pair *pair)
{
    return pair->row ? pair->row->label : pair->baseline->label;
}

const char *mf_pair_mark(const struct mf_pair *pair)
{
    return pair->held ? mf_mark_keys[pair->contrast.mark] : "not tested";
}

/* The first finding that was of too few upgrades; MF_CONTRAST_COUNT: none. */
static int too_few_find(const struct mf_pair *pair)
{
    int i = 0;
    while (i < MF_CONTRAST_COUNT && pair->contrast.finding[i].mark != MF_MARK_TOO_FEW)
        i++;
    return i;
}

enum mf_status mf_pairs_answer(const struct mf_pairs *pairs)
{
    bool unknown = pairs->n == 0;
    for (uint32_t i = 0; i < pairs->n; i++) {
        const struct mf_pair *pair = &pairs->pair[i];
        if (pair->held && pair->contrast.mark == MF_MARK_WORSE)
            return MF_STATUS_FAIL;
        unknown |= !pair->held || pair->why[0] || too_few_find(pair) < MF_CONTRAST_COUNT;
    }
    return unknown ? MF_STATUS_UNKNOWN : MF_STATUS_PASS;
}

void mf_pairs_doubts(const struct mf_pairs *pairs, void (*line)(void *ctx, const char *text), void *ctx)
{
    char text[2 * MF_SAMPLES_WHY_BYTES];
    for (uint32_t i = 0; i < pairs->n; i++) {
        const struct mf_pair *pair = &pairs->pair[i];
        const char *label = mf_pair_label(pair);
        int few = pair->held ? too_few_find(pair) : MF_CONTRAST_COUNT;
        text[0] = '\0';
        if (pair->why[0])
            snprintf(text, sizeof text, "%s: %s", label, pair->why);
        else if (few < MF_CONTRAST_COUNT)
            snprintf(text, sizeof text, "%s: %s: %u new and %u old values, %u each are needed", label,
                     mf_contrast_texts[few], pair->contrast.finding[few].shift.n[MF_CELL],
                     pair->contrast.finding[few].shift.n[MF_BASELINE], mf_contrast_required(pairs->tests));
        if (text[0])
            line(ctx, text);
    }
    if (pairs->n == 0)
        line(ctx, "there are no cells");
}
