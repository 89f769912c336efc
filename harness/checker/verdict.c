#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "checker/questions.h"
#include "checker/result.h"

enum mf_verdict mf_verdict_worst(enum mf_verdict a, enum mf_verdict b)
{
    return a > b ? a : b;
}

static __attribute__((format(printf, 3, 4))) void judgement_add(struct mf_judgement *j, enum mf_verdict verdict,
                                                                const char *format, ...)
{
    va_list args;
    j->verdict = mf_verdict_worst(j->verdict, verdict);
    j->reasons++;
    if (j->reasons > MF_REASONS_MAX) {
        snprintf(j->reason[MF_REASONS_MAX - 1], MF_TEXT_BYTES, "... and %" PRIu32 " more",
                 j->reasons - MF_REASONS_MAX + 1);
        return;
    }
    va_start(args, format);
    vsnprintf(j->reason[j->reasons - 1], MF_TEXT_BYTES, format, args);
    va_end(args);
}

static void number_judge(const struct mf_expect *e, double number, struct mf_judgement *j)
{
    if (e->has_equal && number != e->equal)
        judgement_add(j, MF_VERDICT_FAIL, "%s is %.10g, expected %.10g", e->key, number, e->equal);
    if (e->has_min && number < e->min)
        judgement_add(j, MF_VERDICT_FAIL, "%s is %.10g, expected at least %.10g", e->key, number, e->min);
    if (e->has_max && number > e->max)
        judgement_add(j, MF_VERDICT_FAIL, "%s is %.10g, expected at most %.10g", e->key, number, e->max);
}

static void expect_judge(const struct mf_result *r, const struct mf_expect *e, struct mf_judgement *j)
{
    double number = 0;
    const char *word = NULL;
    int got = mf_metric_get(r, e->key, &number, &word);
    if (got < 0)
        judgement_add(j, MF_VERDICT_UNKNOWN, "%s is no metric", e->key);
    else if (got > 0)
        judgement_add(j, MF_VERDICT_UNKNOWN, "%s has no value in this run", e->key);
    else if (!word && e->word[0])
        judgement_add(j, MF_VERDICT_UNKNOWN, "%s is a number, the word %s was expected", e->key, e->word);
    else if (!word)
        number_judge(e, number, j);
    else if (strcmp(word, e->word) != 0)
        judgement_add(j, strcmp(word, "unknown") == 0 ? MF_VERDICT_UNKNOWN : MF_VERDICT_FAIL, "%s is %s, expected %s",
                      e->key, word, e->word);
}

/* What went wrong then was meant to, and is shown; what became of it is for the expectations to judge. */
static bool something_was_broken(const struct mf_result *r)
{
    for (uint32_t i = 0; i < r->faults_count; i++)
        if (r->faults[i].fired && !r->faults[i].noop)
            return true;
    return false;
}

static void faults_judge(const struct mf_result *r, struct mf_judgement *j)
{
    for (uint32_t i = 0; i < r->faults_count; i++) {
        const struct mf_fault_result *f = r->faults + i;
        if (!f->fired)
            judgement_add(j, MF_VERDICT_UNKNOWN, "faults[%" PRIu32 "] (%s) did not fire: %.180s", f->row, f->fault,
                          f->what);
    }
}

static void books_judge(const struct mf_result *r, struct mf_judgement *j)
{
    if (r->due == 0)
        judgement_add(j, MF_VERDICT_UNKNOWN, "no ping was due");
    if (r->unfinished_workers)
        judgement_add(j, MF_VERDICT_UNKNOWN, "%" PRIu32 " load workers did not finish", r->unfinished_workers);
    if (!r->balanced)
        judgement_add(j, MF_VERDICT_UNKNOWN,
                      "the books do not balance: %" PRIu64 " due, %" PRIu64 " replies, %" PRIu32 " workers off", r->due,
                      r->replies, r->unbalanced_workers);
    if (r->outcome[MF_OUTCOME_NOT_SENT])
        judgement_add(j, MF_VERDICT_UNKNOWN, "the load itself could not send %" PRIu64 " pings",
                      r->outcome[MF_OUTCOME_NOT_SENT]);
    if (r->target.died && !something_was_broken(r))
        judgement_add(j, MF_VERDICT_UNKNOWN, "the target died unasked %" PRIu32 " times: %.180s", r->target.died,
                      r->target.died_text);
}

static void instrument_judge(const struct mf_result *r, const struct mf_proof *proof, struct mf_judgement *j)
{
    double wanted = proof->rate_min_share * proof->asked_rate_per_s;
    if (wanted > 0 && r->achieved_rate_per_s < wanted)
        judgement_add(j, MF_VERDICT_UNKNOWN, "the rate was not held: %.6g of %.6g pings/s", r->achieved_rate_per_s,
                      proof->asked_rate_per_s);
    if (r->tainted_fraction > proof->tainted_max_share)
        judgement_add(j, MF_VERDICT_UNKNOWN, "the instrument itself was late in %.3g of the time, over %.3g",
                      r->tainted_fraction, proof->tainted_max_share);
    if (r->steal_fraction > proof->tainted_max_share)
        judgement_add(j, MF_VERDICT_UNKNOWN, "the machine's host took %.3g of its processors' time, over %.3g",
                      r->steal_fraction, proof->tainted_max_share);
}

