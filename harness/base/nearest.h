/* What a mistyped name may have meant. Pure; threads: any. */
#ifndef MF_BASE_NEAREST_H
#define MF_BASE_NEAREST_H

#include <stdint.h>

/* The nearest of `names` (n of them) to `word` by edit distance, NULL where none is near (over a third of its length).
 * The one name that `word` is the beginning of (three letters or more) is near, too. */
const char *mf_nearest(const char *word, const char *const *names, uint32_t n);

#endif
