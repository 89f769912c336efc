#include "driver/cells.h"

#include <stdio.h>
#include <stdlib.h>

#include "driver/shape.h"

/* --- judgements --------------------------------------------------------------------------------------------------- */

void mf_judgement_note(struct mf_judgement *judgement, enum mf_verdict verdict, const char *text)
{
    uint32_t at = judgement->reasons < MF_REASONS_MAX ? judgement->reasons++ : MF_REASONS_MAX - 1;
    judgement->verdict = mf_verdict_worst(judgement->verdict, verdict);
    snprintf(judgement->reason[at], sizeof judgement->reason[at], "%.*s", MF_TEXT_BYTES - 1, text);
}

void mf_judgement_trouble(struct mf_judgement *judgement, const struct mf_error *err)
{
    char text[sizeof err->place + sizeof err->text + 8];
    snprintf(text, sizeof text, "%s%s%s", err->place, err->place[0] ? ": " : "", err->text);
    mf_judgement_note(judgement, err->status == MF_STATUS_SKIPPED ? MF_VERDICT_SKIPPED : MF_VERDICT_UNKNOWN, text);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static int state_init(struct mf_cell_state *state, const struct mf_cell *cell, uint64_t seed)
{
    *state = (struct mf_cell_state){.cell = cell, .seed = seed};
    state->versions = calloc(cell->node.modules_count + 1, sizeof *state->versions);
    state->parameters = calloc(cell->parameters_count + 1, sizeof *state->parameters);
    if (!state->versions || !state->parameters)
        return -1;
    if (cell->command)
        state->versions[0] = mf_command_version(cell->command, -1);
    for (uint32_t i = 0; i < cell->parameters_count; i++)
        state->parameters[i] = (struct mf_report_parameter){cell->parameters[i].path, cell->parameters[i].value};
    mf_shape_load_text(&cell->load, state->load_text, sizeof state->load_text);
    return 0;
}

struct mf_cell_state *mf_cell_states_new(const struct mf_scenario *scenario, struct mf_error *err)
{
    struct mf_cell_state *states = calloc(scenario->cells_count, sizeof *states);
    for (uint32_t i = 0; states && i < scenario->cells_count; i++)
        if (state_init(&states[i], &scenario->cells[i], scenario->seed) != 0) {
            mf_cell_states_free(states, scenario->cells_count);
            states = NULL;
        }
    if (!states)
        mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the cells");
    return states;
}

void mf_cell_states_free(struct mf_cell_state *states, uint32_t n)
{
    for (uint32_t i = 0; states && i < n; i++) {
        mf_result_done(&states[i].result);
        free(states[i].versions);
        free(states[i].parameters);
    }
    free(states);
}

/* --- runs --------------------------------------------------------------------------------------------------------- */

static int state_add(struct mf_cell_state *state, const struct mf_result *run, struct mf_error *err)
{
    if (!state->has_result && mf_result_init(&state->result, err) != 0)
        return -1;
    if (mf_result_merge(&state->result, run, err) != 0)
        return -1;
    state->has_result = true;
    return 0;
}

int mf_cell_state_run(struct mf_cell_state *state, const char *dir, const struct mf_result *result,
                      const struct mf_error *trouble, bool interrupted, struct mf_run_said *said, struct mf_error *err)
{
    const struct mf_cell *cell = state->cell;
    struct mf_judgement *judgement = calloc(1, sizeof *judgement);
    *said = (struct mf_run_said){.verdict = MF_VERDICT_UNKNOWN};
    if (!judgement)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for a judgement");
    mf_judge(result, cell->expect, cell->expect_count, &cell->proof, judgement);
    if (trouble->text[0])
        mf_judgement_trouble(judgement, trouble);
    if (interrupted)
        mf_judgement_note(judgement, MF_VERDICT_UNKNOWN, "interrupted");
    said->verdict = judgement->verdict;
    snprintf(said->why, sizeof said->why, "%.*s", MF_TEXT_BYTES - 1,
             trouble->text[0]     ? trouble->text
             : judgement->reasons ? judgement->reason[0]
                                  : "");
    struct mf_report_cell report = mf_cell_state_report(state);
    report.result = result;
    report.judgement = judgement;
    int bad = mf_report_write_run(dir, &report, err) != 0 || state_add(state, result, err) != 0;
    state->runs_count += !bad;
    free(judgement);
    return bad ? -1 : 0;
}

void mf_cell_state_trouble(struct mf_cell_state *state, const struct mf_error *err)
{
    if (!state->trouble.text[0])
        state->trouble = *err;
}

void mf_cell_state_judge(struct mf_cell_state *state, bool interrupted)
{
    const struct mf_cell *cell = state->cell;
    if (state->has_result) {
        mf_result_derive(&state->result);
        mf_judge(&state->result, cell->expect, cell->expect_count, &cell->proof, &state->judgement);
    }
    if (state->trouble.text[0])
        mf_judgement_trouble(&state->judgement, &state->trouble);
    else if (!state->has_result)
        mf_judgement_note(&state->judgement, MF_VERDICT_UNKNOWN, "no run of it has ended");
    if (interrupted)
        mf_judgement_note(&state->judgement, MF_VERDICT_UNKNOWN, "interrupted");
}

struct mf_report_cell mf_cell_state_report(const struct mf_cell_state *state)
{
    return (struct mf_report_cell){.name = state->cell->name,
                                   .parameters = state->parameters,
                                   .parameters_count = state->cell->parameters_count,
                                   .result = state->has_result ? &state->result : NULL,
                                   .judgement = &state->judgement,
                                   .runs_count = state->runs_count,
                                   .asked_load = state->load_text,
                                   .has_first_seed = true,
                                   .first_seed = state->seed,
                                   .expect = state->cell->expect,
                                   .expect_count = state->cell->expect_count};
}
