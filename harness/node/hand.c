/* Handing over: packets with descriptors, and the old worker's side. */
#include "node/hand.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "node/cargo.h"

#define TAKE_UP_MS               250
#define TAKE_UP_PROCESSES_PER_MS 500

/* --- packets --- */

union rights {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(MF_HAND_FDS * sizeof(int))];
};

int mf_hand_send(int line_fd, const struct mf_hand_packet *packet, const int *fds, uint32_t n)
{
    union rights rights;
    struct iovec part = {.iov_base = (void *)packet, .iov_len = sizeof *packet};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (n > 0) {
        memset(&rights, 0, sizeof rights);
        message.msg_control = rights.bytes;
        message.msg_controllen = CMSG_SPACE(n * sizeof *fds);
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(n * sizeof *fds);
        memcpy(CMSG_DATA(head), fds, n * sizeof *fds);
    }
    ssize_t sent;
    while ((sent = sendmsg(line_fd, &message, MSG_NOSIGNAL)) < 0 && errno == EINTR)
        ;
    return sent < 0 ? -1 : 0;
}

/* Those that find no room are closed. */
static void rights_take(struct msghdr *message, int *fds, uint32_t room, uint32_t *n)
{
    for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        uint32_t here = (uint32_t)((head->cmsg_len - CMSG_LEN(0)) / sizeof *fds);
        for (uint32_t i = 0; i < here; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
            if (*n < room)
                fds[(*n)++] = fd;
            else
                close(fd);
        }
    }
}

static int line_wait(int line_fd, uint64_t deadline_ns)
{
    struct pollfd at = {.fd = line_fd, .events = POLLIN};
    for (;;) {
        uint64_t now_ns = mf_clock_now_ns();
        struct timespec left = mf_clock_timespec(deadline_ns > now_ns ? deadline_ns - now_ns : 0);
        int ready = ppoll(&at, 1, deadline_ns == UINT64_MAX ? NULL : &left, NULL);
        if (ready > 0)
            return 0;
        if (ready == 0)
            errno = ETIMEDOUT;
        if (errno != EINTR)
            return -1;
    }
}

int mf_hand_receive(int line_fd, struct mf_hand_packet *packet, int *fds, uint32_t room, uint32_t *n,
                    uint64_t deadline_ns)
{
    union rights rights;
    struct iovec part = {.iov_base = packet, .iov_len = sizeof *packet};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = rights.bytes, .msg_controllen = sizeof rights.bytes};
    if (line_wait(line_fd, deadline_ns) != 0)
        return -1;
    /* ECONNRESET: the other side has closed with something of ours unread. The kernel says so even before it gives out
     * what that side has still sent, and says so once. */
    ssize_t got;
    while ((got = recvmsg(line_fd, &message, MSG_CMSG_CLOEXEC)) < 0 && (errno == EINTR || errno == ECONNRESET))
        ;
    if (got < 0)
        return -1;
    rights_take(&message, fds, room, n);
    if (got == 0)
        return 0;
    if (got == sizeof *packet && !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
        return 1;
    errno =
        message.msg_flags & MSG_CTRUNC ? EMFILE : EPROTO; /* descriptors were dropped: no number was left for them */
    return -1;
}

/* --- the old worker's side --- */

static int newcomer_gone(struct mf_error *err)
{
    return mf_error_set(err, MF_STATUS_TARGET, NULL, "the newcomer died before it had taken everything up");
}

/* Waits for `what`; anything else is a refusal. */
static int answer_await(int line_fd, enum mf_hand_what what, uint64_t deadline_ns, struct mf_error *err)
{
    struct mf_hand_packet answer;
    uint32_t none = 0;
    int got = mf_hand_receive(line_fd, &answer, NULL, 0, &none, deadline_ns);
    if (got == 0)
        return newcomer_gone(err);
    if (got < 0 && errno == ETIMEDOUT)
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "the newcomer did not take everything up in time");
    if (got < 0)
        return mf_error_errno(err, MF_STATUS_TARGET, NULL, "the newcomer cannot be heard");
    if (answer.what == (uint32_t)what)
        return 0;
    answer.reason[sizeof answer.reason - 1] = 0;
    return mf_error_set(err, MF_STATUS_TARGET, NULL, "%s",
                        answer.reason[0] ? answer.reason : "the newcomer refused, and does not say why");
}

