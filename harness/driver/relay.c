#include "driver/relay.h"

#include <stdio.h>
#include <string.h>

#define STOP_MS 1000

static void on_line(void *ctx, const struct mf_control_line *line)
{
    struct mf_relay *r = ctx;
    bool bad = false;
    const char *endpoint = mf_control_get(line, "endpoint");
    if (r->is_stopping)
        return;
    if (strcmp(line->verb, "ready") == 0 && endpoint && !r->is_ready) {
        r->is_ready = true;
        r->ready(r->ctx, endpoint);
    } else if (strcmp(line->verb, "done") == 0 && mf_control_get(line, "act")) {
        r->done(r->ctx, (uint32_t)mf_control_u64(line, "act", 0, UINT32_MAX, &bad),
                mf_control_u64(line, "connections", 0, UINT32_MAX, &bad));
    }
}

static void on_garbage(void *ctx, const char *text)
{
    struct mf_relay *r = ctx;
    struct mf_error err;
    mf_error_set(&err, MF_STATUS_INTERNAL, "midflight-relay", "says something that is no control line: %.40s", text);
    r->failed(r->ctx, &err);
}

static void on_exited(void *ctx, const char *how, bool asked)
{
    struct mf_relay *r = ctx;
    struct mf_error err;
    char words[256];
    if (asked)
        return;
    mf_child_last_words(r->log_path, words, sizeof words);
    mf_error_set(&err, MF_STATUS_INTERNAL, "midflight-relay", "ended in the middle of the run: %s%s%s", how,
                 words[0] ? "; its last words: " : "", words);
    r->failed(r->ctx, &err);
}

static void on_gone(void *ctx, uint32_t left)
{
    struct mf_relay *r = ctx;
    (void)left; /* it forks nobody */
    r->child = NULL;
    r->gone(r->ctx);
}

int mf_relay_start(struct mf_relay *r, uv_loop_t *loop, const char *program, const char *to, const char *folder,
                   const char *log_dir, struct mf_error *err)
{
    char listen[PATH_MAX + 16] = "tcp:127.0.0.1:0";
    if (strncmp(to, "unix:", 5) == 0)
        snprintf(listen, sizeof listen, "unix:%s/load.sock", folder); /* no longer than the node's own socket's name */
    snprintf(r->log_path, sizeof r->log_path, "%.4000s/relay.log", log_dir);
    const char *argv[] = {program, "--listen", listen, "--to", to, NULL};
    struct mf_child_options options = {
        .argv = argv, .log_path = r->log_path, .recorder_fd = -1, .net_fd = r->net_fd, .control = true};
    struct mf_child_events events = {
        .ctx = r, .line = on_line, .garbage = on_garbage, .exited = on_exited, .gone = on_gone};
    r->child = mf_child_start(loop, &options, &events, err);
    return r->child ? 0 : -1;
}

int mf_relay_say(struct mf_relay *r, const struct mf_control_writer *w)
{
    return r->child && r->is_ready ? mf_child_say(r->child, w) : -1;
}

void mf_relay_stop(struct mf_relay *r, bool hurry)
{
    r->is_stopping = true;
    if (r->child)
        mf_child_stop(r->child, hurry ? 0 : STOP_MS);
}
