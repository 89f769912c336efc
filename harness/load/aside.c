#include "load/aside.h"

#include <string.h>

#include "load/worker.h"

bool mf_aside_say(struct mf_worker *w, const char *text, const char *expect)
{
    struct mf_aside *aside = &w->aside;

    if (strlen(text) >= sizeof aside->text || (expect && strlen(expect) >= sizeof aside->expect))
        return false;
    strcpy(aside->text, text);
    strcpy(aside->expect, expect ? expect : "");
    aside->connection = NULL;
    mf_aside_beat(w);
    return true;
}

void mf_aside_beat(struct mf_worker *w)
{
    struct mf_aside *aside = &w->aside;
    size_t n = strlen(aside->text);

    if (n == 0 || w->phase != MF_WORKER_PINGING)
        return;
    for (uint32_t i = 0; i < w->plan.connections; i++) {
        struct mf_connection *c = &w->connection[i];
        uint8_t *room = c->link == MF_LINK_UP ? mf_queue_room(&c->queue, n) : NULL;
        if (!room)
            continue;
        memcpy(room, aside->text, n);
        mf_queue_put_aside(&c->queue, n);
        aside->text[0] = 0;
        if (aside->expect[0])
            aside->connection = c;
        mf_worker_list(w, c);
        return;
    }
}

bool mf_aside_swallows(struct mf_worker *w, const struct mf_connection *c, const uint8_t *in, size_t n, size_t *taken)
{
    struct mf_aside *aside = &w->aside;
    size_t wanted = strlen(aside->expect);

    if (aside->connection != c || memcmp(in, aside->expect, n < wanted ? n : wanted) != 0)
        return false;
    const uint8_t *end = n < wanted ? NULL : memchr(in, '\n', n);
    *taken = end ? (size_t)(end - in) + 1 : 0;
    if (end)
        aside->connection = NULL;
    return true;
}

void mf_aside_forget(struct mf_worker *w, const struct mf_connection *c)
{
    if (w->aside.connection == c)
        w->aside.connection = NULL;
}
