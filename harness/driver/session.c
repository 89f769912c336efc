#include "driver/session.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "driver/cells.h"
#include "driver/conclude.h"
#include "driver/folder.h"
#include "driver/history.h"
#include "driver/locate.h"
#include "driver/plots.h"
#include "driver/progress.h"
#include "driver/run.h"
#include "driver/shape.h"
#include "driver/terminal.h"
#include "report/report.h"
#include "targets/group.h"
#include "targets/target.h"

#define SIGNALS 3

struct session {
    const struct mf_session_options *options;
    struct mf_scenario *scenario;
    struct mf_places places;
    char folder[PATH_MAX];
    uv_loop_t loop;
    bool loop_open;
    uv_signal_t signal[SIGNALS];
    struct mf_progress progress;
    struct mf_cell_state *cells; /* [scenario->cells_count] */
    struct mf_run *run;          /* under way */
    struct mf_plots *plots;      /* under way */
    uint32_t interrupts;
    enum mf_status trouble; /* the gravest status of a run's or target's own troubles; PASS: none */
    struct mf_error broken; /* why the session ends early; empty text: it doesn't */
};

/* --- signals ------------------------------------------------------------------------------------------------------ */

static void on_signal(uv_signal_t *handle, int number)
{
    struct session *s = handle->data;
    (void)number;
    s->interrupts++;
    if (s->run)
        mf_run_stop(s->run, s->interrupts > 1);
    if (s->plots)
        mf_plots_stop(s->plots);
    mf_progress_note(&s->progress,
                     s->interrupts > 1 ? "killing" : "interrupted: ending the run; once more to kill it at once");
}

static int signals_open(struct session *s, struct mf_error *err)
{
    static const int numbers[SIGNALS] = {SIGINT, SIGTERM, SIGHUP};
    for (int i = 0; i < SIGNALS; i++) {
        uv_signal_init(&s->loop, &s->signal[i]);
        s->signal[i].data = s;
        int bad = uv_signal_start(&s->signal[i], on_signal, numbers[i]);
        if (bad)
            return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "cannot watch for signals: %s", uv_strerror(bad));
        uv_unref((uv_handle_t *)&s->signal[i]);
    }
    return 0;
}

