/* Modules: files opened, checked, initialised, made current, and given up. Main thread, but for the counts. */
#include <assert.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "node/core_internal.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KEEP_MAPPED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define KEEP_MAPPED 1
#endif
#endif
#ifndef KEEP_MAPPED
/* a sanitizer's report names frames by the mapped file: after dlclose it could not */
#define KEEP_MAPPED (sizeof MIDFLIGHT_SANITIZE > 1)
#endif

#if __SIZEOF_POINTER__ == 8
#define NATIVE_CLASS ELFCLASS64
typedef Elf64_Ehdr elf_header;
typedef Elf64_Phdr elf_segment;
#else
#define NATIVE_CLASS ELFCLASS32
typedef Elf32_Ehdr elf_header;
typedef Elf32_Phdr elf_segment;
#endif

/* --- the file
 * ------------------------------------------------------------------------------------------------------------- */

extern const elf_header __ehdr_start __attribute__((visibility("hidden"))); /* of this program, from the linker */

/* dlopen maps a file that is shorter than its segments say without complaint, and the first touch is then a SIGBUS. */
static int file_check(int fd, uint64_t bytes, const char *path, struct mf_error *err)
{
    elf_header h;
    if (bytes < sizeof h || pread(fd, &h, sizeof h, 0) != (ssize_t)sizeof h ||
        memcmp(h.e_ident, ELFMAG, SELFMAG) != 0 || h.e_ident[EI_CLASS] != NATIVE_CLASS || h.e_type != ET_DYN)
        return mf_error_set(err, MF_STATUS_TARGET, path, "this is no shared object for this machine (%llu bytes)",
                            (unsigned long long)bytes);
    if (h.e_machine != __ehdr_start.e_machine) /* of such a file dlopen says that it is not there */
        return mf_error_set(err, MF_STATUS_TARGET, path,
                            "the shared object is for another architecture (ELF machine %u, this one is %u)",
                            h.e_machine, __ehdr_start.e_machine);
    for (uint32_t i = 0; i < h.e_phnum; i++) {
        elf_segment segment;
        uint64_t at = h.e_phoff + (uint64_t)i * h.e_phentsize;
        if (at > bytes || pread(fd, &segment, sizeof segment, (off_t)at) != (ssize_t)sizeof segment ||
            segment.p_offset > bytes || segment.p_filesz > bytes - segment.p_offset)
            return mf_error_set(err, MF_STATUS_TARGET, path, "the shared object is cut off: it has %llu bytes",
                                (unsigned long long)bytes);
    }
    return 0;
}

static int file_copy(int from, int to, uint64_t bytes)
{
    uint8_t buffer[1 << 16];
    for (uint64_t at = 0; at < bytes;) {
        ssize_t n = pread(from, buffer, sizeof buffer, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n ? errno : EIO;
            return -1;
        }
        for (ssize_t done = 0; done < n;) {
            ssize_t k = write(to, buffer + done, (size_t)(n - done));
            if (k < 0 && errno != EINTR)
                return -1;
            done += k > 0 ? k : 0;
        }
        at += (uint64_t)n;
    }
    return 0;
}

/* Opens the module's file for reading, checked; -1 with *err. */
static int file_open(const char *path, uint64_t *bytes, struct mf_error *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return mf_error_errno(err, MF_STATUS_TARGET, path, "the module cannot be opened");
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        mf_error_set(err, MF_STATUS_TARGET, path, "the module is not a regular file");
        goto fail;
    }
    *bytes = (uint64_t)st.st_size;
    if (file_check(fd, *bytes, path, err) == 0)
        return fd;
fail:
    close(fd);
    return -1;
}

static int handle_open(const char *name, const char *path, void **handle, struct mf_error *err)
{
    *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    const char *why = *handle ? NULL : dlerror();
    if (!*handle)
        return mf_error_set(err, MF_STATUS_TARGET, path, "the module cannot be loaded: %s", why ? why : "no reason");
    return 0;
}

/* Opens a copy in memory: a file of its own, so that glibc cannot hand back an image that is still open, and none on a
 * disk, whose delays are no part of an upgrade. The descriptor stays open as long as the image, since it is its name.
 */
