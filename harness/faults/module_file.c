#include "faults/module_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As modules/broken/order.h has it: a module is compiled apart from us and sees no header of ours but its own. */
#define ORDER_MAGIC "midflight order\1"
struct order {
    char magic[16];
    uint64_t number;
    char path[1000];
};

static int name_make(char *out, size_t bytes, const char *scratch, uint32_t index, const char *suffix)
{
    int n = snprintf(out, bytes, "%s/" MF_MODULES_FOLDER "/%u%s", scratch, index, suffix);
    return n < 0 || (size_t)n >= bytes ? -1 : 0;
}

int mf_module_file_path(const char *scratch, uint32_t index, char *path, size_t bytes)
{
    return name_make(path, bytes, scratch, index, ".so");
}

/* --- whole files --- */

static int file_read(const char *path, struct mf_bytes *bytes, struct mf_error *err)
{
    struct stat st;
    *bytes = (struct mf_bytes){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && (bytes->at = malloc((size_t)st.st_size + 1)))
        while (bytes->size < (size_t)st.st_size) {
            ssize_t n = read(fd, bytes->at + bytes->size, (size_t)st.st_size - bytes->size);
            if (n < 0 && errno == EINTR)
                continue;
            if (n <= 0)
                break;
            bytes->size += (size_t)n;
        }
    bool whole = bytes->at && bytes->size == (size_t)st.st_size;
    if (!whole)
        mf_error_errno(err, MF_STATUS_INTERNAL, path, "the module cannot be read");
    if (fd >= 0)
        close(fd);
    if (whole)
        return 0;
    free(bytes->at);
    return -1;
}

static int file_write(const char *path, const void *at, size_t size, struct mf_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    size_t done = 0;
    while (fd >= 0 && done < size) {
        ssize_t n = write(fd, (const uint8_t *)at + done, size - done);
        if (n < 0 && errno != EINTR)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    int bad = fd < 0 || done < size ? mf_error_errno(err, MF_STATUS_INTERNAL, path, "the file cannot be written") : 0;
    if (fd >= 0)
        close(fd);
    return bad;
}

/* --- the run's modules --- */

static int one_make(const char *scratch, const char *source, uint32_t index, struct mf_error *err)
{
    char path[PATH_MAX], good[PATH_MAX];
    struct mf_bytes bytes;
    if (name_make(path, sizeof path, scratch, index, ".so") != 0 ||
        name_make(good, sizeof good, scratch, index, ".good") != 0)
        return mf_error_set(err, MF_STATUS_INTERNAL, scratch, "the path is too long");
    if (file_read(source, &bytes, err) != 0)
        return -1;
    int bad = file_write(good, bytes.at, bytes.size, err);
    free(bytes.at);
    if (!bad && link(good, path) != 0)
        bad = mf_error_errno(err, MF_STATUS_INTERNAL, path, "the module cannot be put there");
    return bad;
}

int mf_module_files_make(const struct mf_fault_site *site, const char *const *sources, uint32_t n, struct mf_error *err)
{
    char folder[PATH_MAX + sizeof "/" MF_MODULES_FOLDER];
    snprintf(folder, sizeof folder, "%s/" MF_MODULES_FOLDER, site->scratch);
    if (mkdir(folder, 0700) != 0)
        return mf_error_errno(err, MF_STATUS_INTERNAL, folder, "cannot make the folder of the run's modules");
    for (uint32_t i = 0; i < n; i++)
        if (one_make(site->scratch, sources[i], i, err) != 0)
            return -1;
    return 0;
}

static uint32_t index_of(const struct mf_fault_act *act)
{
    return act->site->rec->log[act->k].module_index;
}

static const char *name_of(const struct mf_fault_act *act)
{
    return act->site->module_names[index_of(act)];
}

int mf_module_file_read(const struct mf_fault_act *act, struct mf_bytes *bytes, struct mf_error *err)
{
    char good[PATH_MAX];
    if (name_make(good, sizeof good, act->site->scratch, index_of(act), ".good") != 0)
        return mf_error_set(err, MF_STATUS_INTERNAL, act->site->scratch, "the path is too long");
    return file_read(good, bytes, err);
}

int mf_module_file_put(struct mf_fault_act *act, struct mf_bytes *bytes, struct mf_error *err)
{
    char path[PATH_MAX], fresh[PATH_MAX];
    int bad = 0;
    if (act->plan->noop) {
        free(bytes->at);
        bad = mf_module_file_read(act, bytes, err);
    }
    if (!bad && (name_make(path, sizeof path, act->site->scratch, index_of(act), ".so") != 0 ||
                 name_make(fresh, sizeof fresh, act->site->scratch, index_of(act), ".new") != 0))
        bad = mf_error_set(err, MF_STATUS_INTERNAL, act->site->scratch, "the path is too long");
    if (!bad)
        bad = file_write(fresh, bytes->at, bytes->size, err);
    free(bytes->at);
    if (!bad && rename(fresh, path) != 0)
        bad = mf_error_errno(err, MF_STATUS_INTERNAL, path, "the module cannot be put there");
    if (!bad)
        mf_act_say(act, "%s %s", act->plan->noop ? "put a good copy in place of" : "put in place of", name_of(act));
    return bad;
}

static void order_fill(struct mf_bytes *bytes, uint64_t number, const char *path)
{
    uint8_t *at = memmem(bytes->at, bytes->size, ORDER_MAGIC, sizeof ORDER_MAGIC - 1);
    struct order order = {.magic = ORDER_MAGIC, .number = number};
    if (!at || (size_t)(bytes->at + bytes->size - at) < sizeof order)
        return;
    snprintf(order.path, sizeof order.path, "%s", path ? path : "");
    memcpy(at, &order, sizeof order);
}

int mf_module_file_put_broken(struct mf_fault_act *act, uint64_t number, const char *path, struct mf_error *err)
{
    char source[PATH_MAX + 128];
    struct mf_bytes bytes;
    snprintf(source, sizeof source, "%s/%s.so", act->site->broken, mf_fault_of(act->plan->id)->module);
    if (file_read(source, &bytes, err) != 0)
        return -1;
    order_fill(&bytes, number, path);
    return mf_module_file_put(act, &bytes, err);
}

int mf_module_file_inject(struct mf_fault_act *act, struct mf_error *err)
{
    return mf_module_file_put_broken(act, act->site->rec->log[act->k].version_to, NULL, err);
}

/* By another name of the good file: rename replaces whatever stands there, or stands there no more. */
int mf_module_file_restore(struct mf_fault_act *act, struct mf_error *err)
{
    char path[PATH_MAX], good[PATH_MAX], fresh[PATH_MAX];
    uint32_t index = index_of(act);
    if (name_make(path, sizeof path, act->site->scratch, index, ".so") != 0 ||
        name_make(good, sizeof good, act->site->scratch, index, ".good") != 0 ||
        name_make(fresh, sizeof fresh, act->site->scratch, index, ".new") != 0)
        return mf_error_set(err, MF_STATUS_INTERNAL, act->site->scratch, "the path is too long");
    unlink(fresh);
    if (link(good, fresh) != 0 || rename(fresh, path) != 0)
        return mf_error_errno(err, MF_STATUS_INTERNAL, path, "the good module cannot be put back");
    unlink(fresh); /* rename does nothing where both are names of one file already */
    return 0;
}
