#include "targets/course.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "targets/deeds.h"
#include "targets/dial.h"
#include "targets/group.h"

#define ANSWER_BYTES    65536
#define ANSWER_GRACE_NS (200 * MF_NS_PER_MS) /* a control socket without `expect`: so long for it to close */

/* What the step is called: its place, and what it does. */
static const char *step_text(const struct mf_step *step, char *text, size_t bytes)
{
    size_t used =
        (size_t)snprintf(text, bytes, "%s: %s", step->place + strlen("target.command."), mf_step_keys[step->verb]);
    if (step->what && used < bytes) /* of a text, what stands in a line */
        used += (size_t)snprintf(text + used, bytes - used, " %.*s", (int)strcspn(step->what, "\n"), step->what);
    for (uint32_t i = 0; i < step->argv.count && used < bytes; i++)
        used += (size_t)snprintf(text + used, bytes - used, " %.*s", (int)strcspn(step->argv.word[i], "\n"),
                                 step->argv.word[i]);
    return text;
}

/* As mf_error_set, with the step in front of what it says. */
static int step_fail(const struct mf_course *c, struct mf_error *err, const char *why)
{
    char text[256], copy[640];
    snprintf(copy, sizeof copy, "%.600s", why);
    enum mf_status status = err->status == MF_STATUS_INTERNAL ? MF_STATUS_INTERNAL : MF_STATUS_TARGET;
    return mf_error_set(err, status, NULL, "%s: %s", step_text(&c->steps->step[c->at], text, sizeof text), copy);
}

/* --- run, spawn --------------------------------------------------------------------------------------------------- */

static int run_look(struct mf_course *c, const struct mf_step *step, struct mf_error *err)
{
    char how[64], said[320], why[512];
    if (c->program->is_living)
        return 0;
    if (c->program->signal == 0 && c->program->status == (int64_t)step->status)
        return 1;
    mf_program_how(c->program, how, sizeof how);
    mf_output_tail(c->scene->steps.path, c->printed_from, said, sizeof said);
    snprintf(why, sizeof why, "%s%s%s", how, said[0] ? "; its last lines: " : "; it said nothing", said);
    return step_fail(c, err, why);
}

