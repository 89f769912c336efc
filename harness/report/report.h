/* The result folder: what is written where, from results that are already judged. Formats: results/README.md,
 * results/report.schema.json.
 *
 * Every file is written under a temporary name in its folder, synced and renamed: it is whole or absent. A full disk,
 * an unwritable folder: -1 with *err (INTERNAL), the temporary file removed. Threads: one. */
#ifndef MF_REPORT_REPORT_H
#define MF_REPORT_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "checker/result.h"

struct mf_report_parameter {
    const char *path, *value; /* value: JSON text of a number, or a bare string */
};

/* A cell or, for mf_report_write_run, one run of it (`result` and `judgement` are then the run's).
 * mf_upgrade_result.run is the n of run-<n>. */
struct mf_report_cell {
    const char *name;
    const struct mf_report_parameter *parameters;
    uint32_t parameters_count;
    const struct mf_result *result; /* all runs merged, derived; NULL where no run of it has ended (skipped) */
    const struct mf_judgement *judgement;
    uint32_t runs_count;            /* folders cells/<name>/run-1 .. run-<n> exist */
    const char *asked_load;         /* "open, 20000/s" | "closed, window 64": so labelled */
    bool has_first_seed;            /* false: not known (null in the report) */
    uint64_t first_seed;            /* of its first run */
    const struct mf_expect *expect; /* what was expected: a testcase each in junit.xml; may be NULL */
    uint32_t expect_count;
};

struct mf_report {
    const char *scenario; /* its name */
    uint64_t seed;
    uint64_t plan_hash;      /* of all that scenario and seed decide */
    enum mf_verdict verdict; /* the worst of the cells */
    bool interrupted;
    const char *error; /* the run broke off for this; NULL */
    const struct mf_report_cell *cells;
    uint32_t cells_count;
};

/* cells/<cell>/run-<n>/: run.json (one cell object with `upgrade_list`), intervals.csv (10 ms bins), upgrades.csv,
 * overlay.csv (around each upgrade, 1 ms bins), response.hgrm, service.hgrm, lag.hgrm (HdrHistogram's text format,
 * values in ms). `dir` exists. */
int mf_report_write_run(const char *dir, const struct mf_report_cell *run, struct mf_error *err);
/* report.json and junit.xml in `dir`. */
int mf_report_write(const char *dir, const struct mf_report *report, struct mf_error *err);
/* Any whole file of ours: temporary name, sync, rename. */
int mf_report_write_text(const char *dir, const char *name, const char *text, struct mf_error *err);

/* The numbered plan with what became of each entry: "failed here" marks. `out` is the caller's. */
void mf_report_plan(FILE *out, const struct mf_report *report);

/* SHIFT: the quantile shifts of spikes and blackouts, as CSV for plots; wants a baseline or two reports of one
 * scenario. */
enum mf_table_format { MF_TABLE_TEXT, MF_TABLE_MARKDOWN, MF_TABLE_CSV, MF_TABLE_JSON, MF_TABLE_SHIFT };
struct mf_table_style {
    enum mf_table_format format;
    bool colour, utf8;    /* text only */
    uint32_t columns;     /* the terminal's width; 120 where there is none */
    const char *baseline; /* a cell's name; NULL: none */
};
/* Reads report.json of each path (a result folder or the file itself), prints one table of all their cells. With a
 * baseline, the upgrades of each cell (run.json) are held against the baseline's. Without one, two reports of the same
 * scenario are compared as before and now instead: has it become worse since? -1 with USAGE: no such folder, no report
 * in it, not one of ours, an unknown baseline (nearest name suggested). */
int mf_compare(FILE *out, const char *const *paths, uint32_t n, const struct mf_table_style *style,
               struct mf_error *err);
/* The same, and the status to exit with in *status: FAIL where it has become worse since, UNKNOWN where that cannot be
 * told (the reasons are printed), else PASS. */
int mf_compare_judged(FILE *out, const char *const *paths, uint32_t n, const struct mf_table_style *style,
                      enum mf_status *status, struct mf_error *err);

#endif
