/* cold-restart: SIGKILL, start anew. What an operator does who has no other means.
 *
 * Lost: every message in a mailbox, in the node's buffers and in the kernel's (the sockets are reset or end in the
 * middle), every process's state, and all that is sent until the new worker listens (refused). Nobody is asked first
 * whether the new module can be loaded: where it cannot, the node stays down, and the upgrade has failed rather than
 * rolled back. */
#include "recorder/recorder.h"
#include "strategies/strategy.h"

static int cold_restart_supervise(struct mf_supervisor *supervisor, struct mf_upgrade_request *request,
                                  struct mf_error *err)
{
    uint32_t schedulers = mf_supervisor_schedulers(supervisor);
    if (mf_supervisor_kill_worker(supervisor, err) != 0)
        return -1;
    mf_supervisor_phase(supervisor, request->k, MF_PHASE_QUIESCED);
    mf_supervisor_phase(supervisor, request->k, MF_PHASE_RETIRED);
    /* every process, every scheduler, and the I/O thread that fed them */
    mf_supervisor_note_made_anew(supervisor, request->k, mf_supervisor_processes(supervisor), schedulers + 1);
    if (mf_supervisor_start_worker(supervisor, request->module_index, -1, err) != 0)
        return -1;
    mf_supervisor_phase(supervisor, request->k, MF_PHASE_LOADED);
    mf_supervisor_commit(supervisor, request->k);
    return 0;
}

const struct mf_strategy mf_strategy_cold_restart = {
    .name = "cold-restart",
    .supervise = cold_restart_supervise,
};