static int packet_give(int line_fd, const struct mf_hand_packet *packet, const int *fds, uint32_t n,
                       uint64_t deadline_ns, struct mf_error *err)
{
    if (mf_hand_send(line_fd, packet, fds, n) != 0)
        return errno == EPIPE ? newcomer_gone(err)
                              : mf_error_errno(err, MF_STATUS_TARGET, NULL, "descriptors cannot be handed over");
    return answer_await(line_fd, MF_HAND_TAKEN, deadline_ns, err);
}

static int everything_give(struct mf_core *core, int line_fd, uint32_t k, int cargo_fd, uint64_t deadline_ns,
                           struct mf_error *err)
{
    struct mf_cargo_fds fds;
    if (mf_cargo_fds_list(core, &fds) != 0)
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "no memory for a list of the descriptors");
    struct mf_hand_packet packet = {.what = MF_HAND_CARGO, .k = k, .fds = fds.n};
    int bad = packet_give(line_fd, &packet, &cargo_fd, 1, deadline_ns, err);
    for (uint32_t at = 0; at < fds.n && !bad; at += packet.fds) {
        uint32_t left = fds.n - at;
        packet = (struct mf_hand_packet){.what = MF_HAND_FDS_MORE, .fds = left < MF_HAND_FDS ? left : MF_HAND_FDS};
        bad = packet_give(line_fd, &packet, fds.fd + at, packet.fds, deadline_ns, err);
    }
    free(fds.fd);
    return bad ? -1 : answer_await(line_fd, MF_HAND_UP, deadline_ns, err);
}

/* The newcomer's line, which the supervisor has sent before it asked for the hand-over. */
static int line_take(int hand_fd, struct mf_error *err)
{
    struct mf_hand_packet packet;
    int line_fd = -1;
    uint32_t n = 0;
    int got = hand_fd < 0 ? 0 : mf_hand_receive(hand_fd, &packet, &line_fd, 1, &n, mf_clock_now_ns());
    if (got > 0 && n == 1)
        return line_fd;
    return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "there is no newcomer to hand over to");
}

int mf_core_hand_over(struct mf_core *core, uint32_t k, struct mf_error *err)
{
    uint64_t patience_ms = TAKE_UP_MS + core->processes_count / TAKE_UP_PROCESSES_PER_MS;
    int line_fd = line_take(core->args->hand_fd, err);
    if (line_fd < 0)
        return -1;
    int cargo_fd = mf_core_pack(core, MF_CARGO_STATE | MF_CARGO_MESSAGES | MF_CARGO_CONNECTIONS, err);
    int bad = cargo_fd < 0;
    if (!bad) {
        uint64_t deadline_ns = mf_clock_now_ns() + patience_ms * MF_NS_PER_MS;
        bad = everything_give(core, line_fd, k, cargo_fd, deadline_ns, err);
        close(cargo_fd);
    }
    if (!bad) {
        mf_core_phase(core, k, MF_PHASE_TRANSFERRED);
        if (mf_hand_send(line_fd, &(struct mf_hand_packet){.what = MF_HAND_YOURS}, NULL, 0) == 0)
            return 0;
        newcomer_gone(err); /* what can't be sent wasn't heard */
    }
    mf_hand_send(line_fd, &(struct mf_hand_packet){.what = MF_HAND_BACK}, NULL, 0); /* to whom it still concerns */
    close(line_fd);
    mf_core_note_converted(core, k, 0); /* the newcomer may have written there what it had done */
    return -1;
}
