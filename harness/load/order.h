/* The pings that were written on one connection and have no answer yet, oldest first: to whom an answer belongs that
 * does not say so, and how many are under way.
 *
 * Life: zeroed is empty; push, take, take_named ...; mf_order_clear at a connection's end; mf_order_done frees.
 * Threads: one. */
#ifndef MF_LOAD_ORDER_H
#define MF_LOAD_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mf_ordered {
    uint64_t seq, written_ns;
    uint32_t stream;
};

struct mf_order {
    struct mf_ordered *ping; /* ring of `room`, a power of two */
    size_t first, count, room;
};

/* Makes room for 8. False: no memory. */
bool mf_order_reserve(struct mf_order *order);
/* False: no memory. */
bool mf_order_push(struct mf_order *order, const struct mf_ordered *ping);
/* Takes the oldest. False: there is none. */
bool mf_order_take(struct mf_order *order, struct mf_ordered *ping);
/* Takes that one, wherever it stands: an answer has named it. False: it is not there. */
bool mf_order_take_named(struct mf_order *order, uint32_t stream, uint64_t seq);
static inline const struct mf_ordered *mf_order_oldest(const struct mf_order *order)
{
    return order->count > 0 ? &order->ping[order->first] : NULL;
}
static inline const struct mf_ordered *mf_order_newest(const struct mf_order *order)
{
    return order->count > 0 ? &order->ping[(order->first + order->count - 1) & (order->room - 1)] : NULL;
}
static inline void mf_order_clear(struct mf_order *order)
{
    order->first = order->count = 0;
}
void mf_order_done(struct mf_order *order);

#endif
