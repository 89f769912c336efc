#include "node/args.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "strategies/strategy.h"
#include "wire/codec.h"

#define PROCESSES_MAX   1000000
#define SCHEDULERS_MAX  256
#define PATIENCE_MS     2500
#define PATIENCE_MS_MAX 3600000
#define DELAY_US_MAX    1000000

enum option_id {
    OPTION_RECORDER_FD = 1,
    OPTION_CONTROL_FD,
    OPTION_STRATEGY,
    OPTION_PROCESSES,
    OPTION_SCHEDULERS,
    OPTION_PURGE,
    OPTION_LINGERERS,
    OPTION_CONTROL_GROUP,
    OPTION_SUPERVISION,
    OPTION_GROUP,
    OPTION_LINKS,
    OPTION_MODULE,
    OPTION_TRANSPORT,
    OPTION_LISTEN,
    OPTION_CODEC,
    OPTION_DIR,
    OPTION_SEED,
    OPTION_PATIENCE_MS,
    OPTION_POINT,
    OPTION_WORKER,
    OPTION_MODULE_INDEX,
    OPTION_CARGO_FD,
    OPTION_CARGO_SLOT,
    OPTION_ACCEPT_DELAY,
    OPTION_RETIRE,
    OPTION_LISTEN_FD,
    OPTION_HAND_FD,
    OPTION_TAKE_FD,
};

static const struct option options[] = {
    {"recorder-fd", required_argument, NULL, OPTION_RECORDER_FD},
    {"control-fd", required_argument, NULL, OPTION_CONTROL_FD},
    {"strategy", required_argument, NULL, OPTION_STRATEGY},
    {"processes", required_argument, NULL, OPTION_PROCESSES},
    {"schedulers", required_argument, NULL, OPTION_SCHEDULERS},
    {"purge", required_argument, NULL, OPTION_PURGE},
    {"lingerers", required_argument, NULL, OPTION_LINGERERS},
    {"control-group", required_argument, NULL, OPTION_CONTROL_GROUP},
    {"supervision", required_argument, NULL, OPTION_SUPERVISION},
    {"group", required_argument, NULL, OPTION_GROUP},
    {"links", no_argument, NULL, OPTION_LINKS},
    {"module", required_argument, NULL, OPTION_MODULE},
    {"transport", required_argument, NULL, OPTION_TRANSPORT},
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"codec", required_argument, NULL, OPTION_CODEC},
    {"dir", required_argument, NULL, OPTION_DIR},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"patience-ms", required_argument, NULL, OPTION_PATIENCE_MS},
    {"point", required_argument, NULL, OPTION_POINT},
    {"worker", no_argument, NULL, OPTION_WORKER},
    {"module-index", required_argument, NULL, OPTION_MODULE_INDEX},
    {"cargo-fd", required_argument, NULL, OPTION_CARGO_FD},
    {"cargo-slot", required_argument, NULL, OPTION_CARGO_SLOT},
    {"accept-delay-us", required_argument, NULL, OPTION_ACCEPT_DELAY},
    {"retire", required_argument, NULL, OPTION_RETIRE},
    {"listen-fd", required_argument, NULL, OPTION_LISTEN_FD},
    {"hand-fd", required_argument, NULL, OPTION_HAND_FD},
    {"take-fd", required_argument, NULL, OPTION_TAKE_FD},
    {NULL, 0, NULL, 0},
};

static const char *const purge_keys[MF_PURGE_COUNT] = {
#define MF_PURGE(id, key, text) key,
#include "strategies/purge.def"
#undef MF_PURGE
};
static const char *const supervision_keys[MF_SUPERVISION_COUNT] = {
#define MF_SUPERVISION(id, key, text) key,
#include "strategies/supervision.def"
#undef MF_SUPERVISION
};

static const char *option_name(int id)
{
    for (const struct option *o = options; o->name; o++)
        if (o->val == id)
            return o->name;
    return "?";
}

/* --- numbers --- */

static int number_read(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
    if (text[0] < '0' || text[0] > '9') /* strtoull takes signs and blanks */
        return -1;
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return errno || *end || *value < min || *value > max ? -1 : 0;
}

static int option_number(int id, const char *text, uint64_t min, uint64_t max, uint64_t *value, struct mf_error *err)
{
    if (number_read(text, min, max, value) == 0)
        return 0;
    return mf_error_set(err, MF_STATUS_USAGE, NULL, "--%s %s: a number from %" PRIu64 " to %" PRIu64 " is wanted",
                        option_name(id), text, min, max);
}

