/* Cells held against each other, through whole result folders: run.json is written, read back, tested, told. */
#include "fixture.h"

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/clock.h"
#include "base/rng.h"

/* What each upgrade of a made-up cell is drawn from. */
struct recipe {
    const char *cell; /* "strategy=<this>" */
    double stall_ms;  /* on top of every spike */
    uint64_t lost;    /* by every second upgrade */
    uint32_t runs, upgrades;
    bool unknown; /* its verdict */
};

/* Log-normal jitter, now and then a hiccup, in one of fifty nothing (tainted). */
static double spike_draw(struct mf_rng *rng)
{
    double normal = -6;
    for (int k = 0; k < 12; k++)
        normal += mf_rng_unit(rng);
    double hiccup = mf_rng_below(rng, 12) == 0 ? 3 * mf_rng_exponential(rng) : 0;
    return mf_rng_below(rng, 50) == 0 ? -1 : 0.15 * exp(0.6 * normal) + hiccup;
}

static void run_fill(struct mf_result *r, const struct recipe *recipe, struct mf_rng *rng)
{
    r->upgrades = calloc(recipe->upgrades + 1, sizeof *r->upgrades);
    r->spread_room = calloc(recipe->upgrades + 1, sizeof *r->spread_room);
    cr_assert(r->upgrades != NULL && r->spread_room != NULL);
    r->upgrades_planned = r->upgrades_count = recipe->upgrades + 1;
    for (uint32_t i = 0; i < recipe->upgrades; i++) {
        struct mf_upgrade_result *u = &r->upgrades[i];
        double spike_ms = spike_draw(rng);
        *u = (struct mf_upgrade_result){.fired = true, .outcome = MF_UPGRADE_COMMITTED, .trigger_outcome = -1};
        u->lost = i % 2 ? recipe->lost : 0;
        u->dirty = u->lost > 0;
        u->spike_ns = spike_ms < 0 ? -1 : (int64_t)((spike_ms + recipe->stall_ms) * 1e6);
        u->blackout_ns = (int64_t)(recipe->stall_ms * 1e6);
    }
    /* the last of them never fired: it must not count */
    r->upgrades[recipe->upgrades] = (struct mf_upgrade_result){.trigger_outcome = -1, .spike_ns = 1, .lost = 1000};
    mf_result_derive(r);
}

static void cell_write(const char *folder, const struct recipe *recipe, struct mf_report_cell *cell,
                       struct mf_result *all, struct mf_rng *rng)
{
    struct mf_error err = {0};
    char dir[512];
    cr_assert(eq(int, mf_result_init(all, &err), 0));
    snprintf(dir, sizeof dir, "%s/cells/%s", folder, cell->name);
    cr_assert(eq(int, mkdir(dir, 0777), 0));
    for (uint32_t run = 1; run <= recipe->runs; run++) {
        struct mf_result result;
        cr_assert(eq(int, mf_result_init(&result, &err), 0));
        run_fill(&result, recipe, rng);
        snprintf(dir, sizeof dir, "%s/cells/%s/run-%u", folder, cell->name, run);
        cr_assert(eq(int, mkdir(dir, 0777), 0));
        struct mf_report_cell one = *cell;
        one.result = &result;
        cr_assert(eq(int, mf_report_write_run(dir, &one, &err), 0), "%s: %s", err.place, err.text);
        mf_result_done(&result);
    }
}

