#include "plan.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http.h"

const char *const liar_act_keys[LIAR_ACT_COUNT] = {
#define LIAR_ACT(id, key, scope, text) key,
#include "acts.def"
#undef LIAR_ACT
};
const char *const liar_act_texts[LIAR_ACT_COUNT] = {
#define LIAR_ACT(id, key, scope, text) text,
#include "acts.def"
#undef LIAR_ACT
};
const enum liar_scope liar_act_scopes[LIAR_ACT_COUNT] = {
#define LIAR_ACT(id, key, scope, text) LIAR_SCOPE_##scope,
#include "acts.def"
#undef LIAR_ACT
};

void liar_plan_usage(void)
{
    printf("usage: midflight-liar --endpoint unix:PATH|tcp[:PORT]|udp[:PORT] --codec NAME --messages N [OPTION]... "
           "[ACT@N[:ARG]]...\n"
           "A ping-pong server that misbehaves as it is told, and writes what it did. Orders come as lines on\n"
           "standard input, answers go to standard output.\n"
           "  --payload-bytes N --seed N --mode closed|open --window N --connections N --streams N --processes N\n"
           "  --timeout-ms N    as the load has them\n"
           "  --plain           (http1) answers do not say to which ping they belong\n"
           "  --anybody         (http1) whoever asks is answered; the books are then of what was done only\n"
           "  --listen-after-ms N   it says that it is ready, and listens so much later\n"
           "  --serve           no orders: SIGUSR1 is an upgrade, SIGTERM the end\n"
           "  --truth FILE      where it writes what it planted (key=value lines; default: standard output)\n"
           "  --plan FILE       more acts, one a line\n"
           "Acts, each from the N-th message on:\n");
    for (int i = 0; i < LIAR_ACT_COUNT; i++)
        printf("  %-14s %s\n", liar_act_keys[i], liar_act_texts[i]);
}

static int number(const char *text, uint64_t max, const char *what, uint64_t *value, struct mf_error *err)
{
    char *end;

    errno = 0;
    *value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || *value > max)
        return mf_error_set(err, MF_STATUS_USAGE, what, "\"%s\" is no number up to %llu", text,
                            (unsigned long long)max);
    return 0;
}

static int small_number(const char *text, const char *what, uint32_t *value, struct mf_error *err)
{
    uint64_t wide;

    if (number(text, UINT32_MAX, what, &wide, err) < 0)
        return -1;
    *value = (uint32_t)wide;
    return 0;
}

/* ACT@N[:ARG]; cuts the text up. */
static int plan_act(struct liar_plan *plan, char *text, struct mf_error *err)
{
    struct liar_act act = {.kind = LIAR_ACT_COUNT};
    char *at = strchr(text, '@'), *arg = at ? strchr(at, ':') : NULL;

    if (!at)
        return mf_error_set(err, MF_STATUS_USAGE, text, "an act is ACT@N or ACT@N:ARG");
    *at++ = '\0';
    if (arg)
        *arg++ = '\0';
    for (int i = 0; i < LIAR_ACT_COUNT; i++)
        if (strcmp(text, liar_act_keys[i]) == 0)
            act.kind = i;
    if (act.kind == LIAR_ACT_COUNT)
        return mf_error_set(err, MF_STATUS_USAGE, text, "there is no such act");
    if (number(at, UINT64_MAX, text, &act.at, err) < 0 || (arg && number(arg, UINT32_MAX, text, &act.arg, err) < 0))
        return -1;
    if (plan->acts == LIAR_ACTS_MAX)
        return mf_error_set(err, MF_STATUS_USAGE, text, "at most %d acts are allowed", LIAR_ACTS_MAX);
    uint32_t i = plan->acts++;
    for (; i > 0 && plan->act[i - 1].at > act.at; i--)
        plan->act[i] = plan->act[i - 1];
    plan->act[i] = act;
    return 0;
}

static int plan_file(struct liar_plan *plan, const char *path, struct mf_error *err)
{
    char line[200];
    int code = 0;
    FILE *file = fopen(path, "re");

    if (!file)
        return mf_error_errno(err, MF_STATUS_USAGE, path, "cannot be read");
    while (code == 0 && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0])
            code = plan_act(plan, line, err);
    }
    if (code == 0 && ferror(file))
        code = mf_error_errno(err, MF_STATUS_USAGE, path, "cannot be read");
    fclose(file);
    return code;
}

static int plan_endpoint(struct liar_plan *plan, const char *text, struct mf_error *err)
{
    plan->over_tcp = strncmp(text, "tcp", 3) == 0;
    plan->over_udp = strncmp(text, "udp", 3) == 0;
    bool by_port = plan->over_tcp || plan->over_udp;
    if (by_port && text[3] == ':') {
        uint64_t port;
        if (number(text + 4, UINT16_MAX, "--endpoint", &port, err) < 0)
            return -1;
        plan->port = (uint16_t)port;
        return 0;
    }
    if (by_port && !text[3])
        return 0;
    if (strncmp(text, "unix:", 5) != 0 || !text[5] || strlen(text + 5) >= sizeof plan->path)
        return mf_error_set(err, MF_STATUS_USAGE, "--endpoint",
                            "tcp, tcp:PORT, udp, udp:PORT or unix:PATH (under %zu bytes) are allowed",
                            sizeof plan->path);
    strcpy(plan->path, text + 5);
    return 0;
}

static int plan_mode(struct liar_plan *plan, const char *text, struct mf_error *err)
{
    plan->open_loop = strcmp(text, "open") == 0;
    if (plan->open_loop || strcmp(text, "closed") == 0)
        return 0;
    return mf_error_set(err, MF_STATUS_USAGE, "--mode", "open or closed are allowed");
}

