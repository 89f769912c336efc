#include "targets/ports.h"

#include <dirent.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TRIES     64
#define LISTENING 0x0a /* TCP_LISTEN, as /proc/net/tcp has it */

/* Port `port` (0: any) of the loopback, kept by a socket that does not listen. -1 with errno. */
static int port_keep(int type, uint32_t *port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof at;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || getsockname(fd, (struct sockaddr *)&at, &bytes) != 0) {
        close(fd);
        return -1;
    }
    *port = ntohs(at.sin_port);
    return fd;
}

/* One that both TCP and UDP have free. */
static int port_choose(struct mf_ports *ports, uint32_t i)
{
    for (int tries = 0; tries < TRIES; tries++) {
        uint32_t port = 0;
        int tcp = port_keep(SOCK_STREAM, &port), udp = tcp < 0 ? -1 : port_keep(SOCK_DGRAM, &port);
        if (udp >= 0) {
            ports->fd[2 * i] = tcp;
            ports->fd[2 * i + 1] = udp;
            ports->port[i] = port;
            return 0;
        }
        if (tcp >= 0)
            close(tcp);
    }
    return -1;
}

int mf_ports_choose(struct mf_ports *ports, struct mf_error *err)
{
    for (uint32_t i = 0; i < 2 * MF_PORTS_MAX; i++)
        ports->fd[i] = -1;
    for (uint32_t i = 0; i < MF_PORTS_MAX; i++)
        if (port_choose(ports, i) != 0) {
            mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "cannot find free ports on the loopback");
            mf_ports_release(ports);
            return -1;
        }
    return 0;
}

void mf_ports_release(struct mf_ports *ports)
{
    for (uint32_t i = 0; i < 2 * MF_PORTS_MAX; i++) {
        if (ports->fd[i] >= 0)
            close(ports->fd[i]);
        ports->fd[i] = -1;
    }
}

/* --- whose is it -------------------------------------------------------------------------------------------------- */

/* The inode of the socket that listens at that port; 0: none does. */
static uint64_t listener_inode(const char *table, uint32_t port)
{
    char line[512];
    uint64_t found = 0;
    FILE *file = fopen(table, "re");
    while (file && fgets(line, sizeof line, file)) {
        unsigned local, state;
        uint64_t inode;
        if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*s %*s %" SCNu64, &local, &state,
                   &inode) == 3 &&
            local == port && state == LISTENING)
            found = inode;
    }
    if (file)
        fclose(file);
    return found;
}

/* 1: it has that socket; 0: it has not; -1: it does not let us look. */
static int has_socket(pid_t pid, uint64_t inode)
{
    char path[64], wanted[64], link[64];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    snprintf(wanted, sizeof wanted, "socket:[%" PRIu64 "]", inode);
    DIR *dir = opendir(path);
    if (!dir)
        return -1;
    int found = 0;
    for (struct dirent *entry; !found && (entry = readdir(dir));) {
        ssize_t n = readlinkat(dirfd(dir), entry->d_name, link, sizeof link - 1);
        link[n > 0 ? n : 0] = 0;
        found = strcmp(link, wanted) == 0;
    }
    closedir(dir);
    return found;
}

bool mf_port_is_strangers(uint32_t port, const struct mf_offspring *ours)
{
    uint64_t inode = listener_inode("/proc/net/tcp", port);
    if (!inode)
        inode = listener_inode("/proc/net/tcp6", port);
    if (!inode || ours->living.count == 0)
        return false;
    for (uint32_t i = 0; i < ours->living.count; i++)
        if (has_socket(ours->living.kin[i].pid, inode) != 0)
            return false;
    return true;
}
