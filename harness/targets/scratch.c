#include "targets/scratch.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define OUTSIDE "midflight-XXXXXX"

static bool socket_fits(const char *folder, const char *inside, const char *socket_name)
{
    return strlen(folder) + 1 + strlen(inside) + strlen(socket_name) < sizeof((struct sockaddr_un *)0)->sun_path;
}

static const char *tmp_folder(const char *socket_name)
{
    const char *tmp = getenv("TMPDIR");
    return tmp && tmp[0] == '/' && socket_fits(tmp, OUTSIDE, socket_name) ? tmp : "/tmp";
}

int mf_scratch_make(char *path, const char *run_dir, const char *inside, const char *socket_name, struct mf_error *err)
{
    if (!realpath(run_dir, path)) {
        path[0] = 0;
        return mf_error_errno(err, MF_STATUS_INTERNAL, run_dir, "cannot be used as the run's folder");
    }
    bool made;
    if (socket_fits(path, inside, socket_name)) {
        strcat(strcat(path, "/"), inside); /* fits: a socket's path is far shorter than PATH_MAX */
        made = mkdir(path, 0700) == 0;
    } else {
        snprintf(path, PATH_MAX, "%s/" OUTSIDE, tmp_folder(socket_name));
        made = mkdtemp(path) != NULL;
    }
    if (made)
        return 0;
    mf_error_errno(err, MF_STATUS_INTERNAL, path, "cannot make the target's folder");
    path[0] = 0;
    return -1;
}

static int on_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

void mf_scratch_remove(char *path)
{
    if (path[0])
        nftw(path, on_entry, 8, FTW_DEPTH | FTW_PHYS);
    path[0] = 0;
}
