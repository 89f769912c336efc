/* The parts that can be tried alone: queue, order, points, endpoints. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "load/endpoint.h"
#include "load/order.h"
#include "load/points.h"
#include "load/queue.h"

/* Random puts and takes against a plain model: bytes come out in order, pings are whole exactly at their last byte. */
Test(queue, keeps_bytes_and_pings_in_order)
{
    struct mf_queue q;
    struct mf_rng rng;
    uint64_t put = 0, taken = 0, next = 0, ends[4096];

    mf_queue_init(&q, 1 << 20);
    mf_rng_init(&rng, 1, 1);
    for (int round = 0; round < 200000; round++) {
        if (mf_rng_below(&rng, 2) && put - next < 4000) {
            size_t n = 1 + mf_rng_below(&rng, 90);
            uint8_t *room = mf_queue_room(&q, 100);
            cr_assert(ne(ptr, room, NULL));
            for (size_t i = 0; i < n; i++)
                room[i] = (uint8_t)(q.put + i);
            mf_queue_put(&q, n, 1, 2, put);
            ends[put++ % 4096] = q.put;
            continue;
        }
        size_t waiting;
        const uint8_t *bytes = mf_queue_bytes(&q, &waiting);
        size_t n = mf_rng_below(&rng, waiting + 1);
        n = n > 150 ? 150 : n;
        for (size_t i = 0; i < n; i++)
            cr_assert(eq(u8, bytes[i], (uint8_t)(taken + i)));
        taken += n;
        mf_queue_taken(&q, n);
        for (const struct mf_queued *ping; (ping = mf_queue_first(&q)) && ping->end <= q.taken; mf_queue_pop(&q)) {
            cr_assert(eq(u64, ping->seq, next));
            cr_assert(eq(u64, ping->end, ends[next % 4096]));
            next++;
        }
        cr_assert(eq(int, next == put || ends[next % 4096] > taken, 1));
    }
    mf_queue_done(&q);
}

Test(queue, has_a_limit_and_starts_anew_when_cleared)
{
    struct mf_queue q;
    int n = 0;

    mf_queue_init(&q, 10000);
    for (; mf_queue_room(&q, 100); n++)
        mf_queue_put(&q, 100, 0, 0, 0);
    cr_expect(eq(int, n, 100));
    mf_queue_clear(&q);
    cr_expect(eq(ptr, (void *)mf_queue_first(&q), NULL));
    cr_expect(ne(ptr, mf_queue_room(&q, 100), NULL));
    mf_queue_put(&q, 10, 3, 4, 5);
    cr_expect(eq(u64, mf_queue_first(&q)->end - q.taken, 10));
    mf_queue_done(&q);
}

/* Random pushes and takes, by name and of the oldest, against a plain list. */
Test(order, the_oldest_is_the_oldest_of_those_that_are_left)
{
    struct mf_order order = {0};
    struct mf_ordered got;
    struct mf_rng rng;
    uint64_t list[64], count = 0, seq = 0;

    mf_rng_init(&rng, 1, 1);
    for (int round = 0; round < 100000; round++) {
        uint64_t at = 0;
        if (count < 64 && mf_rng_below(&rng, 2)) {
            cr_assert(mf_order_push(&order, &(struct mf_ordered){.stream = 7, .seq = seq}));
            list[count++] = seq++;
            continue;
        }
        if (count > 0 && mf_rng_below(&rng, 2)) {
            at = mf_rng_below(&rng, count);
            cr_assert(mf_order_take_named(&order, 7, list[at]));
        } else {
            cr_assert(eq(int, mf_order_take(&order, &got), count > 0));
            cr_assert(count == 0 || got.seq == list[0]);
        }
        if (count > 0)
            memmove(list + at, list + at + 1, (--count - at) * sizeof *list);
        cr_assert(not(mf_order_take_named(&order, 7, seq)));
        cr_assert(not(mf_order_take_named(&order, 8, count ? list[0] : 0)));
        cr_assert(eq(sz, order.count, count));
        cr_assert(count == 0 || mf_order_oldest(&order)->seq == list[0]);
        cr_assert(count == 0 || mf_order_newest(&order)->seq == list[count - 1]);
    }
    mf_order_done(&order);
}

Test(points, fire_at_their_numbers)
{
    struct mf_points points;
    struct mf_plan plan = {
        .points = 2, .point = {{.point = 7, .first = 3, .every = 2, .count = 3}, {.point = 8, .first = 5, .count = 1}}};
    char log[200] = "";

    mf_points_init(&points, &plan);
    for (int i = 1; i <= 20; i++) {
        uint32_t point;
        if (!mf_points_sent(&points))
            continue;
        while (mf_points_take(&points, &point))
            sprintf(log + strlen(log), "%d:%u ", i, point);
    }
    cr_expect(eq(int, strcmp(log, "3:7 5:7 5:8 7:7 "), 0), "%s", log);
    mf_points_init(&points, &(struct mf_plan){0});
    cr_expect(not(mf_points_sent(&points)));
}

Test(points, in_flight_fires_on_its_way_up)
{
    static const uint64_t in_flight[] = {1, 2, 3, 4, 5, 3, 3, 2, 3, 2, 3};
    struct mf_points points;
    struct mf_plan plan = {.points = 1, .point = {{7, 3, 4, 3, MF_PLAN_POINT_IN_FLIGHT}}};
    char log[200] = "";

    mf_points_init(&points, &plan);
    for (int i = 0; i < 11; i++) {
        uint32_t point;
        cr_expect(not(mf_points_sent(&points)));
        while (mf_points_in_flight(&points, in_flight[i], &point))
            sprintf(log + strlen(log), "%d:%u ", i, point);
    }
    /* the 3 of number 5 comes too early, that of number 6 four pings later: there had been fewer before it */
    cr_expect(eq(int, strcmp(log, "2:7 6:7 10:7 "), 0), "%s", log);
    cr_expect(not(points.has_in_flight));
}

Test(points, half_waits_for_the_one_before)
{
    struct mf_points points;
    struct mf_plan plan = {.points = 1, .point = {{7, 3, 2, 2, MF_PLAN_POINT_HALF}}};
    uint32_t point = 0;

    mf_points_init(&points, &plan);
    cr_expect(not(mf_points_half(&points, 2, &point)));
    cr_expect(mf_points_half(&points, 3, &point));
    cr_expect(eq(u32, point, 7));
    cr_expect(mf_points_half(&points, 9, &point), "late, but not left out");
    cr_expect(not(points.has_half));
    cr_expect(not(mf_points_sent(&points)));
}

Test(endpoint, good_and_bad_ones)
{
    struct mf_endpoint endpoint;
    struct mf_error err;
    static const char *const good[] = {"unix:/run/x", "tcp:127.0.0.1:80", "tcp:[::1]:80", "tcp:::1:80"};
    static const char *const bad[] = {
        "", "local", "unix:", "tcp:", "tcp:127.0.0.1", "tcp:localhost:80", "tcp:127.0.0.1:http", "tcp:127.0.0.1:"};
    char path[300] = "unix:/";

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_expect(eq(int, mf_endpoint_parse(&endpoint, good[i], &err), 0), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect(eq(int, mf_endpoint_parse(&endpoint, bad[i], &err), -1), "%s", bad[i]);
    memset(path + 6, 'x', 200);
    cr_expect(eq(int, mf_endpoint_parse(&endpoint, path, &err), -1));
}
