/* The table that people read. */
#include "report/table.h"

#include <stdlib.h>
#include <string.h>

#include "report/figures.h"
#include "report/ink.h"
#include "report/matrix.h"
#include "report/notes.h"
#include "report/pairs.h"
#include "report/wire_table.h"

#define COLUMNS_MAX 120

enum column {
    COLUMN_CELL,
    COLUMN_VERDICT,
    COLUMN_LOST,
    COLUMN_LOST_EACH,
    COLUMN_DUPLICATED,
    COLUMN_REORDERED,
    COLUMN_STALE,
    COLUMN_SPIKE,
    COLUMN_BLACKOUT,
    COLUMN_FIRST_NEW,
    COLUMN_DELIVERY,
    COLUMN_QUESTIONS,
    COLUMN_COUNT
};

/* How far the table is squeezed: each level gives up something more. */
enum squeeze { SQUEEZE_NOTHING, SQUEEZE_DELIVERY, SQUEEZE_COUNTS, SQUEEZE_QUESTIONS, SQUEEZE_BLANKS, SQUEEZE_COUNT };

struct layout {
    enum squeeze squeeze;
    bool names_apart; /* a name that does not fit stands on a line of its own */
    unsigned width[COLUMN_COUNT], blanks;
};

struct table {
    struct mf_ink ink;
    const struct mf_rows *rows;
    struct layout layout;
};

/* One line of the table; the cell's name is borrowed. */
struct line {
    const char *name;
    char text[COLUMN_COUNT][2 * MF_FIGURE_BYTES];
    enum mf_colour colour[COLUMN_COUNT];
    const struct mf_row *marks; /* whose answers stand in the last column; NULL: text does */
};

static const char *const heads[2][COLUMN_COUNT] = {
    {"", "", "", "lost per", "dupli-", "reor-", "", "spike ms", "black-", "first", "", ""},
    {"cell", "verdict", "lost", "upgrade", "cated", "dered", "stale", "med/max", "out ms", "new ms", "delivery", ""},
};
static const char difference_name[] = "  difference";

static const char *mark(const struct mf_ink *ink, int answer)
{
    static const char *const utf8[] = {"✓", "✗", "?", "–"}, *const ascii[] = {"y", "n", "?", "-"};
    return (ink->utf8 ? utf8 : ascii)[answer < 0 ? MF_ANSWER_NA : answer];
}

static enum mf_colour mark_colour(int answer)
{
    static const enum mf_colour colour[] = {MF_COLOUR_GREEN, MF_COLOUR_RED, MF_COLOUR_YELLOW, MF_COLOUR_NONE};
    return colour[answer < 0 ? MF_ANSWER_NA : answer];
}

static enum mf_colour verdict_colour(enum mf_verdict verdict)
{
    return verdict == MF_VERDICT_PASS ? MF_COLOUR_GREEN : verdict == MF_VERDICT_FAIL ? MF_COLOUR_RED : MF_COLOUR_YELLOW;
}

static void numbers_fill(const struct table *t, struct line *line, const struct mf_row *row,
                         const struct mf_row *baseline)
{
    static const struct {
        enum column column;
        enum mf_measure first, second;
    } at[] = {
        {COLUMN_LOST, MF_MEASURE_LOST, MF_MEASURE_COUNT},
        {COLUMN_LOST_EACH, MF_MEASURE_LOST_MEDIAN, MF_MEASURE_LOST_MAX},
        {COLUMN_DUPLICATED, MF_MEASURE_DUPLICATED, MF_MEASURE_COUNT},
        {COLUMN_REORDERED, MF_MEASURE_REORDERED, MF_MEASURE_COUNT},
        {COLUMN_STALE, MF_MEASURE_STALE, MF_MEASURE_COUNT},
        {COLUMN_SPIKE, MF_MEASURE_SPIKE_MEDIAN, MF_MEASURE_SPIKE_MAX},
        {COLUMN_BLACKOUT, MF_MEASURE_BLACKOUT_MAX, MF_MEASURE_COUNT},
        {COLUMN_FIRST_NEW, MF_MEASURE_FIRST_NEW_MEDIAN, MF_MEASURE_COUNT},
    };
    struct mf_figure_style style = {.brief = t->layout.squeeze >= SQUEEZE_COUNTS,
                                    .absent = mark(&t->ink, MF_ANSWER_NA)};
    for (unsigned i = 0; i < sizeof at / sizeof at[0]; i++) {
        if (at[i].second == MF_MEASURE_COUNT)
            mf_figure(line->text[at[i].column], &style, row, baseline, at[i].first);
        else
            mf_figure_pair(line->text[at[i].column], &style, row, baseline, at[i].first, at[i].second);
        bool bad_count = mf_measure_units[at[i].first] == MF_UNIT_COUNT && row->value[at[i].first] > 0;
        line->colour[at[i].column] = !baseline && bad_count ? MF_COLOUR_RED : MF_COLOUR_NONE;
    }
}