/* A result folder with one cell for each recipe (up to four). */
static char *results_write(const char *scenario, const struct recipe *recipe, uint32_t n, uint64_t seed)
{
    struct mf_report_cell cell[4];
    struct mf_report_parameter parameter[4];
    struct mf_result result[4];
    struct mf_judgement judgement[4] = {0};
    char name[4][64], dir[512];
    struct mf_error err = {0};
    struct mf_rng rng;
    mf_rng_init(&rng, seed, 1);
    char *folder = folder_new();
    snprintf(dir, sizeof dir, "%s/cells", folder);
    cr_assert(eq(int, mkdir(dir, 0777), 0));
    for (uint32_t i = 0; i < n; i++) {
        snprintf(name[i], sizeof name[i], "strategy=%s", recipe[i].cell);
        parameter[i] = (struct mf_report_parameter){"target.node.strategy", recipe[i].cell};
        if (recipe[i].unknown) {
            judgement[i].verdict = MF_VERDICT_UNKNOWN;
            judgement[i].reasons = 1;
            snprintf(judgement[i].reason[0], MF_TEXT_BYTES, "the instrument was late");
        }
        cell[i] = (struct mf_report_cell){.name = name[i],
                                          .parameters = &parameter[i],
                                          .parameters_count = 1,
                                          .result = &result[i],
                                          .judgement = &judgement[i],
                                          .runs_count = recipe[i].runs,
                                          .asked_load = "open, 20000/s"};
        cell_write(folder, &recipe[i], &cell[i], &result[i], &rng);
    }
    struct mf_report report = {.scenario = scenario, .seed = seed, .cells = cell, .cells_count = n};
    cr_assert(eq(int, mf_report_write(folder, &report, &err), 0), "%s: %s", err.place, err.text);
    for (uint32_t i = 0; i < n; i++)
        mf_result_done(&result[i]);
    return folder;
}

static int on_entry(const char *path, const struct stat *s, int kind, struct FTW *ftw)
{
    (void)s;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void results_remove(char *folder)
{
    cr_assert(eq(int, nftw(folder, on_entry, 16, FTW_DEPTH | FTW_PHYS), 0));
    free(folder);
}

static char *compared(const char *a, const char *b, struct mf_table_style style, enum mf_status *status)
{
    const char *const paths[] = {a, b};
    char *text = NULL;
    size_t size = 0;
    struct mf_error err = {0};
    FILE *out = open_memstream(&text, &size);
    style.columns = 120;
    cr_assert(eq(int, mf_compare_judged(out, paths, b ? 2 : 1, &style, status, &err), 0), "%s: %s", err.place,
              err.text);
    fclose(out);
    return text;
}

/* The mark of the cell `name` against the baseline `none`, by the JSON. */
static char *mark_of(const char *folder, const char *name)
{
    enum mf_status status;
    char *text = compared(folder, NULL, (struct mf_table_style){.format = MF_TABLE_JSON, .baseline = "none"}, &status);
    json_t *root = json_loads(text, 0, NULL), *cell;
    char *mark = NULL;
    size_t i;
    cr_assert(root != NULL);
    json_array_foreach(json_object_get(root, "cells"), i,
                       cell) if (strstr(json_string_value(json_object_get(cell, "cell")), name)) mark =
        strdup(json_string_value(json_object_get(json_object_get(cell, "against"), "mark")));
    cr_assert(mark != NULL);
    json_decref(root);
    free(text);
    return mark;
}

/* Of 20 seeded tries, 20 upgrades a side, how many give `wanted`. */
static int tries_marked(double stall_ms, const char *wanted)
{
    int marked = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        const struct recipe recipe[] = {{.cell = "none", .runs = 2, .upgrades = 10},
                                        {.cell = "other", .runs = 2, .upgrades = 10, .stall_ms = stall_ms}};
        char *folder = results_write("tries", recipe, 2, seed), *mark = mark_of(folder, "other");
        marked += strcmp(mark, wanted) == 0;
        free(mark);
        results_remove(folder);
    }
    return marked;
}

Test(pairs, none_against_none_shows_no_difference)
{
    cr_expect(ge(int, tries_marked(0, "no difference shown"), 18));
}

Test(pairs, a_stall_of_5_ms_is_worse_every_time)
{
    cr_expect(eq(int, tries_marked(5, "worse"), 20));
}

