#include "driver/progress.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "driver/terminal.h"

#define LOOK_MS     250
#define LINE_BYTES  512
#define RATE_SMOOTH 0.5

static void line_clear(struct mf_progress *p)
{
    if (p->line_shown)
        fputs("\r\033[K", stderr);
    p->line_shown = false;
}

/* Cut to the terminal's width: a wrapped line could not be taken back. */
static void line_show(struct mf_progress *p, const char *text)
{
    fprintf(stderr, "\r\033[K%.*s", (int)p->columns - 1, text);
    fflush(stderr);
    p->line_shown = true;
}

static void rate_update(struct mf_progress *p, uint64_t due)
{
    uint64_t now_ns = mf_clock_now_ns();
    if (p->seen_ns && now_ns > p->seen_ns && due >= p->seen_due) {
        double rate = (double)(due - p->seen_due) * 1e9 / (double)(now_ns - p->seen_ns);
        p->rate_per_s = p->rate_per_s > 0 ? RATE_SMOOTH * p->rate_per_s + (1 - RATE_SMOOTH) * rate : rate;
    }
    p->seen_due = due;
    p->seen_ns = now_ns;
}

static void on_look(uv_timer_t *timer)
{
    struct mf_progress *p = timer->data;
    struct mf_run_view view;
    char text[LINE_BYTES];
    if (!p->run || mf_run_is_over(p->run))
        return;
    mf_run_look(p->run, &view);
    rate_update(p, view.due);
    snprintf(text, sizeof text,
             "%" PRIu32 "/%" PRIu32 " %s run %" PRIu32 "/%" PRIu32 ": %s, %.0f msg/s, upgrades %" PRIu32 "/%" PRIu32
             ", lost %" PRIu64 ", %.0f s left",
             p->cell_number, p->cells, p->cell, p->run_number, p->repeat, view.phase, p->rate_per_s, view.fired,
             view.planned, view.lost, (double)view.left_ns / 1e9);
    line_show(p, text);
}

void mf_progress_open(struct mf_progress *p, uv_loop_t *loop, bool quiet)
{
    *p = (struct mf_progress){.quiet = quiet, .live = !quiet && isatty(STDERR_FILENO)};
    if (!p->live)
        return;
    p->columns = mf_terminal_style(stderr).columns;
    uv_timer_init(loop, &p->timer);
    p->timer.data = p;
    p->timer_open = true;
    uv_timer_start(&p->timer, on_look, LOOK_MS, LOOK_MS);
    uv_unref((uv_handle_t *)&p->timer);
}

void mf_progress_run_begin(struct mf_progress *p, const struct mf_run *run, const char *cell, uint32_t cell_number,
                           uint32_t cells, uint32_t run_number, uint32_t repeat)
{
    p->run = run;
    p->cell = cell;
    p->cell_number = cell_number;
    p->cells = cells;
    p->run_number = run_number;
    p->repeat = repeat;
    p->seen_due = p->seen_ns = 0;
    p->rate_per_s = 0;
    if (!p->quiet && !p->live)
        fprintf(stderr, "%" PRIu32 "/%" PRIu32 " %s run %" PRIu32 "/%" PRIu32 "\n", cell_number, cells, cell,
                run_number, repeat);
}

void mf_progress_run_end(struct mf_progress *p, const struct mf_result *result, enum mf_verdict verdict,
                         const char *why)
{
    p->run = NULL;
    if (p->quiet)
        return;
    line_clear(p);
    fprintf(stderr, "%" PRIu32 "/%" PRIu32 " %s run %" PRIu32 "/%" PRIu32 ": ", p->cell_number, p->cells, p->cell,
            p->run_number, p->repeat);
    if (result)
        fprintf(stderr, "%s: %" PRIu64 " messages, %" PRIu64 " lost, %" PRIu32 "/%" PRIu32 " upgrades committed%s%s\n",
                mf_verdict_keys[verdict], result->due, result->outcome[MF_OUTCOME_LOST], result->committed,
                result->upgrades_planned, why && why[0] ? "; " : "", why ? why : "");
    else
        fprintf(stderr, "%s\n", why);
}

void mf_progress_note(struct mf_progress *p, const char *format, ...)
{
    if (p->quiet)
        return;
    line_clear(p);
    va_list args;
    va_start(args, format);
    fputs("midflight: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

void mf_progress_close(struct mf_progress *p)
{
    line_clear(p);
    if (p->timer_open)
        uv_close((uv_handle_t *)&p->timer, NULL);
    p->timer_open = false;
}
