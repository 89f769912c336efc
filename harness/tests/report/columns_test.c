/* intervals.csv, upgrades.csv, overlay.csv and the histograms. */
#include "fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/rng.h"
#include "report/columns.h"

/* The text that `print` gives. */
#define PRINTED(text, call)                                                                                            \
    do {                                                                                                               \
        size_t printed_size = 0;                                                                                       \
        FILE *out = open_memstream(&(text), &printed_size);                                                            \
        call;                                                                                                          \
        fclose(out);                                                                                                   \
    } while (0)

/* Cuts an RFC 4180 record at *at into fields (NUL-terminated, in place); returns how many. */
static unsigned record_cut(char **at, char **field, unsigned max)
{
    unsigned n = 0;
    char *in = *at, end;
    do {
        char *to = in;
        bool quoted = *in == '"';
        cr_assert(n < max);
        field[n++] = to;
        for (in += quoted; *in && (quoted || (*in != ',' && *in != '\n')); in++) {
            if (quoted && *in == '"') {
                if (in[1] != '"') {
                    quoted = false;
                    continue;
                }
                in++;
            }
            *to++ = *in;
        }
        end = *in++;
        *to = '\0';
    } while (end == ',');
    *at = in;
    return n;
}

Test(columns, interval_sums_are_the_totals)
{
    struct fixture *f = fixture_new();
    char *text = NULL, *field[9];
    PRINTED(text, mf_columns_intervals(out, &f->result[0]));
    char *at = strchr(text, '\n') + 1;
    uint64_t due = 0, answered = 0, bad = 0, lost = 0, replies = 0, tainted = 0, rows = 0;
    while (*at) {
        cr_assert(eq(uint, record_cut(&at, field, 9), 9));
        cr_assert(eq(dbl, atof(field[0]), (double)rows * 10));
        due += strtoull(field[1], NULL, 10);
        answered += strtoull(field[2], NULL, 10);
        bad += strtoull(field[3], NULL, 10);
        lost += strtoull(field[4], NULL, 10);
        replies += strtoull(field[5], NULL, 10);
        tainted += strtoull(field[8], NULL, 10);
        rows++;
    }
    cr_assert(eq(ulong, rows, 31));
    cr_assert(eq(ulong, due, f->result[0].due));
    cr_assert(eq(ulong, answered + bad, due));
    cr_assert(eq(ulong, answered, f->result[0].outcome[MF_OUTCOME_ANSWERED]));
    cr_assert(eq(ulong, lost, f->result[0].outcome[MF_OUTCOME_LOST]));
    cr_assert(eq(ulong, replies, f->result[0].replies));
    cr_assert(eq(ulong, tainted, 1));
    free(text);
    fixture_free(f);
}

Test(columns, an_interval_without_an_answer_has_no_response)
{
    struct mf_bin bin[2] = {{.due = 1, .bad = 1, .lost = 1},
                            {.due = 3, .answered = 3, .replies = 3, .response_sum_ns = 6000, .response_max_ns = 3500}};
    struct mf_result r = {.bins = 2, .bin_ns = 20000000, .bin = bin};
    char *text = NULL;
    PRINTED(text, mf_columns_intervals(out, &r));
    text_check(strchr(text, '\n') + 1, "0,1,0,1,1,0,,,0\n20,3,3,0,0,3,2.000,3.500,0\n");
    free(text);
}

Test(columns, upgrades_have_a_row_each_and_quote_what_is_hostile)
{
    struct fixture *f = fixture_new();
    char *text = NULL, *head[64], *field[64];
    PRINTED(text, mf_columns_upgrades(out, &f->result[0]));
    char *at = text;
    unsigned columns = record_cut(&at, head, 64), rows = 0;
    text_check(head[columns - 1], "reason");
    for (; *at; rows++) {
        cr_assert(eq(uint, record_cut(&at, field, 64), columns));
        for (unsigned i = 0; i < columns; i++) {
            if (strcmp(head[i], "outcome") == 0)
                text_check(field[i], (rows == 0 ? "committed" : rows == 1 ? "failed" : "not_fired"));
            if (strcmp(head[i], "lost") == 0)
                text_check(field[i], (rows == 0 ? "5" : "0"));
            if (strcmp(head[i], "requested_ms") == 0)
                text_check(field[i], (rows == 0 ? "100" : rows == 1 ? "140" : ""));
            if (strcmp(head[i], "committed_ms") == 0 && rows == 0)
                text_check(field[i], "1.5");
            if (strcmp(head[i], "threads_ended") == 0)
                text_check(field[i], "");
            if (strcmp(head[i], "trigger_outcome") == 0)
                text_check(field[i], (rows == 0 ? "lost" : ""));
        }
        if (rows == 1) /* the one byte that is no UTF-8 is replaced, all else comes back as it was */
            text_check(field[columns - 1], "a\"b<c>&'d',\n\033[31m\xef\xbf\xbd\xc3\xa9|`=1+1");
    }
    cr_assert(eq(uint, rows, 3));
    free(text);
    fixture_free(f);
}

