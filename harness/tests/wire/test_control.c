/* Control lines and plans. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/rng.h"
#include "wire/control.h"
#include "wire/plan.h"

static bool same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* The line of a writer that was ended, without its newline. */
static const char *ended_line(const struct mf_control_writer *w)
{
    static char text[MF_CONTROL_BYTES + 1];

    memcpy(text, w->text, w->used - 1);
    text[w->used - 1] = 0;
    return text;
}

static const char *line_of(struct mf_control_writer *w)
{
    cr_assert(eq(int, mf_control_end(w), 0));
    return ended_line(w);
}

Test(control, any_value_goes_through)
{
    struct mf_control_writer w;
    struct mf_control_line line;
    char value[256], text[MF_CONTROL_BYTES];

    for (int i = 0; i < 255; i++)
        value[i] = (char)(i + 1);
    value[255] = 0;
    mf_control_begin(&w, "error");
    mf_control_put(&w, "text", value);
    mf_control_put(&w, "empty", "");
    mf_control_put_u64(&w, "status", UINT64_MAX);
    strcpy(text, line_of(&w));
    for (const char *p = text; *p; p++)
        cr_assert(eq(int, *p >= ' ' && *p <= '~', 1));
    cr_assert(eq(int, mf_control_parse(&line, text), 0));
    cr_expect(same(line.verb, "error"));
    cr_expect(same(mf_control_get(&line, "text"), value));
    cr_expect(same(mf_control_get(&line, "empty"), ""));
    bool bad = false;
    cr_expect(eq(u64, mf_control_u64(&line, "status", 0, UINT64_MAX, &bad), UINT64_MAX));
    cr_expect(not(bad));
    cr_expect(eq(ptr, (void *)mf_control_get(&line, "none"), NULL));
}

Test(control, bad_lines_are_refused)
{
    static const char *const bad[] = {"",        " ",       "Go",       "go x",      "go =1",
                                      "go a=%",  "go a=%4", "go a=%4x", "go a=%00",  "go a=b\x01",
                                      "go\tx=1", "go A=1",  "go a=1 b", "go a=\x7f", "go a=\xc3\xa4"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[64];
        struct mf_control_line line;
        strcpy(text, bad[i]);
        cr_expect(eq(int, mf_control_parse(&line, text), -1), "\"%s\"", bad[i]);
    }
}

Test(control, too_many_pairs_are_refused)
{
    struct mf_control_writer w;
    struct mf_control_line line;
    char text[MF_CONTROL_BYTES];

    mf_control_begin(&w, "go");
    for (int i = 0; i < MF_CONTROL_PAIRS; i++)
        mf_control_put(&w, "a", "b");
    strcpy(text, line_of(&w));
    cr_expect(eq(int, mf_control_parse(&line, text), 0));
    w.used--;
    mf_control_put(&w, "a", "b");
    strcpy(text, line_of(&w));
    cr_expect(eq(int, mf_control_parse(&line, text), -1));
}

Test(control, numbers_are_checked)
{
    static const struct {
        const char *text;
        uint64_t max;
        bool bad;
    } rows[] = {{"0", 0, false},
                {"10", 10, false},
                {"11", 10, true},
                {"", 10, true},
                {"-1", 10, true},
                {"+1", 10, true},
                {"1x", 10, true},
                {"7", 3, true},
                {"18446744073709551615", UINT64_MAX, false},
                {"18446744073709551616", UINT64_MAX, true},
                {"99999999999999999999999", UINT64_MAX, true}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mf_control_line line = {.verb = "x", .pairs = 1, .pair = {{"k", rows[i].text}}};
        bool bad = false;
        mf_control_u64(&line, "k", 5, rows[i].max, &bad);
        cr_expect(eq(int, bad, rows[i].bad), "\"%s\"", rows[i].text);
    }
    struct mf_control_line none = {.verb = "x"};
    bool bad = false;
    cr_expect(eq(u64, mf_control_u64(&none, "k", 5, 10, &bad), 5));
    cr_expect(not(bad));
}

Test(control, a_line_that_does_not_fit_is_refused)
{
    struct mf_control_writer w;
    static char value[MF_CONTROL_BYTES];

    memset(value, 'x', sizeof value - 1);
    mf_control_begin(&w, "go");
    mf_control_put(&w, "a", value);
    cr_expect(eq(int, mf_control_end(&w), -1));
}

