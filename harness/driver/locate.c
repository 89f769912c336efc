#include "driver/locate.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int mf_places_beside(char *beside, size_t bytes, struct mf_error *err)
{
    ssize_t n = readlink("/proc/self/exe", beside, bytes - 1);
    if (n < 0)
        return mf_error_errno(err, MF_STATUS_INTERNAL, NULL, "cannot tell where this program is (/proc/self/exe)");
    beside[n] = 0;
    char *slash = strrchr(beside, '/');
    if (slash)
        *(slash == beside ? slash + 1 : slash) = 0;
    return 0;
}

/* The first of `beside`/`ways` that holds `witness` (or is an executable file, where witness is NULL), made absolute.
 */
static void place_find(char *out, const char *beside, const char *const *ways, const char *witness)
{
    char path[PATH_MAX], seen[PATH_MAX];
    const char *libexec = getenv("MIDFLIGHT_LIBEXEC");
    for (size_t i = 0; !out[0] && ways[i]; i++) {
        const char *root = i == 0 ? libexec : beside;
        if (!root || !root[0] || snprintf(path, sizeof path, "%s/%s", root, ways[i]) >= (int)sizeof path)
            continue;
        if (snprintf(seen, sizeof seen, "%s%s%s", path, witness ? "/" : "", witness ? witness : "") >= (int)sizeof seen)
            continue;
        if (access(seen, witness ? R_OK : X_OK) == 0 && !realpath(path, out))
            out[0] = 0;
    }
}

void mf_places_find(struct mf_places *places, const char *beside)
{
    *places = (struct mf_places){0};
    /* Each list's first way is for MIDFLIGHT_LIBEXEC, the others are from the executable's folder. */
    place_find(places->node, beside,
               (const char *const[]){"midflight-node", "midflight-node", "../libexec/midflight/midflight-node", NULL},
               NULL);
    place_find(places->load, beside,
               (const char *const[]){"midflight-load", "midflight-load", "../libexec/midflight/midflight-load", NULL},
               NULL);
    place_find(
        places->relay, beside,
        (const char *const[]){"midflight-relay", "midflight-relay", "../libexec/midflight/midflight-relay", NULL},
        NULL);
    place_find(places->modules, beside,
               (const char *const[]){"modules", "modules", "../" MIDFLIGHT_LIBDIR "/midflight/modules",
                                     "../lib/midflight/modules", NULL},
               "pingpong");
    place_find(places->scripts, beside,
               (const char *const[]){"scripts", "scripts", "../" MIDFLIGHT_DATADIR "/midflight/scripts",
                                     "../share/midflight/scripts", NULL},
               "plot");
    place_find(places->targets, beside,
               (const char *const[]){"scenarios/targets", "scenarios/targets",
                                     "../" MIDFLIGHT_DATADIR "/midflight/scenarios/targets",
                                     "../share/midflight/scenarios/targets", NULL},
               "server.json");
}

int mf_places_check(const struct mf_places *places, struct mf_error *err)
{
    const struct {
        const char *path, *name;
    } wanted[] = {
        {places->node, "midflight-node"}, {places->load, "midflight-load"}, {places->modules, "modules/pingpong"}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (!wanted[i].path[0])
            return mf_error_set(
                err, MF_STATUS_SKIPPED, NULL,
                "%s is missing: neither beside this program nor in MIDFLIGHT_LIBEXEC; build it (cmake --build build)",
                wanted[i].name);
    return 0;
}

int mf_program_in_path(const char *name)
{
    const char *at = getenv("PATH");
    char path[PATH_MAX];
    while (at && *at) {
        size_t n = strcspn(at, ":");
        if (n > 0 && snprintf(path, sizeof path, "%.*s/%s", (int)n, at, name) < (int)sizeof path &&
            access(path, X_OK) == 0)
            return 1;
        at += n + (at[n] == ':');
    }
    return 0;
}