static void close_any(uv_handle_t *handle, void *ctx)
{
    (void)ctx;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void loop_close(struct session *s)
{
    if (!s->loop_open)
        return;
    mf_progress_close(&s->progress);
    uv_walk(&s->loop, close_any, NULL); /* signals; of runs and plots nothing is left by now */
    uv_run(&s->loop, UV_RUN_DEFAULT);
    uv_loop_close(&s->loop);
    s->loop_open = false;
}

/* --- trouble ------------------------------------------------------------------------------------------------------ */

/* The cell is not to be trusted, the others go on. */
static void cell_trouble(struct session *s, struct mf_cell_state *state, const struct mf_error *err)
{
    if (!err->text[0] || err->status == MF_STATUS_INTERRUPTED)
        return;
    mf_cell_state_trouble(state, err);
    s->trouble = mf_status_gravest(s->trouble, err->status);
}

/* Nothing more can be measured or written. */
static void break_off(struct session *s, const struct mf_error *err)
{
    if (!s->broken.text[0])
        s->broken = *err;
}

/* --- one run ------------------------------------------------------------------------------------------------------ */

/* What is needed to judge it again; a history that is not whole is trouble of ours. */
static void history_keep(struct session *s, uint32_t number, const char *dir, struct mf_error *trouble)
{
    struct mf_error err = {0};
    if (!s->options->history)
        return;
    if (!trouble->text[0] && !s->interrupts)
        mf_history_check(mf_run_recorder(s->run), dir, trouble);
    const struct mf_history_kept kept = {.number = number,
                                         .interrupted = s->interrupts > 0,
                                         .trouble = *trouble,
                                         .witness = *mf_run_witness(s->run)};
    if (mf_history_keep(dir, mf_run_recorder(s->run), &kept, &err) != 0)
        break_off(s, &err);
}

static void run_gather(struct session *s, struct mf_cell_state *state, uint32_t number, const char *dir)
{
    struct mf_result result = {0};
    struct mf_error trouble = {0}, err = {0};
    struct mf_run_said said;
    if (mf_result_init(&result, &trouble) == 0 && mf_run_gather(s->run, number, &result, &trouble) == 0) {
        history_keep(s, number, dir, &trouble);
        if (mf_cell_state_run(state, dir, &result, &trouble, s->interrupts > 0, &said, &err) != 0)
            break_off(s, &err);
        mf_progress_run_end(&s->progress, &result, said.verdict, said.why);
    } else {
        mf_progress_run_end(&s->progress, NULL,
                            trouble.status == MF_STATUS_SKIPPED ? MF_VERDICT_SKIPPED : MF_VERDICT_UNKNOWN,
                            trouble.text);
        if (trouble.status == MF_STATUS_INTERNAL)
            break_off(s, &trouble);
    }
    cell_trouble(s, state, &trouble);
    mf_result_done(&result);
}

static void run_do(struct session *s, struct mf_cell_state *state, uint32_t cell_number, uint32_t number)
{
    char dir[PATH_MAX];
    struct mf_error err = {0};
    struct mf_run_options options = {.loop = &s->loop,
                                     .cell = state->cell,
                                     .places = &s->places,
                                     .versions = state->versions,
                                     .dir = dir,
                                     .seed = mf_shape_seed(s->scenario, number),
                                     .history = s->options->history};
    if (mf_folder_run(s->folder, state->cell->name, number, dir, sizeof dir, &err) != 0) {
        break_off(s, &err);
        return;
    }
    s->run = mf_run_start(&options, &err);
    if (!s->run) {
        break_off(s, &err);
        return;
    }
    mf_progress_run_begin(&s->progress, s->run, state->cell->name, cell_number, s->scenario->cells_count, number,
                          s->scenario->repeat);
    while (!mf_run_is_over(s->run))
        uv_run(&s->loop, UV_RUN_ONCE);
    run_gather(s, state, number, dir);
    mf_run_free(s->run);
    s->run = NULL;
}

static void cell_describe(struct session *s, struct mf_cell_state *state)
{
    struct mf_error err = {0};
    if (state->cell->command)
        return; /* its versions are what it answers with */
    if (mf_node_describe(s->places.node, s->places.modules, &state->cell->node, state->versions, &err) == 0)
        return;
    cell_trouble(s, state, &err);
    mf_progress_note(&s->progress, "%s: %s%s%s", state->cell->name, err.place, err.place[0] ? ": " : "", err.text);
}

/* All cells, round after round. */
static void rounds_do(struct session *s)
{
    uint32_t cells = s->scenario->cells_count;
    for (uint32_t i = 0; i < cells; i++)
        cell_describe(s, &s->cells[i]);
    for (uint32_t n = 1; n <= s->scenario->repeat; n++) {
        for (uint32_t turn = 0; turn < cells && !s->interrupts && !s->broken.text[0]; turn++) {
            uint32_t i = mf_shape_turn(cells, n, turn);
            if (s->cells[i].trouble.text[0])
                continue; /* a target that could not be started once will not be the next time */
            run_do(s, &s->cells[i], i + 1, n);
            uv_run(&s->loop, UV_RUN_NOWAIT); /* a signal that came while it was written */
        }
    }
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void on_plots_done(void *ctx, const char *note)
{
    struct session *s = ctx;
    s->plots = NULL;
    if (note[0])
        mf_progress_note(&s->progress, "%s", note);
}

static void plots_make(struct session *s)
{
    struct mf_error note = {0};
    uint32_t runs = 0;
    for (uint32_t i = 0; i < s->scenario->cells_count; i++)
        runs += s->cells[i].runs_count;
    if (s->options->no_plot || s->interrupts || runs == 0)
        return;
    s->plots = mf_plots_start(&s->loop, &s->places, s->folder, s, on_plots_done, &note);
    if (!s->plots)
        mf_progress_note(&s->progress, "%s", note.text);
    while (s->plots)
        uv_run(&s->loop, UV_RUN_ONCE);
}

static int session_report(struct session *s, enum mf_status *status, struct mf_error *err)
{
    enum mf_verdict verdict = MF_VERDICT_PASS;
    struct mf_table_style style = mf_terminal_style(stdout);
    const char *paths[] = {s->folder};
    const struct mf_conclusion conclusion = {.folder = s->folder,
                                             .scenario = s->scenario,
                                             .cells = s->cells,
                                             .interrupted = s->interrupts > 0,
                                             .broken = s->broken.text[0] ? s->broken.text : NULL};
    if (mf_conclude(&conclusion, &verdict, err) != 0)
        return -1;
    if (s->broken.text[0]) {
        *err = s->broken;
        return -1;
    }
    plots_make(s);
    if (mf_compare(stdout, paths, 1, &style, err) != 0)
        return -1;
    *status = s->interrupts ? MF_STATUS_INTERRUPTED : mf_conclusion_status(verdict, s->trouble);
    printf("%s: %s\n", mf_verdict_keys[verdict], s->folder);
    return 0;
}

/* --- the beginning ------------------------------------------------------------------------------------------------ */

static int scenario_open(struct session *s, struct mf_error *err)
{
    s->scenario = mf_scenario_load(s->options->scenario_path, &s->options->scenario, err);
    if (!s->scenario)
        return -1;
    for (uint32_t i = 0; i < s->scenario->cells_count; i++)
        if (mf_shape_check(&s->scenario->cells[i], err) != 0) {
            snprintf(err->place, sizeof err->place, "%s", s->options->scenario_path);
            return -1;
        }
    s->cells = mf_cell_states_new(s->scenario, err);
    return s->cells ? 0 : -1;
}

static int folder_open(struct session *s, struct mf_error *err)
{
    char name[PATH_MAX];
    const char *path = s->options->out;
    if (!path) {
        mf_folder_name(name, sizeof name, time(NULL), s->scenario->name);
        path = name;
    }
    if (mf_folder_open(path, s->folder, err) != 0)
        return -1;
    return mf_report_write_text(s->folder, "scenario.json", s->scenario->json, err);
}

static int session_open(struct session *s, struct mf_error *err)
{
    char beside[PATH_MAX];
    if (scenario_open(s, err) != 0 || mf_places_beside(beside, sizeof beside, err) != 0)
        return -1;
    mf_places_find(&s->places, beside);
    if (mf_places_check(&s->places, err) != 0 || folder_open(s, err) != 0)
        return -1;
    if (mf_group_adopt_orphans() != 0)
        return mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "cannot become the parent of orphans");
    int bad = uv_loop_init(&s->loop);
    if (bad)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "cannot make an event loop: %s", uv_strerror(bad));
    s->loop_open = true;
    mf_progress_open(&s->progress, &s->loop, s->options->quiet);
    return signals_open(s, err);
}

int mf_session_run(const struct mf_session_options *options, enum mf_status *status, struct mf_error *err)
{
    struct session *s = calloc(1, sizeof *s);
    if (!s)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for a session");
    s->options = options;
    int bad = session_open(s, err);
    if (!bad)
        rounds_do(s);
    if (!bad)
        bad = session_report(s, status, err);
    loop_close(s);
    mf_cell_states_free(s->cells, s->scenario ? s->scenario->cells_count : 0);
    mf_scenario_free(s->scenario);
    free(s);
    return bad;
}
