/* A command target's folder, and what it needs before anything runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "targets/command.h"
#include "targets/deeds.h"
#include "targets/scratch.h"

/* Room that is left in a socket's path for names within the folder. */
#define SOCKET_NAME "/the-name-of-a-socket-in-there.sock"

extern char **environ;

/* --- what it needs ------------------------------------------------------------------------------------------------ */

static bool program_is_there(const char *name)
{
    const char *at = getenv("PATH");
    char path[PATH_MAX];
    if (strchr(name, '/'))
        return access(name, X_OK) == 0;
    while (at && *at) {
        size_t n = strcspn(at, ":");
        if (n > 0 && snprintf(path, sizeof path, "%.*s/%s", (int)n, at, name) < (int)sizeof path &&
            access(path, X_OK) == 0)
            return true;
        at += n + (at[n] == ':');
    }
    return false;
}

bool mf_command_lacks(const struct mf_command_target *command, const char *modules_dir, const char *programs_dir,
                      char *text, size_t bytes)
{
    struct mf_fill fill = {.dir = "", .here = command->here, .modules = modules_dir, .programs = programs_dir};
    for (uint32_t i = 0; i < command->needs_count; i++) {
        const struct mf_need *need = &command->needs[i];
        struct mf_error err = {0};
        char *name = mf_fill_text(&fill, need->program ? need->program : need->file, &err);
        bool there = name && (need->program ? program_is_there(name) : access(name, R_OK) == 0);
        if (!there)
            snprintf(text, bytes, "%s is missing%s%s", name ? name : need->file,
                     need->package ? ": apt-get install " : "", need->package ? need->package : "");
        free(name);
        if (!there)
            return true;
    }
    return false;
}

/* --- its environment ---------------------------------------------------------------------------------------------- */

static bool same_variable(const char *a, const char *b)
{
    size_t n = strcspn(a, "=");
    return strncmp(a, b, n) == 0 && b[n] == '=';
}

/* Takes `variable`; one of the same name goes. */
static int env_put(char **env, char *variable)
{
    if (!variable)
        return -1;
    while (*env && !same_variable(variable, *env))
        env++;
    free(*env);
    *env = variable;
    return 0;
}

static int env_make(struct mf_command *c, struct mf_error *err)
{
    size_t n = 0;
    while (environ[n])
        n++;
    c->scene.env = calloc(n + c->plan->env_count + 2, sizeof *c->scene.env);
    int bad = c->scene.env ? 0 : -1;
    for (size_t i = 0; !bad && i < n; i++)
        bad = env_put(c->scene.env, strdup(environ[i]));
    if (!bad)
        bad = env_put(c->scene.env, strdup(c->scene.offspring.marker));
    for (uint32_t i = 0; !bad && i < c->plan->env_count; i++) {
        char *value = mf_fill_text(&c->scene.fill, c->plan->env[i].value, err), *variable = NULL;
        if (!value)
            return -1;
        if (asprintf(&variable, "%s=%s", c->plan->env[i].name, value) < 0)
            variable = NULL;
        free(value);
        bad = env_put(c->scene.env, variable);
    }
    return bad ? mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for an environment") : 0;
}

/* --- its files ---------------------------------------------------------------------------------------------------- */

static int file_make(struct mf_command *c, const struct mf_command_file *file, struct mf_error *err)
{
    char *path = mf_fill_path(&c->scene.fill, file->name, err);
    char *text = path ? mf_fill_text(&c->scene.fill, file->text ? file->text : file->copy, err) : NULL;
    int bad = text ? 0 : -1;
    if (!bad)
        bad = file->text ? mf_deed_write(path, text, err) : mf_deed_copy(path, text, err);
    free(text);
    free(path);
    return bad;
}

static int endpoint_make(struct mf_command *c, struct mf_error *err)
{
    char *endpoint = mf_fill_text(&c->scene.fill, c->plan->endpoint, err);
    int bad = endpoint ? 0 : -1;
    if (!bad && snprintf(c->scene.endpoint, sizeof c->scene.endpoint, "%s", endpoint) >= (int)sizeof c->scene.endpoint)
        bad = mf_error_set(err, MF_STATUS_TARGET, endpoint, "the endpoint is too long");
    free(endpoint);
    return bad;
}

int mf_command_folder_make(struct mf_command *c, struct mf_error *err)
{
    if (mf_scratch_make(c->dir, c->options.run_dir, "target", SOCKET_NAME, err) != 0 ||
        mf_ports_choose(&c->ports, err) != 0)
        return -1;
    c->scene.fill = (struct mf_fill){.dir = c->dir,
                                     .here = c->plan->here,
                                     .modules = c->options.modules_dir,
                                     .programs = c->options.programs_dir,
                                     .n = mf_command_version(c->plan, -1)};
    memcpy(c->scene.fill.port, c->ports.port, sizeof c->scene.fill.port);
    if (mf_output_open(&c->scene.output, c->options.log_path, err) != 0 ||
        mf_output_open(&c->scene.steps, c->options.steps_path, err) != 0 || endpoint_make(c, err) != 0 ||
        env_make(c, err) != 0)
        return -1;
    for (uint32_t i = 0; i < c->plan->files_count; i++)
        if (file_make(c, &c->plan->files[i], err) != 0)
            return -1;
    return 0;
}

void mf_command_folder_remove(struct mf_command *c)
{
    mf_ports_release(&c->ports);
    mf_output_close(&c->scene.output);
    mf_output_close(&c->scene.steps);
    for (char **variable = c->scene.env; variable && *variable; variable++)
        free(*variable);
    free(c->scene.env);
    c->scene.env = NULL;
    mf_scratch_remove(c->dir);
}
