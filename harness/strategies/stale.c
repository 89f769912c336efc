/* stale: the upgrade that isn't one. The module's file is replaced and loaded again, by the same path, without being
 * unloaded first.
 *
 * glibc finds the path among the objects it has open and hands back the old image, whatever the file holds by now. No
 * call fails and nothing is lost; the author of such an upgrade sees success, and the old code runs for ever. Only a
 * witness in the answers tells: that is what this strategy is here to show. It therefore commits like any other, and
 * unloads nothing. */
#include "recorder/recorder.h"
#include "strategies/strategy.h"

static int stale_upgrade(struct mf_core *core, struct mf_upgrade_request *request, struct mf_error *err)
{
    struct mf_image *image;
    /* The path is the one by which the node loaded its first module when it started; the file behind it is a new one.
     */
    if (mf_core_load(core, request->module_path, MF_LOAD_IN_PLACE, &image, err) != 0) {
        request->rolled_back = true;
        return -1;
    }
    mf_core_phase(core, request->k, MF_PHASE_LOADED);
    mf_core_publish(core, image);
    mf_core_commit(core, request->k);
    return 0;
}

const struct mf_strategy mf_strategy_stale = {
    .name = "stale",
    .upgrade = stale_upgrade,
    .loads_in_place = true,
};
