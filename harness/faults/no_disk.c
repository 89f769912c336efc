/* no_disk: the file system of the node's folder is filled with a file of ours, until that is taken away. Where we may
 * not mount one to fill, no file of the worker may grow instead. The no-op twin's file is empty. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "faults/limits.h"

static void filler_path(const struct mf_fault_act *act, char *path, size_t bytes)
{
    snprintf(path, bytes, "%.4000s/filler-%u-%u", act->site->scratch, act->row, act->k);
}

/* All that is free: the first round takes what statvfs says, further ones what that left. */
static int filler_fill(int fd)
{
    off_t at = 0;
    for (int round = 0; round < 16; round++) {
        struct statvfs disk;
        if (fstatvfs(fd, &disk) != 0)
            return -1;
        if (disk.f_bavail == 0)
            return 0;
        off_t more = (off_t)(disk.f_bavail * disk.f_frsize);
        int bad = posix_fallocate(fd, at, more);
        if (bad && bad != ENOSPC) {
            errno = bad;
            return -1;
        }
        at += bad ? 0 : more;
    }
    return 0;
}

static int no_disk_inject(struct mf_fault_act *act, struct mf_error *err)
{
    char path[PATH_MAX];
    if (!act->site->is_mounted)
        return mf_limits_set(act, RLIMIT_FSIZE, 0, "file size", err);
    filler_path(act, path, sizeof path);
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0 || (!act->plan->noop && filler_fill(fd) != 0)) {
        mf_error_errno(err, MF_STATUS_INTERNAL, path, "cannot fill the disk");
        if (fd >= 0)
            close(fd);
        unlink(path);
        return -1;
    }
    close(fd);
    mf_act_say(act, "%s", act->plan->noop ? "the disk was left alone" : "the disk was filled");
    return 0;
}

static int no_disk_undo(struct mf_fault_act *act, struct mf_error *err)
{
    char path[PATH_MAX];
    if (!act->site->is_mounted)
        return mf_limits_restore(act, RLIMIT_FSIZE, err);
    filler_path(act, path, sizeof path);
    if (unlink(path) != 0)
        return mf_error_errno(err, MF_STATUS_INTERNAL, path, "cannot free the disk");
    return 0;
}

const struct mf_fault mf_fault_no_disk = {.name = "no_disk", .inject = no_disk_inject, .undo = no_disk_undo};
