#include "report/wire_table.h"

#include <string.h>

#include "report/markdown.h"

#define WORD_BYTES   32
#define FIGURE_BYTES 64
#define GAP          2

static const char *const counts[] = {"placed", "answered", "lost", "new_connection"};
enum count { COUNT_PLACED, COUNT_ANSWERED, COUNT_LOST, COUNT_NEW, COUNTS };

bool mf_wire_table_has(const struct mf_rows *rows)
{
    for (uint32_t i = 0; i < rows->count; i++)
        if (rows->row[i].wire_states)
            return true;
    return false;
}

/* False: this row has no probes in that state. */
static bool figures(const struct mf_row *row, int state, json_int_t figure[COUNTS])
{
    const json_t *of = row->wire_states ? json_object_get(row->wire_states, mf_wire_state_keys[state]) : NULL;
    for (int c = 0; of && c < COUNTS; c++)
        figure[c] = json_integer_value(json_object_get(of, counts[c]));
    return of;
}

/* Answered of placed; "+n": so many needed a new connection; "!": placed at fewer upgrades than were fired. */
static enum mf_colour figure_text(char text[FIGURE_BYTES], const struct mf_row *row, int state)
{
    json_int_t figure[COUNTS];
    char more[FIGURE_BYTES / 2] = "";
    if (!figures(row, state, figure)) {
        snprintf(text, FIGURE_BYTES, "-");
        return MF_COLOUR_NONE;
    }
    bool missed = figure[COUNT_PLACED] < row->fired;
    if (figure[COUNT_NEW])
        snprintf(more, sizeof more, " +%" JSON_INTEGER_FORMAT, figure[COUNT_NEW]);
    snprintf(text, FIGURE_BYTES, "%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT "%s%s", figure[COUNT_ANSWERED],
             figure[COUNT_PLACED], missed ? "!" : "", more);
    return figure[COUNT_ANSWERED] < figure[COUNT_PLACED] ? MF_COLOUR_RED
           : missed || figure[COUNT_NEW]                 ? MF_COLOUR_YELLOW
                                                         : MF_COLOUR_GREEN;
}

/* A state's name in two lines: "half", "sent". The first is empty where it is one word. */
static void head_words(int state, char first[WORD_BYTES], char second[WORD_BYTES])
{
    const char *key = mf_wire_state_keys[state], *cut = strchr(key, '_');
    snprintf(first, WORD_BYTES, "%.*s", cut ? (int)(cut - key) : 0, key);
    snprintf(second, WORD_BYTES, "%s", cut ? cut + 1 : key);
}

static unsigned max_width(const struct mf_ink *ink, unsigned width, const char *text)
{
    unsigned own = mf_ink_width(ink, text);
    return own > width ? own : width;
}

struct widths {
    unsigned name, state[MF_WIRE_STATE_COUNT];
};

static struct widths widths_of(const struct mf_ink *ink, const struct mf_rows *rows)
{
    struct widths w = {.name = mf_ink_width(ink, "wire state")};
    char first[WORD_BYTES], second[WORD_BYTES], text[FIGURE_BYTES];
    unsigned total = 0;
    for (int s = 0; s < MF_WIRE_STATE_COUNT; s++) {
        head_words(s, first, second);
        w.state[s] = max_width(ink, max_width(ink, 0, first), second);
        for (uint32_t i = 0; i < rows->count; i++)
            if (rows->row[i].wire_states) {
                figure_text(text, &rows->row[i], s);
                w.state[s] = max_width(ink, w.state[s], text);
            }
        total += GAP + w.state[s];
    }
    for (uint32_t i = 0; i < rows->count; i++)
        if (rows->row[i].wire_states)
            w.name = max_width(ink, w.name, rows->row[i].label);
    /* a longer name stands on a line of its own */
    if (w.name + total > ink->limit)
        w.name = ink->limit > total ? ink->limit - total : 0;
    return w;
}

static void head_print(const struct mf_ink *ink, const struct widths *w)
{
    char words[2][WORD_BYTES];
    for (int line = 0; line < 2; line++) {
        mf_ink_field(ink, line ? "wire state" : "", w->name, false, MF_COLOUR_NONE);
        for (int s = 0; s < MF_WIRE_STATE_COUNT; s++) {
            head_words(s, words[0], words[1]);
            mf_ink_field(ink, words[line], GAP + w->state[s], true, MF_COLOUR_NONE);
        }
        fputc('\n', ink->out);
    }
}

void mf_wire_table_text(const struct mf_ink *ink, const struct mf_rows *rows)
{
    char text[FIGURE_BYTES];
    if (!mf_wire_table_has(rows))
        return;
    struct widths w = widths_of(ink, rows);
    head_print(ink, &w);
    for (uint32_t i = 0; i < rows->count; i++) {
        const struct mf_row *row = &rows->row[i];
        const char *name = row->label;
        if (!row->wire_states)
            continue;
        if (mf_ink_width(ink, name) > w.name) {
            mf_ink_fold(ink, name);
            name = "";
        }
        mf_ink_field(ink, name, w.name, false, MF_COLOUR_NONE);
        for (int s = 0; s < MF_WIRE_STATE_COUNT; s++) {
            enum mf_colour colour = figure_text(text, row, s);
            mf_ink_field(ink, text, GAP + w.state[s], true, colour);
        }
        fputc('\n', ink->out);
    }
    mf_ink_fold(ink,
                "wire states: probes answered of those that stood in the state when an upgrade was requested; +n: so "
                "many needed a new connection afterwards; !: placed at fewer upgrades than were fired.");
}

void mf_wire_table_markdown(FILE *out, const struct mf_rows *rows)
{
    char text[FIGURE_BYTES];
    if (!mf_wire_table_has(rows))
        return;
    fputs("\n| wire state", out);
    for (int s = 0; s < MF_WIRE_STATE_COUNT; s++) {
        fputs(" | ", out);
        for (const char *c = mf_wire_state_keys[s]; *c; c++)
            fputc(*c == '_' ? ' ' : *c, out);
    }
    fputs(" |\n|---", out);
    for (int s = 0; s < MF_WIRE_STATE_COUNT; s++)
        fputs("|--:", out);
    fputs("|\n", out);
    for (uint32_t i = 0; i < rows->count; i++) {
        if (!rows->row[i].wire_states)
            continue;
        fputs("| ", out);
        mf_markdown_print(out, rows->row[i].cell);
        for (int s = 0; s < MF_WIRE_STATE_COUNT; s++) {
            figure_text(text, &rows->row[i], s);
            fprintf(out, " | %s", text);
        }
        fputs(" |\n", out);
    }
    fputs("\n- probes answered of those placed; +n: so many needed a new connection; !: placed at fewer upgrades than "
          "were "
          "fired\n",
          out);
}

void mf_wire_table_csv_head(FILE *out, const struct mf_rows *rows)
{
    if (!mf_wire_table_has(rows))
        return;
    for (int s = 0; s < MF_WIRE_STATE_COUNT; s++)
        for (int c = 0; c < COUNTS; c++)
            fprintf(out, ",wire_%s_%s", mf_wire_state_keys[s], counts[c]);
}

void mf_wire_table_csv(FILE *out, const struct mf_rows *rows, const struct mf_row *row)
{
    json_int_t figure[COUNTS];
    if (!mf_wire_table_has(rows))
        return;
    for (int s = 0; s < MF_WIRE_STATE_COUNT; s++) {
        bool has = figures(row, s, figure);
        for (int c = 0; c < COUNTS; c++)
            if (has)
                fprintf(out, ",%" JSON_INTEGER_FORMAT, figure[c]);
            else
                fputc(',', out);
    }
}
