/* An error is cut to fit, and says where. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"

Test(error, is_cut_to_fit)
{
    char big[4096];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = 0;
    struct mf_error err = {0};
    cr_assert(eq(int, mf_error_set(&err, MF_STATUS_USAGE, big, "%s", big), -1));
    cr_assert(eq(int, (int)err.status, MF_STATUS_USAGE));
    cr_assert(eq(sz, strlen(err.place), sizeof err.place - 1));
    cr_assert(eq(sz, strlen(err.text), sizeof err.text - 1));
}

Test(error, names_errno)
{
    struct mf_error err = {0};
    errno = ENOENT;
    cr_assert(eq(int, mf_error_errno(&err, MF_STATUS_INTERNAL, NULL, "cannot open %s", "it"), -1));
    cr_assert(eq(str, err.text, (char *)"cannot open it: No such file or directory"));
    cr_assert(eq(str, err.place, (char *)""));
}

Test(error, statuses_have_texts)
{
    cr_assert(ne(str, (char *)mf_status_text(MF_STATUS_UNKNOWN), (char *)"?"));
    cr_assert(eq(str, (char *)mf_status_text(99), (char *)"?"));
}
