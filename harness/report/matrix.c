#include "report/matrix.h"

#include <stdlib.h>
#include <string.h>

#define WORD_BYTES  64
#define CELL_WIDTH  8 /* "dead 999" */
#define HEAD_LINES  4
#define ROWS_MAX    1000
#define FAULTS_PATH "faults"

/* The cells of a report, sorted into a grid by the values of their parameters. */
struct grid {
    char (*row)[WORD_BYTES], (*column)[WORD_BYTES];
    uint32_t rows, columns;
    const struct mf_row **cell; /* [rows * columns]; NULL: there is none */
};

static bool path_is_faults(const char *path)
{
    size_t n = strlen(FAULTS_PATH);
    return strncmp(path, FAULTS_PATH, n) == 0 && (path[n] == 0 || path[n] == '[' || path[n] == '.');
}

bool mf_matrix_fits(const struct mf_rows *rows, uint32_t r)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < rows->count; i++) {
        if (rows->row[i].report != r)
            continue;
        const char *path;
        json_t *value;
        bool has = false, has_other = false;
        json_object_foreach((json_t *)(uintptr_t)rows->row[i].parameters, path, value)
        {
            has |= path_is_faults(path);
            has_other |= !path_is_faults(path);
        }
        if (!has || !has_other)
            return false;
        n++;
    }
    return n > 0 && n <= ROWS_MAX;
}

/* The values of those parameters that are faults, or are not, one behind the other. */
static void values_write(char word[WORD_BYTES], const struct mf_row *row, bool faults)
{
    const char *path;
    json_t *value;
    word[0] = 0;
    json_object_foreach((json_t *)(uintptr_t)row->parameters, path, value)
    {
        if (path_is_faults(path) != faults)
            continue;
        size_t used = strlen(word);
        char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        snprintf(word + used, WORD_BYTES - used, "%s%s", used ? " " : "",
                 text                    ? text
                 : json_is_string(value) ? json_string_value(value)
                                         : "?");
        free(text);
    }
}

static uint32_t word_place(char (*words)[WORD_BYTES], uint32_t *n, const char *word)
{
    for (uint32_t i = 0; i < *n; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    memcpy(words[*n], word, WORD_BYTES);
    return (*n)++;
}

static void grid_done(struct grid *g)
{
    free(g->row);
    free(g->column);
    free(g->cell);
}

static int grid_make(struct grid *g, const struct mf_rows *rows, uint32_t r)
{
    char word[WORD_BYTES] = {0};
    *g = (struct grid){.row = calloc(rows->count, sizeof *g->row), .column = calloc(rows->count, sizeof *g->column)};
    if (!g->row || !g->column)
        return -1;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < rows->count; i++) {
            if (rows->row[i].report != r)
                continue;
            values_write(word, &rows->row[i], false);
            uint32_t at = word_place(g->row, &g->rows, word);
            values_write(word, &rows->row[i], true);
            uint32_t column = word_place(g->column, &g->columns, word);
            if (pass == 1)
                g->cell[at * g->columns + column] = &rows->row[i];
        }
        if (pass == 0 && !(g->cell = calloc((size_t)g->rows * g->columns, sizeof *g->cell)))
            return -1;
    }
    return 0;
}

/* --- a cell ------------------------------------------------------------------------------------------------------- */

static double number_at(const struct mf_row *row, const struct mf_rows *rows, const char *object, const char *member)
{
    const json_t *cells = json_object_get(rows->reports[row->report].root, "cells");
    size_t i;
    json_t *cell;
    json_array_foreach((json_t *)(uintptr_t)cells, i, cell)
    {
        const char *name = json_string_value(json_object_get(cell, "name"));
        if (name && strcmp(name, row->cell) == 0)
            return json_number_value(json_object_get(json_object_get(cell, object), member));
    }
    return 0;
}

static void count_write(char *text, size_t bytes, const char *word, double n)
{
    if (n < 1)
        snprintf(text, bytes, "%s", word);
    else if (n < 1000)
        snprintf(text, bytes, "%s %.0f", word, n);
    else if (n < 999500)
        snprintf(text, bytes, "%s %.0fk", word, n / 1000);
    else
        snprintf(text, bytes, "%s %.0fM", word, n / 1e6);
}

/* "back": rolled back; "dead": nobody was left to answer; "fail": the upgrade broke off, the node lives; "done": it was
 * carried out all the same. A number behind it: so many messages were lost. */
