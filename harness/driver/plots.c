#include "driver/plots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "targets/child.h"

#define DEADLINE_MS 120000

struct mf_plots {
    void *ctx;
    void (*done)(void *ctx, const char *note);
    struct mf_child *child;
    uv_timer_t deadline;
    char log_path[PATH_MAX], note[512];
};

static void on_line(void *ctx, const struct mf_control_line *line)
{
    (void)ctx;
    (void)line;
}

static void on_garbage(void *ctx, const char *text)
{
    (void)ctx;
    (void)text;
}

static void on_exited(void *ctx, const char *how, bool asked)
{
    struct mf_plots *p = ctx;
    char words[256];
    mf_child_last_words(p->log_path, words, sizeof words);
    if (!asked && strcmp(how, "exit 0") != 0)
        snprintf(p->note, sizeof p->note, "no plots: scripts/plot: %s%s%s", how, words[0] ? ": " : "", words);
    if (!asked)
        mf_child_stop(p->child, 0);
}

static void on_deadline_closed(uv_handle_t *handle)
{
    struct mf_plots *p = handle->data;
    p->done(p->ctx, p->note);
    free(p);
}

static void on_gone(void *ctx, uint32_t left)
{
    struct mf_plots *p = ctx;
    (void)left;          /* a gnuplot that cannot be killed disturbs nothing */
    unlink(p->log_path); /* its last words are in the note */
    uv_close((uv_handle_t *)&p->deadline, on_deadline_closed);
}

static void on_deadline(uv_timer_t *timer)
{
    struct mf_plots *p = timer->data;
    snprintf(p->note, sizeof p->note, "no plots: scripts/plot took over %d s", DEADLINE_MS / 1000);
    mf_child_stop(p->child, 0);
}

void mf_plots_stop(struct mf_plots *p)
{
    snprintf(p->note, sizeof p->note, "no plots: interrupted");
    mf_child_stop(p->child, 0);
}

struct mf_plots *mf_plots_start(uv_loop_t *loop, const struct mf_places *places, const char *folder, void *ctx,
                                void (*done)(void *ctx, const char *note), struct mf_error *note)
{
    char script[PATH_MAX];
    if (!places->scripts[0] || snprintf(script, sizeof script, "%s/plot", places->scripts) >= (int)sizeof script) {
        mf_error_set(note, MF_STATUS_SKIPPED, NULL, "no plots: scripts/plot is not beside this program");
        return NULL;
    }
    if (!mf_program_in_path("gnuplot")) {
        mf_error_set(note, MF_STATUS_SKIPPED, NULL, "no plots: gnuplot is missing (apt-get install gnuplot-nox)");
        return NULL;
    }
    struct mf_plots *p = calloc(1, sizeof *p);
    if (!p) {
        mf_error_set(note, MF_STATUS_INTERNAL, NULL, "no plots: no memory");
        return NULL;
    }
    p->ctx = ctx;
    p->done = done;
    const char *argv[] = {script, folder, NULL};
    struct mf_child_options options = {.argv = argv, .log_path = p->log_path, .recorder_fd = -1};
    struct mf_child_events events = {
        .ctx = p, .line = on_line, .garbage = on_garbage, .exited = on_exited, .gone = on_gone};
    int n = snprintf(p->log_path, sizeof p->log_path, "%s/plot.log", folder);
    p->child = n < (int)sizeof p->log_path ? mf_child_start(loop, &options, &events, note) : NULL;
    if (!p->child) {
        free(p);
        return NULL;
    }
    uv_timer_init(loop, &p->deadline);
    p->deadline.data = p;
    uv_timer_start(&p->deadline, on_deadline, DEADLINE_MS, 0);
    return p;
}
