/* Every folder of bad/ holds an input.json, the one line that it must give (expected), and where it needs them
 * overrides (set) and cells (cell), one a line. FILE in the line is input.json, so each is loaded from within its
 * folder. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/scenario/helper.h"

#define BAD       MIDFLIGHT_SOURCE_DIR "/harness/tests/scenario/bad"
#define LINES_MAX 8
#define BAD_LEAST 45

/* Cuts the file into lines, in place of *text, which the caller frees. */
static uint32_t lines_read(const char *path, char **text, const char *lines[LINES_MAX])
{
    uint32_t n = 0;
    *text = test_slurp(path);
    for (char *rest = *text, *line; rest && n < LINES_MAX && (line = strsep(&rest, "\n"));)
        if (*line)
            lines[n++] = line;
    return n;
}

static void folder_check(const char *name)
{
    const char *set[LINES_MAX], *cell[LINES_MAX];
    char *set_text, *cell_text, line[2048];
    struct mf_scenario_options options = {.set = set, .cell = cell};
    options.set_count = lines_read("set", &set_text, set);
    options.cell_count = lines_read("cell", &cell_text, cell);
    char *expected = test_slurp("expected");
    struct mf_error err = {0};
    struct mf_scenario *s = mf_scenario_load("input.json", &options, &err);
    /* as mf_error_print prints it */
    snprintf(line, sizeof line, "midflight: %s%s%s\n", err.place, err.place[0] ? ": " : "", err.text);
    cr_expect(eq(ptr, s, NULL), "%s: was taken for good", name);
    cr_expect(eq(int, (int)err.status, MF_STATUS_USAGE), "%s: status %d", name, (int)err.status);
    expect_text(line, expected ? expected : "(no file named expected)", "%s", name);
    mf_scenario_free(s);
    free(expected);
    free(cell_text);
    free(set_text);
}

Test(scenario, every_bad_one_gives_its_line)
{
    DIR *folder = opendir(BAD);
    cr_assert(ne(ptr, folder, NULL));
    uint32_t n = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", BAD, entry->d_name);
        cr_assert(eq(int, chdir(path), 0), "%s", path);
        folder_check(entry->d_name);
        n++;
    }
    closedir(folder);
    cr_expect(ge(u32, n, BAD_LEAST));
}

Test(scenario, a_file_that_is_not_there)
{
    struct mf_error err = {0};
    cr_expect(eq(ptr, mf_scenario_load("/nowhere/none.json", NULL, &err), NULL));
    expect_text(err.place, "/nowhere/none.json");
    expect_text(err.text, "cannot be read: No such file or directory");
    cr_expect(eq(int, (int)err.status, MF_STATUS_USAGE));
}

Test(scenario, a_folder_is_no_file)
{
    struct mf_error err = {0};
    cr_expect(eq(ptr, mf_scenario_load(BAD, NULL, &err), NULL));
    expect_text(err.text, "cannot be read: Is a directory");
}

Test(scenario, options_out_of_range)
{
    struct mf_error err = {0};
    struct mf_scenario_options repeat = {.has_repeat = true, .repeat = 1001},
                               seed = {.has_seed = true, .seed = 1ULL << 53};
    cr_expect(eq(ptr, mf_scenario_load(GOOD("minimal.json"), &repeat, &err), NULL));
    expect_text(err.place, "--repeat");
    cr_expect(eq(ptr, mf_scenario_load(GOOD("minimal.json"), &seed, &err), NULL));
    expect_text(err.place, "--seed");
}
