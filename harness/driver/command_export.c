/* midflight export */
#include <stdio.h>

#include "driver/cli.h"
#include "driver/export.h"

static int export_run(const struct mf_command *command, int argc, char **argv, enum mf_status *status,
                      struct mf_error *err)
{
    struct mf_words words = {.command = command, .argc = argc, .at = 1, .argv = argv};
    struct mf_word word;
    const char *path = NULL;
    int more;
    while ((more = mf_words_next(&words, &word, err)) > 0) {
        if (path)
            return mf_error_set(err, MF_STATUS_USAGE, NULL, "export %s: one history at a time, and %s is another", path,
                                word.value);
        path = word.value;
    }
    if (more < 0)
        return -1;
    if (!path)
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "export: a history is missing: midflight export HISTORY");
    return mf_export(stdout, path, status, err) != 0 ? -1 : mf_stdout_flush(err);
}

const struct mf_command mf_command_export = {
    .name = "export",
    .arguments = "HISTORY",
    .summary = "the messages of a history as CSV, a row a message: of a result folder, or of one run-<n> in it",
    .run = export_run};
