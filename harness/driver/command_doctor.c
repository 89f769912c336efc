/* midflight doctor: what this machine can run, and how to get the rest */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "driver/cli.h"
#include "driver/locate.h"
#include "scenario/scenario.h"
#include "targets/target.h"

#define WAKEUPS      200
#define WAKEUP_NS    MF_NS_PER_MS
#define FILES_WANTED 1024

/* The lines so far: how many say that something is missing. */
static void line_print(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void line_print(const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("%-14s ", name);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
}

/* The value of the first line "key : value" of a file; or its first line, where key is NULL. */
static const char *file_value(const char *path, const char *key, char *text, size_t bytes)
{
    char line[256];
    snprintf(text, bytes, "unknown");
    FILE *file = fopen(path, "re");
    if (!file)
        return text;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        char *value = key ? strchr(line, ':') : line;
        if (key && (strncmp(line, key, strlen(key)) != 0 || !value))
            continue;
        snprintf(text, bytes, "%s", key ? value + 1 + strspn(value + 1, " \t") : value);
        break;
    }
    fclose(file);
    return text;
}

static void machine_print(void)
{
    struct utsname system;
    struct sysinfo info;
    char text[256];
    if (uname(&system) == 0)
        line_print("kernel", "%s %s %s", system.sysname, system.release, system.machine);
    line_print("cpu", "%s", file_value("/proc/cpuinfo", "model name", text, sizeof text));
    line_print("cores", "%ld online", sysconf(_SC_NPROCESSORS_ONLN));
    if (sysinfo(&info) == 0)
        line_print("memory", "%" PRIu64 " MiB, %" PRIu64 " MiB free", (uint64_t)info.totalram * info.mem_unit >> 20,
                   (uint64_t)info.freeram * info.mem_unit >> 20);
    line_print("clock source", "%s",
               file_value("/sys/devices/system/clocksource/clocksource0/current_clocksource", NULL, text, sizeof text));
}

static int number_compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* How late a timerfd with absolute deadlines is here: the floor of every measurement's own error. */
static int lateness_measure(uint64_t *late_ns)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    int bad = fd < 0 ? -1 : 0;
    uint64_t at_ns = mf_clock_now_ns();
    for (int i = 0; !bad && i < WAKEUPS; i++) {
        at_ns += WAKEUP_NS;
        struct itimerspec at = {.it_value = mf_clock_timespec(at_ns)};
        uint64_t expirations;
        bad = timerfd_settime(fd, TFD_TIMER_ABSTIME, &at, NULL) != 0 || read(fd, &expirations, sizeof expirations) < 0;
        uint64_t now_ns = mf_clock_now_ns();
        late_ns[i] = now_ns > at_ns ? now_ns - at_ns : 0;
    }
    if (fd >= 0)
        close(fd);
    qsort(late_ns, WAKEUPS, sizeof *late_ns, number_compare);
    return bad;
}

static void timers_print(void)
{
    uint64_t late_ns[WAKEUPS] = {0};
    if (lateness_measure(late_ns) != 0) {
        line_print("timers", "cannot be measured: %s", strerror(errno));
        return;
    }
    double worst_ms = (double)late_ns[WAKEUPS - 1] / 1e6;
    line_print("timers", "late by %.3f ms (median), %.3f ms (99 %%), %.3f ms (worst of %d)%s",
               (double)late_ns[WAKEUPS / 2] / 1e6, (double)late_ns[WAKEUPS * 99 / 100] / 1e6, worst_ms, WAKEUPS,
               worst_ms > 1 ? ": intervals like the worst will be called tainted" : "");
}

static int limits_print(void)
{
    struct rlimit files;
    int missing = 0;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        bool low = files.rlim_cur < FILES_WANTED;
        line_print("descriptors", "%" PRIu64 " a process%s", (uint64_t)files.rlim_cur,
                   low ? ": few; raise it with ulimit -n before many connections" : "");
    }
    int fd = memfd_create("midflight-doctor", MFD_CLOEXEC);
    line_print("memfd", "%s", fd >= 0 ? "works" : strerror(errno));
    missing += fd < 0;
    if (fd >= 0)
        close(fd);
    return missing;
}

static int place_print(const char *name, const char *path, const char *how)
{
    if (path[0])
        line_print(name, "%s", path);
    else
        line_print(name, "missing: %s", how);
    return !path[0];
}

static int is_json(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return n > 5 && strcmp(entry->d_name + n - 5, ".json") == 0;
}

/* "ready", or what is not there. Returns whether it is ready. */
static bool target_print(const struct mf_places *places, const char *programs, const char *name)
{
    char path[PATH_MAX + 300], lacks[512];
    struct mf_error err = {0};
    snprintf(path, sizeof path, "%s/%s", places->targets, name);
    struct mf_scenario *s = mf_target_load(path, &err);
    const struct mf_command_target *command = s ? s->cells[0].command : NULL;
    bool lacking = command && mf_command_lacks(command, places->modules, programs, lacks, sizeof lacks);
    printf("  %-28.*s %s\n", (int)(strlen(name) - 5), name, !s ? err.text : lacking ? lacks : "ready");
    mf_scenario_free(s);
    return s && !lacking;
}

/* Foreign systems: none of them is needed for anything else. */
static void targets_print(const struct mf_places *places)
{
    struct dirent **entries = NULL;
    char programs[PATH_MAX];
    int n = places->targets[0] ? scandir(places->targets, &entries, is_json, alphasort) : 0, ready = 0;
    snprintf(programs, sizeof programs, "%s", places->node);
    char *slash = strrchr(programs, '/');
    if (slash)
        *slash = 0;
    line_print("targets", "%s", n > 0 ? places->targets : "none are here");
    for (int i = 0; i < n; i++) {
        ready += target_print(places, programs, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    if (n > 0)
        printf("  %d of %d ready\n", ready, n);
}

static int doctor_run(const struct mf_command *command, int argc, char **argv, enum mf_status *status,
                      struct mf_error *err)
{
    struct mf_words words = {.command = command, .argc = argc, .at = 1, .argv = argv};
    struct mf_word word;
    struct mf_places places;
    char beside[PATH_MAX];
    int more = mf_words_next(&words, &word, err);
    if (more > 0)
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "doctor %s: takes no argument", word.value);
    if (more < 0 || mf_places_beside(beside, sizeof beside, err) != 0)
        return -1;
    mf_places_find(&places, beside);
    machine_print();
    timers_print();
    int missing = limits_print();
    const char *build = "build it (cmake --build build), or name its folder in MIDFLIGHT_LIBEXEC";
    missing += place_print("node", places.node, build);
    missing += place_print("load", places.load, build);
    missing += place_print("modules", places.modules, build);
    missing += place_print("scripts", places.scripts, build);
    bool gnuplot = mf_program_in_path("gnuplot");
    line_print("gnuplot", "%s", gnuplot ? "present" : "missing, and so no plots: apt-get install gnuplot-nox");
    missing += !gnuplot;
    targets_print(&places);
    puts(missing ? "something is missing" : "everything is here");
    *status = missing ? MF_STATUS_SKIPPED : MF_STATUS_PASS;
    return 0;
}

const struct mf_command mf_command_doctor = {.name = "doctor",
                                             .arguments = "",
                                             .summary = "what this machine can run, and how to get the rest",
                                             .run = doctor_run};
