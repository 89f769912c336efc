/* patch: the entry of each old function is redirected to the new one, while threads run them.
 *
 *   at the start               each function of the first module gets an entry that can be redirected (node/redirect.h)
 *   load the new module        the message path does not notice
 *   redirect                   the next call of each function gets into the new one; nobody stops
 *   commit
 *   wait for the schedulers    each has been between two messages: nobody runs the module before it any more
 *   unload that one            the first module stays for ever: its entries are what everybody calls
 *
 * Nothing is lost, and hardly anybody waits: a scheduler pays for the instruction fetch. But what is redirected is
 * code. The states stay as they are, so a module with another layout is refused, and so is one that lacks a function of
 * the running one, or has one that the running one has no entry for. The functions are redirected one after the other:
 * between two of them the old `handle` may run beside the new `handle_pong`.
 *
 * The data is static: a worker is one core. */
#include <stdbool.h>

#include "recorder/recorder.h"
#include "strategies/strategy.h"

static struct {
    bool ready;              /* the first module's entries can be redirected */
    struct mf_error why;     /* they can't */
    struct mf_image *newest; /* where they lead to; NULL: to themselves */
} patch;

static void patch_begin(struct mf_core *core)
{
    patch.ready = mf_core_redirect_prepare(core, mf_core_current(core), &patch.why) == 0;
}

static int patch_upgrade(struct mf_core *core, struct mf_upgrade_request *request, struct mf_error *err)
{
    struct mf_image *image, *before = patch.newest;
    request->rolled_back = true;
    if (!patch.ready) {
        *err = patch.why;
        return -1;
    }
    if (mf_core_load(core, request->module_path, MF_LOAD_PRIVATE, &image, err) != 0)
        return -1;
    mf_core_phase(core, request->k, MF_PHASE_LOADED);
    if (mf_core_redirect(core, mf_core_current(core), image, err) != 0) {
        mf_core_unload(core, image);
        return -1;
    }
    request->rolled_back = false;
    patch.newest = image;
    mf_core_commit(core, request->k);
    mf_core_await_schedulers(core);
    mf_core_unload(core, before);
    mf_core_phase(core, request->k, MF_PHASE_RETIRED);
    return 0;
}

const struct mf_strategy mf_strategy_patch = {
    .name = "patch",
    .begin = patch_begin,
    .upgrade = patch_upgrade,
};
