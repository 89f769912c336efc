/* A command target: the object `command` of a target. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/command_parts.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define MS_MAX       600000
#define NEEDS_MAX    64
#define FILES_MAX    256
#define ENV_MAX      64
#define SHOWN_BYTES  80

static const struct mf_field command_rows[] = {
    {"needs", MF_FIELD_PART, .fallback = "[]", .text = "an array of programs and files without which it is skipped"},
    {"files", MF_FIELD_PART, .fallback = "{}", .text = "an object: name in {dir} to text, lines, or {copy: FILE}"},
    {"env", MF_FIELD_PART, .fallback = "{}", .text = "an object: environment variables of all that is started"},
    {"prepare", MF_FIELD_PART, .fallback = "[]", .text = "an array of steps, before the start"},
    {"start", MF_FIELD_PART, true, .text = "an array: the program and its arguments"},
    {"endpoint", MF_FIELD_TEXT, true, MF_MEMBER(mf_command_target, endpoint),
     .text = "where it listens: tcp:127.0.0.1:{port}, udp:127.0.0.1:{port}, unix:{dir}/NAME"},
    {"ready", MF_FIELD_PART, true, .text = "a condition: it can be pinged"},
    {"processes", MF_FIELD_INTEGER, false, MF_MEMBER(mf_command_target, processes), 1, 1000000, "1",
     .text = "how many processes the load addresses"},
    {"versions", MF_FIELD_INTEGER, false, MF_MEMBER(mf_command_target, versions), 0, 1000000, "0",
     .text = "{n} goes around from 1 to this; 0: it goes on and on"},
    {"upgrade", MF_FIELD_PART, true, .text = "an array of steps; [] is the control, in which nothing is done"},
    {"complete", MF_FIELD_PART, .fallback = "{\"witness\": true}", .text = "a condition: the upgrade is done"},
    {"failed", MF_FIELD_PART, .text = "a condition: the upgrade has come to nothing"},
    {"stop", MF_FIELD_PART, .fallback = "[]", .text = "an array of steps; what then is left gets SIGTERM and SIGKILL"},
    {"prepare_ms", MF_FIELD_NUMBER, false, MF_MEMBER(mf_command_target, prepare_ms), 1, MS_MAX, "60000",
     .text = "deadline of all the steps before the start"},
    {"ready_ms", MF_FIELD_NUMBER, false, MF_MEMBER(mf_command_target, ready_ms), 1, MS_MAX, "10000",
     .text = "deadline from the start until it is ready"},
    {"upgrade_ms", MF_FIELD_NUMBER, false, MF_MEMBER(mf_command_target, upgrade_ms), 1, MS_MAX, "10000",
     .text = "deadline of an upgrade, its completion included"},
    {"stop_ms", MF_FIELD_NUMBER, false, MF_MEMBER(mf_command_target, stop_ms), 1, MS_MAX, "5000",
     .text = "deadline of the steps that stop it"},
};
const struct mf_field_table mf_command_fields = {command_rows, COUNT(command_rows)};

static const struct mf_field need_rows[] = {
    {"program", MF_FIELD_TEXT, false, MF_MEMBER(mf_need, program), .text = "a program in PATH, or its path"},
    {"file", MF_FIELD_TEXT, false, MF_MEMBER(mf_need, file), .text = "a file or folder"},
    {"package", MF_FIELD_TEXT, false, MF_MEMBER(mf_need, package), .text = "the Debian package that has it"},
};
const struct mf_field_table mf_need_fields = {need_rows, COUNT(need_rows)};

static int needs_read(const struct mf_reader *r, const json_t *json, struct mf_command_target *out)
{
    char shown[SHOWN_BYTES], path[MF_KEY_PATH_BYTES];
    size_t n = json_array_size(json);
    if (!json_is_array(json) || n > NEEDS_MAX)
        return mf_reader_fail(r, "target.command.needs", "is %s; allowed: an array of at most %d needs",
                              mf_json_show(shown, sizeof shown, json), NEEDS_MAX);
    out->needs = mf_arena_alloc(r->arena, n, sizeof *out->needs);
    if (!out->needs)
        return mf_reader_no_memory(r);
    for (size_t i = 0; i < n; i++) {
        struct mf_need *need = &out->needs[i];
        snprintf(path, sizeof path, "target.command.needs[%zu]", i);
        if (mf_fields_read(r, path, json_array_get(json, i), need_rows, COUNT(need_rows), need) != 0)
            return -1;
        if (!need->program == !need->file)
            return mf_reader_fail(r, path, "has %s; allowed: one of program and file",
                                  need->program ? "both program and file" : "neither program nor file");
    }
    out->needs_count = (uint32_t)n;
    return 0;
}

/* "" or an absolute name stays; else it is beside the target's file. */
static const char *beside(const struct mf_reader *r, const char *here, const char *name)
{
    char *joined = NULL;
    if (name[0] == '/' || name[0] == '{')
        return mf_arena_text(r->arena, name);
    if (asprintf(&joined, "%s/%s", here, name) < 0)
        return NULL;
    const char *copy = mf_arena_text(r->arena, joined);
    free(joined);
    return copy;
}