static int image_open_copy(struct mf_image *image, struct mf_error *err)
{
    char name[64];
    uint64_t bytes;
    int from = file_open(image->path, &bytes, err), bad;
    if (from < 0)
        return -1;
    image->copy_fd = memfd_create("midflight-module", MFD_CLOEXEC);
    bad = image->copy_fd < 0 || file_copy(from, image->copy_fd, bytes) != 0;
    if (bad)
        mf_error_errno(err, MF_STATUS_TARGET, image->path, "the module cannot be copied");
    close(from);
    if (bad)
        return -1;
    snprintf(name, sizeof name, "/proc/self/fd/%d", image->copy_fd);
    return handle_open(name, image->path, &image->handle, err);
}

/* Opens a file of always the same name, into which the module comes by rename, as an installer does it. */
static int image_open_in_place(const struct mf_core *core, struct mf_image *image, struct mf_error *err)
{
    char name[PATH_MAX], fresh[PATH_MAX];
    uint64_t bytes;
    int from = file_open(image->path, &bytes, err), to = -1, bad = -1;
    if (from < 0)
        return -1;
    if (snprintf(name, sizeof name, "%s/module.so", core->args->dir) >= (int)sizeof name ||
        snprintf(fresh, sizeof fresh, "%s/module.new", core->args->dir) >= (int)sizeof fresh) {
        mf_error_set(err, MF_STATUS_TARGET, image->path, "the run's folder has too long a name for a copy of it");
        goto out;
    }
    to = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
    if (to < 0 || file_copy(from, to, bytes) != 0 || rename(fresh, name) != 0) {
        mf_error_errno(err, MF_STATUS_TARGET, image->path, "the module cannot be copied to %s", name);
        unlink(fresh);
        goto out;
    }
    bad = handle_open(name, image->path, &image->handle, err);
    unlink(name); /* a name that is still open needs no file to be found by */
out:
    if (to >= 0)
        close(to);
    close(from);
    return bad;
}

/* --- checks
 * ------------------------------------------------------------------------------------------------------------------ */

static int module_check(const struct mf_module *m, const char *path, struct mf_error *err)
{
    if (m->abi != MF_MODULE_ABI)
        return mf_error_set(err, MF_STATUS_TARGET, path, "the module is for ABI %u, this node speaks %u", m->abi,
                            MF_MODULE_ABI);
    if (!m->name || !m->handle)
        return mf_error_set(err, MF_STATUS_TARGET, path, "the module lacks a required member (%s)",
                            m->name ? "handle" : "name");
    if (m->version == 0 || m->state_version == 0)
        return mf_error_set(err, MF_STATUS_TARGET, path, "the module's %s is 0",
                            m->version ? "state_version" : "version");
    if (m->state_bytes == 0 || m->state_bytes > MF_STATE_BYTES_MAX)
        return mf_error_set(err, MF_STATUS_TARGET, path, "the module's state has %u bytes, 1 to %u are allowed",
                            m->state_bytes, MF_STATE_BYTES_MAX);
    return 0;
}

static bool layouts_equal(const struct mf_module *a, const struct mf_module *b)
{
    return a->state_version == b->state_version && a->state_bytes == b->state_bytes;
}

static struct mf_states *states_new(const struct mf_core *core, uint32_t state_bytes)
{
    /* two schedulers' neighbours must not share a cache line; with one there are no two */
    uint32_t unit = core->schedulers_count > 1 ? 64 : 16;
    struct mf_states *states = malloc(sizeof *states);
    if (!states)
        return NULL;
    *states = (struct mf_states){.refs = 1, .stride = (state_bytes + unit - 1) / unit * unit};
    size_t bytes = (size_t)states->stride * core->processes_count;
    if (posix_memalign((void **)&states->at, 64, bytes) != 0) {
        free(states);
        return NULL;
    }
    return states;
}

static void states_release(struct mf_states *states)
{
    if (states && --states->refs == 0) {
        free(states->at);
        free(states);
    }
}

static int image_give_states(struct mf_core *core, struct mf_image *image, struct mf_error *err)
{
    struct mf_image *current = mf_core_current(core);
    if (current && layouts_equal(current->module, image->module)) {
        image->states = current->states;
        image->states->refs++;
        return 0;
    }
    image->states = states_new(core, image->module->state_bytes);
    if (!image->states)
        return mf_error_set(err, MF_STATUS_TARGET, image->path, "no memory for the states of %u processes",
                            core->processes_count);
    return 0;
}

