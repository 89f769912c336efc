/* The parts of a scenario's file, each read by a file of its own into its piece of a cell. Internal to this folder.
 *
 * Each reader checks its JSON strictly, fills the struct, and writes the defaults back into the JSON. 0, or -1 with the
 * reader's *err. */
#ifndef MF_SCENARIO_PARTS_H
#define MF_SCENARIO_PARTS_H

#include "scenario/fields.h"
#include "scenario/scenario.h"

#define MF_SCENARIO_FORMAT  "midflight.scenario/1"
#define MF_WHOLE_MAX        9007199254740991.0 /* 2^53 - 1: every JSON reader keeps it exact */
#define MF_CELLS_MAX        1000
#define MF_UPGRADE_ROWS_MAX 1000
#define MF_UPGRADES_MAX     100000
#define MF_MESSAGE_ROWS_MAX 16 /* rows that a message fires: MF_PLAN_POINTS, and the recorder's point counters */
#define MF_MODULES_MAX      64
#define MF_MODULE_BYTES_MAX 255
#define MF_EXPECT_MAX       10000
#define MF_FAULT_ROWS_MAX   64
#define MF_FAULTS_MAX       1000
#define MF_FAULT_FIELDS_MAX 16

/* What the schema is made from. */
struct mf_field_table {
    const struct mf_field *fields;
    uint32_t n;
};
extern const struct mf_field_table mf_scenario_fields, mf_target_fields, mf_node_fields, mf_load_fields,
    mf_proof_fields, mf_limits_fields, mf_http_fields, mf_http_place_fields, mf_resp_fields, mf_resp_place_fields;
/* The keys of load.http and load.resp that say where something stands in an answer: tables mf_http_place_fields and
 * mf_resp_place_fields. */
#define MF_HTTP_PLACES 4
extern const char *const mf_http_places[MF_HTTP_PLACES];
extern const struct mf_field_table mf_upgrade_fields[MF_POINT_COUNT];
extern const char *const mf_point_keys[MF_POINT_COUNT];
extern const char *const mf_point_texts[MF_POINT_COUNT];

/* Replaces `holder[key]`, where it is a string, by the object in that file (relative to the scenario's folder). An
 * object without a name is named after its file. A command, from a file or not, gets its `here`. */
int mf_target_inline(const struct mf_reader *r, const char *path, json_t *holder, const char *key);
/* The same for the i-th element of an array. */
int mf_target_inline_at(const struct mf_reader *r, const char *path, json_t *array, size_t i);
int mf_target_read(const struct mf_reader *r, json_t *target, struct mf_cell *cell);

/* Puts what a target's own `load` says where the scenario's says nothing. */
int mf_load_merge(const struct mf_reader *r, json_t *document);
/* After the target, on which transport local and much else depend. */
int mf_load_read(const struct mf_reader *r, json_t *load, const struct mf_cell *cell, struct mf_load *out);
/* Reads load.http into out->codec_conf. */
int mf_load_http_read(const struct mf_reader *r, json_t *load, struct mf_load *out);
/* The same for load.resp. */
int mf_load_resp_read(const struct mf_reader *r, json_t *load, struct mf_load *out);
int mf_proof_read(const struct mf_reader *r, json_t *proof, const struct mf_load *load, struct mf_proof *out);

/* After the load: its points must lie within it. */
int mf_upgrades_read(const struct mf_reader *r, json_t *upgrades, struct mf_cell *cell);

/* After the upgrades, of which faults speak. */
int mf_faults_read(const struct mf_reader *r, json_t *faults, struct mf_cell *cell);
/* The keys of a row for this fault at this kind of point, into fields[MF_FAULT_FIELDS_MAX]; returns how many. */
uint32_t mf_fault_fields(enum mf_fault_id id, enum mf_fault_at at, struct mf_field *fields);
bool mf_fault_takes(enum mf_fault_id id, enum mf_fault_at at);
/* Whether rows for the two have the same keys, at the same kinds of points. */
bool mf_fault_rows_alike(enum mf_fault_id a, enum mf_fault_id b);

/* Checks every expectation. A `when` may name the paths and values of either sweep: the file's own, and the one after
 * overrides, so that an override that narrows a sweep leaves the file's expectations valid. */
int mf_expect_check(const struct mf_reader *r, json_t *expect, const json_t *file_sweep, const json_t *sweep);
/* Reads those (checked) rows of `expect` whose `when` fits `document`, the cell's; *kept (new reference) is what was
 * read, as JSON. */
int mf_expect_read(const struct mf_reader *r, json_t *expect, json_t *document, struct mf_cell *cell, json_t **kept);

/* What a value of the sweep sets its path to: itself, or its "value" where it has a "with" beside it. */
const json_t *mf_sweep_value(const json_t *value);
/* Checks the sweep; *cells is how many it makes (1 where it is empty). */
int mf_sweep_check(const struct mf_reader *r, json_t *sweep, uint32_t *cells);
/* Sets the parameters of cell `index` in `document` (the last path varies fastest) and fills the cell's name and
 * parameters. */
int mf_sweep_apply(const struct mf_reader *r, json_t *sweep, uint32_t index, json_t *document, struct mf_cell *cell);
/* Makes names that came out equal unique ("~2" behind the second). */
int mf_sweep_name_apart(const struct mf_reader *r, struct mf_cell *cells, uint32_t n);
/* A short name for a value, safe in a folder name: a target's name, a file's stem, a number. Returns `out`. */
const char *mf_value_label(char *out, size_t bytes, const json_t *value);

/* Reads s->cells_count cells out of the (checked) document. */
int mf_cells_read(const struct mf_reader *r, json_t *document, struct mf_scenario *s);
/* Keeps the cells that the options name, in the sweep's order. */
int mf_cells_choose(const struct mf_reader *r, const struct mf_scenario_options *options, struct mf_scenario *s);
/* The document as text, in the reader's arena. */
int mf_document_dump(const struct mf_reader *r, const json_t *document, const char **out);

/* Reads the JSON object of a file: syntax errors have their line and column. NULL with *err. */
json_t *mf_file_read(const char *path, struct mf_error *err);
/* Applies the options' overrides to the document, whose sweep may not overwrite them. */
int mf_overrides_apply(const struct mf_reader *r, json_t *document, const struct mf_scenario_options *options);

/* The JSON Schema (draft 2020-12) of a scenario, from the tables above. A new reference; NULL: no memory. */
json_t *mf_scenario_schema(void);

#endif
