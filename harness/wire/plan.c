#include "wire/plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS     1000000ULL
#define DAY_NS (86400000ULL * MS)

#define MF_PLAN_PROBES                                                                                                 \
    0xFFFFu /* bits of a list that is the recorder's: the reader of the plan knows which there are                     \
             */

/* The plain numbers of a plan: X(member, lowest, highest). */
#define PLAN_NUMBERS(X)                                                                                                \
    X(worker, 0, 65535)                                                                                                \
    X(workers, 1, 65536)                                                                                               \
    X(connections, 1, 1000000)                                                                                         \
    X(streams_per_connection, 1, 1000000)                                                                              \
    X(first_stream, 0, 0xFFFFFFFE)                                                                                     \
    X(streams, 1, 0xFFFFFFFE)                                                                                          \
    X(probes, 0, MF_PLAN_PROBES)                                                                                       \
    X(processes, 1, 0xFFFFFFFE)                                                                                        \
    X(window, 0, 1000000)                                                                                              \
    X(pipeline, 0, 1000000)                                                                                            \
    X(retry, 0, 1)                                                                                                     \
    X(pings_per_connection, 0, UINT32_MAX)                                                                             \
    X(messages, 0, UINT64_MAX)                                                                                         \
    X(payload_bytes, 0, 65536)                                                                                         \
    X(timeout_ns, 1, DAY_NS)                                                                                           \
    X(connect_timeout_ns, 1, DAY_NS)                                                                                   \
    X(drain_ns, 0, DAY_NS)                                                                                             \
    X(window_ns, 0, DAY_NS)                                                                                            \
    X(seed, 0, UINT64_MAX)                                                                                             \
    X(points, 0, MF_PLAN_POINTS)

static const char *const mode_words[] = {[MF_MODE_OPEN] = "open", [MF_MODE_CLOSED] = "closed", NULL};
static const char *const arrivals_words[] = {
    [MF_ARRIVALS_UNIFORM] = "uniform", [MF_ARRIVALS_POISSON] = "poisson", NULL};

int mf_plan_write(const struct mf_plan *plan, struct mf_control_writer *w)
{
    char key[16], text[96];

    mf_control_begin(w, "plan");
#define PUT(member, low, high) mf_control_put_u64(w, #member, plan->member);
    PLAN_NUMBERS(PUT)
#undef PUT
    mf_control_put(w, "endpoint", plan->endpoint);
    mf_control_put(w, "codec", plan->codec);
    mf_control_put(w, "codec_conf", plan->codec_conf);
    mf_control_put(w, "history", plan->history);
    mf_control_put(w, "mode", mode_words[plan->mode]);
    mf_control_put(w, "arrivals", arrivals_words[plan->arrivals]);
    snprintf(text, sizeof text, "%.17g", plan->rate_per_s);
    mf_control_put(w, "rate_per_s", text);
    for (uint32_t i = 0; i < plan->points && i < MF_PLAN_POINTS; i++) {
        const struct mf_plan_point *p = &plan->point[i];
        snprintf(key, sizeof key, "point%" PRIu32, i);
        snprintf(text, sizeof text, "%" PRIu32 ",%" PRIu64 ",%" PRIu64 ",%" PRIu32 ",%d", p->point, p->first, p->every,
                 p->count, (int)p->kind);
        mf_control_put(w, key, text);
    }
    return mf_control_end(w);
}

static bool read_number(const struct mf_control_line *line, const char *key, uint64_t low, uint64_t high,
                        uint64_t *value)
{
    bool bad = !mf_control_get(line, key);
    uint64_t number = mf_control_u64(line, key, 0, high, &bad);

    *value = number;
    return !bad && number >= low;
}

static bool read_any_text(const struct mf_control_line *line, const char *key, char *out, size_t size)
{
    const char *value = mf_control_get(line, key);

    if (!value || strlen(value) >= size)
        return false;
    strcpy(out, value);
    return true;
}

static bool read_text(const struct mf_control_line *line, const char *key, char *out, size_t size)
{
    return read_any_text(line, key, out, size) && *out;
}

