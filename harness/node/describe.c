#include "node/describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "node/core_internal.h"

static int module_describe(struct mf_core *core, const char *path, struct mf_error *err)
{
    struct mf_image *image;
    if (mf_core_load(core, path, MF_LOAD_PRIVATE, &image, err) != 0)
        return -1;
    const struct mf_module *m = mf_image_module(image);
    int n = printf("%s name=%s version=%u state_version=%u state_bytes=%u\n", path, m->name, m->version,
                   m->state_version, m->state_bytes);
    mf_core_unload(core, image);
    if (n < 0 || fflush(stdout) != 0)
        return mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "cannot write to stdout");
    return 0;
}

int mf_describe(const char *const *paths, uint32_t n)
{
    const char *temporary = getenv("TMPDIR");
    char dir[512];
    struct mf_error err = {0};
    struct mf_node_record record = {0};
    struct mf_node_args args = {.dir = dir};
    /* A core that can load modules and do nothing else: one process, whose state nobody makes. */
    struct mf_core core = {.args = &args, .rec = {.node = &record}, .processes_count = 1, .schedulers_count = 1};
    int used =
        snprintf(dir, sizeof dir, "%s/midflight-describe-XXXXXX", temporary && temporary[0] ? temporary : "/tmp");
    if (used >= (int)sizeof dir || !mkdtemp(dir)) {
        mf_error_errno(&err, MF_STATUS_TARGET, NULL, "cannot make a folder for copies of modules: %s", dir);
        mf_error_print("midflight-node", &err);
        return err.status;
    }
    int bad = 0;
    for (uint32_t i = 0; i < n && !bad; i++)
        bad = module_describe(&core, paths[i], &err);
    rmdir(dir);
    if (!bad)
        return MF_STATUS_PASS;
    mf_error_print("midflight-node", &err);
    return err.status;
}
