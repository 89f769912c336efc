#include "tests/scenario/helper.h"

#include <stdio.h>
#include <string.h>

struct mf_scenario *test_load(const char *path, const struct mf_scenario_options *options)
{
    struct mf_error err = {0};
    struct mf_scenario *s = mf_scenario_load(path, options, &err);
    cr_assert(ne(ptr, s, NULL), "%s: %s", err.place, err.text);
    return s;
}

const struct mf_cell *test_cell(const struct mf_scenario *s, const char *name)
{
    for (uint32_t i = 0; i < s->cells_count; i++)
        if (strcmp(s->cells[i].name, name) == 0)
            return &s->cells[i];
    cr_fatal("no cell %s", name);
    return NULL;
}

const struct mf_expect *test_expect(const struct mf_cell *cell, const char *key)
{
    for (uint32_t i = 0; i < cell->expect_count; i++)
        if (strcmp(cell->expect[i].key, key) == 0)
            return &cell->expect[i];
    return NULL;
}

char *test_slurp(const char *path)
{
    FILE *file = fopen(path, "re");
    size_t used = 0, room = 1 << 20;
    char *text = malloc(room);
    if (file && text)
        used = fread(text, 1, room - 1, file);
    if (file)
        fclose(file);
    if (!file || !text || used == room - 1) {
        free(text);
        return NULL;
    }
    text[used] = '\0';
    return text;
}
