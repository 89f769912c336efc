/* Functions redirected while threads run them. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dlfcn.h>
#include <pthread.h>

#include "fixture.h"

#define REDIRECTIONS 2000
#define CALLERS      2

static struct bench b;
static struct mf_image *first;
static _Atomic bool over;

static struct mf_image *load(const char *path)
{
    struct mf_error err = {0};
    struct mf_image *image = NULL;
    cr_assert(eq(int, mf_core_load(&b.core, path, MF_LOAD_PRIVATE, &image, &err), 0), "%s", err.text);
    return image;
}

static uint32_t version_of(const struct mf_image *image)
{
    uint64_t state = 0;
    struct mf_ping ping = {0};
    struct mf_answer answer = {0};
    if (image->module->handle(&state, &ping, &answer) != MF_HANDLE_REPLY || answer.count != 1)
        return 0;
    return answer.version;
}

#if defined(__x86_64__)

static void *caller(void *arg)
{
    uint64_t *wrong = arg;
    while (!atomic_load_explicit(&over, memory_order_relaxed)) {
        uint32_t version = version_of(first);
        *wrong += version != 1 && version != 2;
    }
    return NULL;
}

Test(redirect, threads_run_on, .timeout = 60)
{
    struct mf_error err = {0};
    pthread_t thread[CALLERS];
    uint64_t wrong[CALLERS] = {0};
    bench_start(&b, 4, 1, "local");
    first = load(MODULE_V1);
    struct mf_image *to[2] = {load(MODULE_V2), load(MODULE_V1)};
    cr_assert(eq(int, mf_core_redirect_prepare(&b.core, first, &err), 0), "%s: %s", err.place, err.text);
    cr_expect(eq(u32, version_of(first), 1));
    for (int i = 0; i < CALLERS; i++)
        cr_assert(eq(int, pthread_create(&thread[i], NULL, caller, &wrong[i]), 0));
    for (int i = 0; i < REDIRECTIONS; i++) {
        cr_assert(eq(int, mf_core_redirect(&b.core, first, to[i % 2], &err), 0), "%s", err.text);
        cr_assert(eq(u32, version_of(first), i % 2 ? 1 : 2));
    }
    atomic_store(&over, true);
    for (int i = 0; i < CALLERS; i++) {
        pthread_join(thread[i], NULL);
        cr_expect(eq(u64, wrong[i], 0));
    }
    for (int i = 0; i < 2; i++)
        mf_core_unload(&b.core, to[i]);
    mf_core_unload(&b.core, first);
    bench_stop(&b);
}

Test(redirect, what_a_module_lists_besides)
{
    struct mf_error err = {0};
    bench_start(&b, 4, 1, "local");
    struct mf_image *old = load(MODULE_LISTER("1")), *new = load(MODULE_LISTER("2"));
    const struct mf_function *listed = dlsym(old->handle, MF_FUNCTIONS_SYMBOL);
    cr_assert(ne(ptr, (void *)listed, NULL));
    uint32_t (*number)(void) = (uint32_t(*)(void))listed[0].at;
    cr_assert(eq(int, mf_core_redirect_prepare(&b.core, old, &err), 0), "%s: %s", err.place, err.text);
    cr_expect(eq(u32, number(), 1));
    cr_assert(eq(int, mf_core_redirect(&b.core, old, new, &err), 0), "%s", err.text);
    cr_expect(eq(u32, number(), 2));
    cr_expect(eq(u32, version_of(old), 2));
    mf_core_unload(&b.core, new);
    mf_core_unload(&b.core, old);
    bench_stop(&b);
}

#else

Test(redirect, elsewhere_it_is_refused)
{
    struct mf_error err = {0};
    bench_start(&b, 4, 1, "local");
    first = load(MODULE_V1);
    cr_expect(eq(int, mf_core_redirect_prepare(&b.core, first, &err), -1));
    cr_expect(eq(u32, version_of(first), 1));
    mf_core_unload(&b.core, first);
    bench_stop(&b);
}

#endif
