/* Handing over: the newcomer's side. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/cargo.h"
#include "node/hand.h"

/* The old worker has gone on, or has died too early: nothing here is to be touched any more. */
static _Noreturn void step_back(void)
{
    _exit(MF_STATUS_TARGET);
}

static int packet_await(int line_fd, enum mf_hand_what what, struct mf_hand_packet *packet, struct mf_cargo_fds *fds,
                        uint32_t room, struct mf_error *err)
{
    int got = mf_hand_receive(line_fd, packet, fds->fd, room, &fds->n, UINT64_MAX);
    if (got == 0 || (got > 0 && packet->what == MF_HAND_BACK))
        step_back();
    if (got < 0)
        return mf_error_errno(err, MF_STATUS_TARGET, NULL, "the old worker's descriptors cannot be received");
    if (packet->what != (uint32_t)what)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "the old worker says %u where %u was due", packet->what,
                            (unsigned)what);
    return mf_hand_send(line_fd, &(struct mf_hand_packet){.what = MF_HAND_TAKEN}, NULL, 0) == 0
               ? 0
               : mf_error_errno(err, MF_STATUS_TARGET, NULL, "the old worker cannot be told");
}

/* Everything that is sent, as it is. *k: the slot. */
static int everything_receive(int line_fd, int *cargo_fd, struct mf_cargo_fds *fds, uint32_t *k, struct mf_error *err)
{
    struct mf_hand_packet packet;
    struct mf_cargo_fds cargo = {.fd = cargo_fd};
    if (packet_await(line_fd, MF_HAND_CARGO, &packet, &cargo, 1, err) != 0)
        return -1;
    uint32_t wanted = packet.fds;
    *k = packet.k;
    if (cargo.n != 1 || !(fds->fd = malloc((wanted + 1) * sizeof *fds->fd)))
        return mf_error_set(err, MF_STATUS_TARGET, NULL,
                            cargo.n ? "no memory for a list of the descriptors" : "the cargo did not come along");
    while (fds->n < wanted) {
        uint32_t before = fds->n;
        if (packet_await(line_fd, MF_HAND_FDS_MORE, &packet, fds, wanted, err) != 0)
            return -1;
        if (fds->n - before != packet.fds || packet.fds == 0)
            return mf_error_set(err, MF_STATUS_TARGET, NULL, "of %u descriptors only %u came along", packet.fds,
                                fds->n - before);
    }
    return 0;
}

static void threads_stop_early(struct mf_core *core)
{
    core->schedulers_stopped = true;
    core->io_stopped = true;
    for (uint32_t i = 0; i < core->schedulers_count; i++)
        atomic_fetch_or(&core->schedulers[i].attention, MF_ATTENTION_PAUSE);
    atomic_fetch_or(&core->io.attention, MF_ATTENTION_PAUSE);
}

static void refuse(int line_fd, const struct mf_error *err)
{
    struct mf_hand_packet packet = {.what = MF_HAND_REFUSED};
    snprintf(packet.reason, sizeof packet.reason, "%.40s%s%.110s", err->place, err->place[0] ? ": " : "", err->text);
    mf_hand_send(line_fd, &packet, NULL, 0);
}

int mf_core_take_over(struct mf_core *core, uint32_t *k, struct mf_error *err)
{
    int line_fd = core->args->take_fd, cargo_fd = -1;
    struct mf_cargo_fds fds = {0};
    int bad = everything_receive(line_fd, &cargo_fd, &fds, k, err);
    if (!bad)
        bad = mf_core_unpack_handed(core, cargo_fd, &fds, err);
    free(fds.fd);
    if (!bad) {
        threads_stop_early(core);
        bad = mf_threads_start(core, err);
    }
    if (bad) {
        refuse(line_fd, err);
        return -1;
    }
    struct mf_hand_packet packet = {.what = MF_HAND_UP};
    uint32_t none = 0;
    mf_hand_send(line_fd, &packet, NULL, 0); /* where nobody hears it, the line has ended */
    int got = mf_hand_receive(line_fd, &packet, NULL, 0, &none, UINT64_MAX);
    if (got < 0 || (got > 0 && packet.what != MF_HAND_YOURS))
        step_back();
    close(line_fd); /* YOURS, or a line that has ended without BACK: the old one is dead, and this is all there is */
    core->args->take_fd = -1;
    core->io.listener_is_lent = false;
    return 0;
}
