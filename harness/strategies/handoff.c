/* handoff: a new OS process gets ready first, then takes everything over. The old one steps back only when the new one
 * has acknowledged that it has all of it.
 *
 *   (supervisor) start           a newcomer beside the worker: it loads and initialises the new module, and waits. What
 * fails here (cannot be loaded, crashes, hangs) nobody notices (old) pause                  schedulers between two
 * messages, I/O between two reads; the kernel's buffers go on filling (old) hand over              states, mailboxes,
 * half-read pings, half-written answers in a memfd, and the descriptors of the listener and of all live connections,
 * over a UNIX socket (SCM_RIGHTS) (newcomer) take up           convert the states, fill the mailboxes, watch the
 * sockets, start the threads: acknowledge (old) step back              says "yours" and exits; from that instant the
 * newcomer serves: commit
 *
 * Nothing is lost, and the pause is packing and taking up only. If the newcomer refuses, dies or takes too long, the
 * old one says "back" and goes on where it stood (rolled back). At no instant do both serve: node/hand.h says why. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "recorder/recorder.h"
#include "strategies/strategy.h"

#define COMMAND_DEADLINE_MS 10000 /* the old one has a deadline of its own, which is far shorter */

/* In the old worker. Returns only where it goes on. */
static int handoff_command(struct mf_core *core, const char *what, struct mf_error *err)
{
    uint32_t k;
    if (sscanf(what, "give %u", &k) != 1)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no such command: %s", what);
    mf_core_pause_schedulers(core);
    mf_core_pause_io(core);
    mf_core_phase(core, k, MF_PHASE_QUIESCED);
    mf_core_note_queued(core, k);
    if (mf_core_hand_over(core, k, err) == 0)
        _exit(0); /* everything is the newcomer's: nothing of this program may touch it any more */
    mf_core_resume_io(core);
    mf_core_resume_schedulers(core);
    return -1;
}

static int handoff_supervise(struct mf_supervisor *supervisor, struct mf_upgrade_request *request, struct mf_error *err)
{
    char what[32];
    request->rolled_back = true;
    /* A newcomer that fails to convert is not noticed; one that hangs in it would be, since all stands still meanwhile.
     */
    if (mf_supervisor_probe(supervisor, request->module_index, err) != 0 ||
        mf_supervisor_start_newcomer(supervisor, request->module_index, true, err) != 0)
        return -1;
    mf_supervisor_phase(supervisor, request->k, MF_PHASE_LOADED);
    snprintf(what, sizeof what, "give %u", request->k);
    if (mf_supervisor_hand_over(supervisor, what, COMMAND_DEADLINE_MS, err) != 0) {
        request->rolled_back = mf_supervisor_has_worker(supervisor);
        return -1;
    }
    mf_supervisor_phase(supervisor, request->k, MF_PHASE_RETIRED);
    /* the processes go on as themselves, on other schedulers */
    mf_supervisor_note_made_anew(supervisor, request->k, 0, mf_supervisor_schedulers(supervisor) + 1);
    return 0;
}

const struct mf_strategy mf_strategy_handoff = {
    .name = "handoff",
    .hands_over = true,
    .supervise = handoff_supervise,
    .command = handoff_command,
};
