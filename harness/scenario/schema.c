/* The JSON Schema of a scenario, made of the tables that the parser reads by, so that editors complete and check what
 * the parser takes.
 *
 * What a schema cannot say (that a point lies within the load, that a sweep's combination fits) the parser alone
 * checks. A key that a sweep may provide is required only where there is no sweep. */
#include <stdio.h>
#include <string.h>

#include "scenario/command_parts.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Takes `value`; a NULL anywhere makes the whole NULL in the end, since jansson refuses to store it. */
static bool put(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static json_t *words_array(const char *const *words, uint32_t n)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < n; i++)
        if (json_array_append_new(array, json_string(words[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

/* A bound, without ".0" where it is whole. */
static json_t *bound(double value)
{
    return value == (double)(json_int_t)value ? json_integer((json_int_t)value) : json_real(value);
}

static json_t *field_schema(const struct mf_field *f)
{
    static const char *const types[] = {
        [MF_FIELD_INTEGER] = "integer", [MF_FIELD_NUMBER] = "number", [MF_FIELD_FLAG] = "boolean",
        [MF_FIELD_TEXT] = "string",     [MF_FIELD_NAME] = "string",
    };
    json_t *schema = json_object();
    bool good = put(schema, "description", json_string(f->text));
    if (f->type == MF_FIELD_WORD)
        good &= put(schema, "enum", words_array(f->words, f->words_count));
    else if (f->type != MF_FIELD_PART)
        good &= put(schema, "type", json_string(types[f->type]));
    if (f->type == MF_FIELD_INTEGER || f->type == MF_FIELD_NUMBER)
        good &= put(schema, "minimum", bound(f->min)) && put(schema, "maximum", bound(f->max));
    if (f->type == MF_FIELD_NAME)
        good &= put(schema, "pattern", json_string(MF_NAME_PATTERN));
    if (f->fallback)
        good &= put(schema, "default", json_loads(f->fallback, JSON_DECODE_ANY, NULL));
    if (good)
        return schema;
    json_decref(schema);
    return NULL;
}

static json_t *table_schema(const struct mf_field_table *table)
{
    json_t *schema = json_pack("{s:s, s:b, s:{}}", "type", "object", "additionalProperties", 0, "properties");
    json_t *properties = json_object_get(schema, "properties");
    for (uint32_t i = 0; i < table->n; i++)
        if (!put(properties, table->fields[i].key, field_schema(&table->fields[i]))) {
            json_decref(schema);
            return NULL;
        }
    return schema;
}

static json_t *required_of(const struct mf_field_table *table)
{
    const char *names[32];
    uint32_t n = 0;
    for (uint32_t i = 0; i < table->n && n < COUNT(names); i++)
        if (table->fields[i].required)
            names[n++] = table->fields[i].key;
    return words_array(names, n);
}

/* Puts what is in `more` into the schema of property `key`. Takes `more`. */
static bool property_extend(json_t *schema, const char *key, json_t *more)
{
    json_t *property = json_object_get(json_object_get(schema, "properties"), key);
    bool good = property && more && json_object_update(property, more) == 0;
    json_decref(more);
    return good;
}

static json_t *wire_states_schema(void)
{
    return json_pack("{s:[{s:s}, {s:s, s:b, s:{s:o}}]}", "anyOf", "type", "boolean", "type", "array", "uniqueItems", 1,
                     "items", "enum", words_array(mf_wire_state_keys, MF_WIRE_STATE_COUNT));
}

static json_t *http_schema(void)
{
    json_t *http = table_schema(&mf_http_fields);
    bool good = property_extend(http, "headers",
                                json_pack("{s:s, s:{s:s}}", "type", "object", "additionalProperties", "type", "string"));
    good = good && property_extend(http, "expect_status",
                                   json_pack("{s:[{s:s}, {s:s, s:{s:s}, s:i}]}", "anyOf", "type", "integer", "type",
                                             "array", "items", "type", "integer", "maxItems", 8));
    for (size_t i = 0; i < MF_HTTP_PLACES; i++)
        good = good && property_extend(http, mf_http_places[i], table_schema(&mf_http_place_fields));
    if (good)
        return http;
    json_decref(http);
    return NULL;
}

static json_t *resp_schema(void)
{
    json_t *resp = table_schema(&mf_resp_fields);
    bool good = property_extend(resp, "command",
                                json_pack("{s:s, s:{s:s}, s:i, s:i}", "type", "array", "items", "type", "string",
                                          "minItems", 1, "maxItems", 16));
    for (size_t i = 0; i < MF_HTTP_PLACES; i++)
        good = good && property_extend(resp, mf_http_places[i], table_schema(&mf_resp_place_fields));
    if (good)
        return resp;
    json_decref(resp);
    return NULL;
}

static json_t *load_schema(void)
{
    json_t *load = table_schema(&mf_load_fields);
    if (property_extend(load, "wire_states", wire_states_schema()) && property_extend(load, "http", http_schema()) &&
        property_extend(load, "resp", resp_schema()))
        return load;
    json_decref(load);
    return NULL;
}

static json_t *upgrades_schema(void)
{
    json_t *rows = json_array();
    for (uint32_t i = 0; i < MF_POINT_COUNT; i++) {
        json_t *row = table_schema(&mf_upgrade_fields[i]);
        if (!row || !put(row, "description", json_string(mf_point_texts[i])) ||
            !put(row, "required", json_pack("[s]", mf_point_keys[i])) || json_array_append(rows, row) != 0) {
            json_decref(row);
            json_decref(rows);
            return NULL;
        }
        json_decref(row);
    }
    return json_pack("{s:s, s:i, s:{s:o}}", "type", "array", "maxItems", MF_UPGRADE_ROWS_MAX, "items", "oneOf", rows);
}

/* The faults whose rows have the same keys at this kind of point; `id` is the first of them. */
static json_t *fault_names(enum mf_fault_id id)
{
    const char *names[MF_FAULT_COUNT];
    uint32_t n = 0;
    for (uint32_t i = 0; i < MF_FAULT_COUNT; i++)
        if (mf_fault_rows_alike(id, (enum mf_fault_id)i))
            names[n++] = mf_fault_names[i];
    return words_array(names, n);
}

static json_t *fault_schema(enum mf_fault_id id, enum mf_fault_at at)
{
    struct mf_field fields[MF_FAULT_FIELDS_MAX];
    struct mf_field_table table = {fields, mf_fault_fields(id, at, fields)};
    json_t *row = table_schema(&table);
    bool good = put(row, "required", required_of(&table)) &&
                property_extend(row, "fault", json_pack("{s:o}", "enum", fault_names(id)));
    if (good)
        return row;
    json_decref(row);
    return NULL;
}

static bool fault_is_first(enum mf_fault_id id)
{
    for (uint32_t i = 0; i < (uint32_t)id; i++)
        if (mf_fault_rows_alike((enum mf_fault_id)i, id))
            return false;
    return true;
}

static json_t *faults_schema(void)
{
    json_t *rows = json_array();
    for (uint32_t i = 0; i < MF_FAULT_COUNT; i++)
        for (uint32_t at = 0; at < MF_FAULT_AT_COUNT && fault_is_first((enum mf_fault_id)i); at++)
            if (mf_fault_takes((enum mf_fault_id)i, (enum mf_fault_at)at) &&
                json_array_append_new(rows, fault_schema((enum mf_fault_id)i, (enum mf_fault_at)at)) != 0) {
                json_decref(rows);
                return NULL;
            }
    return json_pack("{s:s, s:i, s:{s:o}}", "type", "array", "maxItems", MF_FAULT_ROWS_MAX, "items", "oneOf", rows);
}

static json_t *metric_schema(const char *key, const char *text, bool is_word)
{
    if (!is_word)
        return json_pack("{s:s, s:s}", "description", text, "$ref", "#/$defs/limits");
    bool question = strncmp(key, "questions.", strlen("questions.")) == 0;
    return json_pack("{s:s, s:o}", "description", text, "enum",
                     words_array(question ? mf_answer_keys : mf_delivery_keys, 4));
}

/* One object of expectations. */
static json_t *expectations_schema(void)
{
    json_t *schema = json_pack("{s:s, s:b, s:{}}", "type", "object", "additionalProperties", 0, "properties");
    json_t *properties = json_object_get(schema, "properties");
    bool good = put(properties, "when",
                    json_pack("{s:s, s:s}", "description",
                              "swept path to a value, or an array of values: only these cells are held to it", "type",
                              "object"));
    const char *key, *text;
    bool is_word;
    for (uint32_t i = 0; good && (key = mf_metric_at(i, &text, &is_word)); i++)
        good = put(properties, key, metric_schema(key, text, is_word));
    if (good)
        return schema;
    json_decref(schema);
    return NULL;
}

static json_t *limits_schema(void)
{
    json_t *limits = table_schema(&mf_limits_fields);
    if (!put(limits, "minProperties", json_integer(1))) {
        json_decref(limits);
        return NULL;
    }
    return json_pack("{s:[{s:s}, o]}", "anyOf", "type", "number", limits);
}

/* A strategy is a word, or an object with the word and what else of the node belongs to it. */
static bool strategy_extend(json_t *node)
{
    json_t *strategy = json_object_get(json_object_get(node, "properties"), "strategy");
    json_t *words = json_incref(json_object_get(strategy, "enum"));
    json_t *either = json_pack("[{s:o}, {s:s, s:[s,s], s:{s:{s:s, s:s}}}]", "enum", words, "type", "object", "required",
                               "name", "strategy", "properties", "name", "type", "string", "pattern", MF_NAME_PATTERN);
    return json_object_del(strategy, "enum") == 0 && put(strategy, "anyOf", either);
}

/* --- a command ---------------------------------------------------------------------------------------------------- */

static json_t *reference(const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "#/$defs/%s", name);
    return json_pack("{s:s}", "$ref", path);
}

/* An array of words, the program first. */
static json_t *argv_schema(void)
{
    return json_pack("{s:s, s:i, s:i, s:{s:s}}", "type", "array", "minItems", 1, "maxItems", MF_ARGV_MAX, "items",
                     "type", "string");
}

static json_t *lines_schema(void)
{
    return json_pack("{s:[{s:s}, {s:s, s:{s:s}}]}", "anyOf", "type", "string", "type", "array", "items", "type",
                     "string");
}

static json_t *condition_schema(void)
{
    json_t *condition = table_schema(&mf_condition_fields);
    bool good =
        put(condition, "minProperties", json_integer(1)) &&
        property_extend(condition, "connect", json_pack("{s:[{s:b}, {s:s}]}", "anyOf", "const", 1, "type", "string")) &&
        property_extend(condition, "run", reference("argv"));
    if (good)
        return condition;
    json_decref(condition);
    return NULL;
}

static json_t *step_schema(enum mf_step_verb verb)
{
    json_t *step = table_schema(&mf_step_fields[verb]);
    bool good = put(step, "description", json_string(mf_step_texts[verb])) &&
                put(step, "required", required_of(&mf_step_fields[verb]));
    if (verb == MF_STEP_RUN || verb == MF_STEP_SPAWN)
        good = good && property_extend(step, mf_step_keys[verb], reference("argv"));
    if (verb == MF_STEP_WAIT)
        good = good && property_extend(step, mf_step_keys[verb], reference("condition"));
    if (verb == MF_STEP_WRITE)
        good = good && property_extend(step, "text", lines_schema());
    if (good)
        return step;
    json_decref(step);
    return NULL;
}

static json_t *steps_schema(void)
{
    json_t *verbs = json_array();
    for (uint32_t i = 0; i < MF_STEP_COUNT; i++)
        if (json_array_append_new(verbs, step_schema((enum mf_step_verb)i)) != 0) {
            json_decref(verbs);
            return NULL;
        }
    return json_pack("{s:s, s:i, s:{s:o}}", "type", "array", "maxItems", MF_STEPS_MAX, "items", "oneOf", verbs);
}

static json_t *command_schema(void)
{
    static const char *const steps[] = {"prepare", "upgrade", "stop"}, *const conditions[] = {"ready", "complete",
                                                                                              "failed"};
    json_t *command = table_schema(&mf_command_fields);
    bool good = property_extend(command, "start", reference("argv"));
    for (size_t i = 0; i < COUNT(steps); i++)
        good = good && property_extend(command, steps[i], reference("steps")) &&
               property_extend(command, conditions[i], reference("condition"));
    good = good && property_extend(command, "needs",
                                   json_pack("{s:s, s:o}", "type", "array", "items", table_schema(&mf_need_fields)));
    good = good &&
           property_extend(command, "env",
                           json_pack("{s:s, s:{s:s}}", "type", "object", "additionalProperties", "type", "string"));
    good = good && property_extend(command, "files",
                                   json_pack("{s:s, s:{s:[o, {s:s, s:b, s:[s], s:{s:{s:s}}}]}}", "type", "object",
                                             "additionalProperties", "anyOf", lines_schema(), "type", "object",
                                             "additionalProperties", 0, "required", "copy", "properties", "copy",
                                             "type", "string"));
    if (good)
        return command;
    json_decref(command);
    return NULL;
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

static json_t *target_schema(void)
{
    json_t *node = table_schema(&mf_node_fields);
    json_t *modules =
        json_pack("{s:s, s:i, s:i, s:{s:s, s:i, s:i}}", "type", "array", "minItems", 1, "maxItems", MF_MODULES_MAX,
                  "items", "type", "string", "minLength", 1, "maxLength", MF_MODULE_BYTES_MAX);
    json_t *target = table_schema(&mf_target_fields);
    if (!property_extend(node, "modules", modules) || !strategy_extend(node) ||
        !property_extend(target, "node", node) || !property_extend(target, "command", command_schema()) ||
        !property_extend(target, "load", reference("load"))) {
        json_decref(target);
        return NULL;
    }
    return json_pack("{s:[{s:s, s:s}, o]}", "anyOf", "type", "string", "description",
                     "the path of a file that holds one", target);
}

static json_t *sweep_schema(void)
{
    return json_pack("{s:s, s:{s:s}, s:{s:s, s:i}}", "type", "object", "propertyNames", "pattern",
                     "^(target|load|upgrades|faults|proof)([.\\[].*)?$", "additionalProperties", "type", "array",
                     "minItems", 1);
}

/* Without a sweep nothing else can bring what is missing, but for a target's file or its own load. */
static json_t *complete_schema(void)
{
    json_t *load =
        json_pack("{s:{s:{s:{s:s}}, s:[s]}, s:{s:[s]}, s:{s:[s]}}", "if", "properties", "mode", "const", "closed",
                  "required", "mode", "then", "required", "window", "else", "required", "rate_per_s");
    json_t *targets = json_pack("[{s:s}, {s:[s], s:{s:{s:o}}}, {s:[s], s:{s:{s:o}}}]", "type", "string", "required",
                                "node", "properties", "node", "required", required_of(&mf_node_fields), "required",
                                "command", "properties", "command", "required", required_of(&mf_command_fields));
    return json_pack("{s:[s], s:{s:{s:o}}, s:{s:{s:{s:s, s:[s], s:{s:[s]}}}}, s:{s:[s], s:{s:o}}}", "required",
                     "target", "properties", "target", "anyOf", targets, "if", "properties", "target", "type", "object",
                     "required", "node", "not", "required", "load", "then", "required", "load", "properties", "load",
                     load);
}

json_t *mf_scenario_schema(void)
{
    json_t *schema = json_pack(
        "{s:s, s:s, s:s}", "$schema", "https://json-schema.org/draft/2020-12/schema", "title", "midflight scenario",
        "description", "made from the parser's tables by the build target scenario-schema: edit those, not this");
    json_t *top = table_schema(&mf_scenario_fields);
    bool good = schema && top && json_object_update(schema, top) == 0;
    json_decref(top);
    good = good && property_extend(schema, "target", target_schema());
    good = good && property_extend(schema, "load", load_schema());
    good = good && property_extend(schema, "upgrades", upgrades_schema());
    good = good && property_extend(schema, "faults", faults_schema());
    good = good && property_extend(schema, "expect",
                                   json_pack("{s:[{s:s}, {s:s, s:{s:s}}]}", "anyOf", "$ref", "#/$defs/expectations",
                                             "type", "array", "items", "$ref", "#/$defs/expectations"));
    good = good && property_extend(schema, "proof", table_schema(&mf_proof_fields));
    good = good && property_extend(schema, "sweep", sweep_schema());
    good = good && put(schema, "required", required_of(&mf_scenario_fields));
    good = good && put(schema, "if", json_pack("{s:{s:[s]}}", "not", "required", "sweep"));
    good = good && put(schema, "then", complete_schema());
    good = good && put(schema, "$defs",
                       json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "expectations", expectations_schema(), "limits",
                                 limits_schema(), "load", load_schema(), "argv", argv_schema(), "steps", steps_schema(),
                                 "condition", condition_schema()));
    if (good)
        return schema;
    json_decref(schema);
    return NULL;
}
