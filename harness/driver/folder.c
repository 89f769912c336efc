#include "driver/folder.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void mf_folder_name(char *path, size_t bytes, time_t now, const char *scenario)
{
    struct tm utc;
    char stamp[32];
    gmtime_r(&now, &utc);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
    snprintf(path, bytes, "results/%s-%s", stamp, scenario);
}

static enum mf_status status_of(int code)
{
    return code == ENOSPC || code == EDQUOT || code == EIO || code == ENOMEM ? MF_STATUS_INTERNAL : MF_STATUS_USAGE;
}

/* mkdir -p */
static int folders_make(const char *path, struct mf_error *err)
{
    char part[PATH_MAX];
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof part)
        return mf_error_set(err, MF_STATUS_USAGE, path, "is no path of a folder");
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != 0)
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return mf_error_errno(err, status_of(errno), part, "cannot make this folder");
    }
    return 0;
}

static int folder_is_empty(const char *path, struct mf_error *err)
{
    DIR *dir = opendir(path);
    if (!dir)
        return mf_error_errno(err, MF_STATUS_USAGE, path, "cannot be used as the folder to write into");
    int bad = 0;
    for (struct dirent *e; !bad && (e = readdir(dir));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            bad = mf_error_set(err, MF_STATUS_USAGE, path,
                               "the folder must be new or empty, and this one holds %s", e->d_name);
    closedir(dir);
    return bad;
}

/* By writing: permissions alone say nothing of a full or read-only disk. */
static int folder_probe(const char *path, struct mf_error *err)
{
    char probe[PATH_MAX];
    static const char text[4096] = "midflight writes here\n";
    if (snprintf(probe, sizeof probe, "%s/.probe-XXXXXX", path) >= (int)sizeof probe)
        return mf_error_set(err, MF_STATUS_USAGE, path, "the path is too long");
    int fd = mkstemp(probe);
    if (fd < 0)
        return mf_error_errno(err, status_of(errno), path, "nothing can be written into the result folder");
    ssize_t n = write(fd, text, sizeof text);
    int code = n < 0 ? errno : ENOSPC;
    if (close(fd) != 0 && n == sizeof text) {
        code = errno;
        n = -1;
    }
    unlink(probe);
    if (n == sizeof text)
        return 0;
    errno = code;
    return mf_error_errno(err, status_of(code), path, "nothing can be written into the result folder");
}

int mf_folder_open(const char *path, char *absolute, struct mf_error *err)
{
    if (folders_make(path, err) != 0 || folder_is_empty(path, err) != 0 || folder_probe(path, err) != 0)
        return -1;
    if (!realpath(path, absolute))
        return mf_error_errno(err, MF_STATUS_USAGE, path, "cannot be used as the folder to write into");
    return 0;
}

int mf_folder_run(const char *folder, const char *cell, uint32_t number, char *path, size_t bytes, struct mf_error *err)
{
    if (snprintf(path, bytes, "%s/cells/%s/run-%" PRIu32, folder, cell, number) >= (int)bytes)
        return mf_error_set(err, MF_STATUS_USAGE, cell, "the path of its folder is too long");
    if (folders_make(path, err) == 0)
        return 0;
    err->status = MF_STATUS_INTERNAL; /* the folder above it is ours and was writable */
    return -1;
}
