/* none: the control. The request is taken, every phase is stamped, and nothing is exchanged.
 *
 * Nothing is lost, nothing waits, and the old code answers for ever. Whatever a run with this strategy shows beyond a
 * run without upgrades is the instrument's own doing: that is what it is for. It therefore touches neither mailbox nor
 * scheduler. */
#include "recorder/recorder.h"
#include "strategies/strategy.h"

static int none_upgrade(struct mf_core *core, struct mf_upgrade_request *request, struct mf_error *err)
{
    (void)err;
    mf_core_phase(core, request->k, MF_PHASE_LOADED);
    mf_core_phase(core, request->k, MF_PHASE_QUIESCED);
    mf_core_phase(core, request->k, MF_PHASE_TRANSFERRED);
    mf_core_commit(core, request->k);
    return 0;
}

const struct mf_strategy mf_strategy_none = {
    .name = "none",
    .upgrade = none_upgrade,
};
