#include "report/since.h"

#include <stdio.h>
#include <string.h>

#include "report/file.h"
#include "report/figures.h"
#include "report/json.h"
#include "report/markdown.h"

enum column {
    COLUMN_CELL,
    COLUMN_MARK,
    COLUMN_DIRTY,
    COLUMN_LOST = COLUMN_DIRTY + MF_SIDES,
    COLUMN_SPIKE = COLUMN_LOST + MF_SIDES,
    COLUMN_BLACKOUT = COLUMN_SPIKE + MF_SIDES,
    COLUMN_COUNT = COLUMN_BLACKOUT + MF_SIDES
};
#define FIELD_BYTES 32

static const char *const heads[2][COLUMN_COUNT] = {
    {"", "", "dirty", "", "lost per", "upgrade", "spike ms", "median", "blackout", "ms median"},
    {"cell", "since", "before", "now", "before", "now", "before", "now", "before", "now"},
};
static const char *const file_keys[COLUMN_COUNT] = {"cell",
                                                    "mark",
                                                    "dirty_before",
                                                    "dirty_now",
                                                    "lost_per_upgrade_before",
                                                    "lost_per_upgrade_now",
                                                    "spike_median_ms_before",
                                                    "spike_median_ms_now",
                                                    "blackout_median_ms_before",
                                                    "blackout_median_ms_now"};

struct line {
    const char *name; /* borrowed */
    char text[COLUMN_COUNT][FIELD_BYTES];
};

static void pair_line(struct line *line, const struct mf_pair *pair)
{
    *line = (struct line){.name = mf_pair_label(pair)};
    snprintf(line->text[COLUMN_MARK], FIELD_BYTES, "%s", mf_pair_mark(pair));
    for (int s = 0; s < MF_SIDES; s++) {
        const struct mf_shift *dirty = &pair->contrast.finding[MF_CONTRAST_DIRTY].shift;
        const struct mf_shift *lost = &pair->contrast.finding[MF_CONTRAST_LOST].shift;
        const struct mf_shift *spike = &pair->contrast.finding[MF_CONTRAST_SPIKE].shift;
        const struct mf_shift *blackout = &pair->contrast.finding[MF_CONTRAST_BLACKOUT].shift;
        if (dirty->known[MF_SHIFT_MEDIAN]) {
            snprintf(line->text[COLUMN_DIRTY + s], FIELD_BYTES, "%.0f/%u", dirty->mean_of[s] * dirty->n[s],
                     dirty->n[s]);
            snprintf(line->text[COLUMN_LOST + s], FIELD_BYTES, "%.4g", lost->mean_of[s]);
        }
        if (spike->known[MF_SHIFT_MEDIAN])
            snprintf(line->text[COLUMN_SPIKE + s], FIELD_BYTES, "%.3g", spike->of[s][MF_SHIFT_MEDIAN]);
        if (blackout->known[MF_SHIFT_MEDIAN])
            snprintf(line->text[COLUMN_BLACKOUT + s], FIELD_BYTES, "%.3g", blackout->of[s][MF_SHIFT_MEDIAN]);
    }
}

static void head_line(struct line *line, unsigned which)
{
    *line = (struct line){.name = heads[which][COLUMN_CELL]};
    for (int c = COLUMN_MARK; c < COLUMN_COUNT; c++)
        snprintf(line->text[c], FIELD_BYTES, "%s", heads[which][c]);
}

static const char *answer_text(enum mf_status answer)
{
    return answer == MF_STATUS_FAIL ? "yes" : answer == MF_STATUS_PASS ? "not shown" : "unknown";
}

/* "Has SCENARIO become worse since OLD? ANSWER" */
static void answer_print(FILE *out, const struct mf_pairs *pairs)
{
    const struct mf_compared *reports = pairs->rows->reports;
    fprintf(out, "%s: has %s become worse since %s? %s", reports[0].scenario, reports[1].path, reports[0].path,
            answer_text(mf_pairs_answer(pairs)));
}

static void on_doubt_text(void *ctx, const char *text)
{
    const struct mf_ink *ink = ctx;
    char line[2 * MF_SAMPLES_WHY_BYTES + 16];
    snprintf(line, sizeof line, "unknown: %s", text);
    mf_ink_fold(ink, line);
}