static bool expects(const struct mf_expect *expect, uint32_t n, const char *key, const char *word)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(expect[i].key, key) == 0 && (!word || strcmp(expect[i].word, word) == 0))
            return true;
    return false;
}

/* Whether the new version ever answered. An upgrade that the next one overtook, with all its answers, proves little
 * about the code, but its losses are losses. */
static bool new_code_seen(const struct mf_result *r)
{
    for (uint32_t k = 0; k < r->upgrades_count; k++)
        if (r->upgrades[k].outcome == MF_UPGRADE_COMMITTED && r->upgrades[k].new_answers > 0 &&
            r->upgrades[k].version_from != r->upgrades[k].version_to)
            return true;
    return false;
}

/* Where old and new code stand side by side (reuseport), one may answer after the other until the commit: a scenario
 * that says how often knows of it. The new code must have been seen all the same, and nothing old after a commit. */
static bool copies_expected(const struct mf_result *r, const struct mf_expect *expect, uint32_t n)
{
    return expects(expect, n, "regressed", NULL) && r->extra[MF_EXTRA_STALE] == 0 && new_code_seen(r);
}

static void upgrades_judge(const struct mf_result *r, const struct mf_expect *expect, uint32_t n,
                           const struct mf_proof *proof, struct mf_judgement *j)
{
    if (r->upgrades_planned == 0)
        return;
    uint64_t in_flight = mf_result_in_flight(r);
    uint32_t ended = r->committed + r->rolled_back + r->failed;
    if (r->fired < r->upgrades_planned)
        judgement_add(j, MF_VERDICT_UNKNOWN, "%" PRIu32 " of %" PRIu32 " planned upgrades fired", r->fired,
                      r->upgrades_planned);
    if (ended < r->fired)
        judgement_add(j, MF_VERDICT_UNKNOWN, "%" PRIu32 " upgrades have not ended", r->fired - ended);
    if (in_flight < proof->in_flight_min)
        judgement_add(j, MF_VERDICT_UNKNOWN,
                      "%" PRIu64 " pings were in flight at the upgrades, at least %" PRIu64 " are needed", in_flight,
                      proof->in_flight_min);
    if (!r->target.exchanges)
        return;
    /* an upgrade that came to nothing proves nothing, unless that is what was to be shown */
    bool outcome_expected = expects(expect, n, "upgrades.committed", NULL) ||
                            expects(expect, n, "upgrades.rolled_back", NULL) ||
                            expects(expect, n, "upgrades.failed", NULL) || something_was_broken(r);
    const struct mf_question_answer *code = r->question + MF_QUESTION_CODE;
    if (r->committed == 0) {
        if (!outcome_expected)
            judgement_add(j, MF_VERDICT_UNKNOWN, "no upgrade was committed");
    } else if (r->target.gives_version && (code->answer == MF_ANSWER_NO || !new_code_seen(r)) &&
               !copies_expected(r, expect, n) && !expects(expect, n, "questions.code", mf_answer_keys[code->answer])) {
        judgement_add(j, MF_VERDICT_UNKNOWN, "the new code is not proved to run: %.200s", code->evidence);
    }
}

/* A state in which nothing was held shows nothing. */
static void wire_judge(const struct mf_result *r, struct mf_judgement *j)
{
    for (uint32_t i = 0; i < MF_WIRE_STATE_COUNT; i++)
        if (r->wire_states & 1u << i && r->wire[i].placed < r->fired)
            judgement_add(j, MF_VERDICT_UNKNOWN,
                          "wire state %s: a probe was placed at %" PRIu64 " of %" PRIu32 " upgrades",
                          mf_wire_state_keys[i], r->wire[i].placed, r->fired);
    if (r->probes.outcome[MF_OUTCOME_NOT_SENT])
        judgement_add(j, MF_VERDICT_UNKNOWN, "the load itself could not send %" PRIu64 " pings of probes",
                      r->probes.outcome[MF_OUTCOME_NOT_SENT]);
}

void mf_judge(const struct mf_result *r, const struct mf_expect *expect, uint32_t n, const struct mf_proof *proof,
              struct mf_judgement *j)
{
    *j = (struct mf_judgement){.verdict = MF_VERDICT_PASS};
    for (uint32_t i = 0; i < n; i++)
        expect_judge(r, expect + i, j);
    books_judge(r, j);
    faults_judge(r, j);
    upgrades_judge(r, expect, n, proof, j);
    wire_judge(r, j);
    instrument_judge(r, proof, j);
    if (j->reasons > MF_REASONS_MAX)
        j->reasons = MF_REASONS_MAX;
}