static void row_line(const struct table *t, struct line *line, const struct mf_row *row)
{
    *line = (struct line){.name = row->label, .marks = row};
    numbers_fill(t, line, row, NULL);
    snprintf(line->text[COLUMN_VERDICT], MF_FIGURE_BYTES, "%s", row->verdict);
    line->colour[COLUMN_VERDICT] = verdict_colour(row->verdict_id);
    const char *delivery = row->delivery ? row->delivery : mark(&t->ink, MF_ANSWER_NA);
    int bytes = (int)strlen(delivery);
    const char *once = strstr(delivery, "-once");
    if (once && t->layout.squeeze >= SQUEEZE_DELIVERY)
        bytes = (int)(once - delivery);
    snprintf(line->text[COLUMN_DELIVERY], MF_FIGURE_BYTES, "%.*s", bytes, delivery);
}

static void difference_line(const struct table *t, struct line *line, const struct mf_row *row)
{
    *line = (struct line){.name = difference_name};
    numbers_fill(t, line, row, t->rows->baseline);
}

static void head_line(const struct table *t, struct line *line, unsigned which)
{
    *line = (struct line){.name = heads[which][COLUMN_CELL]};
    for (int c = COLUMN_VERDICT; c < COLUMN_COUNT; c++)
        snprintf(line->text[c], sizeof line->text[c], "%s", heads[which][c]);
    if (which == 1) {
        size_t used = 0;
        for (int q = 0; q < MF_QUESTION_COUNT; q++) {
            if (q && t->layout.squeeze < SQUEEZE_QUESTIONS)
                line->text[COLUMN_QUESTIONS][used++] = ' ';
            line->text[COLUMN_QUESTIONS][used++] = (char)(mf_question_keys[q][0] - 'a' + 'A');
        }
        line->text[COLUMN_QUESTIONS][used] = '\0';
        if (t->layout.squeeze >= SQUEEZE_DELIVERY)
            snprintf(line->text[COLUMN_DELIVERY], MF_FIGURE_BYTES, "%s", "once");
    } else if (t->layout.squeeze >= SQUEEZE_DELIVERY) {
        snprintf(line->text[COLUMN_DELIVERY], MF_FIGURE_BYTES, "%s", "delivery");
    }
}

static void widths_add(struct table *t, const struct line *line, bool with_name)
{
    for (int c = 0; c < COLUMN_COUNT; c++) {
        if (c == COLUMN_CELL && !with_name)
            continue;
        unsigned w = mf_ink_width(&t->ink, c == COLUMN_CELL ? line->name : line->text[c]);
        if (w > t->layout.width[c])
            t->layout.width[c] = w;
    }
}

/* Lays the table out as squeezed as asked. Returns its width. */
static unsigned layout_try(struct table *t, enum squeeze squeeze, bool names_apart)
{
    struct line line;
    t->layout =
        (struct layout){.squeeze = squeeze, .names_apart = names_apart, .blanks = squeeze >= SQUEEZE_BLANKS ? 1 : 2};
    for (unsigned i = 0; i < 2; i++) {
        head_line(t, &line, i);
        widths_add(t, &line, true);
    }
    for (uint32_t i = 0; i < t->rows->count; i++) {
        row_line(t, &line, &t->rows->row[i]);
        widths_add(t, &line, !names_apart);
        if (t->rows->baseline && &t->rows->row[i] != t->rows->baseline) {
            difference_line(t, &line, &t->rows->row[i]);
            widths_add(t, &line, true);
        }
    }
    unsigned total = t->layout.blanks * (COLUMN_COUNT - 1);
    for (int c = 0; c < COLUMN_COUNT; c++)
        total += t->layout.width[c];
    return total;
}

/* Names get what is left of the line; those that still do not fit stand apart. */
static void layout_choose(struct table *t)
{
    unsigned total = 0;
    for (int apart = 0; apart < 2; apart++)
        for (int s = SQUEEZE_NOTHING; s < SQUEEZE_COUNT; s++) {
            total = layout_try(t, (enum squeeze)s, apart);
            if (total <= t->ink.limit) {
                t->layout.width[COLUMN_CELL] += apart ? t->ink.limit - total : 0;
                return;
            }
        }
}

static void marks_print(const struct table *t, const struct mf_row *row)
{
    for (int q = 0; q < MF_QUESTION_COUNT; q++) {
        if (q && t->layout.squeeze < SQUEEZE_QUESTIONS)
            fputc(' ', t->ink.out);
        mf_ink_field(&t->ink, mark(&t->ink, row->answer[q]), 1, false, mark_colour(row->answer[q]));
    }
}

