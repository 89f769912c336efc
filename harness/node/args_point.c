/* A point of the node, as a word of its command line. */
#include "node/args_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const point_kinds[] = {
    [MF_NODE_POINT_STAGE] = "stage", [MF_NODE_POINT_VALUE] = "value", [MF_NODE_POINT_DEPTH] = "depth"};

/* The index of `word` in `words`; -1 where it is none of them. */
static int word_read(const char *word, const char *const *words, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return -1;
}

int mf_node_point_read(struct mf_node_point *point, const char *text)
{
    char copy[MF_NODE_POINT_BYTES];
    char *field[8];
    if ((size_t)snprintf(copy, sizeof copy, "%s", text) >= sizeof copy)
        return -1;
    char *rest = copy;
    for (int i = 0; i < 8; i++)
        field[i] = strsep(&rest, ":");
    if (rest || !field[7])
        return -1;
    uint64_t index, count, hold, hold_ms;
    int kind = word_read(field[0], point_kinds, sizeof point_kinds / sizeof *point_kinds);
    int stage = word_read(field[2], mf_point_stage_keys, MF_POINT_STAGE_COUNT);
    if (kind < 0 || stage < 0 || mf_node_number_read(field[1], 0, UINT32_MAX - 1, &index) != 0 ||
        mf_node_number_read(field[3], 0, UINT64_MAX, &point->first) != 0 ||
        mf_node_number_read(field[4], 0, UINT64_MAX, &point->every) != 0 ||
        mf_node_number_read(field[5], 0, UINT32_MAX, &count) != 0 || mf_node_number_read(field[6], 0, 1, &hold) != 0 ||
        mf_node_number_read(field[7], 0, UINT32_MAX, &hold_ms) != 0)
        return -1;
    point->kind = (enum mf_node_point_kind)kind;
    point->stage = (uint32_t)stage;
    if (kind != MF_NODE_POINT_STAGE)
        point->stage = kind == MF_NODE_POINT_VALUE ? MF_STAGE_DEQUEUED : MF_STAGE_ENQUEUED;
    point->point = (uint32_t)index;
    point->count = (uint32_t)count;
    point->hold = hold != 0;
    point->hold_ms = (uint32_t)hold_ms;
    return 0;
}

void mf_node_point_write(char *text, const struct mf_node_point *p)
{
    snprintf(text, MF_NODE_POINT_BYTES, "%s:%" PRIu32 ":%s:%" PRIu64 ":%" PRIu64 ":%" PRIu32 ":%d:%" PRIu32,
             point_kinds[p->kind], p->point, mf_point_stage_keys[p->stage], p->first, p->every, p->count, p->hold,
             p->hold_ms);
}
