#include "driver/crew.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "driver/shape.h"

#define STOP_POLITE_MS 5000

static bool all(const struct mf_crew *crew, bool (*is)(const struct mf_crew_member *m))
{
    for (uint32_t i = 0; i < crew->members; i++)
        if (!is(&crew->member[i]))
            return false;
    return crew->members == crew->cell->load.workers;
}

static bool is_ready(const struct mf_crew_member *m)
{
    return m->ready;
}

static bool is_finished(const struct mf_crew_member *m)
{
    return m->finished;
}

static void crew_fail(struct mf_crew *crew, const struct mf_error *err)
{
    if (!crew->stopping)
        crew->failed(crew->ctx, err);
}

/* --- what they say ------------------------------------------------------------------------------------------------ */

static void say_point(struct mf_crew_member *m, const struct mf_control_line *line)
{
    bool bad = !mf_control_get(line, "p") || !mf_control_get(line, "stream") || !mf_control_get(line, "seq") ||
               !mf_control_get(line, "process");
    struct mf_trigger trigger = {.is_message = true};
    trigger.row = (uint32_t)mf_control_u64(line, "p", 0, UINT32_MAX, &bad);
    trigger.stream = (uint32_t)mf_control_u64(line, "stream", 0, UINT32_MAX, &bad);
    trigger.process = (uint32_t)mf_control_u64(line, "process", 0, UINT32_MAX, &bad);
    trigger.seq = mf_control_u64(line, "seq", 0, UINT64_MAX, &bad);
    if (!bad) {
        m->crew->point(m->crew->ctx, &trigger);
        return;
    }
    struct mf_error err;
    mf_error_set(&err, MF_STATUS_INTERNAL, "midflight-load",
                 "load process %" PRIu32 " names a point that cannot be read", m->number);
    crew_fail(m->crew, &err);
}

static void say_placed(struct mf_crew_member *m, const struct mf_control_line *line)
{
    bool bad = !mf_control_get(line, "k");
    uint32_t k = (uint32_t)mf_control_u64(line, "k", 0, UINT32_MAX, &bad);
    if (!bad && m->crew->placed)
        m->crew->placed(m->crew->ctx, k);
}

static void say_error(struct mf_crew_member *m, const struct mf_control_line *line)
{
    const char *text = mf_control_get(line, "text");
    struct mf_error err;
    bool bad = false;
    int status = (int)mf_control_u64(line, "status", MF_STATUS_INTERNAL, 255, &bad);
    if (bad || status == MF_STATUS_PASS || mf_status_text(status)[0] == '?')
        status = MF_STATUS_INTERNAL;
    mf_error_set(&err, (enum mf_status)status, "midflight-load", "%s", text ? text : "an error that it does not name");
    crew_fail(m->crew, &err);
}

static void on_line(void *ctx, const struct mf_control_line *line)
{
    struct mf_crew_member *m = ctx;
    struct mf_crew *crew = m->crew;
    if (strcmp(line->verb, "ready") == 0 && !m->ready) {
        m->ready = true;
        if (all(crew, is_ready) && !crew->stopping)
            crew->ready(crew->ctx);
    } else if (strcmp(line->verb, "finished") == 0 && !m->finished) {
        m->finished = true;
        if (all(crew, is_finished))
            crew->finished(crew->ctx);
    } else if (strcmp(line->verb, "point") == 0) {
        say_point(m, line);
    } else if (strcmp(line->verb, "placed") == 0) {
        say_placed(m, line);
    } else if (strcmp(line->verb, "error") == 0) {
        say_error(m, line);
    }
}

static void on_garbage(void *ctx, const char *text)
{
    struct mf_crew_member *m = ctx;
    struct mf_error err;
    (void)text;
    mf_error_set(&err, MF_STATUS_INTERNAL, "midflight-load",
                 "load process %" PRIu32 " says something that is no control line", m->number);
    crew_fail(m->crew, &err);
}

static void on_exited(void *ctx, const char *how, bool asked)
{
    struct mf_crew_member *m = ctx;
    struct mf_error err;
    char words[256];
    m->exited = true;
    if (asked || m->finished)
        return;
    mf_child_last_words(m->log_path, words, sizeof words);
    mf_error_set(&err, MF_STATUS_INTERNAL, "midflight-load",
                 "load process %" PRIu32 " ended before it had finished: %s%s%s", m->number, how,
                 words[0] ? "; its last words: " : "", words);
    crew_fail(m->crew, &err);
}