static int option_u32(int id, const char *text, uint32_t min, uint32_t max, uint32_t *value, struct mf_error *err)
{
    uint64_t wide;
    if (option_number(id, text, min, max, &wide, err) != 0)
        return -1;
    *value = (uint32_t)wide;
    return 0;
}

static int option_fd(int id, const char *text, int *fd, struct mf_error *err)
{
    uint64_t wide;
    if (option_number(id, text, 0, INT32_MAX, &wide, err) != 0)
        return -1;
    *fd = (int)wide;
    return 0;
}

/* One of two words. */
static int option_word(int id, const char *text, const char *const words[2], uint32_t *index, struct mf_error *err)
{
    for (*index = 0; *index < 2; ++*index)
        if (strcmp(words[*index], text) == 0)
            return 0;
    return mf_error_set(err, MF_STATUS_USAGE, NULL, "--%s %s: %s or %s is wanted", option_name(id), text, words[0],
                        words[1]);
}

/* --- points --- */

static const char *const point_kinds[] = {
    [MF_NODE_POINT_STAGE] = "stage", [MF_NODE_POINT_VALUE] = "value", [MF_NODE_POINT_DEPTH] = "depth"};

/* The index of `word` in `words`; -1 where it is none of them. */
static int word_read(const char *word, const char *const *words, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return -1;
}

/* KIND:INDEX:STAGE:FIRST:EVERY:COUNT:HOLD:HOLD_MS */
static int point_read(struct mf_node_point *point, const char *text)
{
    char copy[256];
    char *field[8];
    if ((size_t)snprintf(copy, sizeof copy, "%s", text) >= sizeof copy)
        return -1;
    char *rest = copy;
    for (int i = 0; i < 8; i++)
        field[i] = strsep(&rest, ":");
    if (rest || !field[7])
        return -1;
    uint64_t index, count, hold, hold_ms;
    int kind = word_read(field[0], point_kinds, sizeof point_kinds / sizeof *point_kinds);
    int stage = word_read(field[2], mf_point_stage_keys, MF_POINT_STAGE_COUNT);
    if (kind < 0 || stage < 0 || number_read(field[1], 0, UINT32_MAX - 1, &index) != 0 ||
        number_read(field[3], 0, UINT64_MAX, &point->first) != 0 ||
        number_read(field[4], 0, UINT64_MAX, &point->every) != 0 || number_read(field[5], 0, UINT32_MAX, &count) != 0 ||
        number_read(field[6], 0, 1, &hold) != 0 || number_read(field[7], 0, UINT32_MAX, &hold_ms) != 0)
        return -1;
    point->kind = (enum mf_node_point_kind)kind;
    point->stage = (uint32_t)stage;
    if (kind != MF_NODE_POINT_STAGE)
        point->stage = kind == MF_NODE_POINT_VALUE ? MF_STAGE_DEQUEUED : MF_STAGE_ENQUEUED;
    point->point = (uint32_t)index;
    point->count = (uint32_t)count;
    point->hold = hold != 0;
    point->hold_ms = (uint32_t)hold_ms;
    return 0;
}

static int option_point(struct mf_node_args *args, const char *text, struct mf_error *err)
{
    if (args->points_count == MF_NODE_POINTS_MAX)
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "--point: at most %d of them", MF_NODE_POINTS_MAX);
    if (point_read(&args->points[args->points_count], text) != 0)
        return mf_error_set(err, MF_STATUS_USAGE, NULL,
                            "--point %s: value|stage|depth:INDEX:STAGE:FIRST:EVERY:COUNT:HOLD:HOLD_MS is wanted", text);
    args->points_count++;
    return 0;
}

/* --- reading --- */

static int option_module(struct mf_node_args *args, const char *path, struct mf_error *err)
{
    if (args->modules_count == MF_NODE_MODULES_MAX)
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "--module: at most %d of them", MF_NODE_MODULES_MAX);
    args->modules[args->modules_count++] = path;
    return 0;
}

static int option_retire(struct mf_node_args *args, const char *text, struct mf_error *err)
{
    for (int i = 0; i < MF_RETIRE_COUNT; i++)
        if (strcmp(mf_retire_keys[i], text) == 0) {
            args->retire = (enum mf_retire)i;
            return 0;
        }
    return mf_error_set(err, MF_STATUS_USAGE, NULL, "--retire %s: there is none of this name; there are%s", text,
#define MF_RETIRE(id, key, text) " " key
#include "strategies/retire.def"
#undef MF_RETIRE
    );
}

