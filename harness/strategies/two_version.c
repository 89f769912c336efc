/* two-version: old and new side by side, as Erlang does it.
 *
 *   load the new module        the message path does not notice
 *   publish                    from now on a process converts before it handles its next message
 *   convert the idle ones      on their own schedulers, between messages
 *   purge: hard                whoever lingers in the old version is killed, and started anew in the new one
 *   commit                     nobody belongs to the old version any more (purge: soft: but for lingerers)
 *   unload the old module      (purge: soft: once the last lingerer has left it)
 *
 * Nothing is lost and nobody waits for anybody else: each process pays for its own conversion. In between, both
 * versions answer, each process by one of them: that is why the commit, from which a message must meet the new code,
 * comes after the last process has gone over and not with the publication. It also keeps the way back open: where one
 * state cannot be converted, the old version is published again, those that had gone over are converted back, and the
 * new one is unloaded.
 *
 * A lingerer is a process that makes local calls only, and so never comes to the place where it would go over. The two
 * purges are those of Erlang's release handler: `soft` (soft_purge) leaves it in the old version, where it goes on
 * answering, and refuses every further upgrade as long as it does, since there may be two versions and not three;
 * `hard` (brutal_purge) kills it, with its mailbox and its state. */
#include <stdio.h>

#include "recorder/recorder.h"
#include "strategies/strategy.h"

/* Back to `old`. Where even that fails, some processes stay with the new version for good: then nobody can say that the
 * old code goes on. */
static int two_version_back(struct mf_core *core, struct mf_upgrade_request *request, struct mf_image *old,
                            struct mf_image *image, struct mf_error *err)
{
    uint32_t converted = 0;
    struct mf_error back = {0};
    mf_core_publish(core, old);
    if (mf_core_convert_idle(core, image, &converted, &back) != 0) {
        request->rolled_back = false;
        struct mf_error why = *err;
        return mf_error_set(err, why.status, NULL, "%.400s; and the way back: %.400s", why.text, back.text);
    }
    mf_core_unload(core, image);
    return -1;
}

/* The version that lingerers were left in (the strategy's data) is unloaded if the last of them has left it since. */
static int two_version_purged(struct mf_core *core, struct mf_error *err)
{
    struct mf_image *left = *mf_core_strategy_data(core);
    uint64_t lingerers = left ? mf_image_processes(left) : 0;
    if (lingerers > 0)
        return mf_error_set(err, MF_STATUS_TARGET, NULL,
                            "not purged: %llu processes still run version %u, and there can be two versions only",
                            (unsigned long long)lingerers, mf_image_module(left)->version);
    mf_core_unload(core, left);
    *mf_core_strategy_data(core) = NULL;
    return 0;
}

static void two_version_leave(struct mf_core *core, struct mf_upgrade_request *request, struct mf_image *old)
{
    if (mf_image_processes(old) > 0) {
        *mf_core_strategy_data(core) = old;
        return;
    }
    mf_core_unload(core, old);
    mf_core_phase(core, request->k, MF_PHASE_RETIRED);
}

static int two_version_upgrade(struct mf_core *core, struct mf_upgrade_request *request, struct mf_error *err)
{
    struct mf_image *old = mf_core_current(core), *image;
    uint32_t converted = 0;
    request->rolled_back = true;
    if (two_version_purged(core, err) != 0 ||
        mf_core_load(core, request->module_path, MF_LOAD_PRIVATE, &image, err) != 0)
        return -1;
    mf_core_phase(core, request->k, MF_PHASE_LOADED);
    mf_core_publish(core, image);
    if (mf_core_convert_idle(core, old, &converted, err) != 0)
        return two_version_back(core, request, old, image, err);
    request->rolled_back = false;
    mf_core_phase(core, request->k, MF_PHASE_TRANSFERRED);
    mf_core_note_converted(core, request->k, converted);
    if (mf_core_purges_hard(core))
        mf_core_note_made_anew(core, request->k, mf_core_kill_old(core));
    mf_core_commit(core, request->k);
    two_version_leave(core, request, old);
    return 0;
}

const struct mf_strategy mf_strategy_two_version = {
    .name = "two-version",
    .upgrade = two_version_upgrade,
};
