/* plan.txt: what was to happen, in numbers, and what became of it. */
#include <inttypes.h>

#include "report/file.h"
#include "report/report.h"
#include "report/upgrade.h"

static void bad_print(FILE *out, const struct mf_upgrade_result *u)
{
    static const enum mf_extra extras[] = {MF_EXTRA_DUPLICATED, MF_EXTRA_REORDERED, MF_EXTRA_STALE};
    const char *separator = "; ";
    for (int i = MF_OUTCOME_ANSWERED + 1; i < MF_OUTCOME_COUNT; i++)
        if (u->outcomes[i]) {
            fprintf(out, "%s%s %" PRIu64, separator, mf_outcome_keys[i], u->outcomes[i]);
            separator = ", ";
        }
    for (unsigned i = 0; i < sizeof extras / sizeof extras[0]; i++)
        if (u->extras[extras[i]]) {
            fprintf(out, "%s%s %" PRIu64, separator, mf_extra_keys[extras[i]], u->extras[extras[i]]);
            separator = ", ";
        }
    if (separator[0] == ';')
        fputs("; nothing bad", out);
}

static void trigger_print(FILE *out, const struct mf_upgrade_result *u)
{
    if (!u->has_trigger)
        return;
    const char *stage = mf_upgrade_stage(u), *outcome = mf_upgrade_trigger_outcome(u);
    fprintf(out, " on ping %" PRIu64 " of stream %" PRIu32 " for process %" PRIu32, u->trigger_seq, u->trigger_stream,
            u->trigger_process);
    if (stage)
        fprintf(out, " (%s%s)", stage, u->trigger_held ? ", held" : "");
    fprintf(out, ", which ended %s", outcome ? outcome : "unknown");
}

static void end_print(FILE *out, const struct mf_upgrade_result *u)
{
    static const struct {
        enum mf_upgrade_outcome outcome;
        enum mf_phase phase;
        const char *text;
    } end[] = {{MF_UPGRADE_COMMITTED, MF_PHASE_COMMITTED, "committed"},
               {MF_UPGRADE_ROLLED_BACK, MF_PHASE_ROLLED_BACK, "rolled back"},
               {MF_UPGRADE_FAILED, MF_PHASE_FAILED, "failed"}};
    for (unsigned i = 0; i < sizeof end / sizeof end[0]; i++) {
        if (u->outcome != end[i].outcome)
            continue;
        fprintf(out, "; %s", end[i].text);
        if (u->phase_ns[end[i].phase] >= 0)
            fprintf(out, " after %.3f ms", (double)u->phase_ns[end[i].phase] / 1e6);
    }
}

/* Why this entry is marked; NULL: it went as planned. */
static const char *upgrade_mark(const struct mf_upgrade_result *u, enum mf_verdict verdict)
{
    if (!u->fired)
        return "never fired";
    if (u->outcome == MF_UPGRADE_PENDING)
        return "fired, and never ended";
    if (u->outcome == MF_UPGRADE_FAILED || u->outcome == MF_UPGRADE_ROLLED_BACK)
        return u->reason[0] ? u->reason : "no reason was given";
    return u->dirty && verdict == MF_VERDICT_FAIL ? "messages were lost, duplicated, reordered, wrong or stale" : NULL;
}

static void upgrade_print(FILE *out, unsigned number, const struct mf_upgrade_result *u, enum mf_verdict verdict)
{
    fprintf(out, "  %4u. upgrade %" PRIu32 ", version %" PRIu32 " to %" PRIu32, number, u->index, u->version_from,
            u->version_to);
    if (u->fired) {
        fprintf(out, ": fired at %.3f ms", (double)u->requested_ns / 1e6);
        trigger_print(out, u);
        end_print(out, u);
        bad_print(out, u);
    }
    const char *mark = upgrade_mark(u, verdict);
    if (mark) {
        fputs("  <-- failed here: ", out);
        mf_file_plain(out, mark);
    }
    fputc('\n', out);
}

static void fault_print(FILE *out, unsigned number, const struct mf_fault_result *f)
{
    fprintf(out, "  %4u. fault ", number);
    mf_file_plain(out, f->fault);
    if (f->whom)
        fprintf(out, " (%s)", f->whom);
    if (f->upgrade != UINT32_MAX)
        fprintf(out, ", upgrade %" PRIu32, f->upgrade);
    if (f->phase >= 0)
        fprintf(out, " at %s", mf_phase_keys[f->phase]);
    fputs(f->noop ? ", its no-op twin" : "", out);
    if (f->fired) {
        fprintf(out, ": fired at %.3f ms", (double)f->fired_ns / 1e6);
        if (f->undone_ns >= 0)
            fprintf(out, ", undone at %.3f ms", (double)f->undone_ns / 1e6);
        fputs("; ", out);
        mf_file_plain(out, f->what);
    } else {
        fputs("  <-- failed here: never fired", out);
        fputs(f->what[0] ? ": " : "", out);
        mf_file_plain(out, f->what);
    }
    fputc('\n', out);
}

