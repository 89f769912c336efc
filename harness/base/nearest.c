/* What a mistyped name may have meant. */
#include "base/nearest.h"

#include <stddef.h>
#include <string.h>

#define NAME_BYTES_MAX   96
#define PREFIX_BYTES_MIN 3

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours, each at cost 1. Both words
 * are at most NAME_BYTES_MAX long. */
static size_t distance(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    size_t rows[3][NAME_BYTES_MAX + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b_bytes; j++)
        above[j] = j;
    for (size_t i = 1; i <= a_bytes; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_bytes; j++) {
            row[j] = smallest(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b_bytes];
}

const char *mf_nearest(const char *word, const char *const *names, uint32_t n)
{
    size_t bytes = strlen(word);
    if (bytes == 0 || bytes > NAME_BYTES_MAX)
        return NULL;
    const char *best = NULL, *longer = NULL;
    size_t best_distance = (bytes < 3 ? 3 : bytes) / 3 + 1;
    uint32_t longer_count = 0;
    for (uint32_t i = 0; i < n; i++) {
        size_t name_bytes = strlen(names[i]);
        if (name_bytes > NAME_BYTES_MAX)
            continue;
        size_t d = distance(word, bytes, names[i], name_bytes);
        if (d < best_distance) {
            best_distance = d;
            best = names[i];
        }
        if (bytes >= PREFIX_BYTES_MIN && strncmp(word, names[i], bytes) == 0) {
            longer = names[i];
            longer_count++;
        }
    }
    return best ? best : longer_count == 1 ? longer : NULL;
}