static void line_print(const struct mf_ink *ink, const struct line *line, const unsigned *width, enum mf_colour colour)
{
    const char *name = line->name;
    if (mf_ink_width(ink, name) > width[COLUMN_CELL]) {
        mf_ink_fold(ink, name); /* a long name stands on a line of its own */
        name = "";
    }
    int last = COLUMN_COUNT - 1;
    while (last > 0 && !line->text[last][0])
        last--;
    mf_ink_field(ink, name, width[COLUMN_CELL], false, MF_COLOUR_NONE);
    for (int c = COLUMN_MARK; c <= last; c++) {
        fputs("  ", ink->out);
        mf_ink_field(ink, line->text[c], c == COLUMN_MARK && last == c ? 0 : width[c], c != COLUMN_MARK,
                     c == COLUMN_MARK ? colour : MF_COLOUR_NONE);
    }
    fputc('\n', ink->out);
}

static enum mf_colour mark_colour(const struct mf_pair *pair)
{
    static const enum mf_colour colour[] = {MF_COLOUR_YELLOW, MF_COLOUR_NONE, MF_COLOUR_GREEN, MF_COLOUR_RED};
    return pair->held ? colour[pair->contrast.mark] : MF_COLOUR_YELLOW;
}

static void widths_add(const struct mf_ink *ink, const struct line *line, unsigned *width)
{
    for (int c = COLUMN_CELL; c < COLUMN_COUNT; c++) {
        unsigned w = mf_ink_width(ink, c == COLUMN_CELL ? line->name : line->text[c]);
        width[c] = w > width[c] ? w : width[c];
    }
}

static int text_print(FILE *out, const struct mf_pairs *pairs, const struct mf_table_style *style, struct mf_error *err)
{
    unsigned limit = style->columns && style->columns < 120 ? style->columns : 120, width[COLUMN_COUNT] = {0};
    struct mf_ink ink = {.out = out, .colour = style->colour, .utf8 = style->utf8, .limit = limit};
    struct line line;
    struct mf_file answer;
    if (mf_file_open(&answer, err) < 0)
        return -1;
    answer_print(answer.out, pairs);
    if (fflush(answer.out) == 0)
        mf_ink_fold(&ink, answer.bytes);
    mf_file_drop(&answer);
    for (unsigned i = 0; i < 2; i++) {
        head_line(&line, i);
        widths_add(&ink, &line, width);
    }
    for (uint32_t i = 0; i < pairs->n; i++) {
        pair_line(&line, &pairs->pair[i]);
        widths_add(&ink, &line, width);
    }
    unsigned others = 2 * (COLUMN_COUNT - 1);
    for (int c = COLUMN_MARK; c < COLUMN_COUNT; c++)
        others += width[c];
    if (width[COLUMN_CELL] + others > limit)
        width[COLUMN_CELL] = limit > others + 4 ? limit - others : 4;
    for (unsigned i = 0; i < 2; i++) {
        head_line(&line, i);
        line_print(&ink, &line, width, MF_COLOUR_NONE);
    }
    for (uint32_t i = 0; i < pairs->n; i++) {
        pair_line(&line, &pairs->pair[i]);
        line_print(&ink, &line, width, mark_colour(&pairs->pair[i]));
    }
    fputc('\n', out);
    if (mf_pairs_answer(pairs) == MF_STATUS_UNKNOWN)
        mf_pairs_doubts(pairs, on_doubt_text, &ink);
    mf_pairs_text(&ink, pairs);
    return 0;
}

static void on_doubt_markdown(void *ctx, const char *text)
{
    FILE *out = ctx;
    fputs("- unknown: ", out);
    mf_markdown_print(out, text);
    fputc('\n', out);
}

