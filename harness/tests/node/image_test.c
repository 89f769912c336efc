/* Modules: what cannot be loaded is refused in one line, and leaves nothing behind; conversion is all or nothing. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"

static void file_cut(const char *from, const char *to, long bytes)
{
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    cr_assert(in && out);
    for (int c; bytes != 0 && (c = fgetc(in)) != EOF; bytes--)
        fputc(c, out);
    fclose(in);
    fclose(out);
}

static void refused(struct bench *b, const char *path, const char *why)
{
    struct mf_error err = {0};
    struct mf_image *image = NULL;
    cr_assert(eq(int, mf_core_load(&b->core, path, MF_LOAD_PRIVATE, &image, &err), -1), "%s was loaded", path);
    cr_assert(ne(ptr, strstr(err.text, why), NULL), "%s: %s", path, err.text);
    cr_assert(eq(ptr, strchr(err.text, '\n'), NULL));
    cr_assert(eq(int, err.status, MF_STATUS_TARGET));
}

Test(image, what_is_no_module_is_refused)
{
    static struct bench b;
    char path[128];
    struct stat st;
    bench_start(&b, 4, 1, "local");
    cr_assert(eq(int, stat(MODULE_V1, &st), 0));
    refused(&b, "/nowhere/v1.so", "cannot be opened");
    refused(&b, b.dir, "not a regular file");
    snprintf(path, sizeof path, "%s/cut.so", b.dir);
    file_cut(MODULE_V1, path, 0);
    refused(&b, path, "no shared object");
    file_cut(MODULE_V1, path, 100);
    refused(&b, path, "cut off");
    file_cut(MODULE_V1, path, 5000);
    refused(&b, path, "cut off");
    unlink(path);
    refused(&b, MODULE_UNWILLING, "unwilling, as it was made to be");
    cr_assert(eq(u32, atomic_load(&b.rec.node->resident_versions), 1));
    bench_stop(&b);
}

/* In place: glibc hands the open image back, whatever the file holds. Private: the new one is there. */
Test(image, in_place_is_stale_and_private_is_not)
{
    static struct bench b;
    struct mf_error err = {0};
    struct mf_image *first, *stale, *fresh;
    bench_start(&b, 4, 1, "local");
    cr_assert(eq(int, mf_core_load(&b.core, MODULE_V1, MF_LOAD_IN_PLACE, &first, &err), 0), "%s", err.text);
    cr_assert(eq(int, mf_core_load(&b.core, MODULE_V2, MF_LOAD_IN_PLACE, &stale, &err), 0), "%s", err.text);
    cr_assert(eq(u32, mf_image_module(stale)->version, 1));
    cr_assert(eq(int, mf_core_load(&b.core, MODULE_V2, MF_LOAD_PRIVATE, &fresh, &err), 0), "%s", err.text);
    cr_assert(eq(u32, mf_image_module(fresh)->version, 2));
    /* the node's own, the first with the stale one, and the fresh one */
    cr_assert(eq(u32, atomic_load(&b.rec.node->resident_versions), 3));
    mf_core_unload(&b.core, stale);
    mf_core_unload(&b.core, first);
    mf_core_unload(&b.core, fresh);
    bench_stop(&b);
}

static uint64_t process_ask(struct mf_process *p, uint64_t seq)
{
    struct mf_ping ping = {.process = p->id, .seq = seq};
    struct mf_answer answer = {0};
    cr_assert(eq(int, p->image->module->handle(p->state, &ping, &answer), MF_HANDLE_REPLY));
    return answer.count;
}

Test(convert, states_go_up_and_down_and_keep_their_counts)
{
    static struct bench b;
    struct mf_error err = {0};
    struct mf_image *v1, *v3, *again;
    uint32_t converted;
    bench_start(&b, 100, 2, "local");
    v1 = mf_core_current(&b.core);
    for (uint32_t i = 0; i < 100; i++)
        for (uint32_t n = 0; n < i; n++)
            process_ask(&b.core.processes[i], n);
    b.core.schedulers_stopped = true;
    cr_assert(eq(int, mf_core_load(&b.core, MODULE_V3, MF_LOAD_PRIVATE, &v3, &err), 0), "%s", err.text);
    cr_assert(eq(int, mf_core_convert_all(&b.core, v3, &converted, &err), 0), "%s", err.text);
    mf_core_publish(&b.core, v3);
    cr_assert(eq(u32, converted, 100));
    cr_assert(eq(u64, mf_image_processes(v1), 0));
    cr_assert(eq(u64, mf_image_processes(v3), 100));
    mf_core_unload(&b.core, v1);
    for (uint32_t i = 0; i < 100; i++)
        cr_assert(eq(u64, process_ask(&b.core.processes[i], i), i + 1u));
    cr_assert(eq(int, mf_core_load(&b.core, MODULE_V2, MF_LOAD_PRIVATE, &again, &err), 0), "%s", err.text);
    for (uint32_t i = 0; i < 100; i++) /* one by one, as two versions side by side do it */
        cr_assert(eq(int, mf_process_convert(&b.core.processes[i], again), 1));
    mf_core_publish(&b.core, again);
    for (uint32_t i = 0; i < 100; i++)
        cr_assert(eq(u64, process_ask(&b.core.processes[i], i), i + 2u));
    mf_core_unload(&b.core, v3);
    bench_stop(&b);
}

Test(convert, one_that_refuses_leaves_all_as_they_were)
{
    static struct bench b;
    struct mf_error err = {0};
    struct mf_image *v1, *refuser;
    uint32_t converted;
    bench_start(&b, 10, 1, "local");
    v1 = mf_core_current(&b.core);
    for (uint32_t i = 0; i < 10; i++)
        for (uint32_t n = 0; n < i; n++) /* the first few it takes */
            process_ask(&b.core.processes[i], n);
    b.core.schedulers_stopped = true;
    cr_assert(eq(int, mf_core_load(&b.core, MODULE_REFUSER, MF_LOAD_PRIVATE, &refuser, &err), 0), "%s", err.text);
    cr_assert(eq(int, mf_core_convert_all(&b.core, refuser, &converted, &err), -1));
    cr_assert(ne(ptr, strstr(err.text, "cannot convert process 3"), NULL), "%s", err.text);
    cr_assert(eq(u64, mf_image_processes(v1), 10));
    cr_assert(eq(u64, mf_image_processes(refuser), 0));
    mf_core_unload(&b.core, refuser);
    for (uint32_t i = 0; i < 10; i++)
        cr_assert(eq(u64, process_ask(&b.core.processes[i], i), i + 1u));
    bench_stop(&b);
}

Test(process, remade_begins_afresh_as_another)
{
    static struct bench b;
    bench_start(&b, 3, 1, "local");
    struct mf_process *p = &b.core.processes[1];
    uint64_t before = p->instance;
    process_ask(p, 0);
    mf_process_remake(&b.core, p);
    cr_assert(gt(u64, p->instance, b.core.processes[2].instance));
    cr_assert(ne(u64, p->instance, before));
    cr_assert(eq(u64, process_ask(p, 1), 1));
    cr_assert(eq(u64, mf_image_processes(p->image), 3));
    bench_stop(&b);
}
