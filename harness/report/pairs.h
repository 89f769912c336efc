/* Cells held against each other: each of one report against a baseline, or each of a new report against the same cell
 * of an old one.
 *
 * Life: zeroed; mf_pairs_against or mf_pairs_since; read; mf_pairs_done (takes a zeroed or half-built one). Ownership:
 * the pairs own their sentences and borrow the rows. Threads: one. */
#ifndef MF_REPORT_PAIRS_H
#define MF_REPORT_PAIRS_H

#include "checker/contrast.h"
#include "report/ink.h"
#include "report/rows.h"
#include "report/samples.h"

struct mf_pair {
    const struct mf_row *baseline, *row; /* since: one of them is NULL where its report has no such cell */
    bool held;                           /* `contrast` is there */
    char why[MF_SAMPLES_WHY_BYTES];      /* not held: why; held: what speaks against trusting it, or empty */
    struct mf_contrast contrast;
    char *sentence; /* what may be quoted; of a pair that is not held, why nothing may */
};

struct mf_pairs {
    struct mf_pair *pair;
    uint32_t n;
    int32_t tests; /* how many p-values were adjusted together */
    const struct mf_rows *rows;
};

/* All rows but the baseline against it. -1 with INTERNAL: no memory. */
int mf_pairs_against(struct mf_pairs *pairs, const struct mf_rows *rows, struct mf_error *err);
/* Whether the rows are of two reports of the same scenario. */
bool mf_pairs_are_since(const struct mf_rows *rows);
/* The rows of the second report against those of the first, by the names of the cells. */
int mf_pairs_since(struct mf_pairs *pairs, const struct mf_rows *rows, struct mf_error *err);
void mf_pairs_done(struct mf_pairs *pairs);

/* The pair of a row; NULL: none. */
const struct mf_pair *mf_pairs_find(const struct mf_pairs *pairs, const struct mf_row *row);
/* The name of a pair's cell. */
const char *mf_pair_label(const struct mf_pair *pair);
/* "worse", "better", "no difference shown", "too few"; "not tested" where it is not held. */
const char *mf_pair_mark(const struct mf_pair *pair);
/* Whether it has become worse: FAIL where any pair is worse; else UNKNOWN where any could not be held, not be trusted,
 * or was of too few upgrades in anything; else PASS. */
enum mf_status mf_pairs_answer(const struct mf_pairs *pairs);
/* Calls line(ctx, text) with each reason for an UNKNOWN. */
void mf_pairs_doubts(const struct mf_pairs *pairs, void (*line)(void *ctx, const char *text), void *ctx);

/* For a person, below a table: a line for each pair, its mark first, and what it would take to say more. */
void mf_pairs_text(const struct mf_ink *ink, const struct mf_pairs *pairs);
void mf_pairs_markdown(FILE *out, const struct mf_pairs *pairs);

/* The sentence of a pair, allocated; NULL: no memory. */
char *mf_pair_sentence(const struct mf_pairs *pairs, const struct mf_pair *pair);
/* What it would take to say more: one line. There are tests. */
void mf_pairs_required(const struct mf_pairs *pairs, char *text, size_t size);

/* Columns of a CSV line, each with a comma before it; `pair` may be NULL (empty fields). */
void mf_pair_csv_head(FILE *out);
void mf_pair_csv(FILE *out, const struct mf_pair *pair);
/* A new reference; NULL: no memory. `pair` may be NULL: null. */
json_t *mf_pair_json(const struct mf_pair *pair);
/* How far the quantiles of spikes and blackouts lie apart (for plots): cell, measure, quantile, baseline_ms, cell_ms,
 * shift_ms, low_ms, high_ms, baseline_n, cell_n, interval_over; only quantiles that may be quoted. */
void mf_pairs_shift_csv(FILE *out, const struct mf_pairs *pairs);

#endif