static void markdown_print(FILE *out, const struct mf_pairs *pairs)
{
    const struct mf_compared *reports = pairs->rows->reports;
    struct line line;
    mf_markdown_print(out, reports[0].scenario);
    fputs(": has ", out);
    mf_markdown_print(out, reports[1].path);
    fputs(" become worse since ", out);
    mf_markdown_print(out, reports[0].path);
    fprintf(out, "? **%s**\n\n", answer_text(mf_pairs_answer(pairs)));
    for (int c = 0; c < COLUMN_COUNT; c++) {
        fputs(c ? " | " : "| ", out);
        for (const char *k = file_keys[c]; *k; k++)
            fputc(*k == '_' ? ' ' : *k, out);
    }
    fputs(" |\n|---|---", out);
    for (int c = COLUMN_DIRTY; c < COLUMN_COUNT; c++)
        fputs("|--:", out);
    fputs("|\n", out);
    for (uint32_t i = 0; i < pairs->n; i++) {
        pair_line(&line, &pairs->pair[i]);
        fputs("| ", out);
        mf_markdown_print(out, line.name);
        for (int c = COLUMN_MARK; c < COLUMN_COUNT; c++)
            fprintf(out, " | %s", line.text[c][0] ? line.text[c] : "–");
        fputs(" |\n", out);
    }
    fputc('\n', out);
    if (mf_pairs_answer(pairs) == MF_STATUS_UNKNOWN)
        mf_pairs_doubts(pairs, on_doubt_markdown, out);
    mf_pairs_markdown(out, pairs);
}

static void csv_print(FILE *out, const struct mf_pairs *pairs)
{
    fputs("scenario,before,now,cell", out);
    mf_pair_csv_head(out);
    fputc('\n', out);
    for (uint32_t i = 0; i < pairs->n; i++) {
        const struct mf_pair *pair = &pairs->pair[i];
        const struct mf_compared *reports = pairs->rows->reports;
        const char *const text[] = {reports[0].scenario, reports[0].path, reports[1].path,
                                    pair->row ? pair->row->cell : pair->baseline->cell};
        for (unsigned k = 0; k < sizeof text / sizeof text[0]; k++) {
            fputs(k ? "," : "", out);
            mf_file_csv(out, text[k]);
        }
        mf_pair_csv(out, pair);
        fputc('\n', out);
    }
}

static void on_doubt_json(void *ctx, const char *text)
{
    json_array_append_new(ctx, mf_json_text(text));
}

static int json_print(FILE *out, const struct mf_pairs *pairs, struct mf_error *err)
{
    struct mf_json j = mf_json_begin();
    json_t *cells = json_array(), *doubts = json_array();
    const struct mf_compared *reports = pairs->rows->reports;
    enum mf_status answer = mf_pairs_answer(pairs);
    bool bad = !cells || !doubts;
    for (uint32_t i = 0; i < pairs->n; i++) {
        const struct mf_pair *pair = &pairs->pair[i];
        struct mf_json cell = mf_json_begin();
        mf_json_put(&cell, "cell", mf_json_text(pair->row ? pair->row->cell : pair->baseline->cell));
        mf_json_put(&cell, "against", mf_pair_json(pair));
        bad |= json_array_append_new(cells, mf_json_end(&cell)) < 0;
    }
    if (answer == MF_STATUS_UNKNOWN)
        mf_pairs_doubts(pairs, on_doubt_json, doubts);
    mf_json_put(&j, "schema", json_string("midflight.since/1"));
    mf_json_put(&j, "scenario", mf_json_text(reports[0].scenario));
    mf_json_put(&j, "before", mf_json_text(reports[0].path));
    mf_json_put(&j, "now", mf_json_text(reports[1].path));
    mf_json_put(&j, "worse",
                json_string(answer == MF_STATUS_FAIL   ? "yes"
                            : answer == MF_STATUS_PASS ? "no"
                                                       : "unknown"));
    mf_json_put(&j, "reasons", doubts);
    mf_json_put(&j, "cells", cells);
    json_t *root = mf_json_end(&j);
    bad = bad || !root || json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) < 0;
    json_decref(root);
    fputc('\n', out);
    return bad ? mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory to compare, or the output cannot be written")
               : 0;
}

int mf_since_print(FILE *out, const struct mf_pairs *pairs, const struct mf_table_style *style, struct mf_error *err)
{
    switch (style->format) {
    case MF_TABLE_TEXT:
        return text_print(out, pairs, style, err);
    case MF_TABLE_MARKDOWN:
        markdown_print(out, pairs);
        return 0;
    case MF_TABLE_CSV:
        csv_print(out, pairs);
        return 0;
    case MF_TABLE_JSON:
        return json_print(out, pairs, err);
    case MF_TABLE_SHIFT:
        mf_pairs_shift_csv(out, pairs);
        return 0;
    }
    return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no such table format: %d", (int)style->format);
}
