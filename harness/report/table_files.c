/* The comparison for documents and programs: markdown, CSV, JSON. */
#include <stdlib.h>
#include <string.h>

#include "report/figures.h"
#include "report/file.h"
#include "report/json.h"
#include "report/markdown.h"
#include "report/notes.h"
#include "report/pairs.h"
#include "report/table.h"
#include "report/wire_table.h"

static void number_print(FILE *out, const struct mf_row *row, enum mf_measure m)
{
    char text[MF_FIGURE_BYTES];
    mf_figure_full(text, row->value[m]);
    if (row->has[m])
        fputs(text, out);
}

void mf_table_csv(FILE *out, const struct mf_rows *rows)
{
    fputs("report,scenario,cell,verdict,load", out);
    for (int m = 0; m < MF_MEASURE_COUNT; m++)
        fprintf(out, ",%s", mf_measure_keys[m]);
    fputs(",delivery", out);
    for (int q = 0; q < MF_QUESTION_COUNT; q++)
        fprintf(out, ",%s", mf_question_keys[q]);
    for (int m = 0; rows->baseline && m < MF_MEASURE_COUNT; m++)
        fprintf(out, ",%s_difference", mf_measure_keys[m]);
    if (rows->pairs)
        mf_pair_csv_head(out);
    mf_wire_table_csv_head(out, rows);
    fputc('\n', out);
    for (uint32_t i = 0; i < rows->count; i++) {
        const struct mf_row *row = &rows->row[i];
        mf_file_csv(out, rows->reports[row->report].path);
        const char *const text[] = {rows->reports[row->report].scenario, row->cell, row->verdict, row->load};
        for (unsigned k = 0; k < sizeof text / sizeof text[0]; k++) {
            fputc(',', out);
            mf_file_csv(out, text[k]);
        }
        for (int m = 0; m < MF_MEASURE_COUNT; m++) {
            fputc(',', out);
            number_print(out, row, (enum mf_measure)m);
        }
        fprintf(out, ",%s", row->delivery ? row->delivery : "");
        for (int q = 0; q < MF_QUESTION_COUNT; q++)
            fprintf(out, ",%s", row->answer[q] < 0 ? "" : mf_answer_keys[row->answer[q]]);
        for (int m = 0; rows->baseline && m < MF_MEASURE_COUNT; m++) {
            char digits[MF_FIGURE_BYTES];
            double difference;
            bool known = mf_row_difference(row, rows->baseline, (enum mf_measure)m, &difference);
            mf_figure_full(digits, known ? difference : 0);
            fprintf(out, ",%s", known ? digits : "");
        }
        if (rows->pairs)
            mf_pair_csv(out, mf_pairs_find(rows->pairs, row));
        mf_wire_table_csv(out, rows, row);
        fputc('\n', out);
    }
}

static void markdown_number(FILE *out, const struct mf_rows *rows, const struct mf_row *row, enum mf_measure m)
{
    double difference;
    char text[MF_FIGURE_BYTES];
    fputs(" | ", out);
    if (!row->has[m]) {
        fputs("–", out);
        return;
    }
    number_print(out, row, m);
    if (rows->baseline && row != rows->baseline && mf_row_difference(row, rows->baseline, m, &difference)) {
        mf_figure_full(text, difference);
        fprintf(out, " (%s%s)", difference >= 0 ? "+" : "", text);
    }
}

static void on_note(void *ctx, const char *text)
{
    FILE *out = ctx;
    fputs("- ", out);
    mf_markdown_print(out, text);
    fputc('\n', out);
}

static void markdown_row(FILE *out, const struct mf_rows *rows, const struct mf_row *row)
{
    fputs("| ", out);
    if (rows->reports_count > 1) {
        mf_markdown_print(out, rows->reports[row->report].path);
        fputs(" | ", out);
    }
    mf_markdown_print(out, row->label);
    fprintf(out, " | %s", row->verdict);
    for (int m = 0; m < MF_MEASURE_COUNT; m++)
        markdown_number(out, rows, row, (enum mf_measure)m);
    fprintf(out, " | %s", row->delivery ? row->delivery : "–");
    for (int q = 0; q < MF_QUESTION_COUNT; q++)
        fprintf(out, " | %s", row->answer[q] < 0 ? "–" : mf_answer_keys[row->answer[q]]);
    fputs(" |\n", out);
}