/* --- life
 * -----------------------------------------------------------------------------------------------------------------------
 */

static bool module_is_shared(const struct mf_core *core, const struct mf_image *image)
{
    for (const struct mf_image *other = core->images; other; other = other->next)
        if (other != image && other->module == image->module)
            return true;
    return false;
}

static void residents_note(struct mf_core *core)
{
    uint32_t resident = 0;
    uint64_t now_ns = mf_clock_now_ns(), oldest_ns = 0;
    for (const struct mf_image *image = core->images; image; image = image->next) {
        bool counted = false;
        for (const struct mf_image *before = core->images; before != image; before = before->next)
            counted |= before->module == image->module;
        resident += !counted;
        if (image->superseded_ns && now_ns - image->superseded_ns > oldest_ns)
            oldest_ns = now_ns - image->superseded_ns;
    }
    atomic_store(&core->rec.node->resident_versions, resident);
    if (oldest_ns > atomic_load(&core->rec.node->oldest_version_age_ns_max))
        atomic_store(&core->rec.node->oldest_version_age_ns_max, oldest_ns);
}

static void image_free(struct mf_image *image)
{
    states_release(image->states);
    if (image->handle && !KEEP_MAPPED)
        dlclose(image->handle);
    if (image->copy_fd >= 0 && !(image->handle && KEEP_MAPPED)) /* what stays mapped keeps its name */
        close(image->copy_fd);
    free(image->path);
    free(image);
}

int mf_core_load(struct mf_core *core, const char *path, enum mf_load_how how, struct mf_image **out,
                 struct mf_error *err)
{
    static uint32_t loads;
    struct mf_image *image = calloc(1, sizeof *image);
    if (!image || !(image->path = strdup(path))) {
        free(image);
        return mf_error_set(err, MF_STATUS_TARGET, path, "no memory for another module");
    }
    image->copy_fd = -1;
    if ((how == MF_LOAD_IN_PLACE ? image_open_in_place(core, image, err) : image_open_copy(image, err)) != 0)
        goto fail;
    image->number = ++loads;
    image->module = dlsym(image->handle, MF_MODULE_SYMBOL);
    if (!image->module) {
        mf_error_set(err, MF_STATUS_TARGET, path, "the module does not export %s", MF_MODULE_SYMBOL);
        goto fail;
    }
    if (module_check(image->module, path, err) != 0 || image_give_states(core, image, err) != 0)
        goto fail;
    const char *why = NULL;
    /* an image that was still open has been initialised */
    if (!module_is_shared(core, image) && image->module->init && image->module->init(&why) != 0) {
        mf_error_set(err, MF_STATUS_TARGET, path, "the module's init failed: %s", why ? why : "it gave no reason");
        goto fail;
    }
    image->loaded_ns = mf_clock_now_ns();
    image->next = core->images;
    core->images = image;
    residents_note(core);
    *out = image;
    return 0;
fail:
    image_free(image);
    return -1;
}

static void image_close(struct mf_core *core, struct mf_image *image)
{
    residents_note(core);
    struct mf_image **at = &core->images;
    while (*at != image)
        at = &(*at)->next;
    *at = image->next;
    if (!module_is_shared(core, image) && image->module->fini)
        image->module->fini();
    image_free(image);
    residents_note(core);
}

void mf_core_unload(struct mf_core *core, struct mf_image *image)
{
    if (!image)
        return;
    assert(image != mf_core_current(core) && mf_image_processes(image) == 0);
    image_close(core, image);
}

void mf_images_done(struct mf_core *core)
{
    while (core->images)
        image_close(core, core->images);
    atomic_store(&core->current, NULL);
}

void mf_core_publish(struct mf_core *core, struct mf_image *image)
{
    struct mf_image *old = mf_core_current(core);
    if (old == image)
        return;
    if (old)
        old->superseded_ns = mf_clock_now_ns();
    image->superseded_ns = 0;
    atomic_store(&core->converted, 0);
    atomic_store(&core->current, image);
    residents_note(core);
}

const struct mf_module *mf_image_module(const struct mf_image *image)
{
    return image->module;
}

struct mf_image *mf_core_current(struct mf_core *core)
{
    return atomic_load_explicit(&core->current, memory_order_acquire);
}

uint64_t mf_image_processes(const struct mf_image *image)
{
    return atomic_load(&image->processes);
}