static int option_take(struct mf_node_args *args, int id, const char *text, struct mf_error *err)
{
    uint32_t word;
    switch ((enum option_id)id) {
    case OPTION_RECORDER_FD:
        return option_fd(id, text, &args->recorder_fd, err);
    case OPTION_CONTROL_FD:
        return option_fd(id, text, &args->control_fd, err);
    case OPTION_STRATEGY:
        args->strategy = text;
        return 0;
    case OPTION_PROCESSES:
        return option_u32(id, text, 1, PROCESSES_MAX, &args->processes, err);
    case OPTION_SCHEDULERS:
        return option_u32(id, text, 1, SCHEDULERS_MAX, &args->schedulers, err);
    case OPTION_LINGERERS:
        return option_u32(id, text, 0, PROCESSES_MAX, &args->lingerers, err);
    case OPTION_CONTROL_GROUP:
        return option_u32(id, text, 0, PROCESSES_MAX, &args->control_group, err);
    case OPTION_GROUP:
        return option_u32(id, text, 1, PROCESSES_MAX, &args->group, err);
    case OPTION_LINKS:
        args->links = true;
        return 0;
    case OPTION_PURGE:
        if (option_word(id, text, purge_keys, &word, err) != 0)
            return -1;
        args->purge = (enum mf_purge)word;
        return 0;
    case OPTION_SUPERVISION:
        if (option_word(id, text, supervision_keys, &word, err) != 0)
            return -1;
        args->supervision = (enum mf_supervision)word;
        return 0;
    case OPTION_MODULE:
        return option_module(args, text, err);
    case OPTION_TRANSPORT:
        args->transport = text;
        return 0;
    case OPTION_LISTEN:
        args->listen = text;
        return 0;
    case OPTION_CODEC:
        args->codec = text;
        return 0;
    case OPTION_DIR:
        args->dir = text;
        return 0;
    case OPTION_SEED:
        return option_number(id, text, 0, UINT64_MAX, &args->seed, err);
    case OPTION_PATIENCE_MS:
        return option_u32(id, text, 1, PATIENCE_MS_MAX, &args->patience_ms, err);
    case OPTION_POINT:
        return option_point(args, text, err);
    case OPTION_WORKER:
        args->worker = true;
        return 0;
    case OPTION_MODULE_INDEX:
        return option_u32(id, text, 0, MF_NODE_MODULES_MAX - 1, &args->module_index, err);
    case OPTION_CARGO_FD:
        return option_fd(id, text, &args->cargo_fd, err);
    case OPTION_CARGO_SLOT:
        return option_u32(id, text, 0, UINT32_MAX - 1, &args->cargo_k, err);
    case OPTION_ACCEPT_DELAY:
        return option_u32(id, text, 0, DELAY_US_MAX, &args->accept_delay_us, err);
    case OPTION_RETIRE:
        return option_retire(args, text, err);
    case OPTION_LISTEN_FD:
        return option_fd(id, text, &args->listen_fd, err);
    case OPTION_HAND_FD:
        return option_fd(id, text, &args->hand_fd, err);
    case OPTION_TAKE_FD:
        return option_fd(id, text, &args->take_fd, err);
    }
    return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "option %d has no reader", id);
}

/* --- checking --- */

static int unix_endpoint_check(const char *path, struct mf_error *err)
{
    if (path[0] != '/')
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "--listen unix:%s: an absolute path is wanted", path);
    if (strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path)
        return mf_error_set(err, MF_STATUS_USAGE, NULL,
                            "--listen unix:%s: a UNIX socket's path has at most %zu bytes, this one has %zu", path,
                            sizeof((struct sockaddr_un *)0)->sun_path - 1, strlen(path));
    return 0;
}

static int tcp_endpoint_check(const char *endpoint, struct mf_error *err)
{
    char address[64];
    struct in_addr in;
    uint64_t port;
    const char *colon = strrchr(endpoint, ':');
    if (!colon || (size_t)(colon - endpoint) >= sizeof address || number_read(colon + 1, 0, UINT16_MAX, &port) != 0)
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "--listen tcp:%s: tcp:ADDRESS:PORT is wanted", endpoint);
    memcpy(address, endpoint, (size_t)(colon - endpoint));
    address[colon - endpoint] = 0;
    if (inet_pton(AF_INET, address, &in) != 1)
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "--listen tcp:%s: %s is no IPv4 address", endpoint, address);
    return 0;
}

