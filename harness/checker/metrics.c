#include <string.h>

#include "checker/questions.h"
#include "checker/result.h"
#include "checker/statistics.h"
#include "checker/wire.h"

enum metric {
#define MF_METRIC(id, key, text, has, number)    METRIC_##id,
#define MF_METRIC_WORD(id, key, text, has, word) METRIC_##id,
#include "checker/metrics.def"
    METRIC_COUNT
};

static const struct {
    const char *key, *text;
    bool is_word;
} metrics[METRIC_COUNT] = {
#define MF_METRIC(id, key, text, has, number)    [METRIC_##id] = {key, text, false},
#define MF_METRIC_WORD(id, key, text, has, word) [METRIC_##id] = {key, text, true},
#include "checker/metrics.def"
};

static double metric_us(const struct mf_hist *h, double q)
{
    return (double)mf_hist_quantile(h, q) / 1e3;
}

static double metric_grown(const struct mf_result *r, enum mf_footprint_part part)
{
    return (double)r->target.sampled_last.of[part] - (double)r->target.sampled_first.of[part];
}

static uint64_t metric_extra(const struct mf_result *r, enum mf_extra extra)
{
    return extra == MF_EXTRA_REHANDLED ? mf_result_rehandled(r) : r->extra[extra];
}

static bool metric_wire(const struct mf_result *r, enum mf_wire_state state)
{
    return r->wire_states & 1u << state;
}

static bool metric_number(const struct mf_result *r, enum metric m, double *number)
{
    switch (m) {
#define MF_METRIC(id, key, text, has, value)                                                                           \
    case METRIC_##id:                                                                                                  \
        *number = (double)(value);                                                                                     \
        return has;
#define MF_METRIC_WORD(id, key, text, has, word)
#include "checker/metrics.def"
    default:
        return false;
    }
}

static bool metric_word(const struct mf_result *r, enum metric m, const char **word)
{
    switch (m) {
#define MF_METRIC(id, key, text, has, value)
#define MF_METRIC_WORD(id, key, text, has, value)                                                                      \
    case METRIC_##id:                                                                                                  \
        *word = value;                                                                                                 \
        return has;
#include "checker/metrics.def"
    default:
        return false;
    }
}

int mf_metric_get(const struct mf_result *r, const char *key, double *number, const char **word)
{
    *word = NULL;
    for (uint32_t m = 0; m < METRIC_COUNT; m++) {
        if (strcmp(metrics[m].key, key) != 0)
            continue;
        bool has = metrics[m].is_word ? metric_word(r, (enum metric)m, word) : metric_number(r, (enum metric)m, number);
        if (!has)
            *word = NULL;
        return has ? 0 : 1;
    }
    return -1;
}

const char *mf_metric_at(uint32_t i, const char **text, bool *is_word)
{
    if (i >= METRIC_COUNT)
        return NULL;
    *text = metrics[i].text;
    *is_word = metrics[i].is_word;
    return metrics[i].key;
}
