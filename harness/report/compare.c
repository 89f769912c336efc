/* midflight compare */
#include <string.h>

#include "report/pairs.h"
#include "report/report.h"
#include "report/rows.h"
#include "report/since.h"
#include "report/table.h"

static int rows_print(FILE *out, const struct mf_rows *rows, const struct mf_table_style *style, struct mf_error *err)
{
    switch (style->format) {
    case MF_TABLE_TEXT:
        return mf_table_text(out, rows, style, err);
    case MF_TABLE_MARKDOWN:
        return mf_table_markdown(out, rows, err);
    case MF_TABLE_CSV:
        mf_table_csv(out, rows);
        return 0;
    case MF_TABLE_JSON:
        return mf_table_json(out, rows, err);
    case MF_TABLE_SHIFT:
        if (!rows->pairs)
            return mf_error_set(err, MF_STATUS_USAGE, "--format shift", "wants --baseline CELL");
        mf_pairs_shift_csv(out, rows->pairs);
        return 0;
    }
    return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no such table format: %d", (int)style->format);
}

static int baseline_print(FILE *out, struct mf_rows *rows, const struct mf_table_style *style, struct mf_error *err)
{
    struct mf_pairs pairs = {0};
    int bad = mf_rows_baseline(rows, style->baseline, err);
    if (!bad)
        bad = mf_pairs_against(&pairs, rows, err);
    rows->pairs = &pairs;
    if (!bad)
        bad = rows_print(out, rows, style, err);
    rows->pairs = NULL;
    mf_pairs_done(&pairs);
    return bad;
}

static int since_print(FILE *out, const struct mf_rows *rows, const struct mf_table_style *style,
                       enum mf_status *status, struct mf_error *err)
{
    struct mf_pairs pairs = {0};
    int bad = mf_pairs_since(&pairs, rows, err);
    if (!bad)
        bad = mf_since_print(out, &pairs, style, err);
    *status = mf_pairs_answer(&pairs);
    mf_pairs_done(&pairs);
    return bad;
}

int mf_compare_judged(FILE *out, const char *const *paths, uint32_t n, const struct mf_table_style *style,
                      enum mf_status *status, struct mf_error *err)
{
    struct mf_rows rows = {0};
    int bad = n ? 0 : mf_error_set(err, MF_STATUS_USAGE, "compare", "a result folder is wanted");
    *status = MF_STATUS_PASS;
    for (uint32_t i = 0; !bad && i < n; i++)
        bad = mf_rows_read(&rows, paths[i], err);
    if (!bad && style->baseline)
        bad = baseline_print(out, &rows, style, err);
    else if (!bad && mf_pairs_are_since(&rows))
        bad = since_print(out, &rows, style, status, err);
    else if (!bad)
        bad = rows_print(out, &rows, style, err);
    mf_rows_done(&rows);
    if (!bad && (fflush(out) != 0 || ferror(out)))
        bad = mf_error_errno(err, MF_STATUS_INTERNAL, "compare", "the table cannot be written");
    return bad;
}

int mf_compare(FILE *out, const char *const *paths, uint32_t n, const struct mf_table_style *style,
               struct mf_error *err)
{
    enum mf_status status;
    return mf_compare_judged(out, paths, n, style, &status, err);
}
