/* The side of a trial that may be lost. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "node/core_internal.h"
#include "node/trial.h"

#define DEADLINE_MS 60000 /* where nobody says another */

/* What the command line says. */
struct attempt {
    const char *path, *from;
    int samples_fd;
    struct mf_samples samples;
};

static bool layout_is(const struct mf_module *m, const struct mf_samples *layout)
{
    return m->state_version == layout->state_version && m->state_bytes == layout->state_bytes;
}

/* To the new layout and, where `old` is there, back again: if the exchange has to be undone, `old` is given what `new`
 * has made. A state that cannot go back is no fault (the exchange may not need it); one that crashes on its way is. */
static int state_try(const struct attempt *a, const struct mf_module *new, const struct mf_module *old,
                     const void *state, struct mf_error *err)
{
    static uint64_t there[MF_STATE_BYTES_MAX / 8], back[MF_STATE_BYTES_MAX / 8];
    memset(there, 0, sizeof there);
    memset(back, 0, sizeof back);
    if (!new->convert || new->convert(there, a->samples.state_version, state, a->samples.state_bytes) != 0)
        return mf_error_set(err, MF_STATUS_TARGET, a->path,
                            "the module cannot convert a state of layout %u (%u bytes) to its layout %u",
                            a->samples.state_version, a->samples.state_bytes, new->state_version);
    if (old && old->convert)
        old->convert(back, new->state_version, there, new->state_bytes);
    return 0;
}

static int samples_try(const struct attempt *a, const struct mf_module *new, const struct mf_module *old,
                       struct mf_error *err)
{
    static uint64_t state[MF_STATE_BYTES_MAX / 8];
    for (uint32_t i = 0; i < a->samples.count; i++) {
        if (read(a->samples_fd, state, a->samples.state_bytes) != (ssize_t)a->samples.state_bytes)
            return mf_error_errno(err, MF_STATUS_INTERNAL, a->path, "the states to try it with are cut off");
        if (state_try(a, new, old, state, err) != 0)
            return -1;
    }
    return 0;
}

static int module_try(struct mf_core *core, const struct attempt *a, struct mf_error *err)
{
    struct mf_image *image, *running = NULL;
    struct mf_error ignored;
    if (mf_core_load(core, a->path, MF_LOAD_PRIVATE, &image, err) != 0)
        return -1;
    const struct mf_module *new = mf_image_module(image), *old = NULL;
    int bad = 0;
    if (a->samples.count > 0 && !layout_is(new, &a->samples)) { /* equal ones are taken over as they are */
        if (a->from && mf_core_load(core, a->from, MF_LOAD_PRIVATE, &running, &ignored) == 0)
            old = mf_image_module(running);
        bad = samples_try(a, new, old && layout_is(old, &a->samples) ? old : NULL, err);
    }
    mf_core_unload(core, running);
    mf_core_unload(core, image);
    return bad;
}

/* Nobody waits for it longer, nobody's folder gets its core file, and it does not outlive who asked. */
static void limits_set(unsigned long deadline_ms)
{
    struct rlimit none = {0};
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm((unsigned)(deadline_ms / 1000) + 2);
}

static int attempt_read(struct attempt *a, int argc, char **argv, struct mf_error *err)
{
    if (argc < 4)
        return mf_error_set(err, MF_STATUS_USAGE, NULL,
                            MF_TRIAL_OPTION ": a folder and the path of a module are wanted");
    *a = (struct attempt){
        .path = argv[3], .samples_fd = argc > 5 ? atoi(argv[5]) : -1, .from = argc > 6 ? argv[6] : NULL};
    if (a->samples_fd < 0)
        return 0;
    if (read(a->samples_fd, &a->samples, sizeof a->samples) != (ssize_t)sizeof a->samples ||
        a->samples.state_bytes == 0 || a->samples.state_bytes > MF_STATE_BYTES_MAX)
        return mf_error_set(err, MF_STATUS_INTERNAL, NULL, MF_TRIAL_OPTION ": descriptor %d holds no states",
                            a->samples_fd);
    return 0;
}

int mf_trial_main(int argc, char **argv)
{
    struct mf_error err = {0};
    struct attempt attempt;
    limits_set(argc > 4 ? strtoul(argv[4], NULL, 10) : DEADLINE_MS);
    int bad = attempt_read(&attempt, argc, argv, &err);
    if (!bad) {
        struct mf_node_record record = {0};
        struct mf_node_args args = {.dir = argv[2]};
        struct mf_core core = {.args = &args, .rec = {.node = &record}, .processes_count = 1, .schedulers_count = 1};
        bad = module_try(&core, &attempt, &err);
    }
    if (!bad)
        return MF_STATUS_PASS;
    mf_error_print("midflight-node", &err);
    return err.status;
}
