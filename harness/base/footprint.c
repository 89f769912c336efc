#include "base/footprint.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *const mf_footprint_keys[MF_FOOTPRINT_COUNT] = {
#define MF_FOOTPRINT(id, key, text) key,
#include "base/footprint.def"
#undef MF_FOOTPRINT
};

/* Lines of a file; false where it can't be read. */
static bool lines_count(const char *path, uint64_t *n)
{
    char buffer[1 << 14];
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    *n = 0;
    while ((got = read(fd, buffer, sizeof buffer)) > 0)
        for (ssize_t i = 0; i < got; i++)
            *n += buffer[i] == '\n';
    close(fd);
    return got == 0 && *n > 0;
}

static bool entries_count(const char *path, uint64_t *n)
{
    DIR *dir = opendir(path);
    if (!dir)
        return false;
    *n = 0;
    for (struct dirent *entry; (entry = readdir(dir));)
        *n += entry->d_name[0] != '.';
    closedir(dir);
    return true;
}

static bool rss_read(const char *path, uint64_t *bytes)
{
    uint64_t total, resident, shared;
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    int n = fscanf(file, "%" SCNu64 " %" SCNu64 " %" SCNu64, &total, &resident, &shared);
    fclose(file);
    if (n != 3 || shared > resident)
        return false;
    *bytes = (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
    return true;
}

int mf_footprint_read(pid_t pid, struct mf_footprint *f)
{
    char maps[64], fds[64], tasks[64], memory[64];
    snprintf(maps, sizeof maps, "/proc/%d/maps", (int)pid);
    snprintf(fds, sizeof fds, "/proc/%d/fd", (int)pid);
    snprintf(tasks, sizeof tasks, "/proc/%d/task", (int)pid);
    snprintf(memory, sizeof memory, "/proc/%d/statm", (int)pid);
    return pid > 0 && lines_count(maps, &f->of[MF_FOOTPRINT_MAPPINGS]) &&
                   entries_count(fds, &f->of[MF_FOOTPRINT_DESCRIPTORS]) &&
                   entries_count(tasks, &f->of[MF_FOOTPRINT_THREADS]) &&
                   rss_read(memory, &f->of[MF_FOOTPRINT_PRIVATE_RSS])
               ? 0
               : -1;
}
