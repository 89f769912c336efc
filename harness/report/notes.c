#include "report/notes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/matrix.h"

#define SAYING_BYTES 400

/* What is to be said of a row; false: nothing. */
typedef bool says(const struct mf_rows *rows, const struct mf_row *row, char *text);

const char *mf_notes_load(const struct mf_rows *rows, uint32_t r)
{
    const char *load = NULL;
    for (uint32_t i = 0; i < rows->count; i++) {
        const struct mf_row *row = &rows->row[i];
        if (row->report != r)
            continue;
        if (!row->load || (load && strcmp(load, row->load) != 0))
            return NULL;
        load = row->load;
    }
    return load;
}

static bool says_dirty(const struct mf_rows *rows, const struct mf_row *row, char *text)
{
    if (!row->measured || (!rows->baseline && mf_matrix_fits(rows, row->report)))
        return false;
    if (row->value[MF_MEASURE_FIRED] < 1) { /* then "0 lost" says nothing about upgrades */
        snprintf(text, SAYING_BYTES, "no upgrade fired");
        return true;
    }
    int used = snprintf(text, SAYING_BYTES, "%.0f of %.0f upgrades dirty", row->value[MF_MEASURE_DIRTY],
                        row->value[MF_MEASURE_FIRED]);
    if (row->has[MF_MEASURE_DIRTY_BOUND] && row->value[MF_MEASURE_DIRTY] < row->value[MF_MEASURE_FIRED])
        snprintf(text + used, SAYING_BYTES - (size_t)used, ": at most %.3g %% at 95 %%",
                 100 * row->value[MF_MEASURE_DIRTY_BOUND]);
    return true;
}

static bool says_spikes(const struct mf_rows *rows, const struct mf_row *row, char *text)
{
    if (!row->has[MF_MEASURE_SPIKES_ABOVE] || (!rows->baseline && mf_matrix_fits(rows, row->report)))
        return false;
    snprintf(text, SAYING_BYTES,
             "%.0f of %.0f spikes above all windows of equal length away from upgrades (%.2g would be by chance)",
             row->value[MF_MEASURE_SPIKES_ABOVE], row->value[MF_MEASURE_SPIKES_JUDGED],
             row->value[MF_MEASURE_SPIKES_CHANCE]);
    return true;
}

static bool says_load(const struct mf_rows *rows, const struct mf_row *row, char *text)
{
    if (!row->load || mf_notes_load(rows, row->report))
        return false;
    snprintf(text, SAYING_BYTES, "load %s", row->load);
    return true;
}

/* What the other client policy comes to; nothing where nothing was lost that it could have asked again. */
static bool says_retry(const struct mf_rows *rows, const struct mf_row *row, char *text)
{
    (void)rows;
    double attempted = json_number_value(json_object_get(row->retry, "attempted"));
    const json_t *twice = json_object_get(row->retry, "duplicated");
    if (attempted < 1)
        return false;
    int used = snprintf(text, SAYING_BYTES, "asked once more, %.0f of %.0f lost ones were answered",
                        json_number_value(json_object_get(row->retry, "answered")), attempted);
    if (json_is_number(twice))
        snprintf(text + used, SAYING_BYTES - (size_t)used, "; %.0f of %.0f were handled twice",
                 json_number_value(twice), json_number_value(json_object_get(row->retry, "told")));
    return true;
}

static bool says_reason(const struct mf_rows *rows, const struct mf_row *row, char *text)
{
    (void)rows;
    size_t n = json_array_size(row->reasons);
    if (row->verdict_id == MF_VERDICT_PASS || n == 0)
        return false;
    const char *first = json_string_value(json_array_get(row->reasons, 0));
    int used = snprintf(text, SAYING_BYTES, "%s: %s", row->verdict, first ? first : "?");
    if (n > 1 && used < SAYING_BYTES)
        snprintf(text + used, SAYING_BYTES - (size_t)used, " (and %zu more)", n - 1);
    return true;
}

/* Labels of several reports may be the same; their paths tell them apart. */
static void cell_name(FILE *out, const struct mf_rows *rows, const struct mf_row *row)
{
    if (rows->reports_count > 1)
        fprintf(out, "%s: ", rows->reports[row->report].path);
    fputs(row->label, out);
}

static int group_line(const struct mf_rows *rows, char (*saying)[SAYING_BYTES], uint32_t first,
                      void (*line)(void *, const char *), void *ctx)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return -1;
    for (uint32_t i = first; i < rows->count; i++) {
        if (i > first && strcmp(saying[i], saying[first]) != 0)
            continue;
        if (i > first)
            fputs(", ", out);
        cell_name(out, rows, &rows->row[i]);
    }
    fprintf(out, ": %s", saying[first]);
    bool bad = ferror(out);
    bad = fclose(out) != 0 || bad;
    if (!bad)
        line(ctx, text);
    free(text);
    return bad ? -1 : 0;
}

static bool said_before(char (*saying)[SAYING_BYTES], uint32_t i)
{
    for (uint32_t k = 0; k < i; k++)
        if (strcmp(saying[k], saying[i]) == 0)
            return true;
    return false;
}

int mf_notes_each(const struct mf_rows *rows, void (*line)(void *ctx, const char *text), void *ctx,
                  struct mf_error *err)
{
    static says *const all[] = {says_dirty, says_retry, says_spikes, says_load, says_reason};
    char(*saying)[SAYING_BYTES] = calloc((size_t)rows->count + 1, sizeof *saying);
    int bad = saying ? 0 : -1;
    for (unsigned s = 0; s < sizeof all / sizeof all[0]; s++) {
        for (uint32_t i = 0; !bad && i < rows->count; i++)
            if (!all[s](rows, &rows->row[i], saying[i]))
                saying[i][0] = '\0';
        for (uint32_t i = 0; !bad && i < rows->count; i++)
            if (saying[i][0] && !said_before(saying, i))
                bad = group_line(rows, saying, i, line, ctx);
    }
    free(saying);
    return bad ? mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory to compare") : 0;
}
