/* The list, and faults that ask. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "fixture.h"

Test(list, every_row_is_right)
{
    struct mf_error err = {0};
    cr_expect(eq(int, mf_faults_check(&err), 0), "%s", err.text);
    for (int i = 0; i < MF_FAULT_COUNT; i++)
        for (int j = 0; j < i; j++)
            cr_expect(ne(int, strcmp(mf_fault_names[i], mf_fault_names[j]), 0), "%s twice", mf_fault_names[i]);
}

static uint32_t asked, left;

static int on_request(void *ctx, uint32_t *k)
{
    (void)ctx;
    if (left == 0)
        return -1;
    left--;
    *k = ++asked;
    return 0;
}

static int try(struct rig *r, enum mf_fault_id id, uint32_t of)
{
    struct mf_error err = {0};
    asked = 0;
    left = of;
    r->site.request = on_request;
    rig_act(r, id, 0);
    return mf_fault_of(id)->inject(&r->act, &err);
}

Test(list, requests_are_counted)
{
    struct rig r;
    rig_open(&r);
    cr_expect(eq(int, try(&r, MF_FAULT_second_upgrade, 5), 0));
    cr_expect(eq(u32, asked, 1));
    cr_expect(eq(int, try(&r, MF_FAULT_third_version, 5), 0));
    cr_expect(eq(u32, asked, 2));
    cr_expect(eq(u32, r.act.requested[1], 2));
    cr_expect(eq(int, try(&r, MF_FAULT_third_version, 1), -1)); /* none was left for the second */
    r.plan.noop = true;
    cr_expect(eq(int, try(&r, MF_FAULT_second_upgrade, 5), 0));
    cr_expect(eq(u32, asked, 0));
    rig_close(&r);
}
