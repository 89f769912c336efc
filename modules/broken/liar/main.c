/* midflight-liar: a ping-pong server that misbehaves as it is told, in known numbers. See ../README.md. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http.h"
#include "liar.h"

/* It wakes at least so often, to see how late it is itself. */
#define BEAT_NS (5 * MF_NS_PER_MS)

void liar_fail(struct liar *l, const struct mf_error *err)
{
    if (!l->error.status)
        l->error = *err;
}

static void late_note(struct liar *l, uint64_t late_ns)
{
    l->truth.late_ns_max = late_ns > l->truth.late_ns_max ? late_ns : l->truth.late_ns_max;
}

void liar_look_at_clock(struct liar *l)
{
    uint64_t before_ns = l->now_ns;

    l->now_ns = mf_clock_now_ns();
    late_note(l, l->now_ns - before_ns);
}

static volatile sig_atomic_t told_to_upgrade, told_to_stop;

static void on_signal(int number)
{
    if (number == SIGUSR1)
        told_to_upgrade = 1;
    else
        told_to_stop = 1;
}

static void say_line(struct liar *l, struct mf_control_writer *w)
{
    struct mf_error err;

    if (mf_control_end(w) == 0 && mf_control_send(STDOUT_FILENO, w) == 0)
        return;
    mf_error_errno(&err, MF_STATUS_INTERNAL, NULL, "standard output");
    liar_fail(l, &err);
}

void liar_say(struct liar *l, const char *verb, const char *key, uint64_t value)
{
    struct mf_control_writer w;

    mf_control_begin(&w, verb);
    if (key)
        mf_control_put_u64(&w, key, value);
    say_line(l, &w);
}

static void say_ready(struct liar *l)
{
    struct mf_control_writer w;
    char endpoint[128];

    if (l->plan.over_tcp || l->plan.over_udp)
        snprintf(endpoint, sizeof endpoint, "%s:127.0.0.1:%u", l->plan.over_udp ? "udp" : "tcp", l->port);
    else
        snprintf(endpoint, sizeof endpoint, "unix:%s", l->plan.path);
    mf_control_begin(&w, "ready");
    mf_control_put(&w, "endpoint", endpoint);
    mf_control_put_u64(&w, "pid", (uint64_t)getpid());
    say_line(l, &w);
}

static void on_committed(struct liar *l);

void liar_upgrade_check(struct liar *l)
{
    if (l->upgrade != LIAR_UPGRADE_SWITCHING || (l->regress > 0 && l->received < l->plan.messages))
        return;
    l->upgrade = LIAR_UPGRADE_ENDED;
    l->switched++;
    liar_say(l, "ended", "k",
             l->plan.serves ? l->switched : l->switched - 1); /* as {k} of a target counts, and slots */
    if (l->plan.serves)
        on_committed(l);
}

static void on_upgrade(struct liar *l)
{
    if (l->upgrade != (l->plan.serves ? LIAR_UPGRADE_NONE : LIAR_UPGRADE_MARKED))
        return;
    l->upgrade = LIAR_UPGRADE_SWITCHING;
    if (!l->claims)
        l->generation = l->switched + 1;
    l->regress_chosen = false;
    liar_upgrade_check(l);
}

static void on_committed(struct liar *l)
{
    if (l->upgrade != LIAR_UPGRADE_ENDED)
        return;
    l->upgrade = LIAR_UPGRADE_NONE;
    if (l->claims) {
        l->claims = false;
        l->owed = l->switched;
        liar_answer_all_held(l);
    }
    for (int i = 0; i < LIAR_PEERS_MAX; i++)
        l->peer[i].since_commit = 0;
}

static void on_order(struct liar *l, char *text)
{
    struct mf_control_line line;

    if (mf_control_parse(&line, text) < 0)
        return;
    if (strcmp(line.verb, "upgrade") == 0)
        on_upgrade(l);
    else if (strcmp(line.verb, "committed") == 0)
        on_committed(l);
    else if (strcmp(line.verb, "starved") == 0)
        liar_on_starved(l);
    else if (strcmp(line.verb, "stop") == 0)
        l->stopped = true;
}

/* The end of its input is an order to stop, too. */
static void orders_read(struct liar *l, struct mf_control_reader *reader)
{
    size_t space;
    char *to = mf_control_feed_space(reader, &space), *text;
    ssize_t n = read(STDIN_FILENO, to, space);

    if (n < 0 && errno == EINTR)
        return;
    l->stopped = n <= 0;
    mf_control_fed(reader, n > 0 ? (size_t)n : 0);
    while ((text = mf_control_next(reader)))
        on_order(l, text);
}

