/* What the driver's tests share: a folder of their own, `midflight` in a child, a fake midflight-node. */
#ifndef MF_TESTS_DRIVER_HELP_H
#define MF_TESTS_DRIVER_HELP_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "scenario/scenario.h"

#define HELP_OUTPUT_BYTES 65536

/* A new folder in $TMPDIR or /tmp; help_folder_remove takes it away with all that is in it. `path` has PATH_MAX bytes.
 */
void help_folder_make(char *path);
void help_folder_remove(const char *path);
/* Entries of a folder, without . and ..; -1: there is no such folder. */
int help_entries(const char *folder);
void help_write(const char *folder, const char *name, const char *text, bool executable);
/* The file's text (cut to `bytes`); "" where there is none. */
const char *help_read(const char *folder, const char *name, char *text, size_t bytes);
bool help_exists(const char *folder, const char *name);
bool help_has(const char *text, const char *part);

/* `midflight` with these words (NULL-terminated), in a child of its own. */
struct help_midflight {
    pid_t pid;
    char folder[PATH_MAX]; /* of its outputs */
    int status;            /* exit status; 128 + signal */
    char out[HELP_OUTPUT_BYTES], err[HELP_OUTPUT_BYTES];
};
void help_midflight_start(struct help_midflight *m, const char *const *words);
/* With stdout to this file. */
void help_midflight_start_to(struct help_midflight *m, const char *out, const char *const *words);
/* Waits for its end, reads what it said, removes its folder. */
void help_midflight_end(struct help_midflight *m);
/* Both. */
void help_midflight(struct help_midflight *m, const char *const *words);

/* Waits until folder/name is there, and fails the test where the child ends before. */
void help_wait_for(const struct help_midflight *m, const char *folder, const char *name);

/* A midflight-node in `folder` that is a shell script: it describes any module as its place in the list, and when it is
 * run, it says its pid in <folder>/pid and does `body`. Its control line is descriptor 4. */
void help_fake_node(const char *folder, const char *body);
/* 0: it has not been started. */
pid_t help_fake_pid(const char *folder);

/* A small cell: unix, open loop, one worker, strategy swap, one upgrade at 10 ms. Its upgrade row may be changed. */
struct help_cell {
    struct mf_cell cell;
    struct mf_upgrade_plan rows[4];
    const char *modules[3];
};
void help_cell(struct help_cell *c);

/* A scenario of one cell with strategy `strategy`, about a second long, in <folder>/scenario.json. `path` has PATH_MAX
 * bytes. */
void help_scenario(const char *folder, const char *strategy, uint32_t duration_ms, char *path);

#endif