Test(pairs, sentences_say_sizes_units_and_p)
{
    const struct recipe recipe[] = {{.cell = "none", .runs = 5, .upgrades = 10},
                                    {.cell = "loses", .runs = 5, .upgrades = 10, .lost = 12}};
    enum mf_status status;
    char *folder = results_write("sentences", recipe, 2, 3);
    char *text = compared(folder, NULL, (struct mf_table_style){.format = MF_TABLE_CSV, .baseline = "none"}, &status);
    cr_expect(eq(int, (int)status, MF_STATUS_PASS));
    static const char *const wanted[] = {
        "loses against none: 25 of 50 vs 0 of 50 upgrades dirty, worse (Fisher p < 0.0001); lost per upgrade 6 vs 0: "
        "+6 "
        "[6, 6], worse (permutation p < 0.0001); spikes median ",
        ", no difference shown (Mann-Whitney p = ", "blackouts median 0 ms [0, 0], no difference shown",
        "; p adjusted by Holm over 4 tests; [95 %] over 5 and 5 runs"};
    for (unsigned i = 0; i < 4; i++)
        cr_expect(strstr(text, wanted[i]) != NULL, "%s\nis not in:\n%s", wanted[i], text);
    free(text);
    text = compared(folder, NULL, (struct mf_table_style){.baseline = "none"}, &status);
    cr_expect(strstr(text, "\nworse: loses against none: 25 of 50") != NULL, "%s", text);
    free(text);
    text = compared(folder, NULL, (struct mf_table_style){.format = MF_TABLE_MARKDOWN, .baseline = "none"}, &status);
    cr_expect(strstr(text, "\n- **worse**: loses against none: 25 of 50") != NULL, "%s", text);
    free(text);
    results_remove(folder);
}

Test(pairs, few_upgrades_get_no_p_value)
{
    const struct recipe recipe[] = {{.cell = "none", .runs = 1, .upgrades = 4},
                                    {.cell = "few", .runs = 1, .upgrades = 4, .lost = 50, .stall_ms = 20}};
    enum mf_status status;
    char *folder = results_write("few", recipe, 2, 3);
    char *text = compared(folder, NULL, (struct mf_table_style){.format = MF_TABLE_CSV, .baseline = "none"}, &status);
    cr_expect(strstr(text, "too few for a p-value: 5 a side are needed") != NULL, "%s", text);
    cr_expect(strstr(text, "p = ") == NULL, "%s", text);
    free(text);
    results_remove(folder);
}

