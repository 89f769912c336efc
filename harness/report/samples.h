/* The upgrades of a cell, each with what it cost, out of the run.json files beside a report.json. Threads: one. */
#ifndef MF_REPORT_SAMPLES_H
#define MF_REPORT_SAMPLES_H

#include "checker/contrast.h"
#include "report/rows.h"

#define MF_SAMPLES_WHY_BYTES 512

/* Adds the fired upgrades of all runs of `row` to a zeroed *sample; the caller ends it with mf_sample_done, whatever is
 * returned. 0: done; 1: they cannot be had, the reason in `why`; -1 with INTERNAL: no memory. */
int mf_samples_read(struct mf_sample *sample, const struct mf_rows *rows, const struct mf_row *row,
                    char why[MF_SAMPLES_WHY_BYTES], struct mf_error *err);

#endif