/* Sleeps until something has come or is due. wait[0] is our input, wait[1] the listener, then the peers. */
static void liar_wait(struct liar *l, struct pollfd *wait)
{
    uint64_t before_ns = mf_clock_now_ns(), next_ns = liar_next_ns(l), until_ns = before_ns + BEAT_NS;
    uint64_t worked_ns = before_ns - l->now_ns;
    bool accepts = !l->never_accepts && l->accept_at_ns <= before_ns;

    until_ns = next_ns < until_ns ? next_ns : until_ns;
    wait[0] = (struct pollfd){.fd = l->plan.serves ? -1 : STDIN_FILENO, .events = POLLIN};
    wait[1] = (struct pollfd){.fd = accepts ? l->listener : -1, .events = POLLIN};
    for (int i = 0; i < LIAR_PEERS_MAX; i++)
        wait[i + 2] = (struct pollfd){.fd = l->peer[i].fd, .events = POLLIN};
    struct timespec left = mf_clock_timespec(until_ns > before_ns ? until_ns - before_ns : 0);
    if (ppoll(wait, LIAR_PEERS_MAX + 2, &left, NULL) < 0)
        for (int i = 0; i < LIAR_PEERS_MAX + 2; i++)
            wait[i].revents = 0;
    l->now_ns = mf_clock_now_ns();
    uint64_t late_ns = l->now_ns > until_ns ? l->now_ns - until_ns : 0;
    late_note(l,
              late_ns > worked_ns ? late_ns : worked_ns); /* or it had its processor taken in the midst of its work */
}

static void liar_run(struct liar *l)
{
    static struct mf_control_reader reader;
    struct pollfd wait[LIAR_PEERS_MAX + 2];
    struct mf_error err;

    say_ready(l);
    l->now_ns = mf_clock_now_ns();
    while (!l->stopped && !l->error.status) {
        liar_wait(l, wait);
        if (l->listen_at_ns && l->listen_at_ns <= l->now_ns && liar_server_listen(l, &err) < 0)
            liar_fail(l, &err);
        for (int i = 0; i < LIAR_PEERS_MAX; i++)
            if (wait[i + 2].revents && l->peer[i].fd == wait[i + 2].fd)
                liar_peer_read(l, &l->peer[i]);
        liar_on_time(l);
        if (wait[1].revents && l->listener == wait[1].fd)
            liar_server_accept(l);
        if (wait[0].revents)
            orders_read(l, &reader);
        if (told_to_upgrade) {
            told_to_upgrade = 0;
            on_upgrade(l);
        }
        l->stopped |= told_to_stop;
    }
}

/* Closes the books: what the load has left open, and what never came. */
static void liar_finish(struct liar *l)
{
    for (int i = 0; i < LIAR_PEERS_MAX; i++) {
        struct liar_peer *p = &l->peer[i];
        while (p->fd >= 0 && liar_peer_read(l, p))
            continue;
        if (p->fd >= 0)
            liar_peer_settle(l, p, MF_CAUSE_UNANSWERED, 0);
    }
    uint64_t rest = l->plan.messages > l->received ? l->plan.messages - l->received : 0;
    if (l->rest_outcome == MF_OUTCOME_NOT_SENT)
        l->truth.outcome[MF_OUTCOME_NOT_SENT] += rest;
    else if (l->rest_outcome == MF_OUTCOME_LOST)
        liar_truth_lost(&l->truth, l->rest_cause, rest);
    else if (l->racy)
        liar_truth_unseen(&l->truth, rest);
}

static int liar_write(struct liar *l, struct mf_error *err)
{
    const char *path = l->plan.truth;
    FILE *out = path ? fopen(path, "we") : stdout;

    if (!out)
        return mf_error_errno(err, MF_STATUS_INTERNAL, path, "cannot be written");
    int code = liar_truth_write(&l->truth, out);
    if (path && fclose(out) != 0)
        code = -1;
    return code == 0 ? 0 : mf_error_errno(err, MF_STATUS_INTERNAL, path, "cannot be written");
}

static int liar_live(struct liar *l, struct mf_error *err)
{
    l->rest_outcome = MF_OUTCOME_COUNT;
    l->out = malloc(LIAR_FRAMED_FACTOR * l->plan.codec->bytes_max(l->plan.answers, l->plan.payload_bytes) +
                    LIAR_FRAMED_MORE);
    l->payload = malloc(l->plan.payload_bytes + 1);
    l->ghost = calloc(l->plan.window, sizeof *l->ghost);
    if (!l->out || !l->payload || !l->ghost || liar_truth_init(&l->truth, &l->plan) < 0)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory");
    int code = liar_server_open(l, err);
    if (code == 0) {
        liar_run(l);
        liar_finish(l);
        if (l->error.status) {
            *err = l->error;
            code = -1;
        } else {
            code = liar_write(l, err);
        }
    }
    liar_server_close(l);
    return code;
}

int main(int argc, char **argv)
{
    static struct liar l;
    struct mf_error err = {0};

    if (liar_plan_parse(&l.plan, argc, argv, &err) == 0) {
        if (l.plan.wants_version)
            return puts("midflight-liar " MIDFLIGHT_VERSION) < 0 || fflush(stdout) ? MF_STATUS_INTERNAL : 0;
        if (l.plan.wants_help) {
            liar_plan_usage();
            return fflush(stdout) ? MF_STATUS_INTERNAL : 0;
        }
        signal(SIGPIPE, SIG_IGN);
        if (l.plan.serves) {
            signal(SIGUSR1, on_signal);
            signal(SIGTERM, on_signal);
        }
        signal(SIGINT, SIG_IGN); /* a terminal's Ctrl-C reaches whoever started us too, and it says stop */
        if (liar_live(&l, &err) == 0) {
            liar_truth_done(&l.truth);
            liar_plan_done(&l.plan);
            free(l.out);
            free(l.payload);
            free(l.ghost);
            return MF_STATUS_PASS;
        }
    }
    mf_error_print("midflight-liar", &err);
    return err.status;
}
