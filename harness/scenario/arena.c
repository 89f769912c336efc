#include "scenario/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct mf_arena_block {
    struct mf_arena_block *older;
    alignas(max_align_t) unsigned char bytes[];
};

void *mf_arena_alloc(struct mf_arena *arena, size_t count, size_t bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total) || total > SIZE_MAX - sizeof(struct mf_arena_block))
        return NULL;
    struct mf_arena_block *block = calloc(1, sizeof *block + (total ? total : 1));
    if (!block)
        return NULL;
    block->older = arena->newest;
    arena->newest = block;
    return block->bytes;
}

char *mf_arena_text(struct mf_arena *arena, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = mf_arena_alloc(arena, bytes, 1);
    if (copy)
        memcpy(copy, text, bytes);
    return copy;
}

void mf_arena_done(struct mf_arena *arena)
{
    while (arena->newest) {
        struct mf_arena_block *older = arena->newest->older;
        free(arena->newest);
        arena->newest = older;
    }
}
