/* What a connection has room for. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "node/core_internal.h"

/* In a time without memory no buffer grows: what one begins with must hold a backlog of some hundred answers. */
Test(connection, begins_with_room_for_a_backlog)
{
    struct mf_connection *c = calloc(1, sizeof *c);
    uint8_t answer[64] = {0};

    cr_assert(eq(int, mf_connection_add_output(c, answer, sizeof answer), 0));
    const uint8_t *first = c->out;
    for (int i = 1; i < 300; i++)
        cr_assert(eq(int, mf_connection_add_output(c, answer, sizeof answer), 0));
    cr_assert(eq(ptr, (void *)c->out, (void *)first));
    cr_assert(eq(sz, c->out_end - c->out_begin, 300 * sizeof answer));
    mf_connection_free(c);
}
