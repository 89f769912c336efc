#include "checker/timeline.h"

void mf_cursor_place(struct mf_cursor *c, const struct mf_timeline *t, uint64_t at_ns)
{
    uint64_t start = atomic_load_explicit(&t->header->start_ns, memory_order_acquire);
    uint64_t width = t->header->shape.bin_ns, last = t->header->shape.bins - 1;
    uint64_t i = at_ns > start ? (at_ns - start) / width : 0;
    if (i > last)
        i = last;
    c->from_ns = i ? start + i * width : 0;
    c->width_ns = i == last ? UINT64_MAX - c->from_ns : start + (i + 1) * width - c->from_ns;
    c->bin = t->bins + i;
}
