/* Who measured, and on what machine. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "report/json.h"

/* The first line of a file that begins with `key` (any line where it is empty), without key and separator; false where
 * there is none. */
static bool line_read(const char *path, const char *key, char *value, size_t size)
{
    FILE *in = fopen(path, "re");
    char line[512];
    bool found = false;
    while (in && !found && fgets(line, sizeof line, in)) {
        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        const char *text = line + strlen(key);
        text += strspn(text, "\t :");
        snprintf(value, size, "%.*s", (int)strcspn(text, "\n"), text);
        found = value[0] != '\0';
    }
    if (in)
        fclose(in);
    return found;
}

json_t *mf_json_environment(void)
{
    struct mf_json j = mf_json_begin();
    struct utsname system;
    char kernel[sizeof system.sysname + sizeof system.release + sizeof system.machine + 3], text[512];
    if (uname(&system) == 0)
        snprintf(kernel, sizeof kernel, "%s %s %s", system.sysname, system.release, system.machine);
    else
        snprintf(kernel, sizeof kernel, "unknown");
    mf_json_put(&j, "version", json_string(MIDFLIGHT_VERSION));
    mf_json_put(&j, "commit", mf_json_text(mf_report_commit));
    mf_json_put(&j, "build_type", json_string(MIDFLIGHT_BUILD_TYPE));
    mf_json_put(&j, "sanitize", json_string(MIDFLIGHT_SANITIZE));
    mf_json_put(&j, "compiler", json_string(__VERSION__));
    mf_json_put(&j, "kernel", mf_json_text(kernel));
    bool found = line_read("/proc/cpuinfo", "model name", text, sizeof text);
    mf_json_put(&j, "cpu", mf_json_text(found ? text : "unknown"));
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    mf_json_put(&j, "cores", cores > 0 ? json_integer(cores) : json_null());
    found = line_read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "", text, sizeof text);
    mf_json_put(&j, "governor", mf_json_text(found ? text : NULL));
    return mf_json_end(&j);
}
