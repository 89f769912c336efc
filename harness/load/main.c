/* midflight-load: pings a target as the driver says. Started by midflight; not meant for people. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "load/worker.h"

static const char usage[] =
    "usage: midflight-load --recorder-fd N --control-fd N\n"
    "       midflight-load --version | --help\n"
    "\n"
    "Pings a target and keeps account of every ping. Started by midflight, which hands down the flight\n"
    "recorder and a socket for its orders.\n";

static bool parse_fd(const char *text, int *fd)
{
    char *end;

    errno = 0;
    long value = strtol(text, &end, 10);
    if (end == text || *end || errno || value < 0 || value > INT_MAX)
        return false;
    *fd = (int)value;
    return true;
}

static int complain(const char *what)
{
    fprintf(stderr, "midflight-load: %s\n%s", what, usage);
    return MF_STATUS_USAGE;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"recorder-fd", required_argument, NULL, 'r'},
        {"control-fd", required_argument, NULL, 'c'},
        {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int recorder_fd = -1, control_fd = -1, option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'r':
            if (!parse_fd(optarg, &recorder_fd))
                return complain("--recorder-fd: not a descriptor");
            break;
        case 'c':
            if (!parse_fd(optarg, &control_fd))
                return complain("--control-fd: not a descriptor");
            break;
        case 'v':
            return puts("midflight-load " MIDFLIGHT_VERSION) < 0 || fflush(stdout) ? MF_STATUS_INTERNAL : 0;
        case 'h':
            return fputs(usage, stdout) < 0 || fflush(stdout) ? MF_STATUS_INTERNAL : 0;
        default:
            return complain("see the usage");
        }
    }
    if (optind < argc || recorder_fd < 0 || control_fd < 0)
        return complain("--recorder-fd and --control-fd are needed, and nothing else");

    /* A terminal's Ctrl-C reaches the driver too, which then says stop: what was measured until then is kept. */
    signal(SIGINT, SIG_IGN);
    struct mf_error err = {0};
    if (mf_worker_run(recorder_fd, control_fd, &err) == 0)
        return MF_STATUS_PASS;
    mf_error_print("midflight-load", &err);
    return err.status;
}
