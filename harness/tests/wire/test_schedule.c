/* When an open loop's pings are due. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/clock.h"
#include "wire/schedule.h"

Test(schedule, uniform_is_exact_and_workers_interleave)
{
    struct mf_schedule s[3];
    const uint64_t start_ns = 1000, rate = 7000;

    for (uint32_t w = 0; w < 3; w++)
        mf_schedule_init(&s[w], &(struct mf_plan){.worker = w, .workers = 3, .rate_per_s = (double)rate / 3}, start_ns);
    for (uint64_t i = 0; i < 300000; i++) {
        cr_assert(eq(u64, s[i % 3].next_ns, start_ns + i * MF_NS_PER_S / rate));
        mf_schedule_advance(&s[i % 3]);
    }
}

Test(schedule, uniform_carries_a_rate_that_divides_nothing)
{
    struct mf_schedule s;

    mf_schedule_init(&s, &(struct mf_plan){.workers = 1, .rate_per_s = 0.3}, 0);
    for (int i = 0; i < 3000; i++)
        mf_schedule_advance(&s);
    cr_assert(eq(u64, s.next_ns, 10000 * MF_NS_PER_S));
}

Test(schedule, poisson_has_the_right_rate_and_spread)
{
    struct mf_schedule s;
    const int n = 200000;
    uint64_t before = 0;
    double sum = 0, squares = 0;

    mf_schedule_init(
        &s, &(struct mf_plan){.workers = 1, .rate_per_s = 1000, .arrivals = MF_ARRIVALS_POISSON, .seed = 1}, 0);
    for (int i = 0; i < n; i++) {
        double gap_ms = (double)(s.next_ns - before) / MF_NS_PER_MS;
        sum += gap_ms;
        squares += gap_ms * gap_ms;
        before = s.next_ns;
        mf_schedule_advance(&s);
    }
    double mean = sum / n, variance = squares / n - mean * mean;
    cr_expect(epsilon_eq(dbl, mean, 1.0, 0.02));
    cr_expect(epsilon_eq(dbl, variance, 1.0, 0.05));
}

Test(schedule, poisson_is_seeded_per_worker)
{
    struct mf_schedule a, b, other;
    struct mf_plan plan = {.workers = 2, .rate_per_s = 1000, .arrivals = MF_ARRIVALS_POISSON, .seed = 9};

    mf_schedule_init(&a, &plan, 5);
    mf_schedule_init(&b, &plan, 5);
    plan.worker = 1;
    mf_schedule_init(&other, &plan, 5);
    cr_expect(eq(u64, a.next_ns, b.next_ns));
    cr_expect(ne(u64, a.next_ns, other.next_ns));
}
