/* upgrades.csv */
#include <inttypes.h>

#include "report/columns.h"
#include "report/file.h"
#include "report/upgrade.h"

static void head_print(FILE *out)
{
    fputs("run,index,point,outcome,version_from,version_to,requested_ms", out);
    for (int i = MF_PHASE_REQUESTED + 1; i < MF_PHASE_COUNT; i++)
        fprintf(out, ",%s_ms", mf_phase_keys[i]);
    fputs(",dirty,in_flight,in_flight_lost", out);
    for (int i = 0; i < MF_OUTCOME_COUNT; i++)
        fprintf(out, ",%s", mf_outcome_keys[i]);
    for (int i = 0; i < MF_EXTRA_COUNT; i++)
        fprintf(out, ",%s", mf_extra_keys[i]);
    fputs(",sibling_bad,new_answers,queued,made_anew,converted,threads_ended,response_max_ms,spike_ms,blackout_ms,"
          "gap_ms,first_new_ms,last_old_ms,recovery_ms,trigger_stage,trigger_stream,trigger_seq,trigger_process,"
          "trigger_held,trigger_outcome,reason\n",
          out);
}

/* An empty field where it did not happen. */
static void ms_print(FILE *out, int64_t ns)
{
    fputc(',', out);
    if (ns >= 0)
        fprintf(out, "%.15g", (double)ns / 1e6);
}

static void known_print(FILE *out, uint32_t n)
{
    fputc(',', out);
    if (n != UINT32_MAX)
        fprintf(out, "%" PRIu32, n);
}

static void counts_print(FILE *out, const struct mf_upgrade_result *u)
{
    fprintf(out, ",%d,%" PRIu64 ",%" PRIu64, u->dirty, u->in_flight, u->in_flight_lost);
    for (int i = 0; i < MF_OUTCOME_COUNT; i++)
        fprintf(out, ",%" PRIu64, u->outcomes[i]);
    for (int i = 0; i < MF_EXTRA_COUNT; i++)
        fprintf(out, ",%" PRIu64, u->extras[i]);
    fprintf(out, ",%" PRIu64 ",%" PRIu64, u->sibling_bad, u->new_answers);
    known_print(out, u->queued);
    known_print(out, u->made_anew);
    known_print(out, u->converted);
    known_print(out, u->threads_ended);
}

static void trigger_print(FILE *out, const struct mf_upgrade_result *u)
{
    if (!u->has_trigger) {
        fputs(",,,,,,", out);
        return;
    }
    const char *stage = mf_upgrade_stage(u), *outcome = mf_upgrade_trigger_outcome(u);
    fprintf(out, ",%s,%" PRIu32 ",%" PRIu64 ",%" PRIu32 ",%d,%s", stage ? stage : "", u->trigger_stream, u->trigger_seq,
            u->trigger_process, u->trigger_held, outcome ? outcome : "");
}

static void upgrade_print(FILE *out, const struct mf_upgrade_result *u)
{
    fprintf(out, "%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%s,%" PRIu32 ",%" PRIu32, u->run, u->index, u->point,
            mf_upgrade_outcome(u), u->version_from, u->version_to);
    ms_print(out, u->fired ? (int64_t)u->requested_ns : -1);
    for (int i = MF_PHASE_REQUESTED + 1; i < MF_PHASE_COUNT; i++)
        ms_print(out, u->phase_ns[i]);
    counts_print(out, u);
    ms_print(out, u->response_max_ns);
    ms_print(out, u->spike_ns);
    ms_print(out, u->blackout_ns);
    ms_print(out, u->gap_ns);
    ms_print(out, u->first_new_ns);
    ms_print(out, u->last_old_ns);
    ms_print(out, u->recovery_ns);
    trigger_print(out, u);
    fputc(',', out);
    mf_file_csv(out, u->reason);
    fputc('\n', out);
}

void mf_columns_upgrades(FILE *out, const struct mf_result *r)
{
    head_print(out);
    for (uint32_t i = 0; i < r->upgrades_count; i++)
        upgrade_print(out, &r->upgrades[i]);
}
