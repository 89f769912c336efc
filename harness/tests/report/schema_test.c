/* results/report.schema.json against the code's own tables: a row that is added to a list must come to the schema too,
 * and nothing may be let through. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static json_t *definition(json_t *schema, const char *name)
{
    json_t *d = json_object_get(json_object_get(schema, "definitions"), name);
    cr_assert(d != NULL, "no definition %s", name);
    return d;
}

/* Whether `array` has the string. */
static bool lists(const json_t *array, const char *word)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *text = json_string_value(json_array_get(array, i));
        if (text && strcmp(text, word) == 0)
            return true;
    }
    return false;
}

static void keys_check(const json_t *object, const char *const *keys, int n, bool no_others)
{
    const json_t *required = json_object_get(object, "required");
    cr_assert(object != NULL);
    for (int i = 0; i < n; i++)
        cr_assert(lists(required, keys[i]), "the schema does not require %s", keys[i]);
    if (no_others)
        cr_assert(eq(ulong, json_array_size(required), (size_t)n));
}

Test(schema, lists_are_the_code_s)
{
    json_t *schema = json_read(MIDFLIGHT_SOURCE_DIR "/results", "report.schema.json");
    const json_t *messages = definition(schema, "messages"), *in = json_object_get(messages, "properties");
    const json_t *upgrade = json_object_get(definition(schema, "upgrade"), "properties");
    const json_t *cell = json_object_get(definition(schema, "cell"), "properties");
    keys_check(messages, mf_outcome_keys, MF_OUTCOME_COUNT, false);
    keys_check(messages, mf_extra_keys, MF_EXTRA_COUNT, false);
    keys_check(json_object_get(in, "lost_by_cause"), mf_cause_keys, MF_CAUSE_COUNT, true);
    keys_check(json_object_get(in, "lost_by_stage"), mf_stage_keys, MF_STAGE_COUNT, true);
    keys_check(json_object_get(upgrade, "phases_ms"), mf_phase_keys, MF_PHASE_COUNT, true);
    keys_check(json_object_get(upgrade, "outcomes"), mf_outcome_keys, MF_OUTCOME_COUNT, true);
    keys_check(json_object_get(upgrade, "extras"), mf_extra_keys, MF_EXTRA_COUNT, true);
    const json_t *states = json_object_get(definition(schema, "wire_states"), "properties");
    cr_assert(eq(ulong, json_object_size(states), (size_t)MF_WIRE_STATE_COUNT));
    for (int i = 0; i < MF_WIRE_STATE_COUNT; i++)
        cr_assert(json_object_get(states, mf_wire_state_keys[i]) != NULL, "%s", mf_wire_state_keys[i]);
    const json_t *stages = json_object_get(json_object_get(definition(schema, "trigger"), "properties"), "stage");
    for (int i = 0; i < MF_POINT_STAGE_COUNT; i++)
        cr_assert(lists(json_object_get(stages, "enum"), mf_point_stage_keys[i]), "%s", mf_point_stage_keys[i]);
    const json_t *questions = json_object_get(cell, "questions");
    keys_check(questions, mf_question_keys, MF_QUESTION_COUNT, true);
    const json_t *delivery = json_object_get(cell, "delivery");
    for (int i = 0; i < 4; i++) {
        cr_assert(lists(json_object_get(definition(schema, "verdict"), "enum"), mf_verdict_keys[i]));
        cr_assert(lists(json_object_get(delivery, "enum"), mf_delivery_keys[i]));
    }
    json_decref(schema);
}

/* The schema must be able to say no. */
Test(schema, damage_is_found)
{
    static const struct {
        const char *object, *member, *value;
    } damage[] = {
        {NULL, "verdict", "\"fine\""},
        {NULL, "surprise", "1"},
        {"messages", "lost", "-1"},
        {"messages", "lost", "0.5"},
        {"messages", "due", NULL},
        {"spike_ms", "max", "\"3\""},
        {"upgrades", "dirty_upper_bound_95", "1.5"},
        {"questions", "code", "{ \"answer\": \"perhaps\", \"evidence\": \"\" }"},
        {NULL, "delivery", "null"},
    };
    for (unsigned i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        struct mf_error err;
        char *folder = folder_new();
        json_t *root = json_read(GOLDEN_DIR "/usual", "report.json");
        json_t *at = json_array_get(json_object_get(root, "cells"), 0);
        if (damage[i].object)
            at = json_object_get(at, damage[i].object);
        if (damage[i].value)
            json_object_set_new(at, damage[i].member, json_loads(damage[i].value, JSON_DECODE_ANY, NULL));
        else
            json_object_del(at, damage[i].member);
        char *text = json_dumps(root, 0);
        cr_assert(eq(int, mf_report_write_text(folder, "report.json", text, &err), 0));
        int status = schema_check(folder, "report.json", true);
        cr_assert(status == 1 || status == 77, "%s was let through", damage[i].member);
        free(text);
        json_decref(root);
        folder_remove(folder);
    }
}
