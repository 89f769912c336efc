/* midflight-relay: stands between load and node, passes on what they say, and does to their connections what it is
 * told.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "faults/relay/relay.h"

static const char help[] = "midflight-relay: connections between load and node that can be cut, reset, half closed, "
                           "delayed and throttled\n"
                           "\n"
                           "usage: midflight-relay --listen ENDPOINT --to ENDPOINT\n"
                           "       midflight-relay --version | --help\n"
                           "\n"
                           "ENDPOINT is unix:PATH or tcp:ADDRESS:PORT. The driver starts it; its orders come over "
                           "descriptor 4.\n";

int main(int argc, char **argv)
{
    struct mf_error err = {0};
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(help, stdout) < 0 ? MF_STATUS_INTERNAL : MF_STATUS_PASS;
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return puts("midflight-relay " MIDFLIGHT_VERSION) < 0 ? MF_STATUS_INTERNAL : MF_STATUS_PASS;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* a terminal's Ctrl-C reaches every program of the group; the driver decides */
    int bad = argc == 5 && strcmp(argv[1], "--listen") == 0 && strcmp(argv[3], "--to") == 0
                  ? relay_run(4, argv[2], argv[4], &err)
                  : mf_error_set(&err, MF_STATUS_USAGE, NULL, "wanted: --listen ENDPOINT --to ENDPOINT (--help)");
    if (!bad)
        return MF_STATUS_PASS;
    mf_error_print("midflight-relay", &err);
    return err.status;
}
