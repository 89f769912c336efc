/* Files are whole or absent, whatever the disk says. */
#include "fixture.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "report/utf8.h"

static void one_line_check(const struct mf_error *err, const char *wanted)
{
    cr_assert(eq(int, (int)err->status, MF_STATUS_INTERNAL));
    cr_assert(strchr(err->text, '\n') == NULL && strchr(err->place, '\n') == NULL);
    cr_assert(strstr(err->text, wanted) != NULL, "%s: %s", err->place, err->text);
}

Test(file, a_full_disk_leaves_the_old_file_and_nothing_else)
{
    struct fixture *f = fixture_new();
    char *folder = folder_new();
    struct mf_error err;
    /* a tmpfs of its own where we may mount one (root, in a mount namespace that ends with this process), else a limit
     * on the size of files */
    bool mounted = unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                   mount("none", folder, "tmpfs", 0, "size=16k") == 0;
    if (!mounted) {
        struct rlimit limit = {4096, 4096};
        signal(SIGXFSZ, SIG_IGN);
        cr_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    }
    cr_assert(eq(int, mf_report_write_text(folder, "report.json", "old", &err), 0), "%s", err.text);
    cr_assert(eq(int, mf_report_write(folder, &f->report, &err), -1));
    one_line_check(&err, mounted ? "No space left on device" : "File too large");
    cr_assert(strstr(err.place, "/report.json") != NULL);
    char *text = file_read(folder, "report.json");
    text_check(text, "old");
    cr_assert(eq(uint, folder_count(folder), 1));
    free(text);
    if (mounted)
        cr_assert(umount(folder) == 0);
    folder_remove(folder);
    fixture_free(f);
}

Test(file, an_unwritable_folder_is_said_in_one_line)
{
    char *folder = folder_new();
    struct mf_error err;
    cr_assert(chmod(folder, 0555) == 0);
    if (geteuid() == 0) /* who is root may write anywhere */
        cr_assert(seteuid(65534) == 0);
    cr_assert(eq(int, mf_report_write_text(folder, "a.json", "{}", &err), -1));
    one_line_check(&err, "Permission denied");
    if (getuid() == 0)
        cr_assert(seteuid(0) == 0);
    cr_assert(chmod(folder, 0755) == 0);
    cr_assert(eq(uint, folder_count(folder), 0));
    folder_remove(folder);
}

Test(file, a_missing_folder_is_said_in_one_line)
{
    struct mf_error err;
    cr_assert(eq(int, mf_report_write_text("/nonexistent/results", "a.json", "{}", &err), -1));
    one_line_check(&err, "No such file or directory");
}

Test(file, a_name_that_cannot_be_replaced_leaves_nothing_temporary)
{
    char *folder = folder_new(), path[512];
    struct mf_error err;
    snprintf(path, sizeof path, "%s/a.json", folder);
    cr_assert(mkdir(path, 0755) == 0);
    cr_assert(eq(int, mf_report_write_text(folder, "a.json", "{}", &err), -1));
    one_line_check(&err, "Is a directory");
    cr_assert(eq(uint, folder_count(folder), 1));
    cr_assert(rmdir(path) == 0);
    folder_remove(folder);
}

Test(file, an_older_file_is_replaced)
{
    char *folder = folder_new();
    struct mf_error err;
    cr_assert(eq(int, mf_report_write_text(folder, "a.txt", "a longer text", &err), 0));
    cr_assert(eq(int, mf_report_write_text(folder, "a.txt", "new", &err), 0));
    char *text = file_read(folder, "a.txt");
    text_check(text, "new");
    cr_assert(eq(uint, folder_count(folder), 1));
    free(text);
    folder_remove(folder);
}

Test(file, utf8_is_read_by_the_book)
{
    static const struct {
        const char *bytes;
        uint32_t code[5];
    } text[] = {
        {"a\xc3\xa9", {'a', 0xE9}},
        {"\xe2\x82\xac\xf0\x9f\x98\x80", {0x20AC, 0x1F600}},
        {"\xc0\x80", {0xFFFD, 0xFFFD}},             /* overlong */
        {"\xe0\x80\xaf", {0xFFFD, 0xFFFD, 0xFFFD}}, /* overlong */
        {"\xed\xa0\x80", {0xFFFD, 0xFFFD, 0xFFFD}}, /* a surrogate */
        {"\xf4\x90\x80\x80", {0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD}},
        {"\xff\xfe", {0xFFFD, 0xFFFD}},
        {"\xe2\x82", {0xFFFD, 0xFFFD}}, /* cut off */
        {"\xf4\x8f\xbf\xbf", {0x10FFFF}},
    };
    for (unsigned i = 0; i < sizeof text / sizeof text[0]; i++) {
        const char *at = text[i].bytes;
        for (unsigned k = 0; k < 5 && (k == 0 || text[i].code[k - 1]); k++)
            cr_assert(eq(uint, mf_utf8_next(&at), text[i].code[k]), "text %u, code point %u", i, k);
        char bytes[5] = {0};
        if (text[i].code[0] != 0xFFFD) {
            unsigned n = mf_utf8_put(bytes, text[i].code[0]);
            cr_assert(strncmp(bytes, text[i].bytes, n) == 0);
        }
    }
}