/* An empty log says nothing: it goes. */
static void log_tidy(const char *path)
{
    char words[8];
    if (mf_child_last_words(path, words, sizeof words)[0] == 0)
        unlink(path);
}

static void on_gone(void *ctx, uint32_t left)
{
    struct mf_crew_member *m = ctx;
    struct mf_crew *crew = m->crew;
    m->child = NULL;
    log_tidy(m->log_path);
    if (left > 0) {
        struct mf_error err;
        mf_error_set(&err, MF_STATUS_INTERNAL, "midflight-load", "load process %" PRIu32 " could not be killed",
                     m->number);
        crew->failed(crew->ctx, &err);
    }
    if (--crew->left == 0)
        crew->gone(crew->ctx);
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static int member_start(struct mf_crew *crew, uint32_t i, const struct mf_crew_options *o, struct mf_error *err)
{
    struct mf_crew_member *m = &crew->member[i];
    struct mf_control_writer w;
    struct mf_plan plan;
    mf_shape_plan(crew->cell, i, o->endpoint, o->seed, &plan);
    if (o->history && mf_shape_history(&plan, o->dir, err) != 0)
        return -1;
    if (mf_plan_write(&plan, &w) != 0)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "the plan of the load does not fit into a control line");
    *m = (struct mf_crew_member){.crew = crew, .number = i + 1};
    if (snprintf(m->log_path, sizeof m->log_path, "%s/load-%" PRIu32 ".log", o->dir, i + 1) >= (int)sizeof m->log_path)
        return mf_error_set(err, MF_STATUS_USAGE, o->dir, "the path is too long");
    const char *argv[] = {o->program, "--recorder-fd", "3", "--control-fd", "4", NULL};
    struct mf_child_options options = {
        .argv = argv, .log_path = m->log_path, .recorder_fd = o->rec->fd, .net_fd = o->net_fd, .control = true};
    struct mf_child_events events = {
        .ctx = m, .line = on_line, .garbage = on_garbage, .exited = on_exited, .gone = on_gone};
    m->child = mf_child_start(o->loop, &options, &events, err);
    if (!m->child)
        return -1;
    crew->members++;
    crew->left++;
    mf_child_say(m->child, &w); /* nobody hears it: `exited` tells */
    return 0;
}

int mf_crew_start(struct mf_crew *crew, const struct mf_crew_options *options, struct mf_error *err)
{
    for (uint32_t i = 0; i < crew->cell->load.workers; i++)
        if (member_start(crew, i, options, err) != 0) {
            mf_crew_stop(crew, true);
            return -1;
        }
    return 0;
}

void mf_crew_go(struct mf_crew *crew)
{
    struct mf_control_writer w;
    mf_control_begin(&w, "go");
    mf_control_end(&w);
    for (uint32_t i = 0; i < crew->members; i++)
        mf_child_say(crew->member[i].child, &w);
}

static void first_say(struct mf_crew *crew, const char *verb, uint32_t k)
{
    struct mf_control_writer w;
    if (crew->members == 0 || !crew->member[0].child)
        return;
    mf_control_begin(&w, verb);
    mf_control_put_u64(&w, "k", k);
    mf_control_end(&w);
    mf_child_say(crew->member[0].child, &w);
}

void mf_crew_probe(struct mf_crew *crew, uint32_t k)
{
    first_say(crew, "probe", k);
}

void mf_crew_release(struct mf_crew *crew, uint32_t k)
{
    first_say(crew, "release", k);
}

int mf_crew_ping(struct mf_crew *crew, const char *text, const char *expect)
{
    struct mf_control_writer w;
    if (crew->members == 0 || !crew->member[0].child)
        return -1;
    mf_control_begin(&w, "say");
    mf_control_put(&w, "text", text);
    if (expect)
        mf_control_put(&w, "expect", expect);
    return mf_control_end(&w) != 0 ? -1 : mf_child_say(crew->member[0].child, &w);
}

void mf_crew_stop(struct mf_crew *crew, bool hurry)
{
    crew->stopping = true;
    for (uint32_t i = 0; i < crew->members; i++)
        if (crew->member[i].child)
            mf_child_stop(crew->member[i].child, hurry ? 0 : STOP_POLITE_MS);
}
