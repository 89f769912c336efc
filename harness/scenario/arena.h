/* Memory that is given back all at once: everything a scenario owns.
 *
 * Life: mf_arena_alloc, mf_arena_text...; mf_arena_done. A zeroed arena is empty. Blocks never move. Threads: one
 * owner. */
#ifndef MF_SCENARIO_ARENA_H
#define MF_SCENARIO_ARENA_H

#include <stddef.h>

struct mf_arena_block;
struct mf_arena {
    struct mf_arena_block *newest;
};

/* Zeroed memory for `count` things of `bytes` each, aligned for anything; a count of 0 gives a valid pointer. NULL: no
 * memory. */
void *mf_arena_alloc(struct mf_arena *arena, size_t count, size_t bytes);
/* A copy of `text`. NULL: no memory. */
char *mf_arena_text(struct mf_arena *arena, const char *text);
void mf_arena_done(struct mf_arena *arena);

#endif
