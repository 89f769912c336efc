#include "node/args_parts.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PROCESSES_MAX   1000000
#define SCHEDULERS_MAX  256
#define PATIENCE_MS     2500
#define PATIENCE_MS_MAX 3600000
#define DELAY_US_MAX    1000000

enum { NOTHING = no_argument, VALUE = required_argument };
static const struct option options[] = {
#define MF_NODE_OPTION(id, name, takes) {name, takes, NULL, OPTION_##id},
#include "node/options.def"
#undef MF_NODE_OPTION
    {NULL, 0, NULL, 0},
};
const char *const mf_node_option_names[MF_NODE_OPTIONS] = {
#define MF_NODE_OPTION(id, name, takes) [OPTION_##id] = name,
#include "node/options.def"
#undef MF_NODE_OPTION
};
const char *const mf_purge_keys[MF_PURGE_COUNT] = {
#define MF_PURGE(id, key, text) key,
#include "strategies/purge.def"
#undef MF_PURGE
};
const char *const mf_supervision_keys[MF_SUPERVISION_COUNT] = {
#define MF_SUPERVISION(id, key, text) key,
#include "strategies/supervision.def"
#undef MF_SUPERVISION
};

/* --- numbers --- */

int mf_node_number_read(const char *text, uint64_t min, uint64_t max, uint64_t *value)
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
    if (mf_node_number_read(text, min, max, value) == 0)
        return 0;
    return mf_error_set(err, MF_STATUS_USAGE, NULL, "--%s %s: a number from %" PRIu64 " to %" PRIu64 " is wanted",
                        mf_node_option_names[id], text, min, max);
}

static int option_u32(int id, const char *text, uint32_t min, uint32_t max, uint32_t *value, struct mf_error *err)
{
    uint64_t wide = 0;
    if (option_number(id, text, min, max, &wide, err) != 0)
        return -1;
    *value = (uint32_t)wide;
    return 0;
}

static int option_fd(int id, const char *text, int *fd, struct mf_error *err)
{
    uint64_t wide = 0;
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
    return mf_error_set(err, MF_STATUS_USAGE, NULL, "--%s %s: %s or %s is wanted", mf_node_option_names[id], text,
                        words[0], words[1]);
}

/* --- reading --- */

static int option_point(struct mf_node_args *args, const char *text, struct mf_error *err)
{
    if (args->points_count == MF_NODE_POINTS_MAX)
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "--point: at most %d of them", MF_NODE_POINTS_MAX);
    if (mf_node_point_read(&args->points[args->points_count], text) != 0)
        return mf_error_set(err, MF_STATUS_USAGE, NULL,
                            "--point %s: value|stage|depth:INDEX:STAGE:FIRST:EVERY:COUNT:HOLD:HOLD_MS is wanted", text);
    args->points_count++;
    return 0;
}

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
    switch ((enum mf_node_option)id) {
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
        if (option_word(id, text, mf_purge_keys, &word, err) != 0)
            return -1;
        args->purge = (enum mf_purge)word;
        return 0;
    case OPTION_SUPERVISION:
        if (option_word(id, text, mf_supervision_keys, &word, err) != 0)
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
    case MF_NODE_OPTION_BEFORE:
    case MF_NODE_OPTIONS:
        break;
    }
    return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "option %d has no reader", id);
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
    return mf_node_args_check(args, err);
}