static int plan_codec(struct liar_plan *plan, const char *text, struct mf_error *err)
{
    plan->codec = mf_codec_find(text);
    return plan->codec ? 0 : mf_error_set(err, MF_STATUS_USAGE, "--codec", "there is no codec \"%s\"", text);
}

static int plan_option(struct liar_plan *plan, int option, char *text, struct mf_error *err)
{
    uint64_t ms;

    switch (option) {
    case 'e':
        return plan_endpoint(plan, text, err);
    case 'c':
        return plan_codec(plan, text, err);
    case 'b':
        return small_number(text, "--payload-bytes", &plan->payload_bytes, err);
    case 's':
        return number(text, UINT64_MAX, "--seed", &plan->seed, err);
    case 'm':
        return plan_mode(plan, text, err);
    case 'w':
        return small_number(text, "--window", &plan->window, err);
    case 'n':
        return small_number(text, "--connections", &plan->connections, err);
    case 'S':
        return small_number(text, "--streams", &plan->streams, err);
    case 'P':
        return small_number(text, "--processes", &plan->processes, err);
    case 'M':
        return number(text, UINT64_MAX, "--messages", &plan->messages, err);
    case 't':
        if (number(text, UINT32_MAX, "--timeout-ms", &ms, err) < 0)
            return -1;
        plan->timeout_ns = ms * MF_NS_PER_MS;
        return 0;
    case 'T':
        plan->truth = text;
        return 0;
    case 'f':
        return plan_file(plan, text, err);
    case 'l':
        if (number(text, UINT32_MAX, "--listen-after-ms", &ms, err) < 0)
            return -1;
        plan->listen_after_ns = ms * MF_NS_PER_MS;
        return 0;
    case 'r':
        plan->serves = true;
        return 0;
    case 'p':
        plan->is_plain = true;
        return 0;
    case 'a':
        plan->anybody = plan->is_plain = true;
        return 0;
    case 'h':
        plan->wants_help = true;
        return 0;
    case 'v':
        plan->wants_version = true;
        return 0;
    default:
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "see --help");
    }
}

static int plan_confs(struct liar_plan *plan, struct mf_error *err)
{
    plan->is_http = plan->codec->configure != NULL;
    plan->breaks = plan->is_http || plan->codec->carries_payload;
    if (!plan->is_http && plan->is_plain)
        return mf_error_set(err, MF_STATUS_USAGE, "--plain",
                            "this codec's answers always say to which ping they belong");
    if (!plan->is_http)
        return 0;
    /* who reads requests looks for the id in them, whatever answers say */
    plan->asks = plan->codec->configure(plan->anybody ? "" : LIAR_HTTP_FULL, err);
    plan->answers = plan->codec->configure(plan->is_plain ? LIAR_HTTP_PLAIN : LIAR_HTTP_FULL, err);
    return plan->asks && plan->answers ? 0 : -1;
}

void liar_plan_done(struct liar_plan *plan)
{
    free(plan->asks);
    free(plan->answers);
}

static int plan_check(struct liar_plan *plan, struct mf_error *err)
{
    if (plan->wants_help || plan->wants_version)
        return 0;
    if ((!plan->over_tcp && !plan->over_udp && !plan->path[0]) || !plan->codec || plan->messages == 0)
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "--endpoint, --codec and --messages are needed");
    if (plan->payload_bytes > plan->codec->payload_bytes_max)
        return mf_error_set(err, MF_STATUS_USAGE, "--payload-bytes", "this codec carries at most %u",
                            plan->codec->payload_bytes_max);
    if (plan->streams == 0 || plan->processes < plan->streams || plan->window == 0 || plan->connections == 0)
        return mf_error_set(err, MF_STATUS_USAGE, NULL,
                            "no stream, window or connection may be missing, and each "
                            "stream needs a process of its own");
    if (plan->timeout_ns < 10 * MF_NS_PER_MS)
        return mf_error_set(err, MF_STATUS_USAGE, "--timeout-ms", "at least 10 are needed");
    return plan_confs(plan, err);
}

int liar_plan_parse(struct liar_plan *plan, int argc, char **argv, struct mf_error *err)
{
    static const struct option options[] = {
        {"endpoint", required_argument, NULL, 'e'},
        {"codec", required_argument, NULL, 'c'},
        {"payload-bytes", required_argument, NULL, 'b'},
        {"seed", required_argument, NULL, 's'},
        {"mode", required_argument, NULL, 'm'},
        {"window", required_argument, NULL, 'w'},
        {"connections", required_argument, NULL, 'n'},
        {"streams", required_argument, NULL, 'S'},
        {"processes", required_argument, NULL, 'P'},
        {"messages", required_argument, NULL, 'M'},
        {"timeout-ms", required_argument, NULL, 't'},
        {"truth", required_argument, NULL, 'T'},
        {"plan", required_argument, NULL, 'f'},
        {"listen-after-ms", required_argument, NULL, 'l'},
        {"serve", no_argument, NULL, 'r'},
        {"plain", no_argument, NULL, 'p'},
        {"anybody", no_argument, NULL, 'a'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    int option;

    *plan = (struct liar_plan){
        .window = 1, .connections = 1, .streams = 1, .processes = 1, .timeout_ns = MF_NS_PER_S, .seed = 1};
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (plan_option(plan, option, optarg, err) < 0)
            return -1;
    for (; optind < argc; optind++)
        if (plan_act(plan, argv[optind], err) < 0)
            return -1;
    return plan_check(plan, err);
}