static int endpoint_check(const struct mf_node_args *args, struct mf_error *err)
{
    bool is_unix = strcmp(args->transport, "unix") == 0, is_tcp = strcmp(args->transport, "tcp") == 0;
    if (!is_unix && !is_tcp && strcmp(args->transport, "local") != 0)
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "--transport %s: unix, tcp or local is wanted",
                            args->transport);
    if (!is_unix && !is_tcp)
        return 0;
    if (!args->listen)
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "--listen is missing: transport %s needs it", args->transport);
    if (is_unix && strncmp(args->listen, "unix:", 5) == 0)
        return unix_endpoint_check(args->listen + 5, err);
    if (is_tcp && strncmp(args->listen, "tcp:", 4) == 0)
        return tcp_endpoint_check(args->listen + 4, err);
    return mf_error_set(err, MF_STATUS_USAGE, NULL, "--listen %s does not fit --transport %s", args->listen,
                        args->transport);
}

static int strategy_check(const struct mf_node_args *args, struct mf_error *err)
{
    if (mf_strategy_find(args->strategy)->listener == MF_LISTENER_SHARED && strcmp(args->transport, "tcp") != 0)
        return mf_error_set(err, MF_STATUS_USAGE, NULL,
                            "--strategy %s needs --transport tcp: only there two OS processes can listen at one place",
                            args->strategy);
    return 0;
}

static int names_check(const struct mf_node_args *args, struct mf_error *err)
{
    if (!mf_strategy_find(args->strategy))
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "--strategy %s: there is none of this name; there are%s",
                            args->strategy,
#define MF_STRATEGY(id, name, flags, text) " " name
#include "strategies/strategies.def"
#undef MF_STRATEGY
        );
    if (!mf_codec_find(args->codec))
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "--codec %s: there is none of this name", args->codec);
    struct stat st;
    if (stat(args->dir, &st) != 0)
        return mf_error_errno(err, MF_STATUS_USAGE, NULL, "--dir %s", args->dir);
    if (!S_ISDIR(st.st_mode))
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "--dir %s: no folder", args->dir);
    return 0;
}

static int args_check(const struct mf_node_args *args, struct mf_error *err)
{
    const struct {
        bool missing;
        int id;
    } wanted[] = {
        {args->recorder_fd < 0, OPTION_RECORDER_FD},
        {args->control_fd < 0, OPTION_CONTROL_FD},
        {!args->strategy, OPTION_STRATEGY},
        {!args->processes, OPTION_PROCESSES},
        {!args->schedulers, OPTION_SCHEDULERS},
        {!args->modules_count, OPTION_MODULE},
        {!args->transport, OPTION_TRANSPORT},
        {!args->codec, OPTION_CODEC},
        {!args->dir, OPTION_DIR},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (wanted[i].missing)
            return mf_error_set(err, MF_STATUS_USAGE, NULL, "--%s is missing", option_name(wanted[i].id));
    if (args->lingerers > 0 && strcmp(args->strategy, "two-version") != 0)
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "--lingerers is for strategy two-version");
    if (args->lingerers > args->processes || args->control_group >= args->processes - args->lingerers)
        return mf_error_set(err, MF_STATUS_USAGE, NULL,
                            "%" PRIu32 " processes are too few for %" PRIu32 " lingerers, a control group of %" PRIu32
                            " and one that is upgraded",
                            args->processes, args->lingerers, args->control_group);
    if (args->module_index >= args->modules_count)
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "--module-index %" PRIu32 ": there are %" PRIu32 " modules",
                            args->module_index, args->modules_count);
    if (args->cargo_k != UINT32_MAX && args->cargo_fd < 0)
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "--cargo-slot needs --cargo-fd");
    return names_check(args, err) == 0 && strategy_check(args, err) == 0 ? endpoint_check(args, err) : -1;
}

int mf_node_args_parse(struct mf_node_args *args, int argc, char **argv, struct mf_error *err)
{
    *args = (struct mf_node_args){.recorder_fd = -1,
                                  .control_fd = -1,
                                  .patience_ms = PATIENCE_MS,
                                  .group = 1,
                                  .cargo_fd = -1,
                                  .cargo_k = UINT32_MAX,
                                  .listen_fd = -1,
                                  .hand_fd = -1,
                                  .take_fd = -1};
    optind = 1;
    opterr = 0;
    for (;;) {
        int at = optind, id = getopt_long(argc, argv, "+", options, NULL);
        if (id == -1)
            break;
        if (id == '?')
            return mf_error_set(err, MF_STATUS_USAGE, NULL,
                                "%s: unknown option, or its value is missing (--help lists them)", argv[at]);
        if (option_take(args, id, optarg, err) != 0)
            return -1;
    }
    if (optind < argc)
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "%s: nothing is expected here", argv[optind]);
    return args_check(args, err);
}