static int spawn_do(struct mf_course *c, const struct mf_step *step, struct mf_error *err)
{
    struct mf_program *p = mf_program_start(c->scene, &step->argv, &c->scene->output, err);
    if (!p)
        return step_fail(c, err, err->text);
    mf_program_forget(c->scene->spawned);
    c->scene->spawned = p;
    atomic_fetch_add(&c->scene->rec->node->starts, 1);
    return 1;
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static int file_do(struct mf_course *c, const struct mf_step *step, struct mf_error *err)
{
    const struct mf_fill *fill = &c->scene->fill;
    char *path = mf_fill_path(fill, step->what, err), *other = NULL;
    int bad = path ? 0 : -1;
    if (!bad)
        other = step->verb == MF_STEP_WRITE  ? mf_fill_text(fill, step->text, err)
                : step->verb == MF_STEP_COPY ? mf_fill_path(fill, step->from, err)
                                             : mf_fill_text(fill, step->from, err);
    if (!other)
        bad = -1;
    if (!bad)
        bad = step->verb == MF_STEP_WRITE  ? mf_deed_write(path, other, err)
              : step->verb == MF_STEP_COPY ? mf_deed_copy(path, other, err)
                                           : mf_deed_link(path, other, err);
    free(other);
    free(path);
    return bad ? step_fail(c, err, err->text) : 1;
}

/* --- send --------------------------------------------------------------------------------------------------------- */

/* Reads what is there. True: nothing more will come. */
static bool answer_read(struct mf_course *c)
{
    for (;;) {
        if (c->answer_bytes == ANSWER_BYTES) { /* its first half goes */
            memmove(c->answer, c->answer + ANSWER_BYTES / 2, ANSWER_BYTES / 2);
            c->answer_bytes = ANSWER_BYTES / 2;
        }
        ssize_t n = recv(c->fd, c->answer + c->answer_bytes, ANSWER_BYTES - c->answer_bytes, 0);
        if (n > 0)
            c->answer_bytes += (size_t)n;
        else if (n == 0 || errno != EINTR)
            return n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
    }
}

/* The ping that set the upgrade off, as the target tells it, late: into the slot, unless the load has named one
 * already. */
static int trigger_read(struct mf_course *c, struct mf_error *err)
{
    struct mf_upgrade_log *slot = &c->scene->rec->log[c->k];
    uint32_t stream, process;
    uint64_t seq;
    c->answer[c->answer_bytes < ANSWER_BYTES ? c->answer_bytes : ANSWER_BYTES - 1] = 0;
    const char *line = strncmp(c->answer, "trigger ", 8) == 0 ? c->answer : strstr(c->answer, "\ntrigger ");
    if (!line || sscanf(line, " trigger %" SCNu32 " %" SCNu64 " %" SCNu32, &stream, &seq, &process) != 3)
        return step_fail(c, err, "the answer names no ping (trigger STREAM SEQ PROCESS)");
    if (atomic_load(&slot->has_trigger))
        return 1;
    slot->trigger_stage = MF_POINT_STAGE_SENT;
    slot->trigger_stream = stream;
    slot->trigger_seq = seq;
    slot->trigger_process = process;
    atomic_store_explicit(&slot->has_trigger, true, memory_order_release);
    return 1;
}

static int send_look(struct mf_course *c, struct mf_error *err)
{
    char why[512];
    size_t left = strlen(c->to_send) - c->sent;
    while (left > 0) {
        ssize_t n = send(c->fd, c->to_send + c->sent, left, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return 0;
        if (n < 0 && errno != EINTR)
            return step_fail(c, err, strerror(errno));
        c->sent += n > 0 ? (size_t)n : 0;
        left -= n > 0 ? (size_t)n : 0;
    }
    bool is_over = answer_read(c);
    if (!c->expected)
        return is_over || mf_clock_now_ns() - c->begun_ns > ANSWER_GRACE_NS;
    if (memmem(c->answer, c->answer_bytes, c->expected, strlen(c->expected)))
        return c->steps->step[c->at].trigger ? trigger_read(c, err) : 1;
    if (!is_over)
        return 0;
    size_t shown = c->answer_bytes < 160 ? c->answer_bytes : 160;
    snprintf(why, sizeof why, "the answer has no \"%.120s\": \"%.*s\"", c->expected, (int)shown, c->answer);
    for (char *p = why; *p; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
    return step_fail(c, err, why);
}

static int send_begin(struct mf_course *c, const struct mf_step *step, struct mf_error *err)
{
    char *endpoint = mf_fill_text(&c->scene->fill, step->what, err);
    c->sent = c->answer_bytes = 0;
    c->fd = endpoint ? mf_dial(endpoint, err) : -1;
    free(endpoint);
    if (c->fd < 0)
        return step_fail(c, err, err->text);
    c->to_send = mf_fill_text(&c->scene->fill, step->text, err);
    c->expected = step->expect ? mf_fill_text(&c->scene->fill, step->expect, err) : NULL;
    c->answer = malloc(ANSWER_BYTES);
    if (c->to_send && c->answer && !step->expect == !c->expected)
        return send_look(c, err);
    return step_fail(c, err, err->text[0] ? err->text : "no memory for its answer");
}

/* --- ping --------------------------------------------------------------------------------------------------------- */

static int ping_do(struct mf_course *c, const struct mf_step *step, struct mf_error *err)
{
    char *text = mf_fill_text(&c->scene->fill, step->what, err);
    char *expect = step->expect ? mf_fill_text(&c->scene->fill, step->expect, err) : NULL;
    int bad = text && !step->expect == !expect ? 0 : -1;
    if (!bad && c->scene->ping(c->scene->ctx, text, expect) != 0)
        bad = mf_error_set(err, MF_STATUS_TARGET, NULL, "the load cannot send it");
    free(expect);
    free(text);
    return bad ? step_fail(c, err, err->text) : 1;
}

/* --- one step ----------------------------------------------------------------------------------------------------- */

/* 1: done; 0: under way; -1: failed. */
static int step_begin(struct mf_course *c, const struct mf_step *step, struct mf_error *err)
{
    switch (step->verb) {
    case MF_STEP_RUN:
        c->printed_from = mf_output_bytes(&c->scene->steps);
        c->program = mf_program_start(c->scene, &step->argv, &c->scene->steps, err);
        return c->program ? 0 : step_fail(c, err, err->text);
    case MF_STEP_SPAWN:
        return spawn_do(c, step, err);
    case MF_STEP_SIGNAL:
        return mf_deed_signal(c->scene, step, err) == 0 ? 1 : step_fail(c, err, err->text);
    case MF_STEP_SEND:
        return send_begin(c, step, err);
    case MF_STEP_WAIT:
        return mf_watch_begin(&c->watch, c->scene, &step->wait, c->k, err) == 0 ? 0 : step_fail(c, err, err->text);
    case MF_STEP_PING:
        return ping_do(c, step, err);
    default:
        return file_do(c, step, err);
    }
}

static int step_go_on(struct mf_course *c, const struct mf_step *step, struct mf_error *err)
{
    switch (step->verb) {
    case MF_STEP_RUN:
        return run_look(c, step, err);
    case MF_STEP_SEND:
        return send_look(c, err);
    case MF_STEP_WAIT:
        return mf_watch_holds(&c->watch);
    default:
        return 1;
    }
}

static void step_end(struct mf_course *c)
{
    if (c->program && c->program->is_living)
        mf_group_signal(c->program->process.pid, SIGKILL);
    mf_program_forget(c->program);
    c->program = NULL;
    mf_watch_end(&c->watch);
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    free(c->to_send);
    free(c->expected);
    free(c->answer);
    c->to_send = c->expected = c->answer = NULL;
    c->is_begun = false;
}

static double ms_since(uint64_t then_ns)
{
    return (double)(mf_clock_now_ns() - then_ns) / (double)MF_NS_PER_MS;
}

static int lateness_check(struct mf_course *c, const struct mf_step *step, struct mf_error *err)
{
    char why[512];
    bool own = step->within_ms > 0 && ms_since(c->begun_ns) > step->within_ms;
    if (!own && ms_since(c->began_ns) <= c->within_ms)
        return 0;
    if (own)
        snprintf(why, sizeof why, "had not ended after %.0f ms (its within_ms)", step->within_ms);
    else
        snprintf(why, sizeof why, "had not ended when all the steps together had taken %.0f ms", c->within_ms);
    if (step->verb == MF_STEP_WAIT)
        snprintf(why + strlen(why), sizeof why - strlen(why), ": %s", c->watch.missing);
    return step_fail(c, err, why);
}

void mf_course_begin(struct mf_course *c, struct mf_scene *scene, const struct mf_steps *steps, uint32_t k,
                     double within_ms)
{
    *c = (struct mf_course){
        .scene = scene, .steps = steps, .k = k, .began_ns = mf_clock_now_ns(), .within_ms = within_ms, .fd = -1};
}

enum mf_course_state mf_course_look(struct mf_course *c, struct mf_error *err)
{
    char text[256];
    while (c->at < c->steps->count) {
        const struct mf_step *step = &c->steps->step[c->at];
        int state;
        *err = (struct mf_error){0};
        if (!c->is_begun) {
            c->is_begun = true;
            c->begun_ns = mf_clock_now_ns();
            state = step_begin(c, step, err);
        } else {
            state = step_go_on(c, step, err);
        }
        if (state == 0)
            state = lateness_check(c, step, err);
        if (state == 0)
            return MF_COURSE_MORE;
        mf_output_say(&c->scene->steps, "[midflight] %s: %s after %.1f ms", step_text(step, text, sizeof text),
                      state > 0 ? "done" : err->text, ms_since(c->begun_ns));
        step_end(c);
        if (state < 0)
            return MF_COURSE_FAILED;
        c->at++;
    }
    return MF_COURSE_DONE;
}

void mf_course_end(struct mf_course *c)
{
    if (!c->steps)
        return;
    step_end(c);
    c->steps = NULL;
}
