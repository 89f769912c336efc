/* reboot: the way of the program from which this instrument grew. A process that is told to upgrade calls `reboot` in
 * the core, which loads the new module and enters its main afresh, with a fresh process.
 *
 *   the upgrade is asked for     and nothing happens until a process takes its next message
 *   the first process to do so   loads the new module on its scheduler (whoever else would run waits) and publishes it:
 * commit every process, on its next   is killed with its mailbox and made anew; then the scheduler enters its main loop
 * afresh, on top of the message after that           one that it was in: the stack grows with every reboot, and is
 * never given back
 *
 * Lost: the message on which a process reboots (nobody is left to answer it), all that was queued behind it, and the
 * process's state. The old module is unloaded at the next upgrade if the last of its processes has rebooted by then: an
 * idle one lingers in it for ever. Where the stack is nearly used up the next upgrade fails and says so, before the
 * node would crash of it.
 *
 * The data is static: a worker is one core, and schedulers need it at every message while a reboot is wanted. */
#include <pthread.h>
#include <time.h>

#include "recorder/recorder.h"
#include "strategies/strategy.h"

#define TAKER_DEADLINE_MS 3000
#define STACK_LEAST_BYTES (64u << 10)
#define LINGERERS         64 /* old images with processes in them; beyond it an upgrade is refused */

enum reboot_state { REBOOT_IDLE, REBOOT_WANTED, REBOOT_DONE, REBOOT_FAILED };

static struct {
    pthread_mutex_t lock; /* guards all below; held while loading, so that every scheduler waits for it */
    pthread_cond_t changed;
    enum reboot_state state;
    struct mf_upgrade_request *request; /* while WANTED */
    uint32_t k;                         /* of the newest one published */
    struct mf_error error;
    struct {
        struct mf_image *image;
        uint32_t k; /* the upgrade that superseded it */
    } old[LINGERERS];
    uint32_t old_count;
} reboot = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* --- on a scheduler --- */

/* The seed's `reboot`, first half: load, publish. */
static void reboot_load(struct mf_core *core)
{
    struct mf_image *old = mf_core_current(core), *image;
    reboot.state = REBOOT_FAILED;
    if (mf_core_stack_left(core) < STACK_LEAST_BYTES) {
        mf_error_set(
            &reboot.error, MF_STATUS_TARGET, NULL,
            "the scheduler's stack has only %llu bytes left: each reboot enters the main loop afresh on top of it",
            (unsigned long long)mf_core_stack_left(core));
    } else if (mf_core_load(core, reboot.request->module_path, MF_LOAD_PRIVATE, &image, &reboot.error) == 0) {
        mf_core_phase(core, reboot.request->k, MF_PHASE_LOADED);
        mf_core_publish(core, image);
        reboot.old[reboot.old_count].image = old;
        reboot.old[reboot.old_count++].k = reboot.k = reboot.request->k;
        reboot.state = REBOOT_DONE;
    }
    mf_core_arm_take(core, false);
    pthread_cond_signal(&reboot.changed);
}

static enum mf_take reboot_take(struct mf_core *core, struct mf_process *process)
{
    pthread_mutex_lock(&reboot.lock);
    if (reboot.state == REBOOT_WANTED)
        reboot_load(core);
    uint32_t k = reboot.k;
    pthread_mutex_unlock(&reboot.lock);
    if (mf_process_image(process) == mf_core_current(core))
        return MF_TAKE_HANDLE; /* the load failed, or it was another process's turn while this one waited for the lock
                                */
    mf_process_remake(core, process);
    mf_core_note_made_anew(core, k, 1);
    /* A process that reboots late, on a stack that is used up, is made anew all the same; only its main is not entered
     * afresh. */
    if (mf_core_stack_left(core) >= STACK_LEAST_BYTES)
        mf_core_enter_main(core);
    return MF_TAKE_AGAIN;
}

/* --- on the upgrade's thread --- */

/* Unloads the old images that nobody lives in any more. */
static void old_sweep(struct mf_core *core)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < reboot.old_count; i++) {
        if (mf_image_processes(reboot.old[i].image) > 0) {
            reboot.old[left++] = reboot.old[i];
            continue;
        }
        mf_core_unload(core, reboot.old[i].image);
        mf_core_phase(core, reboot.old[i].k, MF_PHASE_RETIRED);
    }
    reboot.old_count = left;
}

static struct timespec taker_deadline(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += TAKER_DEADLINE_MS / 1000;
    return t;
}

/* Under the lock: until some process has taken its next message, or none has come. */
static int taker_wait(struct mf_core *core, struct mf_error *err)
{
    struct timespec until = taker_deadline();
    while (reboot.state == REBOOT_WANTED)
        if (pthread_cond_clockwait(&reboot.changed, &reboot.lock, CLOCK_MONOTONIC, &until) != 0)
            break;
    if (reboot.state == REBOOT_DONE)
        return 0;
    if (reboot.state == REBOOT_FAILED) {
        *err = reboot.error;
        return -1;
    }
    mf_core_arm_take(core, false);
    reboot.state = REBOOT_IDLE;
    return mf_error_set(err, MF_STATUS_TARGET, NULL, "no process took a message for %d ms, so none rebooted",
                        TAKER_DEADLINE_MS);
}

static int reboot_upgrade(struct mf_core *core, struct mf_upgrade_request *request, struct mf_error *err)
{
    request->rolled_back = true; /* until something is published, the old code goes on */
    pthread_mutex_lock(&reboot.lock);
    old_sweep(core);
    int bad = -1;
    if (reboot.old_count == LINGERERS) {
        mf_error_set(err, MF_STATUS_TARGET, NULL, "%d old versions still have processes in them", LINGERERS);
    } else {
        reboot.request = request;
        reboot.state = REBOOT_WANTED;
        mf_core_arm_take(core, true);
        mf_core_release_trigger(core); /* a held trigger is what a process is to reboot on */
        bad = taker_wait(core, err);
    }
    pthread_mutex_unlock(&reboot.lock);
    if (bad)
        return -1;
    request->rolled_back = false;
    mf_core_commit(core, request->k);
    return 0;
}

const struct mf_strategy mf_strategy_reboot = {
    .name = "reboot",
    .upgrade = reboot_upgrade,
    .take = reboot_take,
};
