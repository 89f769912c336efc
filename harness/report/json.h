/* JSON out of measured values: an object that is built up, and values that are null where nothing was measured.
 *
 * Life: mf_json_begin; mf_json_put...; mf_json_end. A value that could not be made (no memory) makes mf_json_end return
 * NULL, so that the steps between need no checks. Ownership: put takes its value, end gives the object away (a new
 * jansson reference). Threads: one per object. */
#ifndef MF_REPORT_JSON_H
#define MF_REPORT_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hist.h"
#include "checker/result.h"
#include "report/report.h"

struct mf_json {
    json_t *object;
    bool bad;
};

struct mf_json mf_json_begin(void);
void mf_json_put(struct mf_json *j, const char *key, json_t *value);
json_t *mf_json_end(struct mf_json *j);

/* New references; NULL where memory is out. */
json_t *mf_json_text(const char *text);            /* null for NULL; bytes that are not UTF-8 as U+FFFD */
json_t *mf_json_number(double x);                  /* null for NaN and infinities, which JSON does not have */
json_t *mf_json_count(uint64_t n);                 /* cut at 2^63 - 1 */
json_t *mf_json_ms(int64_t ns);                    /* null below 0: did not happen */
json_t *mf_json_spread(const struct mf_spread *s); /* median, p95, max (null where n is 0), n */

/* The object of one cell (report.json) or, without `runs_prefix`, of one run (run.json). `runs_prefix`: the folder of
 * its runs, relative to the file. */
json_t *mf_json_cell(const struct mf_report_cell *cell, const char *runs_prefix);
/* The upgrades of a result, one object each. */
json_t *mf_json_upgrades(const struct mf_result *r);
/* Who measured, and on what. */
json_t *mf_json_environment(void);
/* The commit this program was built from, "-dirty" behind it where the tree had changed; "unknown" without git. Written
 * by commit.cmake. */
extern const char mf_report_commit[];

/* Writes it to dir/name, whole or not at all, and drops the reference. NULL: -1 with INTERNAL, no memory. */
int mf_json_save(json_t *root, const char *dir, const char *name, struct mf_error *err);

/* The planned faults of a result, and what became of each. NULL: no memory. */
json_t *mf_json_faults(const struct mf_result *r);

#endif
