/* Two images' functions, paired by their names: those of the module's table, and those that it lists besides. */
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "node/core_internal.h"
#include "node/redirect.h"

#define FUNCTIONS_MAX 256

struct functions {
    struct mf_function at[FUNCTIONS_MAX];
    uint32_t n;
};

static int function_add(struct functions *f, const struct mf_image *image, const char *name, void (*at)(void),
                        struct mf_error *err)
{
    if (!at)
        return 0;
    if (f->n == FUNCTIONS_MAX)
        return mf_error_set(err, MF_STATUS_TARGET, image->path, "the module lists more than %d functions",
                            FUNCTIONS_MAX);
    f->at[f->n++] = (struct mf_function){.name = name, .at = at};
    return 0;
}

/* init and fini are not among them: they belong to their own image; nor is convert: nothing is converted. */
static int functions_of(const struct mf_image *image, struct functions *f, struct mf_error *err)
{
    const struct mf_module *m = image->module;
    f->n = 0;
    if (function_add(f, image, "handle", (void (*)(void))m->handle, err) != 0 ||
        function_add(f, image, "handle_pong", (void (*)(void))m->handle_pong, err) != 0 ||
        function_add(f, image, "init_state", (void (*)(void))m->init_state, err) != 0)
        return -1;
    const struct mf_function *listed = dlsym(image->handle, MF_FUNCTIONS_SYMBOL);
    for (; listed && listed->name; listed++)
        if (function_add(f, image, listed->name, listed->at, err) != 0)
            return -1;
    return 0;
}

static const struct mf_function *function_find(const struct functions *f, const char *name)
{
    for (uint32_t i = 0; i < f->n; i++)
        if (strcmp(f->at[i].name, name) == 0)
            return &f->at[i];
    return NULL;
}

/* Only the table's functions are looked up by the core, so only those may not come out of nowhere. */
static int newcomers_check(const struct mf_image *from, const struct mf_image *to, struct mf_error *err)
{
    const struct mf_module *old = from->module, *new = to->module;
    const char *what = !old->handle_pong && new->handle_pong ? "handle_pong"
                       : !old->init_state &&new->init_state  ? "init_state"
                                                             : NULL;
    return what ? mf_error_set(err, MF_STATUS_TARGET, to->path,
                               "the running code has no %s that could lead to this one's", what)
                : 0;
}

static int pairs_make(const struct mf_image *from, const struct mf_image *to, struct mf_redirect *pairs, uint32_t *n,
                      struct mf_error *err)
{
    struct functions old, new;
    if (functions_of(from, &old, err) != 0 || functions_of(to, &new, err) != 0)
        return -1;
    for (uint32_t i = 0; i < old.n; i++) {
        const struct mf_function *target = function_find(&new, old.at[i].name);
        if (!target)
            return mf_error_set(err, MF_STATUS_TARGET, to->path, "the module has no %s, which the running code has",
                                old.at[i].name);
        pairs[i] =
            (struct mf_redirect){.name = old.at[i].name, .entry = (void *)old.at[i].at, .target = (void *)target->at};
    }
    *n = old.n;
    return 0;
}

int mf_core_redirect_prepare(struct mf_core *core, struct mf_image *image, struct mf_error *err)
{
    struct functions f;
    (void)core;
    if (functions_of(image, &f, err) != 0)
        return -1;
    for (uint32_t i = 0; i < f.n; i++)
        if (mf_redirect_prepare(f.at[i].name, (void *)f.at[i].at, err) != 0)
            return -1;
    return 0;
}

int mf_core_redirect(struct mf_core *core, struct mf_image *from, struct mf_image *to, struct mf_error *err)
{
    struct mf_redirect pairs[FUNCTIONS_MAX];
    const struct mf_module *old = from->module, *new = to->module;
    uint32_t n = 0;
    if (old->state_version != new->state_version || old->state_bytes != new->state_bytes)
        return mf_error_set(err, MF_STATUS_TARGET, to->path,
                            "the module's states have layout %u (%u bytes), those of the running code %u (%u bytes): a "
                            "redirection converts none",
                            new->state_version, new->state_bytes, old->state_version, old->state_bytes);
    if (newcomers_check(from, to, err) != 0 || pairs_make(from, to, pairs, &n, err) != 0 ||
        mf_redirect_all(pairs, n, err) != 0)
        return -1;
    uint64_t now_ns = mf_clock_now_ns();
    for (struct mf_image *image = core->images; image; image = image->next)
        if (image != to && image != core->control && !image->superseded_ns)
            image->superseded_ns = now_ns;
    return 0;
}
