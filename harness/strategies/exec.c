/* exec: the node replaces itself by execve. Its OS process, its sockets and its place in the world stay; all code and
 * all threads are new.
 *
 *   try the new module           load and unload it here: what cannot be loaded stops nothing
 *   pause schedulers and I/O     between two messages, between two reads; the kernel's buffers go on filling
 *   pack                         states, mailboxes, half-read pings, half-written answers, into a memfd
 *   execve                       descriptors ride along; everything else of the old program ends here
 *   (the new image) take up      convert the states, fill the mailboxes, watch the sockets; commit; go on
 *
 * Nothing is lost; everybody waits for pack, exec, dynamic linking and taking up. If execve fails, the old image goes
 * on where it stood. If the new one cannot take up (a state that cannot be converted), it replaces itself once more by
 * a program with the old module, out of the same cargo: that is a roll-back with two execs in it, and nothing is lost
 * in that either. */
#include <unistd.h>

#include "recorder/recorder.h"
#include "strategies/strategy.h"

/* Returns only where the old image goes on. */
static int exec_replace(struct mf_core *core, struct mf_upgrade_request *request, struct mf_error *err)
{
    int cargo_fd = mf_core_pack(core, MF_CARGO_STATE | MF_CARGO_MESSAGES | MF_CARGO_CONNECTIONS, err);
    if (cargo_fd < 0)
        return -1;
    mf_core_exec(core, request, cargo_fd, err);
    close(cargo_fd);
    return -1;
}

static int exec_upgrade(struct mf_core *core, struct mf_upgrade_request *request, struct mf_error *err)
{
    struct mf_image *tried;
    request->rolled_back = true;
    if (mf_core_load(core, request->module_path, MF_LOAD_PRIVATE, &tried, err) != 0)
        return -1;
    mf_core_unload(core, tried);
    mf_core_phase(core, request->k, MF_PHASE_LOADED);
    mf_core_pause_schedulers(core);
    mf_core_pause_io(core);
    mf_core_phase(core, request->k, MF_PHASE_QUIESCED);
    mf_core_note_queued(core, request->k);
    exec_replace(core, request, err);
    mf_core_resume_io(core);
    mf_core_resume_schedulers(core);
    return -1;
}

static int exec_resume(struct mf_core *core, struct mf_upgrade_request *request, struct mf_error *err)
{
    const char *turned_back = mf_core_turned_back(core);
    if (turned_back) {
        request->rolled_back = true;
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "%s", turned_back);
    }
    mf_core_phase(core, request->k, MF_PHASE_TRANSFERRED);
    mf_core_commit(core, request->k);
    mf_core_phase(core, request->k, MF_PHASE_RETIRED); /* the old code ended with the old image */
    return 0;
}

const struct mf_strategy mf_strategy_exec = {
    .name = "exec",
    .upgrade = exec_upgrade,
    .resume = exec_resume,
};
