/* What report.json files say, as rows to compare.
 *
 * Life: zeroed; mf_rows_read for each report; mf_rows_baseline; read; mf_rows_done (takes a zeroed or half-read one).
 * Ownership: the rows own everything; strings in them live until done. Threads: one. */
#ifndef MF_REPORT_ROWS_H
#define MF_REPORT_ROWS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "checker/result.h"

enum mf_measure_unit { MF_UNIT_COUNT, MF_UNIT_SPREAD, MF_UNIT_MS, MF_UNIT_SHARE };
enum mf_measure {
#define MF_MEASURE(id, key, object, member, unit) MF_MEASURE_##id,
#include "report/measures.def"
#undef MF_MEASURE
    MF_MEASURE_COUNT
};
extern const char *const mf_measure_keys[MF_MEASURE_COUNT];
extern const enum mf_measure_unit mf_measure_units[MF_MEASURE_COUNT];

/* One report.json. */
struct mf_compared {
    const char *path; /* as it was asked for */
    json_t *root;
    const char *scenario, *verdict;
    json_int_t seed;
    const char *build; /* "Debug", or with sanitizers: why its times are not to be trusted; NULL: an ordinary one */
};

struct mf_row {
    uint32_t report;                              /* index into reports */
    const char *cell, *load, *verdict, *delivery; /* load, delivery: NULL where not said */
    char *label;                                  /* the value of its only parameter, else the cell's name */
    const json_t *reasons;                        /* an array of strings */
    const json_t *parameters;
    const json_t *wire_states; /* an object; NULL: no probes were placed */
    const json_t *retry;       /* an object; NULL: the other client policy was not judged */
    const json_t *runs;        /* the names of its run.json, relative to the report; may be anything */
    bool measured;             /* false: no run of it ended; nothing below is known */
    uint32_t fired;            /* upgrades; where wire_states is not NULL */
    double value[MF_MEASURE_COUNT];
    bool has[MF_MEASURE_COUNT];
    int answer[MF_QUESTION_COUNT]; /* enum mf_answer_word; -1: not known */
    enum mf_verdict verdict_id;
};

struct mf_rows {
    struct mf_compared *reports;
    struct mf_row *row;
    uint32_t reports_count, count;
    const struct mf_row *baseline; /* NULL: none */
    const struct mf_pairs *pairs;  /* the cells held against the baseline, the caller's; NULL: not held */
};

/* Adds the cells of `path`, a result folder or a report.json. -1 with USAGE (place: the file): not there, not JSON, not
 * a report of ours (which key), and with INTERNAL where memory is out. */
int mf_rows_read(struct mf_rows *rows, const char *path, struct mf_error *err);
/* The baseline is the first cell of that name, or of that label. -1 with USAGE, the nearest name suggested. */
int mf_rows_baseline(struct mf_rows *rows, const char *name, struct mf_error *err);
void mf_rows_done(struct mf_rows *rows);
/* The row's value minus the baseline's; false where one of them is not known. */
bool mf_row_difference(const struct mf_row *row, const struct mf_row *baseline, enum mf_measure m, double *difference);

#endif