/* The faults that were done to a run from an instant until before another. */
static void faults_print(FILE *out, const struct mf_result *r, uint32_t run, uint64_t from_ns, uint64_t to_ns,
                         unsigned *number)
{
    for (uint32_t i = 0; i < r->faults_count; i++) {
        const struct mf_fault_result *f = &r->faults[i];
        if (f->run == run && f->fired && (uint64_t)f->fired_ns >= from_ns && (uint64_t)f->fired_ns < to_ns)
            fault_print(out, ++*number, f);
    }
}

/* Upgrades, and between them the faults, by their instants; then the faults that never fired. */
static void run_print(FILE *out, const struct mf_result *r, uint32_t run, enum mf_verdict verdict, unsigned *number)
{
    uint64_t from_ns = 0;
    fprintf(out, "  run %" PRIu32 "\n", run);
    for (uint32_t i = 0; i < r->upgrades_count; i++) {
        const struct mf_upgrade_result *u = &r->upgrades[i];
        if (u->run != run)
            continue;
        uint64_t to_ns = u->fired ? u->requested_ns : UINT64_MAX;
        if (to_ns > from_ns) {
            faults_print(out, r, run, from_ns, to_ns, number);
            from_ns = to_ns;
        }
        upgrade_print(out, ++*number, u, verdict);
    }
    faults_print(out, r, run, from_ns, UINT64_MAX, number);
    for (uint32_t i = 0; i < r->faults_count; i++)
        if (r->faults[i].run == run && !r->faults[i].fired)
            fault_print(out, ++*number, &r->faults[i]);
}

static bool run_has_entries(const struct mf_result *r, uint32_t run)
{
    for (uint32_t i = 0; i < r->upgrades_count; i++)
        if (r->upgrades[i].run == run)
            return true;
    for (uint32_t i = 0; i < r->faults_count; i++)
        if (r->faults[i].run == run)
            return true;
    return false;
}

static uint32_t last_run(const struct mf_result *r)
{
    uint32_t last = 0;
    for (uint32_t i = 0; i < r->upgrades_count; i++)
        last = r->upgrades[i].run > last ? r->upgrades[i].run : last;
    for (uint32_t i = 0; i < r->faults_count; i++)
        last = r->faults[i].run > last ? r->faults[i].run : last;
    return last;
}

static void result_print(FILE *out, const struct mf_report_cell *cell, enum mf_verdict verdict, unsigned *number)
{
    const struct mf_result *r = cell->result;
    if (r->upgrades_count == 0)
        fputs("  no upgrades were planned\n", out);
    for (uint32_t run = 0; run <= last_run(r); run++)
        if (run_has_entries(r, run))
            run_print(out, r, run, verdict, number);
    if (r->target.died) {
        fprintf(out, "  the target died unasked %" PRIu32 " time%s  <-- failed here: ", r->target.died,
                r->target.died == 1 ? "" : "s");
        mf_file_plain(out, r->target.died_text[0] ? r->target.died_text : "no status is known");
        fputc('\n', out);
    }
    if (r->unfinished_workers)
        fprintf(out, "  load  <-- failed here: %" PRIu32 " worker%s did not finish the account\n",
                r->unfinished_workers, r->unfinished_workers == 1 ? "" : "s");
}

static void cell_print(FILE *out, const struct mf_report_cell *cell, unsigned *number)
{
    const struct mf_judgement *j = cell->judgement;
    enum mf_verdict verdict = j ? j->verdict : MF_VERDICT_SKIPPED;
    fputs("\ncell ", out);
    mf_file_plain(out, cell->name);
    fprintf(out, ": %s", mf_verdict_keys[verdict]);
    if (cell->asked_load) {
        fputs(" (load: ", out);
        mf_file_plain(out, cell->asked_load);
        fprintf(out, "; %" PRIu32 " run%s)", cell->runs_count, cell->runs_count == 1 ? "" : "s");
    }
    fputc('\n', out);
    for (uint32_t i = 0; j && i < j->reasons && i < MF_REASONS_MAX; i++) {
        fputs("  because ", out);
        mf_file_plain(out, j->reason[i]);
        fputc('\n', out);
    }
    if (cell->result)
        result_print(out, cell, verdict, number);
    else
        fputs("  no run of it came to an end\n", out);
}

void mf_report_plan(FILE *out, const struct mf_report *report)
{
    unsigned number = 0;
    fputs("plan of ", out);
    mf_file_plain(out, report->scenario);
    fprintf(out, ", seed %" PRIu64 ", hash %016" PRIx64 ": %s%s\n", report->seed, report->plan_hash,
            mf_verdict_keys[report->verdict], report->interrupted ? ", interrupted" : "");
    fputs("times are from the start of the load, warm-up included; those after \"after\" from the upgrade's request\n",
          out);
    for (uint32_t i = 0; i < report->cells_count; i++)
        cell_print(out, &report->cells[i], &number);
    if (report->error) {
        fputs("\nthe run broke off  <-- failed here: ", out);
        mf_file_plain(out, report->error);
        fputc('\n', out);
    }
}
