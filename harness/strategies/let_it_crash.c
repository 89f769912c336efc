/* let-it-crash: each process is killed, and its supervisor starts it anew with the new code.
 *
 *   load the new module        the message path does not notice
 *   publish                    who is started from now on gets the new code; who runs goes on with the old
 *   kill                       one process after the other, on its own scheduler, between messages
 *   commit                     nobody belongs to the old version any more
 *   unload the old module
 *
 * Lost with a process: its mailbox, a message that it is held with, its state. Nobody waits for anybody: the siblings
 * of a process that dies go on, with the old code until their own turn comes. Supervised one-for-all (or linked) a
 * process takes its group along.
 *
 * Up to `publish` the way back is open; behind it nothing is left that could fail. */
#include "recorder/recorder.h"
#include "strategies/strategy.h"

static enum mf_take let_it_crash_take(struct mf_core *core, struct mf_process *process)
{
    (void)core;
    (void)process;
    return MF_TAKE_STAY; /* its turn to die has not come */
}

static int let_it_crash_upgrade(struct mf_core *core, struct mf_upgrade_request *request, struct mf_error *err)
{
    struct mf_image *old = mf_core_current(core), *image;
    request->rolled_back = true;
    if (mf_core_load(core, request->module_path, MF_LOAD_PRIVATE, &image, err) != 0)
        return -1;
    mf_core_phase(core, request->k, MF_PHASE_LOADED);
    request->rolled_back = false;
    mf_core_note_queued(core, request->k);
    mf_core_publish(core, image);
    mf_core_note_made_anew(core, request->k, mf_core_kill_old(core));
    mf_core_commit(core, request->k);
    mf_core_unload(core, old);
    mf_core_phase(core, request->k, MF_PHASE_RETIRED);
    return 0;
}

const struct mf_strategy mf_strategy_let_it_crash = {
    .name = "let-it-crash",
    .upgrade = let_it_crash_upgrade,
    .take = let_it_crash_take,
};