Test(columns, overlay_takes_each_upgrade_at_its_own_zero)
{
    struct fixture *f = fixture_new();
    char *text = NULL, *field[6];
    PRINTED(text, cr_assert(mf_columns_overlay(out, &f->result[0]) == 0));
    char *at = strchr(text, '\n') + 1;
    int offset = -50;
    uint64_t lost = 0;
    for (; *at; offset++) {
        cr_assert(eq(uint, record_cut(&at, field, 6), 6));
        cr_assert(eq(int, atoi(field[0]), offset));
        lost += strtoull(field[5], NULL, 10);
        /* upgrades 0 and 1 fired at 100 and 140 ms; the third never did */
        cr_assert(eq(int, atoi(field[1]), 2));
        cr_assert(eq(dbl, atof(field[2]), 100.0 + 100 + offset)); /* nearest rank: the lower of two */
        cr_assert(eq(dbl, atof(field[4]), 100.0 + 140 + offset));
    }
    cr_assert(eq(int, offset, 150));
    cr_assert(eq(ulong, lost, 10)); /* the five lost lie in both upgrades' surroundings */
    free(text);
    fixture_free(f);
}

Test(columns, overlay_steps_by_the_bin_where_that_is_wider)
{
    struct mf_bin bin[20] = {{0}};
    struct mf_upgrade_result u = {.fired = true, .requested_ns = 100000000};
    struct mf_result r = {.bins = 20, .bin_ns = 20000000, .bin = bin, .upgrades = &u, .upgrades_count = 1};
    char *text = NULL;
    bin[5] = (struct mf_bin){.due = 1, .answered = 1, .response_max_ns = 7000};
    PRINTED(text, cr_assert(mf_columns_overlay(out, &r) == 0));
    cr_assert(strstr(text, "\n-40,0,,,,0\n-20,0,,,,0\n0,1,7.000,7.000,7.000,0\n20,0,,,,0\n") != NULL, "%s", text);
    cr_assert(strstr(text, "\n120,0,,,,0\n") != NULL && strstr(text, "\n140,") == NULL);
    free(text);
}

static void hgrm_hold(const struct mf_hist *h)
{
    char *text = NULL;
    PRINTED(text, mf_columns_hgrm(out, h));
    cr_assert(strncmp(text, "       Value     Percentile TotalCount 1/(1-Percentile)\n\n", 56) == 0);
    char *line = strstr(text, "\n\n") + 2;
    double value, share, odds, last = 0;
    unsigned long long total;
    unsigned lines = 0;
    for (; line[0] != '#'; line = strchr(line, '\n') + 1, lines++) {
        int n = sscanf(line, "%lf %lf %llu %lf", &value, &share, &total, &odds);
        bool is_last = strchr(line, '\n')[1] == '#';
        cr_assert(eq(int, n >= 4 && !is_last ? 4 : 3, is_last ? 3 : 4));
        cr_assert(share >= last && value >= 0);
        /* the share is printed to 12 digits, so the rank may be off by one just where it is whole */
        cr_assert(value * 1e6 > (double)mf_hist_quantile(h, share - 1e-11) - 1 &&
                      value * 1e6 < (double)mf_hist_quantile(h, share + 1e-11) + 1,
                  "at %f: %f", share, value);
        uint64_t below = 0;
        for (uint32_t i = 0; i < MF_HIST_BUCKETS && mf_hist_bucket_low(i) <= (uint64_t)llround(value * 1e6); i++)
            below += h->buckets[i];
        cr_assert(h->saturated || below == total);
        last = share;
    }
    cr_assert(eq(dbl, last, h->count ? 1.0 : 0.0));
    cr_assert(eq(ulong, total = lines ? total : 0, h->count));
    cr_assert(strstr(line, "#[Mean    =") != NULL && strstr(line, "#[Max     =") != NULL &&
              strstr(line, "#[Buckets =") != NULL);
    cr_assert(strstr(text, "nan") == NULL && strstr(text, "inf") == NULL);
    free(text);
}

Test(columns, hgrm_says_the_histogram_s_quantiles)
{
    struct mf_hist *h = malloc(sizeof *h);
    struct mf_rng rng;
    mf_rng_init(&rng, 1, 1);
    mf_hist_init(h);
    hgrm_hold(h);
    mf_hist_add(h, 0);
    hgrm_hold(h);
    for (int i = 0; i < 200000; i++)
        mf_hist_add(h, (uint64_t)(mf_rng_exponential(&rng) * 80000));
    hgrm_hold(h);
    mf_hist_add(h, 1ULL << 42); /* out of range: counted as saturated, and still the maximum */
    hgrm_hold(h);
    free(h);
}

Test(columns, hgrm_of_few_values_is_as_hdrhistogram_prints_it)
{
    struct mf_hist *h = malloc(sizeof *h);
    char *text = NULL;
    mf_hist_init(h);
    for (int i = 0; i < 3; i++)
        mf_hist_add(h, 500);
    mf_hist_add(h, 1000000000);
    PRINTED(text, mf_columns_hgrm(out, h));
    golden_check("four.hgrm", text);
    free(text);
    free(h);
}