/* The value's index in `words`; -1 where it is none of them. */
static int read_word(const struct mf_control_line *line, const char *key, const char *const *words)
{
    const char *value = mf_control_get(line, key);

    for (int i = 0; value && words[i]; i++)
        if (strcmp(words[i], value) == 0)
            return i;
    return -1;
}

static bool read_rate(const struct mf_control_line *line, double *rate)
{
    const char *value = mf_control_get(line, "rate_per_s");
    char *end;

    if (!value || !*value)
        return false;
    *rate = strtod(value, &end);
    return !*end && isfinite(*rate) && *rate >= 0 && *rate <= 1e9;
}

static bool read_point(const struct mf_control_line *line, const char *key, struct mf_plan_point *p)
{
    const char *value = mf_control_get(line, key);
    unsigned kind;
    int used = 0;

    /* No sign, no blank: sscanf alone would take "-1". */
    if (!value || strspn(value, "0123456789,") != strlen(value) ||
        sscanf(value, "%" SCNu32 ",%" SCNu64 ",%" SCNu64 ",%" SCNu32 ",%u%n", &p->point, &p->first, &p->every,
               &p->count, &kind, &used) != 5 ||
        kind >= MF_PLAN_POINT_KINDS)
        return false;
    p->kind = (enum mf_plan_point_kind)kind;
    return !value[used] && p->first >= 1 && p->count >= 1 && (p->count == 1 || p->every >= 1);
}

static const char *read_points(struct mf_plan *plan, const struct mf_control_line *line)
{
    static const char *const keys[MF_PLAN_POINTS] = {"point0",  "point1",  "point2",  "point3", "point4",  "point5",
                                                     "point6",  "point7",  "point8",  "point9", "point10", "point11",
                                                     "point12", "point13", "point14", "point15"};

    for (uint32_t i = 0; i < plan->points; i++)
        if (!read_point(line, keys[i], &plan->point[i]))
            return keys[i];
    return NULL;
}

/* What must fit together. */
static const char *plan_conflict(const struct mf_plan *plan)
{
    if (plan->worker >= plan->workers)
        return "worker";
    uint64_t probes = (uint64_t)__builtin_popcount(plan->probes) + (plan->retry ? plan->workers : 0);
    if (plan->first_stream + (uint64_t)plan->connections * plan->streams_per_connection + probes > plan->streams)
        return "streams";
    if (plan->mode == MF_MODE_OPEN && plan->rate_per_s <= 0)
        return "rate_per_s";
    if (plan->mode == MF_MODE_CLOSED && plan->window == 0)
        return "window";
    return NULL;
}

int mf_plan_read(struct mf_plan *plan, const struct mf_control_line *line, const char **what)
{
    uint64_t value;

    *plan = (struct mf_plan){0};
#define READ(member, low, high)                                                                                        \
    *what = #member;                                                                                                   \
    if (!read_number(line, #member, low, high, &value))                                                                \
        return -1;                                                                                                     \
    plan->member = (__typeof__(plan->member))value;
    PLAN_NUMBERS(READ)
#undef READ
    *what = "endpoint";
    if (!read_text(line, *what, plan->endpoint, sizeof plan->endpoint))
        return -1;
    *what = "codec";
    if (!read_text(line, *what, plan->codec, sizeof plan->codec))
        return -1;
    *what = "codec_conf";
    if (!read_any_text(line, *what, plan->codec_conf, sizeof plan->codec_conf))
        return -1;
    *what = "history";
    if (!read_any_text(line, *what, plan->history, sizeof plan->history))
        return -1;
    *what = "mode";
    int mode = read_word(line, *what, mode_words);
    if (mode < 0)
        return -1;
    *what = "arrivals";
    int arrivals = read_word(line, *what, arrivals_words);
    if (arrivals < 0)
        return -1;
    plan->mode = (enum mf_load_mode)mode;
    plan->arrivals = (enum mf_arrivals)arrivals;
    *what = "rate_per_s";
    if (!read_rate(line, &plan->rate_per_s))
        return -1;
    *what = read_points(plan, line);
    if (!*what)
        *what = plan_conflict(plan);
    return *what ? -1 : 0;
}
