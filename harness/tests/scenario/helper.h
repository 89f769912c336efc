/* What the tests of this folder share. */
#ifndef MF_TESTS_SCENARIO_HELPER_H
#define MF_TESTS_SCENARIO_HELPER_H

#include <stdlib.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "scenario/scenario.h"

/* Criterion wants texts without const. */
#define expect_text(got, wanted, ...) cr_expect(eq(str, (char *)(got), (char *)(wanted)), ##__VA_ARGS__)
#define GOOD(name)                    MIDFLIGHT_SOURCE_DIR "/harness/tests/scenario/good/" name

/* Loads a scenario that must be good; the error is shown where it is not. */
struct mf_scenario *test_load(const char *path, const struct mf_scenario_options *options);
/* The cell of that name, which must be there. */
const struct mf_cell *test_cell(const struct mf_scenario *s, const char *name);
/* The expectation of that metric; NULL where the cell has none. */
const struct mf_expect *test_expect(const struct mf_cell *cell, const char *key);
/* The whole file, or NULL; the caller frees it. */
char *test_slurp(const char *path);

#endif
