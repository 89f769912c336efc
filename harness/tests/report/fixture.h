/* A hand-made report with every kind of cell, and a folder of its own to write it to. Criterion runs each test in its
 * own process, so nothing is shared. */
#ifndef MF_TESTS_REPORT_FIXTURE_H
#define MF_TESTS_REPORT_FIXTURE_H

#include <jansson.h>

#include "report/report.h"

#define GOLDEN_DIR MIDFLIGHT_SOURCE_DIR "/harness/tests/report/golden"
#define HOSTILE    "a\"b<c>&'d',\n\033[31m\xff\xc3\xa9|`=1+1"

/* Cells: 0 "strategy=cold-restart" fails and has a timeline; 1 "strategy=swap" passes with 0 of 100 dirty; 2 is skipped
 * (no result); 3 has a hostile name and hostile texts, no upgrade and no latency. */
struct fixture {
    struct mf_report report;
    struct mf_report_cell cell[4];
    struct mf_report_parameter parameter[4];
    struct mf_result result[4];
    struct mf_judgement judgement[4];
    struct mf_expect expect[4];
};
struct fixture *fixture_new(void);
void fixture_free(struct fixture *f);

char *folder_new(void);                    /* a fresh folder; the caller frees the name after folder_remove */
void folder_remove(char *folder);          /* with what is in it; frees the name */
unsigned folder_count(const char *folder); /* how many entries it has */
char *file_read(const char *folder, const char *name); /* NUL-terminated; the caller frees; NULL: not there */
void text_check(const char *got, const char *wanted);  /* equal, and both are there */
void null_check(const json_t *value);                  /* JSON's null, and not a missing key */
json_t *json_read(const char *folder, const char *name);
/* Holds `text` against golden/<name>; with MIDFLIGHT_GOLDEN=write in the environment, writes it there instead. */
void golden_check(const char *name, const char *text);
/* scripts/check-schemas results/report.schema.json FILE: its exit status (77: no validator on this machine).
 * What it finds is printed unless `quiet`. */
int schema_check(const char *folder, const char *name, bool quiet);

#endif
