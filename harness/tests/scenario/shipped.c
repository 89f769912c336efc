/* What is shipped fits the code: the scenarios, the schema, the document. */
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "scenario/parts.h"
#include "tests/scenario/helper.h"

#define SCENARIOS MIDFLIGHT_SOURCE_DIR "/scenarios"

Test(shipped, every_scenario_is_good)
{
    glob_t found;
    uint32_t n = 0;
    cr_assert(eq(int, glob(SCENARIOS "/*.json", 0, NULL, &found), 0));
    for (size_t i = 0; i < found.gl_pathc; i++) {
        if (strstr(found.gl_pathv[i], "schema.json"))
            continue;
        mf_scenario_free(test_load(found.gl_pathv[i], NULL));
        n++;
    }
    globfree(&found);
    cr_expect(ge(u32, n, 4));
}

Test(shipped, comparison_has_every_strategy)
{
    static const char *const strategies[] = {
#define MF_STRATEGY(id, name, flags, text) "strategy=" name,
#include "strategies/strategies.def"
#undef MF_STRATEGY
    };
    struct mf_scenario *s = test_load(SCENARIOS "/compare-strategies.json", NULL);
    double total_ms = 0;
    for (size_t i = 0; i < sizeof strategies / sizeof *strategies; i++)
        test_cell(s, strategies[i]);
    for (uint32_t i = 0; i < s->cells_count; i++) {
        const struct mf_cell *c = &s->cells[i];
        cr_expect(ge(u32, c->upgrades_planned, 100));
        cr_expect(ge(dbl, c->load.rate_per_s, 20000));
        total_ms += c->load.warmup_ms + c->load.duration_ms + c->load.drain_ms;
    }
    cr_expect(lt(dbl, total_ms, 85000));
    mf_scenario_free(s);
}

Test(shipped, schema_is_the_parsers)
{
    json_t *made = mf_scenario_schema(), *shipped = json_load_file(SCENARIOS "/scenario.schema.json", 0, NULL);
    cr_assert(ne(ptr, made, NULL));
    cr_expect(eq(int, json_equal(made, shipped), 1), "write it anew: cmake --build BUILD --target scenario-schema");
    json_decref(shipped);
    json_decref(made);
}

static void document_has(const char *document, const struct mf_field_table *table)
{
    for (uint32_t i = 0; i < table->n; i++) {
        char quoted[64], json[64];
        snprintf(quoted, sizeof quoted, "`%s`", table->fields[i].key);
        snprintf(json, sizeof json, "\"%s\"", table->fields[i].key);
        cr_expect(strstr(document, quoted) || strstr(document, json), "scenarios/README.md says nothing of %s",
                  table->fields[i].key);
    }
}

Test(shipped, document_names_every_key)
{
    char *document = test_slurp(SCENARIOS "/README.md");
    cr_assert(ne(ptr, document, NULL));
    document_has(document, &mf_scenario_fields);
    document_has(document, &mf_target_fields);
    document_has(document, &mf_node_fields);
    document_has(document, &mf_load_fields);
    document_has(document, &mf_proof_fields);
    document_has(document, &mf_limits_fields);
    for (uint32_t i = 0; i < MF_POINT_COUNT; i++)
        document_has(document, &mf_upgrade_fields[i]);
    for (uint32_t i = 0; i < MF_STAGE_COUNT; i++)
        cr_expect(strstr(document, mf_stage_keys[i]) != NULL, "scenarios/README.md says nothing of stage %s",
                  mf_stage_keys[i]);
    free(document);
}