/* Feeds `bytes` in pieces of random size; returns the lines, joined by '|'. */
static void feed(struct mf_control_reader *r, struct mf_rng *rng, const char *bytes, size_t n, char *joined)
{
    *joined = 0;
    while (n > 0) {
        size_t space, piece = 1 + mf_rng_below(rng, 3000);
        char *to = mf_control_feed_space(r, &space);
        cr_assert(gt(sz, space, 0));
        piece = piece < space ? piece : space;
        piece = piece < n ? piece : n;
        memcpy(to, bytes, piece);
        mf_control_fed(r, piece);
        bytes += piece;
        n -= piece;
        for (char *line; (line = mf_control_next(r));)
            strcat(strcat(joined, line), "|");
    }
}

Test(control, a_reader_cuts_lines_however_they_come)
{
    struct mf_rng rng;
    mf_rng_init(&rng, 3, 1);

    for (int round = 0; round < 300; round++) {
        struct mf_control_reader r = {0};
        char joined[200];
        feed(&r, &rng, "ready\n\npoint p=1\nlast", 21, joined);
        cr_expect(same(joined, "ready||point p=1|"));
        cr_expect(not(r.overrun));
    }
}

Test(control, a_reader_drops_lines_over_the_limit_and_says_so)
{
    static char bytes[3 * MF_CONTROL_BYTES + 64];
    struct mf_rng rng;
    mf_rng_init(&rng, 4, 1);

    for (int round = 0; round < 300; round++) {
        struct mf_control_reader r = {0};
        char joined[200];
        size_t length = MF_CONTROL_BYTES + mf_rng_below(&rng, 2 * MF_CONTROL_BYTES);
        memset(bytes, 'x', length);
        memcpy(bytes, "first\n", 6);
        memset(bytes + 6, 'y', length);
        memcpy(bytes + 6 + length, "\nlast\n", 6);
        feed(&r, &rng, bytes, length + 12, joined);
        cr_expect(same(joined, "first|last|"));
        cr_expect(r.overrun);
    }
}

Test(control, a_nul_does_not_hide_the_rest_of_a_line)
{
    struct mf_control_reader r = {0};
    struct mf_control_line line;
    size_t space;

    memcpy(mf_control_feed_space(&r, &space), "go\0 a=1\n", 8);
    mf_control_fed(&r, 8);
    cr_expect(eq(int, mf_control_parse(&line, mf_control_next(&r)), -1));
}

Test(control, survives_anything)
{
    static const char alphabet[] = "ago =%04fz\x01\xff_-";
    struct mf_rng rng;
    mf_rng_init(&rng, 5, 1);

    for (int round = 0; round < 50000; round++) {
        struct mf_control_line line;
        size_t n = mf_rng_below(&rng, 60);
        char *text = malloc(n + 1);
        for (size_t i = 0; i < n; i++)
            text[i] = alphabet[mf_rng_below(&rng, sizeof alphabet - 1)];
        text[n] = 0;
        if (mf_control_parse(&line, text) == 0)
            for (uint32_t i = 0; i < line.pairs; i++)
                cr_assert(strlen(line.pair[i].key) + strlen(line.pair[i].value) < n);
        free(text);
    }
}

Test(control, sends_whole_lines_over_sockets_and_pipes)
{
    int pair[2], pipes[2];
    char got[32];
    struct mf_control_writer w;

    cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0));
    cr_assert(eq(int, pipe(pipes), 0));
    mf_control_begin(&w, "go");
    mf_control_end(&w);
    cr_expect(eq(int, mf_control_send(pair[0], &w), 0));
    cr_expect(eq(int, mf_control_send(pipes[1], &w), 0));
    cr_expect(eq(i64, read(pair[1], got, sizeof got), 3));
    cr_expect(eq(i64, read(pipes[0], got, sizeof got), 3));
    close(pair[1]);
    cr_expect(eq(int, mf_control_send(pair[0], &w), -1)); /* and no SIGPIPE */
    close(pair[0]);
    close(pipes[0]);
    close(pipes[1]);
}