/* --- writing --- */

/* A vector under construction. The first round (memory NULL) only counts. */
struct argv_writer {
    char **vector, *text;
    size_t words, bytes;
};

static void argv_put(struct argv_writer *w, const char *word)
{
    size_t n = strlen(word) + 1;
    if (w->vector) {
        w->vector[w->words] = w->text + w->bytes;
        memcpy(w->text + w->bytes, word, n);
    }
    w->words++;
    w->bytes += n;
}

static void argv_put_text(struct argv_writer *w, int id, const char *value)
{
    char name[64];
    snprintf(name, sizeof name, "--%s", option_name(id));
    argv_put(w, name);
    argv_put(w, value);
}

static void argv_put_u64(struct argv_writer *w, int id, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    argv_put_text(w, id, text);
}

static void argv_put_fd(struct argv_writer *w, int id, int fd)
{
    if (fd >= 0)
        argv_put_u64(w, id, (uint64_t)fd);
}

static void argv_put_point(struct argv_writer *w, const struct mf_node_point *p)
{
    char text[256];
    snprintf(text, sizeof text, "%s:%" PRIu32 ":%s:%" PRIu64 ":%" PRIu64 ":%" PRIu32 ":%d:%" PRIu32,
             point_kinds[p->kind], p->point, mf_point_stage_keys[p->stage], p->first, p->every, p->count, p->hold,
             p->hold_ms);
    argv_put_text(w, OPTION_POINT, text);
}

static void argv_put_all(struct argv_writer *w, const struct mf_node_args *args, const char *program)
{
    argv_put(w, program);
    argv_put(w, "--worker");
    argv_put_u64(w, OPTION_RECORDER_FD, (uint64_t)args->recorder_fd);
    argv_put_u64(w, OPTION_CONTROL_FD, (uint64_t)args->control_fd);
    argv_put_text(w, OPTION_STRATEGY, args->strategy);
    argv_put_u64(w, OPTION_PROCESSES, args->processes);
    argv_put_u64(w, OPTION_SCHEDULERS, args->schedulers);
    argv_put_text(w, OPTION_PURGE, purge_keys[args->purge]);
    argv_put_u64(w, OPTION_LINGERERS, args->lingerers);
    argv_put_u64(w, OPTION_CONTROL_GROUP, args->control_group);
    argv_put_text(w, OPTION_SUPERVISION, supervision_keys[args->supervision]);
    argv_put_u64(w, OPTION_GROUP, args->group);
    if (args->links)
        argv_put(w, "--links");
    for (uint32_t i = 0; i < args->modules_count; i++)
        argv_put_text(w, OPTION_MODULE, args->modules[i]);
    argv_put_text(w, OPTION_TRANSPORT, args->transport);
    if (args->listen)
        argv_put_text(w, OPTION_LISTEN, args->listen);
    argv_put_text(w, OPTION_CODEC, args->codec);
    argv_put_text(w, OPTION_DIR, args->dir);
    argv_put_u64(w, OPTION_SEED, args->seed);
    argv_put_u64(w, OPTION_PATIENCE_MS, args->patience_ms);
    for (uint32_t i = 0; i < args->points_count; i++)
        argv_put_point(w, &args->points[i]);
    argv_put_u64(w, OPTION_MODULE_INDEX, args->module_index);
    argv_put_u64(w, OPTION_ACCEPT_DELAY, args->accept_delay_us);
    argv_put_text(w, OPTION_RETIRE, mf_retire_keys[args->retire]);
    argv_put_fd(w, OPTION_LISTEN_FD, args->listen_fd);
    argv_put_fd(w, OPTION_HAND_FD, args->hand_fd);
    argv_put_fd(w, OPTION_TAKE_FD, args->take_fd);
    argv_put_fd(w, OPTION_CARGO_FD, args->cargo_fd);
    if (args->cargo_k != UINT32_MAX)
        argv_put_u64(w, OPTION_CARGO_SLOT, args->cargo_k);
}

char **mf_node_args_argv(const struct mf_node_args *args, const char *program)
{
    struct argv_writer w = {0};
    argv_put_all(&w, args, program);
    size_t vector_bytes = (w.words + 1) * sizeof(char *);
    char **vector = malloc(vector_bytes + w.bytes);
    if (!vector)
        return NULL;
    w = (struct argv_writer){.vector = vector, .text = (char *)vector + vector_bytes};
    argv_put_all(&w, args, program);
    vector[w.words] = NULL;
    return vector;
}