/* The stall of 7 ms shows at every quantile. */
Test(pairs, shift_columns)
{
    const struct recipe recipe[] = {{.cell = "none", .runs = 5, .upgrades = 30},
                                    {.cell = "slow", .runs = 5, .upgrades = 30, .stall_ms = 7}};
    enum mf_status status;
    char *folder = results_write("shift", recipe, 2, 4);
    char *text = compared(folder, NULL, (struct mf_table_style){.format = MF_TABLE_SHIFT, .baseline = "none"}, &status);
    unsigned lines = 0;
    for (const char *line = strchr(text, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
        double q, base, cell, shift, low, high;
        unsigned n, m;
        char measure[32], over[16];
        cr_assert(eq(int,
                     sscanf(line, " strategy=slow,%31[^,],%lf,%lf,%lf,%lf,%lf,%lf,%u,%u,%15s", measure, &q, &base,
                            &cell, &shift, &low, &high, &n, &m, over),
                     10),
                  "%s", line);
        lines++;
        cr_expect(lt(dbl, fabs(shift - 7), 1), "%s", line);
        cr_expect(lt(dbl, fabs(cell - base - shift), 1e-9), "%s", line);
        cr_expect(low <= shift && shift <= high, "%s", line);
        cr_expect(strcmp(over, "runs") == 0);
    }
    cr_expect(eq(u32, lines, 18)); /* 150 upgrades have ten beyond 0.1 and 0.9, both for spikes and blackouts */
    free(text);
    results_remove(folder);
    struct mf_error err = {0};
    const char *path = GOLDEN_DIR "/usual";
    struct mf_table_style style = {.format = MF_TABLE_SHIFT};
    cr_expect(eq(int, mf_compare_judged(stdout, &path, 1, &style, &status, &err), -1));
    cr_expect(eq(int, (int)err.status, MF_STATUS_USAGE));
}

/* Compares two folders of those recipes, in all formats; each must say the same status. Returns the text. */
static char *since(const char *scenario, const struct recipe *old, uint32_t n, const struct recipe *new, uint32_t m,
                   enum mf_status wanted)
{
    char *a = results_write("since", old, n, 5), *b = results_write(scenario, new, m, 6), *text = NULL;
    static const char *const worse[] = {[MF_STATUS_PASS] = "\"worse\": \"no\"",
                                        [MF_STATUS_FAIL] = "\"worse\": \"yes\"",
                                        [MF_STATUS_UNKNOWN] = "\"worse\": \"unknown\""};
    for (int format = MF_TABLE_JSON; format >= MF_TABLE_TEXT; format--) {
        enum mf_status status;
        free(text);
        text = compared(a, b, (struct mf_table_style){.format = (enum mf_table_format)format}, &status);
        cr_expect(eq(int, (int)status, (int)wanted), "format %d: %s", format, text);
        if (format == MF_TABLE_JSON && strcmp(scenario, "since") == 0)
            cr_expect(strstr(text, worse[wanted]) != NULL, "%s", text);
    }
    results_remove(a);
    results_remove(b);
    return text;
}

Test(since, worse_is_a_failure)
{
    const struct recipe old[] = {{.cell = "none", .runs = 5, .upgrades = 10},
                                 {.cell = "swap", .runs = 5, .upgrades = 10}};
    const struct recipe new[] = {{.cell = "none", .runs = 5, .upgrades = 10},
                                 {.cell = "swap", .runs = 5, .upgrades = 10, .stall_ms = 5}};
    char *text = since("since", old, 2, new, 2, MF_STATUS_FAIL);
    cr_expect(strstr(text, "? yes\n") != NULL, "%s", text);
    cr_expect(strstr(text, "\nnone  no difference shown    0/50  0/50") != NULL, "%s", text);
    cr_expect(strstr(text, "\nswap  worse                  0/50  0/50") != NULL, "%s", text);
    free(text);
    const struct recipe loses[] = {{.cell = "none", .runs = 5, .upgrades = 10},
                                   {.cell = "swap", .runs = 5, .upgrades = 10, .lost = 3}};
    free(since("since", old, 2, loses, 2, MF_STATUS_FAIL));
}

Test(since, the_same_or_better_is_a_pass)
{
    const struct recipe old[] = {{.cell = "swap", .runs = 5, .upgrades = 10, .stall_ms = 5}};
    const struct recipe new[] = {{.cell = "swap", .runs = 5, .upgrades = 10}};
    char *text = since("since", old, 1, old, 1, MF_STATUS_PASS);
    cr_expect(strstr(text, "? not shown\n") != NULL, "%s", text);
    free(text);
    text = since("since", old, 1, new, 1, MF_STATUS_PASS);
    cr_expect(strstr(text, "\nbetter: swap, ") != NULL, "%s", text);
    free(text);
}

/* What could not be tested is no pass. */
Test(since, what_cannot_be_told_is_unknown)
{
    const struct recipe both[] = {{.cell = "none", .runs = 5, .upgrades = 10},
                                  {.cell = "swap", .runs = 5, .upgrades = 10}};
    const struct recipe few[] = {{.cell = "swap", .runs = 1, .upgrades = 4}};
    const struct recipe doubtful[] = {{.cell = "swap", .runs = 5, .upgrades = 10, .unknown = true}};
    char *text = since("since", both, 2, both + 1, 1, MF_STATUS_UNKNOWN);
    cr_expect(strstr(text, "unknown: none: the cell is missing in ") != NULL, "%s", text);
    free(text);
    text = since("since", few, 1, few, 1, MF_STATUS_UNKNOWN);
    cr_expect(strstr(text, "unknown: swap: upgrades dirty: 4 new and 4 old values, 5 each are needed") != NULL, "%s",
              text);
    free(text);
    text = since("since", both + 1, 1, doubtful, 1, MF_STATUS_UNKNOWN);
    cr_expect(strstr(text, "the verdict of swap is unknown: the instrument was late") != NULL, "%s", text);
    free(text);
}

Test(since, reports_of_other_scenarios_stand_side_by_side)
{
    const struct recipe old[] = {{.cell = "swap", .runs = 1, .upgrades = 10}};
    const struct recipe new[] = {{.cell = "swap", .runs = 1, .upgrades = 10, .lost = 100}};
    char *text = since("another", old, 1, new, 1, MF_STATUS_PASS);
    cr_expect(strstr(text, "become worse") == NULL, "%s", text);
    free(text);
}
