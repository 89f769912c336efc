#include "tests/scenario/helper.h"

#include "base/clock.h"

#define COUNT 500

static const struct mf_load load = {.warmup_ms = 250};

Test(scenario, instants_without_jitter)
{
    struct mf_upgrade_plan once = {.kind = MF_POINT_TIME, .count = 1, .time_ms = 1.5};
    struct mf_upgrade_plan often = {.kind = MF_POINT_EVERY, .count = 3, .every_ms = 100, .from_ms = 20};
    uint64_t at[3];
    mf_upgrade_instants(&once, &load, 7, at);
    cr_expect(eq(u64, at[0], 251500000));
    mf_upgrade_instants(&often, &load, 7, at);
    cr_expect(eq(u64, at[0], 270 * MF_NS_PER_MS));
    cr_expect(eq(u64, at[1], 370 * MF_NS_PER_MS));
    cr_expect(eq(u64, at[2], 470 * MF_NS_PER_MS));
}

Test(scenario, instants_are_seeded_and_within_their_jitter)
{
    struct mf_upgrade_plan row = {
        .kind = MF_POINT_EVERY, .count = COUNT, .every_ms = 100, .jitter_ms = 40, .from_ms = 50};
    uint64_t a[COUNT], b[COUNT], other[COUNT];
    mf_upgrade_instants(&row, &load, 7, a);
    mf_upgrade_instants(&row, &load, 7, b);
    mf_upgrade_instants(&row, &load, 8, other);
    uint32_t early = 0, late = 0, differ = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        uint64_t middle = (300 + 100 * i) * MF_NS_PER_MS;
        cr_expect(eq(u64, a[i], b[i]));
        cr_expect(ge(u64, a[i], middle - 40 * MF_NS_PER_MS));
        cr_expect(le(u64, a[i], middle + 40 * MF_NS_PER_MS));
        early += a[i] < middle - 20 * MF_NS_PER_MS;
        late += a[i] > middle + 20 * MF_NS_PER_MS;
        differ += a[i] != other[i];
    }
    /* uniform: a quarter each, 125 of 500; the seed is fixed, so this can't flicker */
    cr_expect(gt(u32, early, 90));
    cr_expect(gt(u32, late, 90));
    cr_expect(gt(u32, differ, COUNT - 5));
}

Test(scenario, rows_that_differ_jitter_differently)
{
    struct mf_upgrade_plan a = {.kind = MF_POINT_EVERY, .count = 1, .every_ms = 100, .jitter_ms = 40, .from_ms = 50},
                           b = a;
    b.every_ms = 101;
    uint64_t at_a, at_b;
    mf_upgrade_instants(&a, &load, 7, &at_a);
    mf_upgrade_instants(&b, &load, 7, &at_b);
    cr_expect(ne(u64, at_a, at_b));
}
