/* When the time points of a row fire: seeded, so that the same seed gives the same instants. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "scenario/scenario.h"

#define PURPOSE_INSTANTS 0x696e7374616e7473ULL

/* Rows that differ draw from streams that differ. */
static uint64_t row_purpose(const struct mf_upgrade_plan *row)
{
    double parts[] = {row->every_ms, row->jitter_ms, row->from_ms};
    uint64_t purpose = PURPOSE_INSTANTS;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        uint64_t bits;
        memcpy(&bits, &parts[i], sizeof bits);
        purpose = (purpose ^ bits) * 0x9e3779b97f4a7c15ULL;
        purpose ^= purpose >> 29;
    }
    return purpose;
}

void mf_upgrade_instants(const struct mf_upgrade_plan *row, const struct mf_load *load, uint64_t seed, uint64_t *out)
{
    struct mf_rng rng;
    mf_rng_init(&rng, seed, row_purpose(row));
    for (uint32_t i = 0; i < row->count; i++) {
        double at_ms = row->time_ms;
        if (row->kind == MF_POINT_EVERY)
            at_ms = row->from_ms + i * row->every_ms + (2 * mf_rng_unit(&rng) - 1) * row->jitter_ms;
        out[i] = (uint64_t)llround((load->warmup_ms + at_ms) * (double)MF_NS_PER_MS);
    }
}
