#include "report/junit.h"

#include <stdio.h>
#include <string.h>

#include "report/file.h"

enum ending { ENDING_PASS, ENDING_SKIPPED, ENDING_ERROR, ENDING_FAILURE, ENDING_COUNT };
static const char *const ending_tags[ENDING_COUNT] = {NULL, "skipped", "error", "failure"};

struct testcase {
    char name[256];
    enum ending ending;
    char message[(MF_TEXT_BYTES + 2) * MF_REASONS_MAX];
};

static void bound_print(char *text, size_t size, const struct mf_expect *e)
{
    if (e->word[0])
        snprintf(text, size, "= %s", e->word);
    else if (e->has_equal)
        snprintf(text, size, "= %.15g", e->equal);
    else if (e->has_min && e->has_max)
        snprintf(text, size, "in %.15g ... %.15g", e->min, e->max);
    else if (e->has_min)
        snprintf(text, size, ">= %.15g", e->min);
    else
        snprintf(text, size, "<= %.15g", e->max);
}

/* As mf_judge sees it: a wrong word is a failure, but "unknown" is no answer; a word wanted of a number can never hold.
 */
static bool expect_holds(const struct mf_expect *e, double number, const char *word)
{
    if (e->word[0] || word)
        return word && strcmp(word, e->word) == 0;
    return (!e->has_equal || number == e->equal) && (!e->has_min || number >= e->min) &&
           (!e->has_max || number <= e->max);
}

/* The name must stay the same from run to run, so it holds what was wanted and not what was measured. */
static void expect_case(struct testcase *c, const struct mf_report_cell *cell, const struct mf_expect *e)
{
    char bound[96];
    double number = 0;
    const char *word = NULL;
    bound_print(bound, sizeof bound, e);
    snprintf(c->name, sizeof c->name, "%s %s", e->key, bound);
    c->message[0] = '\0';
    int missing = cell->result ? mf_metric_get(cell->result, e->key, &number, &word) : 1;
    if (!cell->result || (cell->judgement && cell->judgement->verdict == MF_VERDICT_SKIPPED)) {
        c->ending = ENDING_SKIPPED;
        snprintf(c->message, sizeof c->message, "the cell was not run to an end");
    } else if (missing) {
        c->ending = ENDING_ERROR;
        snprintf(c->message, sizeof c->message, "%s: %s", e->key,
                 missing < 0 ? "no such metric" : "this run has no value for it");
    } else if (expect_holds(e, number, word)) {
        c->ending = ENDING_PASS;
    } else {
        c->ending = word && strcmp(word, "unknown") == 0 ? ENDING_ERROR : ENDING_FAILURE;
        if (word)
            snprintf(c->message, sizeof c->message, "%s is %s, wanted %s", e->key, word, bound);
        else
            snprintf(c->message, sizeof c->message, "%s is %.15g, wanted %s", e->key, number, bound);
    }
}

static void verdict_case(struct testcase *c, const struct mf_report_cell *cell)
{
    const struct mf_judgement *j = cell->judgement;
    size_t used = 0;
    snprintf(c->name, sizeof c->name, "verdict");
    c->message[0] = '\0';
    for (uint32_t i = 0; j && i < j->reasons && i < MF_REASONS_MAX; i++)
        used += (size_t)snprintf(c->message + used, sizeof c->message - used, "%s%s", i ? "; " : "", j->reason[i]);
    switch (j ? j->verdict : MF_VERDICT_SKIPPED) {
    case MF_VERDICT_PASS:
        c->ending = ENDING_PASS;
        break;
    case MF_VERDICT_SKIPPED:
        c->ending = ENDING_SKIPPED;
        break;
    case MF_VERDICT_UNKNOWN:
        c->ending = ENDING_ERROR;
        break;
    case MF_VERDICT_FAIL:
        c->ending = ENDING_FAILURE;
        break;
    }
}

static void case_print(FILE *out, const struct mf_report *report, const struct mf_report_cell *cell,
                       const struct testcase *c)
{
    fputs("    <testcase classname=\"", out);
    mf_file_xml(out, report->scenario);
    fputc('.', out);
    mf_file_xml(out, cell->name);
    fputs("\" name=\"", out);
    mf_file_xml(out, c->name);
    if (c->ending == ENDING_PASS) {
        fputs("\"/>\n", out);
        return;
    }
    fprintf(out, "\">\n      <%s message=\"", ending_tags[c->ending]);
    mf_file_xml(out, c->message);
    if (c->ending == ENDING_SKIPPED)
        fputs("\"/>\n", out);
    else
        fprintf(out, "\" type=\"%s\"/>\n", c->ending == ENDING_ERROR ? "unknown" : "expectation");
    fputs("    </testcase>\n", out);
}

/* Prints one cell (out NULL: only counts) and adds to the counts. */
static void cell_print(FILE *out, const struct mf_report *report, const struct mf_report_cell *cell, unsigned count[])
{
    struct testcase c;
    for (uint32_t i = 0; i <= cell->expect_count; i++) {
        if (i < cell->expect_count)
            expect_case(&c, cell, &cell->expect[i]);
        else
            verdict_case(&c, cell);
        count[c.ending]++;
        if (out)
            case_print(out, report, cell, &c);
    }
}

static void counts_print(FILE *out, const unsigned count[])
{
    fprintf(out, " tests=\"%u\" failures=\"%u\" errors=\"%u\" skipped=\"%u\">\n",
            count[ENDING_PASS] + count[ENDING_SKIPPED] + count[ENDING_ERROR] + count[ENDING_FAILURE],
            count[ENDING_FAILURE], count[ENDING_ERROR], count[ENDING_SKIPPED]);
}

/* The run that broke off is a testcase of its own: an empty junit.xml must not look like success. */
static void broken_print(FILE *out, const struct mf_report *report)
{
    if (!report->error && !report->interrupted)
        return;
    fputs(
        "  <testsuite name=\"run\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\">\n    <testcase classname=\"",
        out);
    mf_file_xml(out, report->scenario);
    fputs("\" name=\"the run came to its end\">\n      <error type=\"unknown\" message=\"", out);
    mf_file_xml(out, report->error ? report->error : "interrupted");
    fputs("\"/>\n    </testcase>\n  </testsuite>\n", out);
}

static void junit_print(FILE *out, const struct mf_report *report)
{
    unsigned all[ENDING_COUNT] = {0};
    for (uint32_t i = 0; i < report->cells_count; i++)
        cell_print(NULL, report, &report->cells[i], all);
    all[ENDING_ERROR] += report->error || report->interrupted;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"", out);
    mf_file_xml(out, report->scenario);
    fputc('"', out);
    counts_print(out, all);
    for (uint32_t i = 0; i < report->cells_count; i++) {
        unsigned count[ENDING_COUNT] = {0};
        cell_print(NULL, report, &report->cells[i], count);
        fputs("  <testsuite name=\"", out);
        mf_file_xml(out, report->cells[i].name);
        fputc('"', out);
        counts_print(out, count);
        cell_print(out, report, &report->cells[i], count);
        fputs("  </testsuite>\n", out);
    }
    broken_print(out, report);
    fputs("</testsuites>\n", out);
}

int mf_junit_write(const char *dir, const struct mf_report *report, struct mf_error *err)
{
    struct mf_file file;
    if (mf_file_open(&file, err) < 0)
        return -1;
    junit_print(file.out, report);
    return mf_file_save(&file, dir, "junit.xml", err);
}
