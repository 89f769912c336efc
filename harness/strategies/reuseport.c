/* reuseport: old and new listen at the same place (SO_REUSEPORT), then the old one ends.
 *
 *   (supervisor) start           a second worker with the new module: it listens beside the first, and serves. The
 * kernel deals connections out to both (old) retire                 by target.node.retire: finish closes its listener,
 * answers what its connections ask, exits when nothing is left to answer exit                       exits at once
 *     drain-accept               accepts until its queue is empty, then as finish
 *   (supervisor) commit          when the old one has gone: until then either may answer
 *
 * Who stands in the old one's accept queue when it closes its listener is reset by the kernel (which has completed the
 * handshake: the client may have sent its message), unless net.ipv4.tcp_migrate_req is 1: then the kernel gives them to
 * the new one. Live connections end. Each copy has states of its own and the new one begins from nothing: state is not
 * kept. A new worker that cannot start is not noticed (rolled back). */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "recorder/recorder.h"
#include "strategies/drained.h"

#define FINISH_DEADLINE_MS  500 /* for connections that have not brought anything yet */
#define COMMAND_DEADLINE_MS 10000

/* In the old worker: does not return. */
static int reuseport_command(struct mf_core *core, const char *what, struct mf_error *err)
{
    char how[16];
    uint32_t k;
    struct mf_error late;
    if (sscanf(what, "retire %15s %u", how, &k) != 2)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no such command: %s", what);
    mf_core_note_queued(core, k);
    if (strcmp(how, "exit") == 0)
        _exit(0);
    if (strcmp(how, "drain-accept") == 0)
        mf_core_stop_listening(core);
    else
        mf_core_close_listener(core);
    mf_core_drain_all(core, FINISH_DEADLINE_MS, &late);
    mf_drained_answer(core);
    mf_core_phase(core, k, MF_PHASE_QUIESCED);
    _exit(0);
}

/* The new one serves already: whatever becomes of the old one, there is no way back, and need not be. */
static void old_retire(struct mf_supervisor *supervisor, uint32_t k)
{
    char what[48];
    struct mf_error ignored;
    snprintf(what, sizeof what, "retire %s %u", mf_supervisor_retire(supervisor), k);
    if (mf_supervisor_command(supervisor, what, COMMAND_DEADLINE_MS, &ignored) != 0 ||
        mf_supervisor_wait_worker(supervisor, COMMAND_DEADLINE_MS, &ignored) != 0)
        mf_supervisor_kill_worker(supervisor, &ignored);
}

static int reuseport_supervise(struct mf_supervisor *supervisor, struct mf_upgrade_request *request,
                               struct mf_error *err)
{
    request->rolled_back = true;
    if (mf_supervisor_start_newcomer(supervisor, request->module_index, false, err) != 0)
        return -1;
    request->rolled_back = false;
    mf_supervisor_phase(supervisor, request->k, MF_PHASE_LOADED);
    old_retire(supervisor, request->k);
    mf_supervisor_succeed(supervisor);
    mf_supervisor_phase(supervisor, request->k, MF_PHASE_RETIRED);
    mf_supervisor_note_made_anew(supervisor, request->k, mf_supervisor_processes(supervisor),
                                 mf_supervisor_schedulers(supervisor) + 1);
    mf_supervisor_commit(supervisor, request->k);
    return 0;
}

const struct mf_strategy mf_strategy_reuseport = {
    .name = "reuseport",
    .listener = MF_LISTENER_SHARED,
    .supervise = reuseport_supervise,
    .command = reuseport_command,
};
