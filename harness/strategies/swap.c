/* swap: stop all, exchange, go on.
 *
 *   load the new module          the message path does not notice
 *   pause the schedulers         each stops between two messages; the I/O thread goes on filling mailboxes
 *   convert every state          all or nothing
 *   publish, commit, resume      the first message after this is handled by the new code
 *   unload the old module        nobody belongs to it any more
 *
 * Nothing is lost. Everybody waits for the pause, which lasts as long as converting all states does. Up to `publish`
 * the way back is always open: a module that cannot be loaded, or a state that cannot be converted, leaves the old code
 * going on. */
#include "recorder/recorder.h"
#include "strategies/strategy.h"

static int swap_exchange(struct mf_core *core, struct mf_upgrade_request *request, struct mf_image *image,
                         struct mf_error *err)
{
    uint32_t converted = 0;
    mf_core_pause_schedulers(core);
    mf_core_phase(core, request->k, MF_PHASE_QUIESCED);
    mf_core_note_queued(core, request->k);
    int bad = mf_core_convert_all(core, image, &converted, err);
    if (!bad) {
        mf_core_phase(core, request->k, MF_PHASE_TRANSFERRED);
        mf_core_note_converted(core, request->k, converted);
        mf_core_publish(core, image);
        mf_core_commit(core, request->k);
    }
    mf_core_resume_schedulers(core);
    return bad;
}

static int swap_upgrade(struct mf_core *core, struct mf_upgrade_request *request, struct mf_error *err)
{
    struct mf_image *old = mf_core_current(core), *image;
    request->rolled_back = true; /* until the commit the old code goes on, whatever happens */
    if (mf_core_load(core, request->module_path, MF_LOAD_PRIVATE, &image, err) != 0)
        return -1;
    mf_core_phase(core, request->k, MF_PHASE_LOADED);
    if (swap_exchange(core, request, image, err) != 0) {
        mf_core_unload(core, image);
        return -1;
    }
    request->rolled_back = false;
    mf_core_unload(core, old);
    mf_core_phase(core, request->k, MF_PHASE_RETIRED);
    return 0;
}

const struct mf_strategy mf_strategy_swap = {
    .name = "swap",
    .upgrade = swap_upgrade,
};