static void line_print(const struct table *t, const struct line *line)
{
    int last = line->marks ? COLUMN_QUESTIONS : COLUMN_COUNT - 1;
    while (!line->marks && last > 0 && !line->text[last][0])
        last--; /* no blanks at the end of a line */
    const char *name = line->name;
    if (mf_ink_width(&t->ink, name) > t->layout.width[COLUMN_CELL]) {
        mf_ink_fold(&t->ink, name);
        name = "";
    }
    mf_ink_field(&t->ink, name, t->layout.width[COLUMN_CELL], false, MF_COLOUR_NONE);
    for (int c = COLUMN_VERDICT; c <= last; c++) {
        for (unsigned i = 0; i < t->layout.blanks; i++)
            fputc(' ', t->ink.out);
        bool right = c >= COLUMN_LOST && c <= COLUMN_FIRST_NEW;
        if (c == COLUMN_QUESTIONS && line->marks)
            marks_print(t, line->marks);
        else
            mf_ink_field(&t->ink, line->text[c], c == last && !right ? 0 : t->layout.width[c], right, line->colour[c]);
    }
    fputc('\n', t->ink.out);
}

static void title_print(const struct table *t, uint32_t r)
{
    const struct mf_compared *report = &t->rows->reports[r];
    const char *load = mf_notes_load(t->rows, r);
    char text[1024];
    snprintf(text, sizeof text, "%s%s%s: %s, seed %" JSON_INTEGER_FORMAT "%s%s%s%s%s",
             t->rows->reports_count > 1 ? report->path : "", t->rows->reports_count > 1 ? ": " : "", report->scenario,
             report->verdict, report->seed, load ? ", load " : "", load ? load : "",
             report->build ? " (a build for testing, its times are not representative: " : "",
             report->build ? report->build : "", report->build ? ")" : "");
    mf_ink_fold(&t->ink, text);
}

static void on_note(void *ctx, const char *text)
{
    const struct mf_ink *ink = ctx;
    mf_ink_fold(ink, text);
}

static void legend_print(const struct table *t)
{
    char text[512];
    size_t used = (size_t)snprintf(text, sizeof text,
                                   "spike, lost per upgrade: median/max; blackout: longest; first new answer: median.");
    for (int q = 0; q < MF_QUESTION_COUNT; q++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%c %s", q ? ", " : " ",
                                 mf_question_keys[q][0] - 'a' + 'A', mf_question_keys[q]);
    used += (size_t)snprintf(text + used, sizeof text - used, ":");
    for (int a = 0; a < 4; a++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %s", a ? ", " : " ", mark(&t->ink, a),
                                 mf_answer_keys[a]);
    mf_ink_fold(&t->ink, text);
}

int mf_table_text(FILE *out, const struct mf_rows *rows, const struct mf_table_style *style, struct mf_error *err)
{
    unsigned limit = style->columns && style->columns < COLUMNS_MAX ? style->columns : COLUMNS_MAX;
    struct table t = {.rows = rows, .ink = {.out = out, .colour = style->colour, .utf8 = style->utf8, .limit = limit}};
    struct line line;
    uint32_t matrices = 0;
    layout_choose(&t);
    for (uint32_t r = 0; r < rows->reports_count; r++) {
        title_print(&t, r);
        if (!rows->baseline && mf_matrix_fits(rows, r)) {
            if (mf_matrix_print(&t.ink, rows, r, err) != 0)
                return -1;
            fputc('\n', out);
            matrices++;
            continue;
        }
        for (unsigned i = 0; i < 2; i++) {
            head_line(&t, &line, i);
            line_print(&t, &line);
        }
        for (uint32_t i = 0; i < rows->count; i++) {
            if (rows->row[i].report != r)
                continue;
            row_line(&t, &line, &rows->row[i]);
            line_print(&t, &line);
            if (rows->baseline && &rows->row[i] != rows->baseline) {
                difference_line(&t, &line, &rows->row[i]);
                line_print(&t, &line);
            }
        }
        fputc('\n', out);
    }
    if (rows->baseline) {
        char text[512];
        snprintf(text, sizeof text, "difference: to %s", rows->baseline->cell);
        mf_ink_fold(&t.ink, text);
    }
    if (mf_notes_each(rows, on_note, &t.ink, err) < 0)
        return -1;
    if (matrices < rows->reports_count)
        legend_print(&t);
    if (mf_wire_table_has(rows)) {
        fputc('\n', out);
        mf_wire_table_text(&t.ink, rows);
    }
    if (rows->pairs) {
        fputc('\n', out);
        mf_pairs_text(&t.ink, rows->pairs);
    }
    return 0;
}
