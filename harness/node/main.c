/* midflight-node: our own target. One program in two roles: the supervisor, and (by an execve of itself with --worker)
 * the worker. */
#include <stdio.h>
#include <string.h>

#include "node/args.h"
#include "node/describe.h"
#include "node/trial.h"
#include "strategies/strategy.h"

static const char help[] =
    "midflight-node: the node that midflight upgrades while messages fly\n"
    "\n"
    "usage: midflight-node OPTION...\n"
    "       midflight-node --describe PATH...   what these modules are; exit 3 where one cannot be loaded\n"
    "       midflight-node --try DIR PATH [DEADLINE_MS [SAMPLES_FD [FROM]]]   does this module work? exit 3 where not\n"
    "       midflight-node --version | --help\n"
    "\n"
    "The driver starts it; by hand only the second form is of use.\n"
    "\n"
    "  --recorder-fd N        the flight recorder (a memfd)\n"
    "  --control-fd N         the line to the driver (a stream socket; control lines)\n"
    "  --strategy NAME        how code is exchanged:\n"
#define MF_STRATEGY(id, name, flags, text) "                           " name ": " text "\n"
#include "strategies/strategies.def"
#undef MF_STRATEGY
    "  --processes N          1 to 1000000\n"
    "  --schedulers N         threads that run them, 1 to 256\n"
    "  --module PATH          a module's file; repeated, in the order of the scenario; the first one runs at first\n"
    "  --transport NAME       unix, tcp or local\n"
    "  --listen ENDPOINT      unix:PATH or tcp:ADDRESS:PORT (port 0: the kernel chooses)\n"
    "  --codec NAME           frame or line\n"
    "  --dir DIR              the run's folder: copies of modules, saved state\n"
    "  --seed N               default 0\n"
    "  --patience-ms N        in an upgrade: how long a module may take to be tried, and a worker to be ready (2500)\n"
    "  --purge soft|hard      two-version: what becomes of processes that do not leave the old version; default soft\n"
    "  --lingerers N          two-version: the first N processes never leave a version by themselves; default 0\n"
    "  --control-group N      the last N processes are in no upgrade; default 0\n"
    "  --supervision W        one-for-one or one-for-all; default one-for-one\n"
    "  --group N              processes under one supervisor; default 1\n"
    "  --links                the neighbours in a group are linked: each dies with the other\n"
    "  --point KIND:INDEX:STAGE:FIRST:EVERY:COUNT:HOLD:HOLD_MS\n"
    "                         a point that the node watches itself; repeated\n"
    "  --accept-delay-us N    between two accepted connections; default 0: as they come\n"
    "  --retire NAME          strategy reuseport: how the old copy ends (default finish)\n"
    "\n"
    "For its worker, from the supervisor: --worker, --module-index N, --cargo-fd N, --cargo-slot K, --listen-fd N,\n"
    "--hand-fd N, --take-fd N.\n";

static int fail(const struct mf_error *err)
{
    mf_error_print("midflight-node", err);
    return err->status;
}

static int describe(int argc, char **argv)
{
    struct mf_error err = {0};
    if (argc > 2)
        return mf_describe((const char *const *)argv + 2, (uint32_t)argc - 2);
    mf_error_set(&err, MF_STATUS_USAGE, NULL, "--describe: the paths of modules are wanted");
    return fail(&err);
}

int main(int argc, char **argv)
{
    struct mf_error err = {0};
    struct mf_node_args args;
    if (mf_strategies_check(&err) != 0)
        return fail(&err);
    if (argc > 1 && strcmp(argv[1], "--describe") == 0)
        return describe(argc, argv);
    if (argc > 1 && strcmp(argv[1], MF_TRIAL_OPTION) == 0)
        return mf_trial_main(argc, argv);
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(help, stdout) < 0 ? MF_STATUS_INTERNAL : MF_STATUS_PASS;
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return puts("midflight-node " MIDFLIGHT_VERSION) < 0 ? MF_STATUS_INTERNAL : MF_STATUS_PASS;
    if (mf_node_args_parse(&args, argc, argv, &err) != 0)
        return fail(&err);
    return args.worker ? mf_worker_run(&args, argv) : mf_supervisor_run(&args, argv);
}
