#include "base/footprint.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const char *const mf_footprint_keys[MF_FOOTPRINT_COUNT] = {
#define MF_FOOTPRINT(id, key, text) key,
#include "base/footprint.def"
#undef MF_FOOTPRINT
};

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

/* Exact, from the page tables: the sums in /proc/PID/status are some dozen pages per processor off (the kernel counts
 * in batches). A mapping begins with "FROM-TO rwxs ..."; its lines follow. */
static bool mappings_read(const char *path, uint64_t *mappings, uint64_t *own_bytes)
{
    char line[512], permissions[8] = "";
    uint64_t from, to, kib;
    bool begins = true; /* the line, and not in its middle */
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    *mappings = *own_bytes = 0;
    while (fgets(line, sizeof line, file)) {
        if (begins && sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &from, &to, permissions) == 3)
            ++*mappings;
        else if (begins && permissions[3] != 's' && sscanf(line, "Rss: %" SCNu64, &kib) == 1)
            *own_bytes += kib * 1024;
        begins = strchr(line, '\n') != NULL;
    }
    fclose(file);
    return *mappings > 0;
}

int mf_footprint_read(pid_t pid, struct mf_footprint *f)
{
    char maps[64], fds[64], tasks[64];
    snprintf(maps, sizeof maps, "/proc/%d/smaps", (int)pid);
    snprintf(fds, sizeof fds, "/proc/%d/fd", (int)pid);
    snprintf(tasks, sizeof tasks, "/proc/%d/task", (int)pid);
    return pid > 0 && mappings_read(maps, &f->of[MF_FOOTPRINT_MAPPINGS], &f->of[MF_FOOTPRINT_OWN_RSS]) &&
                   entries_count(fds, &f->of[MF_FOOTPRINT_DESCRIPTORS]) &&
                   entries_count(tasks, &f->of[MF_FOOTPRINT_THREADS])
               ? 0
               : -1;
}
