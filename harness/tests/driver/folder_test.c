/* The result folder, and where programs are. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "driver/folder.h"
#include "driver/locate.h"
#include "tests/driver/help.h"

static char home[PATH_MAX];

static void setup(void)
{
    help_folder_make(home);
    unsetenv("MIDFLIGHT_LIBEXEC");
}

static void teardown(void)
{
    help_folder_remove(home);
}
TestSuite(folder, .init = setup, .fini = teardown);
TestSuite(places, .init = setup, .fini = teardown);

static const char *in_home(const char *name)
{
    static char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", home, name);
    return path;
}

Test(folder, a_new_one_is_made_with_all_above_it)
{
    char absolute[PATH_MAX];
    struct mf_error err = {0};
    cr_assert(eq(int, mf_folder_open(in_home("a/b/c"), absolute, &err), 0), "%s", err.text);
    cr_expect(eq(int, strcmp(absolute, in_home("a/b/c")), 0));
    cr_expect(eq(int, help_entries(absolute), 0)); /* the probe is gone */
    /* and an empty one is as good as a new one */
    cr_expect(eq(int, mf_folder_open(in_home("a/b/c/"), absolute, &err), 0), "%s", err.text);
}

static void expect_refused(const char *path, const char *part)
{
    char absolute[PATH_MAX];
    struct mf_error err = {0};
    cr_expect(eq(int, mf_folder_open(path, absolute, &err), -1));
    cr_expect(eq(int, (int)err.status, MF_STATUS_USAGE));
    cr_expect(eq(int, help_has(err.text, part), 1), "wanted \"%s\" in: %s", part, err.text);
}

Test(folder, what_cannot_be_one_is_refused)
{
    help_write(home, "file", "x", false);
    expect_refused(home, "new or empty, and this one holds file");
    expect_refused(in_home("file"), "Not a directory");
    expect_refused(in_home("file/sub"), "Not a directory");
    expect_refused("/proc/midflight", "");
}

Test(folder, its_default_name_is_the_time_and_the_scenario)
{
    char path[PATH_MAX];
    mf_folder_name(path, sizeof path, 1000000000, "smoke");
    cr_expect(eq(int, strcmp(path, "results/20010909T014640Z-smoke"), 0), "%s", path);
}

Test(folder, a_run_has_its_place)
{
    char path[PATH_MAX];
    struct mf_error err = {0};
    cr_assert(eq(int, mf_folder_run(home, "strategy=swap", 3, path, sizeof path, &err), 0), "%s", err.text);
    cr_expect(eq(int, help_exists(home, "cells/strategy=swap/run-3"), 1));
}

static void folder_in_home(const char *name)
{
    cr_assert(eq(int, mkdir(in_home(name), 0755), 0));
}

Test(places, of_a_build_tree)
{
    struct mf_places places;
    folder_in_home("modules");
    folder_in_home("modules/pingpong");
    folder_in_home("scripts");
    help_write(home, "scripts/plot", "", true);
    help_write(home, "midflight-node", "", true);
    help_write(home, "midflight-load", "", true);
    mf_places_find(&places, home);
    cr_expect(eq(int, strcmp(places.node, in_home("midflight-node")), 0), "%s", places.node);
    cr_expect(eq(int, strcmp(places.load, in_home("midflight-load")), 0), "%s", places.load);
    cr_expect(eq(int, strcmp(places.modules, in_home("modules")), 0), "%s", places.modules);
    cr_expect(eq(int, strcmp(places.scripts, in_home("scripts")), 0), "%s", places.scripts);
}

Test(places, of_an_installed_tree)
{
    struct mf_places places;
    char bin[PATH_MAX + 64];
    const char *const folders[] = {"bin",
                                   "lib",
                                   "lib/midflight",
                                   "lib/midflight/modules",
                                   "lib/midflight/modules/pingpong",
                                   "share",
                                   "share/midflight",
                                   "share/midflight/scripts"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        folder_in_home(folders[i]);
    help_write(home, "share/midflight/scripts/plot", "", true);
    help_write(home, "bin/midflight-node", "", true);
    snprintf(bin, sizeof bin, "%s/bin", home);
    mf_places_find(&places, bin);
    cr_expect(eq(int, strcmp(places.modules, in_home("lib/midflight/modules")), 0), "%s", places.modules);
    cr_expect(eq(int, strcmp(places.scripts, in_home("share/midflight/scripts")), 0), "%s", places.scripts);
    cr_expect(eq(int, places.load[0], 0));
    struct mf_error err = {0};
    cr_expect(eq(int, mf_places_check(&places, &err), -1));
    cr_expect(eq(int, (int)err.status, MF_STATUS_SKIPPED));
    cr_expect(eq(int, help_has(err.text, "midflight-load is missing"), 1), "%s", err.text);
}

Test(places, the_environment_goes_first)
{
    struct mf_places places;
    folder_in_home("other");
    help_write(home, "midflight-node", "", true);
    help_write(home, "other/midflight-node", "", true);
    setenv("MIDFLIGHT_LIBEXEC", in_home("other"), 1);
    mf_places_find(&places, home);
    cr_expect(eq(int, strcmp(places.node, in_home("other/midflight-node")), 0), "%s", places.node);
}
