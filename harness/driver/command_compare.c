/* midflight compare */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/cli.h"
#include "driver/terminal.h"
#include "report/report.h"
#include "scenario/scenario.h"

static const struct mf_option options[] = {
    {"format", "FORMAT", "table (default), markdown, csv, json, or shift (quantiles against the baseline, csv)"},
    {"baseline", "CELL", "hold the others against this cell: better, worse, or no difference shown"},
    {NULL, NULL, NULL},
};

static const char *const formats[] = {[MF_TABLE_TEXT] = "table",
                                      [MF_TABLE_MARKDOWN] = "markdown",
                                      [MF_TABLE_CSV] = "csv",
                                      [MF_TABLE_JSON] = "json",
                                      [MF_TABLE_SHIFT] = "shift"};

static int format_read(const char *text, enum mf_table_format *format, struct mf_error *err)
{
    uint32_t n = sizeof formats / sizeof formats[0];
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(formats[i], text) == 0) {
            *format = (enum mf_table_format)i;
            return 0;
        }
    const char *near = mf_nearest(text, formats, n);
    return mf_error_set(err, MF_STATUS_USAGE, NULL,
                        "--format %s: no such format%s%s%s; allowed: table, markdown, csv, json, shift", text,
                        near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static int compare_run(const struct mf_command *command, int argc, char **argv, enum mf_status *status,
                       struct mf_error *err)
{
    struct mf_words words = {.command = command, .argc = argc, .at = 1, .argv = argv};
    struct mf_word word;
    const char **paths = calloc((size_t)argc, sizeof *paths);
    uint32_t n = 0;
    int more;
    struct mf_table_style style = mf_terminal_style(stdout);
    if (!paths)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the command line");
    while ((more = mf_words_next(&words, &word, err)) > 0) {
        if (!word.option)
            paths[n++] = word.value;
        else if (word.option == &options[1])
            style.baseline = word.value;
        else if (format_read(word.value, &style.format, err) != 0)
            break;
    }
    int bad = more != 0;
    if (!bad && n == 0)
        bad =
            mf_error_set(err, MF_STATUS_USAGE, NULL, "compare: a result folder is missing: midflight compare PATH...");
    if (!bad)
        bad = mf_compare_judged(stdout, paths, n, &style, status, err);
    free(paths);
    return bad ? -1 : 0;
}

const struct mf_command mf_command_compare = {
    .name = "compare",
    .arguments = "PATH... [OPTION]...",
    .summary = "the cells of result folders in one table; of two of one scenario, whether it became worse",
    .options = options,
    .run = compare_run};
