#include "targets/netspace.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define OWN         "/proc/thread-self/ns/net"
#define MIGRATE_REQ "/proc/sys/net/ipv4/tcp_migrate_req"

int mf_netspace_enter(int fd, int *back)
{
    *back = open(OWN, O_RDONLY | O_CLOEXEC);
    if (*back < 0)
        return -1;
    if (setns(fd, CLONE_NEWNET) == 0)
        return 0;
    int code = errno;
    close(*back);
    errno = code;
    return -1;
}

void mf_netspace_leave(int back)
{
    if (setns(back, CLONE_NEWNET) != 0) {
        perror("midflight: cannot return to its network namespace");
        abort();
    }
    close(back);
}

static int loopback_up(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int bad = ioctl(fd, SIOCGIFFLAGS, &request);
    request.ifr_flags |= IFF_UP;
    if (!bad)
        bad = ioctl(fd, SIOCSIFFLAGS, &request);
    int code = errno;
    close(fd);
    errno = code;
    return bad;
}

static int migrate_req_set(uint32_t value)
{
    char text[16];
    int n = snprintf(text, sizeof text, "%u\n", value);
    int fd = open(MIGRATE_REQ, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t written = write(fd, text, (size_t)n);
    int code = errno;
    close(fd);
    errno = code;
    return written == n ? 0 : -1;
}

/* In the fresh namespace. */
static int namespace_furnish(uint32_t tcp_migrate_req, int *fd, struct mf_error *err)
{
    if (loopback_up() != 0)
        return mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "no loopback in a network namespace of its own");
    if (migrate_req_set(tcp_migrate_req) != 0)
        return mf_error_errno(
            err, errno == ENOENT || errno == EROFS || errno == EACCES ? MF_STATUS_SKIPPED : MF_STATUS_INTERNAL, NULL,
            "target.node.tcp_migrate_req: %s cannot be written (Linux 5.14 or later has it)", MIGRATE_REQ);
    *fd = open(OWN, O_RDONLY | O_CLOEXEC);
    return *fd > 0 ? 0 : mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "a network namespace cannot be held");
}

int mf_netspace_open(uint32_t tcp_migrate_req, int *fd, struct mf_error *err)
{
    int back = open(OWN, O_RDONLY | O_CLOEXEC);
    if (back < 0)
        return mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "its own network namespace cannot be held");
    if (unshare(CLONE_NEWNET) != 0) {
        int code = errno;
        close(back);
        errno = code;
        return mf_error_errno(err, MF_STATUS_SKIPPED, NULL,
                              "target.node.tcp_migrate_req needs a network namespace of its own, which root may make");
    }
    int bad = namespace_furnish(tcp_migrate_req, fd, err);
    mf_netspace_leave(back);
    return bad;
}
