/* Faults of a module's file: each is something else than the good one, undone to the byte, and its no-op twin is as
 * good. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "faults/module_file.h"
#include "fixture.h"

static struct rig r;

static void setup(void)
{
    static const char *const sources[] = {MIDFLIGHT_BINARY_DIR "/modules/pingpong/v1.so",
                                          MIDFLIGHT_BINARY_DIR "/modules/pingpong/v2.so"};
    struct mf_error err;
    rig_open(&r);
    cr_assert(eq(int, mf_module_files_make(&r.site, sources, 2, &err), 0), "%s", err.text);
}

static void teardown(void)
{
    rig_close(&r);
}
TestSuite(module, .init = setup, .fini = teardown, .timeout = 60);

static const enum mf_fault_id faults[] = {
#define MF_FAULT(id, name, kind, keys, text)                                                                           \
    MF_FAULT_KIND_##kind == MF_FAULT_KIND_MODULE ? MF_FAULT_##id : MF_FAULT_COUNT,
#include "faults/faults.def"
#undef MF_FAULT
};

/* The file's bytes, the caller's; NULL where there is none. */
static char *bytes_of(uint32_t index, size_t *size)
{
    char path[PATH_MAX];
    struct stat st;
    cr_assert(eq(int, mf_module_file_path(r.site.scratch, index, path, sizeof path), 0));
    FILE *file = fopen(path, "re");
    if (!file)
        return NULL;
    cr_assert(eq(int, fstat(fileno(file), &st), 0));
    char *at = malloc((size_t)st.st_size + 1);
    *size = fread(at, 1, (size_t)st.st_size, file);
    fclose(file);
    return at;
}

static bool is_same(const char *a, size_t a_size, const char *b, size_t b_size)
{
    return a && b && a_size == b_size && memcmp(a, b, a_size) == 0;
}

static void check_one(enum mf_fault_id id, bool noop)
{
    struct mf_error err = {0};
    size_t good_size = 0, now_size = 0, other_size = 0, other_now_size = 0;
    char *good = bytes_of(1, &good_size), *other = bytes_of(0, &other_size);
    const struct mf_fault *fault = mf_fault_of(id);
    r.plan.noop = noop;
    rig_act(&r, id, 0);
    cr_assert(eq(int, fault->inject(&r.act, &err), 0), "%s: %s", fault->name, err.text);
    char *now = bytes_of(1, &now_size), *other_now = bytes_of(0, &other_now_size);
    cr_expect(eq(int, is_same(good, good_size, now, now_size), noop), "%s", fault->name);
    cr_expect(eq(int, is_same(other, other_size, other_now, other_now_size), 1), "%s", fault->name);
    cr_expect(ne(chr, r.act.what[0], 0));
    free(now);
    cr_assert(eq(int, fault->undo(&r.act, &err), 0), "%s: %s", fault->name, err.text);
    now = bytes_of(1, &now_size);
    cr_expect(eq(int, is_same(good, good_size, now, now_size), 1), "%s is not undone", fault->name);
    free(now);
    free(good);
    free(other);
    free(other_now);
}

Test(module, each_is_undone)
{
    int n = 0;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (faults[i] != MF_FAULT_COUNT) {
            check_one(faults[i], false);
            n++;
        }
    cr_expect(ge(int, n, 14));
}

Test(module, a_noop_twin_is_a_good_module)
{
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (faults[i] != MF_FAULT_COUNT)
            check_one(faults[i], true);
}

Test(module, one_that_is_not_there_cannot_be_put_in_place)
{
    struct mf_error err = {0};
    snprintf(r.site.broken, sizeof r.site.broken, "/nowhere");
    rig_act(&r, MF_FAULT_init_fails, 0);
    cr_expect(eq(int, mf_fault_of(MF_FAULT_init_fails)->inject(&r.act, &err), -1));
    cr_expect(ne(ptr, strstr(err.place, "/nowhere/init_fails.so"), NULL), "%s", err.place);
}