int mf_table_markdown(FILE *out, const struct mf_rows *rows, struct mf_error *err)
{
    const char *report = rows->reports_count > 1 ? "| report " : "";
    fprintf(out, "%s| cell | verdict", report);
    for (int m = 0; m < MF_MEASURE_COUNT; m++) {
        fputs(" | ", out);
        for (const char *c = mf_measure_keys[m]; *c; c++)
            fputc(*c == '_' ? ' ' : *c, out);
    }
    fputs(" | delivery", out);
    for (int q = 0; q < MF_QUESTION_COUNT; q++)
        fprintf(out, " | %s", mf_question_keys[q]);
    fprintf(out, " |\n%s|---|---", report[0] ? "|---" : "");
    for (int m = 0; m < MF_MEASURE_COUNT; m++)
        fputs("|--:", out);
    for (int q = 0; q <= MF_QUESTION_COUNT; q++)
        fputs("|---", out);
    fputs("|\n", out);
    for (uint32_t i = 0; i < rows->count; i++)
        markdown_row(out, rows, &rows->row[i]);
    fputc('\n', out);
    if (rows->baseline) {
        fputs("- in parentheses: the difference to ", out);
        mf_markdown_print(out, rows->baseline->cell);
        fputc('\n', out);
    }
    if (mf_notes_each(rows, on_note, out, err) < 0)
        return -1;
    mf_wire_table_markdown(out, rows);
    if (rows->pairs)
        mf_pairs_markdown(out, rows->pairs);
    return 0;
}

static json_t *row_json(const struct mf_rows *rows, const struct mf_row *row)
{
    struct mf_json j = mf_json_begin(), questions = mf_json_begin(), differences = mf_json_begin();
    mf_json_put(&j, "report", mf_json_text(rows->reports[row->report].path));
    mf_json_put(&j, "scenario", mf_json_text(rows->reports[row->report].scenario));
    mf_json_put(&j, "cell", mf_json_text(row->cell));
    mf_json_put(&j, "parameters", row->parameters ? json_deep_copy(row->parameters) : json_null());
    mf_json_put(&j, "verdict", mf_json_text(row->verdict));
    mf_json_put(&j, "reasons", json_deep_copy(row->reasons));
    mf_json_put(&j, "load", mf_json_text(row->load));
    for (int m = 0; m < MF_MEASURE_COUNT; m++) {
        double difference;
        bool known = rows->baseline && mf_row_difference(row, rows->baseline, (enum mf_measure)m, &difference);
        bool whole = mf_measure_units[m] == MF_UNIT_COUNT;
        mf_json_put(&j, mf_measure_keys[m],
                    !row->has[m] ? json_null()
                    : whole      ? json_integer((json_int_t)row->value[m])
                                 : mf_json_number(row->value[m]));
        mf_json_put(&differences, mf_measure_keys[m],
                    !known  ? json_null()
                    : whole ? json_integer((json_int_t)difference)
                            : mf_json_number(difference));
    }
    for (int q = 0; q < MF_QUESTION_COUNT; q++)
        mf_json_put(&questions, mf_question_keys[q],
                    mf_json_text(row->answer[q] < 0 ? NULL : mf_answer_keys[row->answer[q]]));
    mf_json_put(&j, "delivery", mf_json_text(row->delivery));
    mf_json_put(&j, "questions", mf_json_end(&questions));
    if (row->wire_states)
        mf_json_put(&j, "wire_states", json_deep_copy(row->wire_states));
    json_t *difference = mf_json_end(&differences);
    if (rows->baseline)
        mf_json_put(&j, "difference", difference);
    else
        json_decref(difference);
    if (rows->pairs)
        mf_json_put(&j, "against", mf_pair_json(mf_pairs_find(rows->pairs, row)));
    return mf_json_end(&j);
}

int mf_table_json(FILE *out, const struct mf_rows *rows, struct mf_error *err)
{
    struct mf_json j = mf_json_begin();
    json_t *cells = json_array();
    bool bad = !cells;
    for (uint32_t i = 0; i < rows->count; i++)
        bad |= json_array_append_new(cells, row_json(rows, &rows->row[i])) < 0;
    mf_json_put(&j, "schema", json_string("midflight.comparison/1"));
    mf_json_put(&j, "baseline", mf_json_text(rows->baseline ? rows->baseline->cell : NULL));
    mf_json_put(&j, "cells", cells);
    json_t *root = mf_json_end(&j);
    bad = bad || !root || json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) < 0;
    json_decref(root);
    fputc('\n', out);
    return bad ? mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory to compare, or the output cannot be written")
               : 0;
}