static const struct mf_plan plan = {
    .worker = 1,
    .workers = 3,
    .endpoint = "unix:/run/some folder/100%.sock",
    .codec = "frame",
    .history = "/tmp/a result/cells/all/run-1",
    .codec_conf = "method GET\npath /100%?a=b c\n",
    .pipeline = 9,
    .retry = 1,
    .connections = 4,
    .streams_per_connection = 2,
    .first_stream = 8,
    .streams = 24,
    .processes = 64,
    .mode = MF_MODE_OPEN,
    .arrivals = MF_ARRIVALS_POISSON,
    .rate_per_s = 20000.0 / 3,
    .window = 0,
    .messages = 123456789012345,
    .payload_bytes = 64,
    .timeout_ns = 1000000000,
    .connect_timeout_ns = 2000000000,
    .drain_ns = 0,
    .window_ns = 100000000,
    .seed = UINT64_MAX,
    .points = 2,
    .point = {{.point = 0, .first = 100, .every = 50, .count = 3},
              {.point = 7, .first = UINT64_MAX, .every = 0, .count = 1, .kind = MF_PLAN_POINT_HALF}},
    .probes = 5,
};

Test(plan, comes_back_as_it_was)
{
    struct mf_control_writer w;
    struct mf_control_line line;
    struct mf_plan back;
    const char *what;
    char text[MF_CONTROL_BYTES];

    cr_assert(eq(int, mf_plan_write(&plan, &w), 0));
    strcpy(text, ended_line(&w));
    cr_assert(eq(int, mf_control_parse(&line, text), 0));
    cr_assert(eq(int, mf_plan_read(&back, &line, &what), 0), "%s", what);
#define SAME(member) cr_expect(eq(int, back.member == plan.member, 1), #member)
    SAME(worker);
    SAME(workers);
    SAME(connections);
    SAME(streams_per_connection);
    SAME(first_stream);
    SAME(streams);
    SAME(processes);
    SAME(mode);
    SAME(arrivals);
    SAME(rate_per_s);
    SAME(window);
    SAME(pipeline);
    SAME(retry);
    SAME(messages);
    SAME(payload_bytes);
    SAME(timeout_ns);
    SAME(connect_timeout_ns);
    SAME(drain_ns);
    SAME(window_ns);
    SAME(seed);
    SAME(points);
    SAME(probes);
    for (int i = 0; i < 2; i++) {
        SAME(point[i].point);
        SAME(point[i].first);
        SAME(point[i].every);
        SAME(point[i].count);
        SAME(point[i].kind);
    }
#undef SAME
    cr_expect(same(back.endpoint, plan.endpoint));
    cr_expect(same(back.codec, plan.codec));
    cr_expect(same(back.codec_conf, plan.codec_conf));
    cr_expect(same(back.history, plan.history));
}

Test(plan, every_key_is_required_and_named)
{
    struct mf_control_writer w;
    struct mf_control_line line;
    char text[MF_CONTROL_BYTES];

    cr_assert(eq(int, mf_plan_write(&plan, &w), 0));
    strcpy(text, ended_line(&w));
    cr_assert(eq(int, mf_control_parse(&line, text), 0));
    for (uint32_t i = 0; i < line.pairs; i++) {
        struct mf_control_line less = line;
        struct mf_plan back;
        const char *what = NULL;
        less.pair[i].key = "other";
        cr_assert(eq(int, mf_plan_read(&back, &less, &what), -1));
        cr_expect(same(what, line.pair[i].key));
        less.pair[i] = line.pair[i];
        less.pair[i].value = "-1";
        cr_assert(mf_plan_read(&back, &less, &what) == -1 || strcmp(line.pair[i].key, "endpoint") == 0 ||
                  strcmp(line.pair[i].key, "history") == 0 || strncmp(line.pair[i].key, "codec", 5) == 0);
    }
}

Test(plan, what_does_not_fit_together_is_named)
{
    struct {
        const char *what;
        struct mf_plan plan;
    } rows[] = {{"worker", plan}, {"streams", plan}, {"rate_per_s", plan}, {"window", plan}, {"point0", plan}};

    rows[0].plan.worker = 3;
    rows[1].plan.first_stream = 17;
    rows[2].plan.rate_per_s = 0;
    rows[3].plan.mode = MF_MODE_CLOSED;
    rows[4].plan.point[0].every = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mf_control_writer w;
        struct mf_control_line line;
        struct mf_plan back;
        const char *what = NULL;
        char text[MF_CONTROL_BYTES];
        cr_assert(eq(int, mf_plan_write(&rows[i].plan, &w), 0));
        strcpy(text, ended_line(&w));
        cr_assert(eq(int, mf_control_parse(&line, text), 0));
        cr_assert(eq(int, mf_plan_read(&back, &line, &what), -1), "row %zu", i);
        cr_expect(same(what, rows[i].what));
    }
}
