/* How the pieces of a command target are read. Internal to this folder; as parts.h, of which it is a part. */
#ifndef MF_SCENARIO_COMMAND_PARTS_H
#define MF_SCENARIO_COMMAND_PARTS_H

#include "scenario/command.h"
#include "scenario/parts.h"

#define MF_ARGV_MAX  256
#define MF_STEPS_MAX 64

/* Where a condition or a step stands: */
enum {
    MF_MAY_WITNESS = 1, /* the load pings, and something is being replaced */
};

extern const struct mf_field_table mf_command_fields, mf_condition_fields, mf_need_fields;
extern const struct mf_field_table mf_step_fields[MF_STEP_COUNT];
extern const char *const mf_step_texts[MF_STEP_COUNT];

/* Fails on a name in braces that is no placeholder. */
int mf_template_check(const struct mf_reader *r, const char *path, const char *text);
/* Fails unless it is a file's name within {dir}. */
int mf_inside_check(const struct mf_reader *r, const char *path, const char *name);
/* Fails unless it is an address of this machine's loopback, or a socket in {dir}. */
int mf_address_check(const struct mf_reader *r, const char *path, const char *address);
int mf_argv_read(const struct mf_reader *r, const char *path, const json_t *words, struct mf_argv *out);
/* A text, or an array of lines, each of which gets its newline. */
int mf_lines_read(const struct mf_reader *r, const char *path, const json_t *lines, const char **out);
int mf_condition_read(const struct mf_reader *r, const char *path, json_t *json, unsigned may,
                      struct mf_condition *out);
int mf_steps_read(const struct mf_reader *r, const char *path, json_t *json, unsigned may, struct mf_steps *out);

/* All of it. `here`: the target's file's folder, absolute; kept. */
int mf_command_read(const struct mf_reader *r, json_t *json, const char *here, struct mf_command_target *out);

#endif
