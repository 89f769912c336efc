#include "node/args_parts.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "strategies/strategy.h"
#include "wire/codec.h"

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
    if (!colon || (size_t)(colon - endpoint) >= sizeof address ||
        mf_node_number_read(colon + 1, 0, UINT16_MAX, &port) != 0)
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

int mf_node_args_check(const struct mf_node_args *args, struct mf_error *err)
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
            return mf_error_set(err, MF_STATUS_USAGE, NULL, "--%s is missing", mf_node_option_names[wanted[i].id]);
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