static int file_read(const struct mf_reader *r, const char *name, json_t *json, const char *here,
                     struct mf_command_file *out)
{
    static const struct mf_field copy_rows[] = {
        {"copy", MF_FIELD_TEXT, true, MF_MEMBER(mf_command_file, copy), .text = "a file, relative to the target's"}};
    char path[MF_KEY_PATH_BYTES];
    snprintf(path, sizeof path, "target.command.files.%.200s", name);
    if (mf_inside_check(r, path, name) != 0)
        return -1;
    if (!(out->name = mf_arena_text(r->arena, name)))
        return mf_reader_no_memory(r);
    if (!json_is_object(json))
        return mf_lines_read(r, path, json, &out->text);
    if (mf_fields_read(r, path, json, copy_rows, COUNT(copy_rows), out) != 0 ||
        mf_template_check(r, path, out->copy) != 0)
        return -1;
    out->copy = beside(r, here, out->copy);
    return out->copy ? 0 : mf_reader_no_memory(r);
}

static int files_read(const struct mf_reader *r, json_t *json, struct mf_command_target *out)
{
    const char *name;
    json_t *value;
    if (mf_object_check(r, "target.command.files", json) != 0)
        return -1;
    if (json_object_size(json) > FILES_MAX)
        return mf_reader_fail(r, "target.command.files", "has %zu files; allowed: at most %d", json_object_size(json),
                              FILES_MAX);
    out->files = mf_arena_alloc(r->arena, json_object_size(json), sizeof *out->files);
    if (!out->files)
        return mf_reader_no_memory(r);
    json_object_foreach(json, name, value)
    {
        if (file_read(r, name, value, out->here, &out->files[out->files_count++]) != 0)
            return -1;
    }
    return 0;
}

static int env_read(const struct mf_reader *r, json_t *json, struct mf_command_target *out)
{
    char path[MF_KEY_PATH_BYTES], shown[SHOWN_BYTES];
    const char *name;
    json_t *value;
    if (mf_object_check(r, "target.command.env", json) != 0)
        return -1;
    if (json_object_size(json) > ENV_MAX)
        return mf_reader_fail(r, "target.command.env", "has %zu variables; allowed: at most %d", json_object_size(json),
                              ENV_MAX);
    out->env = mf_arena_alloc(r->arena, json_object_size(json), sizeof *out->env);
    if (!out->env)
        return mf_reader_no_memory(r);
    json_object_foreach(json, name, value)
    {
        struct mf_variable *v = &out->env[out->env_count++];
        snprintf(path, sizeof path, "target.command.env.%.200s", name);
        if (!name[0] || strchr(name, '=') || !json_is_string(value))
            return mf_reader_fail(r, path, "is %s; allowed: a name without '=', and a text",
                                  mf_json_show(shown, sizeof shown, value));
        if (mf_template_check(r, path, json_string_value(value)) != 0)
            return -1;
        v->name = mf_arena_text(r->arena, name);
        v->value = mf_arena_text(r->arena, json_string_value(value));
        if (!v->name || !v->value)
            return mf_reader_no_memory(r);
    }
    return 0;
}

static int conditions_read(const struct mf_reader *r, json_t *json, struct mf_command_target *out)
{
    json_t *failed = json_object_get(json, "failed");
    if (mf_condition_read(r, "target.command.ready", json_object_get(json, "ready"), 0, &out->ready) != 0 ||
        mf_condition_read(r, "target.command.complete", json_object_get(json, "complete"), MF_MAY_WITNESS,
                          &out->complete) != 0)
        return -1;
    return failed ? mf_condition_read(r, "target.command.failed", failed, MF_MAY_WITNESS, &out->failed) : 0;
}

static int steps_read(const struct mf_reader *r, json_t *json, struct mf_command_target *out)
{
    if (mf_steps_read(r, "target.command.prepare", json_object_get(json, "prepare"), 0, &out->prepare) != 0 ||
        mf_argv_read(r, "target.command.start", json_object_get(json, "start"), &out->start) != 0 ||
        mf_steps_read(r, "target.command.upgrade", json_object_get(json, "upgrade"), MF_MAY_WITNESS, &out->upgrade) !=
            0)
        return -1;
    return mf_steps_read(r, "target.command.stop", json_object_get(json, "stop"), 0, &out->stop);
}

static int endpoint_check(const struct mf_reader *r, const struct mf_command_target *c)
{
    if (mf_address_check(r, "target.command.endpoint", c->endpoint) != 0)
        return -1;
    if (strncmp(c->endpoint, "udp:", 4) == 0 && c->ready.connect && !c->ready.connect_to)
        return mf_reader_fail(r, "target.command.ready",
                              "asks for connect, but with UDP there are no connections; allowed: file, log, run");
    return 0;
}

int mf_command_read(const struct mf_reader *r, json_t *json, const char *here, struct mf_command_target *out)
{
    out->here = here;
    if (mf_fields_read(r, "target.command", json, command_rows, COUNT(command_rows), out) != 0 ||
        needs_read(r, json_object_get(json, "needs"), out) != 0 ||
        files_read(r, json_object_get(json, "files"), out) != 0 ||
        env_read(r, json_object_get(json, "env"), out) != 0 || steps_read(r, json, out) != 0 ||
        conditions_read(r, json, out) != 0)
        return -1;
    return endpoint_check(r, out);
}
