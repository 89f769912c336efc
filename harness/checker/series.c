#include "checker/series.h"

#include <stdlib.h>

int mf_series_add(struct mf_series *s, uint32_t run, double value)
{
    if (s->n == s->room) {
        uint32_t room = s->room ? 2 * s->room : 64;
        double *values = realloc(s->value, room * sizeof *values);
        if (!values)
            return -1;
        s->value = values;
        uint32_t *runs = realloc(s->run, room * sizeof *runs);
        if (!runs)
            return -1;
        s->run = runs;
        s->room = room;
    }
    if (s->n == 0 || run != s->last)
        s->runs++;
    s->last = run;
    s->value[s->n] = value;
    s->run[s->n++] = s->runs - 1;
    return 0;
}

void mf_series_done(struct mf_series *s)
{
    free(s->value);
    free(s->run);
    *s = (struct mf_series){0};
}
