/* The files of columns that plots read: CSV (RFC 4180, but with \n) and HdrHistogram's text. What each column means:
 * results/README.md. Each prints to `out`, which the caller owns; errors stick to it (ferror). Threads: one. */
#ifndef MF_REPORT_COLUMNS_H
#define MF_REPORT_COLUMNS_H

#include <stdio.h>

#include "checker/result.h"

/* One row per 10 ms (or per bin, where bins are wider), from the run's start; sums equal the bins' sums. */
void mf_columns_intervals(FILE *out, const struct mf_result *r);
/* One row per upgrade, fired or not. */
void mf_columns_upgrades(FILE *out, const struct mf_result *r);
/* All fired upgrades laid over each other: -50 ... +150 ms around the request, one row per ms (or per bin, where bins
 * are wider). -1: no memory. */
int mf_columns_overlay(FILE *out, const struct mf_result *r);
/* A histogram in the percentile text format of HdrHistogram (5 ticks per half distance), values in ms. */
void mf_columns_hgrm(FILE *out, const struct mf_hist *h);

#endif