static enum mf_colour cell_write(char *text, size_t bytes, const struct mf_row *row, const struct mf_rows *rows)
{
    if (!row || !row->measured) {
        snprintf(text, bytes, "%s", row ? "?" : "");
        return MF_COLOUR_YELLOW;
    }
    double lost = row->value[MF_MEASURE_LOST];
    bool dead = number_at(row, rows, "resources", "target_dead") > 0;
    bool failed = number_at(row, rows, "upgrades", "failed") > 0;
    bool back = number_at(row, rows, "upgrades", "rolled_back") > 0;
    bool silent = number_at(row, rows, "faults", "fired") < number_at(row, rows, "faults", "planned");
    const char *word = silent ? "?" : dead ? "dead" : failed ? "fail" : back ? "back" : "done";
    count_write(text, bytes, word, lost);
    return silent ? MF_COLOUR_YELLOW : dead || failed ? MF_COLOUR_RED : lost > 0 ? MF_COLOUR_YELLOW : MF_COLOUR_GREEN;
}

/* --- print -------------------------------------------------------------------------------------------------------- */

/* A fault's name cut at its underscores into lines of a column: `line` of them, "" past the end. */
static void head_write(char *text, size_t bytes, const char *name, unsigned line, unsigned width)
{
    char piece[WORD_BYTES] = "";
    unsigned at = 0;
    for (const char *p = name; *p && at <= line; at++) {
        size_t n = strcspn(p, "_ ");
        snprintf(piece, sizeof piece, "%.*s", (int)(n < width ? n : width), p);
        p += n;
        p += *p != 0;
        /* the last line takes what is left */
        if (at == line)
            break;
        piece[0] = 0;
    }
    snprintf(text, bytes, "%s", piece);
}

static void block_print(const struct mf_ink *ink, const struct mf_rows *rows, const struct grid *g, uint32_t first,
                        uint32_t n, unsigned name_width, unsigned width)
{
    char text[WORD_BYTES];
    for (unsigned line = 0; line < HEAD_LINES; line++) {
        bool any = false;
        for (uint32_t c = first; c < first + n; c++) {
            head_write(text, sizeof text, g->column[c], line, width);
            any |= text[0] != 0;
        }
        if (!any)
            break;
        mf_ink_field(ink, "", name_width, false, MF_COLOUR_NONE);
        for (uint32_t c = first; c < first + n; c++) {
            head_write(text, sizeof text, g->column[c], line, width);
            fputc(' ', ink->out);
            mf_ink_field(ink, text, width, true, MF_COLOUR_NONE);
        }
        fputc('\n', ink->out);
    }
    for (uint32_t r = 0; r < g->rows; r++) {
        mf_ink_field(ink, g->row[r], name_width, false, MF_COLOUR_NONE);
        for (uint32_t c = first; c < first + n; c++) {
            enum mf_colour colour = cell_write(text, sizeof text, g->cell[r * g->columns + c], rows);
            fputc(' ', ink->out);
            mf_ink_field(ink, text, width, true, colour);
        }
        fputc('\n', ink->out);
    }
}

int mf_matrix_print(const struct mf_ink *ink, const struct mf_rows *rows, uint32_t r, struct mf_error *err)
{
    struct grid g;
    if (grid_make(&g, rows, r) != 0) {
        grid_done(&g);
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory to compare");
    }
    unsigned name_width = 0;
    for (uint32_t i = 0; i < g.rows; i++) {
        unsigned w = mf_ink_width(ink, g.row[i]);
        name_width = w > name_width ? w : name_width;
    }
    uint32_t fit = ink->limit > name_width + CELL_WIDTH ? (ink->limit - name_width) / (CELL_WIDTH + 1) : 1;
    for (uint32_t first = 0; first < g.columns; first += fit) {
        uint32_t n = g.columns - first < fit ? g.columns - first : fit;
        block_print(ink, rows, &g, first, n, name_width, CELL_WIDTH);
        fputc('\n', ink->out);
    }
    mf_ink_fold(ink,
                "back: rolled back, the old code goes on; done: carried out; fail: the upgrade broke off, the node "
                "lives; dead: at the end nobody was left to answer; ?: the fault did not fire, or nothing was "
                "measured. A number: messages lost.");
    grid_done(&g);
    return 0;
}
