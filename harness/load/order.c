#include "load/order.h"

#include <stdlib.h>

static bool order_grow(struct mf_order *order)
{
    size_t room = order->room ? 2 * order->room : 8;
    struct mf_ordered *ping = malloc(room * sizeof *ping);

    if (!ping)
        return false;
    for (size_t i = 0; i < order->count; i++)
        ping[i] = order->ping[(order->first + i) & (order->room - 1)];
    free(order->ping);
    *order = (struct mf_order){.ping = ping, .count = order->count, .room = room};
    return true;
}

bool mf_order_reserve(struct mf_order *order)
{
    return order->room > 0 || order_grow(order);
}

bool mf_order_push(struct mf_order *order, const struct mf_ordered *ping)
{
    if (order->count == order->room && !order_grow(order))
        return false;
    order->ping[(order->first + order->count++) & (order->room - 1)] = *ping;
    return true;
}

bool mf_order_take(struct mf_order *order, struct mf_ordered *ping)
{
    if (order->count == 0)
        return false;
    *ping = order->ping[order->first];
    order->first = (order->first + 1) & (order->room - 1);
    order->count--;
    return true;
}

static struct mf_ordered *order_at(struct mf_order *order, size_t i)
{
    return &order->ping[(order->first + i) & (order->room - 1)];
}

bool mf_order_take_named(struct mf_order *order, uint32_t stream, uint64_t seq)
{
    size_t i = 0;

    while (i < order->count && (order_at(order, i)->stream != stream || order_at(order, i)->seq != seq))
        i++;
    if (i == order->count)
        return false;
    for (; i > 0; i--) /* those in front of it move up */
        *order_at(order, i) = *order_at(order, i - 1);
    order->first = (order->first + 1) & (order->room - 1);
    order->count--;
    return true;
}

void mf_order_done(struct mf_order *order)
{
    free(order->ping);
    *order = (struct mf_order){0};
}
