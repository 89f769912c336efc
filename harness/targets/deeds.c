#include "targets/deeds.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_ENDING ".midflight-new"

static int folders_make(const char *path, struct mf_error *err)
{
    char folder[PATH_MAX];
    if (snprintf(folder, sizeof folder, "%s", path) >= (int)sizeof folder)
        return mf_error_set(err, MF_STATUS_TARGET, path, "the path is too long");
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(folder, 0777) != 0 && errno != EEXIST)
            return mf_error_errno(err, MF_STATUS_TARGET, folder, "cannot be made");
        *slash = '/';
    }
    return 0;
}

/* The name beside `path` that is then moved into its place. */
static int name_beside(char name[PATH_MAX], const char *path, struct mf_error *err)
{
    if (snprintf(name, PATH_MAX, "%s" NEW_ENDING, path) >= PATH_MAX)
        return mf_error_set(err, MF_STATUS_TARGET, path, "the path is too long");
    unlink(name); /* of a step that was broken off */
    return folders_make(path, err);
}

static int put_in_place(const char *name, const char *path, struct mf_error *err)
{
    if (rename(name, path) == 0)
        return 0;
    mf_error_errno(err, MF_STATUS_TARGET, path, "cannot be replaced");
    unlink(name);
    return -1;
}

int mf_deed_write(const char *path, const char *text, struct mf_error *err)
{
    char name[PATH_MAX];
    if (name_beside(name, path, err) != 0)
        return -1;
    FILE *file = fopen(name, "we");
    int bad = !file || fputs(text, file) < 0;
    bad |= file && fclose(file) != 0;
    if (bad) {
        mf_error_errno(err, MF_STATUS_TARGET, path, "cannot be written");
        unlink(name);
        return -1;
    }
    return put_in_place(name, path, err);
}

static int bytes_copy(int from, int to, off_t bytes)
{
    while (bytes > 0) {
        ssize_t n = sendfile(to, from, NULL, (size_t)bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        bytes -= n;
    }
    return 0;
}

int mf_deed_copy(const char *path, const char *from, struct mf_error *err)
{
    char name[PATH_MAX];
    struct stat st;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0 || fstat(in, &st) != 0 || !S_ISREG(st.st_mode)) {
        if (in >= 0 && errno == 0)
            errno = EINVAL;
        mf_error_errno(err, MF_STATUS_TARGET, from, "cannot be read");
        if (in >= 0)
            close(in);
        return -1;
    }
    int bad = name_beside(name, path, err);
    int out = bad ? -1 : open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (!bad && (out < 0 || bytes_copy(in, out, st.st_size) != 0 || fchmod(out, st.st_mode & 07777) != 0))
        bad = mf_error_errno(err, MF_STATUS_TARGET, path, "cannot be written");
    close(in);
    if (out >= 0)
        close(out);
    return bad ? -1 : put_in_place(name, path, err);
}

int mf_deed_link(const char *path, const char *to, struct mf_error *err)
{
    char name[PATH_MAX];
    if (name_beside(name, path, err) != 0)
        return -1;
    if (symlink(to, name) != 0)
        return mf_error_errno(err, MF_STATUS_TARGET, path, "cannot be linked");
    return put_in_place(name, path, err);
}

/* Who was seen before need not be looked for again: a signal is to be sent soon. */
static bool is_ours(struct mf_scene *scene, pid_t pid)
{
    const struct mf_kindred *all = &scene->offspring.living;
    for (int looked = 0; looked < 2; looked++) {
        for (uint32_t i = 0; i < all->count; i++)
            if (all->kin[i].pid == pid && mf_kin_lives(&all->kin[i]))
                return true;
        if (!looked)
            mf_offspring_look(&scene->offspring);
    }
    return false;
}

int mf_deed_signal(struct mf_scene *scene, const struct mf_step *step, struct mf_error *err)
{
    pid_t pid = scene->fill.pid;
    if (step->pid_file) {
        char *path = mf_fill_path(&scene->fill, step->pid_file, err);
        pid = path ? mf_pid_file_read(path) : 0;
        free(path);
        if (!path)
            return -1;
        if (!pid)
            return mf_error_set(err, MF_STATUS_TARGET, NULL, "%s holds no number of a process", step->pid_file);
    }
    if (is_ours(scene, pid)) {
        if (kill(pid, step->signal) == 0)
            return 0;
        return mf_error_errno(err, MF_STATUS_TARGET, NULL, "process %d cannot be sent a signal", (int)pid);
    }
    if (step->pid_file)
        return mf_error_set(err, MF_STATUS_TARGET, NULL, "process %d, which %s names, is none of the target's",
                            (int)pid, step->pid_file);
    return mf_error_set(err, MF_STATUS_TARGET, NULL,
                        "the started process (%d) has ended; the one that is meant may stand in a pid_file", (int)pid);
}
