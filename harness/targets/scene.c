#include "targets/scene.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- programs ----------------------------------------------------------------------------------------------------- */

static void on_program_closed(uv_handle_t *handle)
{
    struct mf_program *p = handle->data;
    p->scene->programs--;
    void (*wake)(void *ctx) = p->scene->wake;
    void *ctx = p->scene->ctx;
    free(p);
    wake(ctx);
}

static void program_close_if_over(struct mf_program *p)
{
    if (!p->is_living && p->is_forgotten && !uv_is_closing((uv_handle_t *)&p->process))
        uv_close((uv_handle_t *)&p->process, on_program_closed);
}

static void on_program_exit(uv_process_t *process, int64_t status, int signal)
{
    struct mf_program *p = process->data;
    p->is_living = false;
    mf_offspring_reaped(&p->scene->offspring, process->pid);
    p->status = status;
    p->signal = signal;
    program_close_if_over(p);
    p->scene->wake(p->scene->ctx);
}

static int program_spawn(struct mf_program *p, char **words, int output_fd)
{
    struct mf_scene *scene = p->scene;
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = output_fd},
        {.flags = UV_INHERIT_FD, .data.fd = output_fd},
    };
    uv_process_options_t spawn = {
        .exit_cb = on_program_exit,
        .file = words[0],
        .args = words,
        .env = scene->env,
        .cwd = scene->fill.dir,
        .flags = UV_PROCESS_DETACHED, /* setsid: a session and group of its own */
        .stdio_count = 3,
        .stdio = stdio,
    };
    p->process.data = p;
    scene->programs++;
    int bad = uv_spawn(scene->loop, &p->process, &spawn);
    p->is_living = !bad;
    return bad;
}

struct mf_program *mf_program_start(struct mf_scene *scene, const struct mf_argv *argv, const struct mf_output *output,
                                    struct mf_error *err)
{
    char **words = mf_fill_argv(&scene->fill, argv, err);
    struct mf_program *p = words ? calloc(1, sizeof *p) : NULL;
    if (words && !p)
        mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for a program");
    if (!p) {
        mf_fill_argv_free(words);
        return NULL;
    }
    p->scene = scene;
    int bad = program_spawn(p, words, output->fd);
    if (bad)
        mf_error_set(err, MF_STATUS_TARGET, words[0], "cannot be started: %s", uv_strerror(bad));
    else if (mf_offspring_add(&scene->offspring, p->process.pid) != 0)
        bad = mf_error_set(err, MF_STATUS_INTERNAL, words[0], "no memory to remember it");
    mf_fill_argv_free(words);
    if (!bad)
        return p;
    mf_program_forget(p);
    return NULL;
}

void mf_program_forget(struct mf_program *p)
{
    if (!p)
        return;
    p->is_forgotten = true;
    program_close_if_over(p);
}

const char *mf_program_how(const struct mf_program *p, char *text, size_t bytes)
{
    if (p->signal)
        snprintf(text, bytes, "signal %d (%s)", p->signal, strsignal(p->signal));
    else
        snprintf(text, bytes, "exit %" PRId64, p->status);
    return text;
}

pid_t mf_pid_file_read(const char *path)
{
    FILE *file = fopen(path, "re");
    long pid = 0;
    if (!file)
        return 0;
    if (fscanf(file, "%ld", &pid) != 1 || pid < 2 || pid > INT32_MAX)
        pid = 0;
    fclose(file);
    return (pid_t)pid;
}

/* --- what the load sees ------------------------------------------------------------------------------------------- */

struct mf_sight mf_sight_of(const struct mf_recorder *rec, uint32_t k)
{
    struct mf_sight sight = {0};
    for (uint32_t w = 0; w < rec->header->shape.workers; w++) {
        const struct mf_worker_record *worker = mf_recorder_worker(rec, w);
        const struct mf_upgrade_tally *tally = mf_recorder_tallies(rec, w) + k;
        uint64_t first = __atomic_load_n(&tally->first_new_ns, __ATOMIC_RELAXED),
                 last = __atomic_load_n(&tally->last_old_ns, __ATOMIC_RELAXED);
        if (first && (!sight.first_new_ns || first < sight.first_new_ns))
            sight.first_new_ns = first;
        if (last > sight.last_old_ns)
            sight.last_old_ns = last;
        sight.replies += __atomic_load_n(&worker->replies, __ATOMIC_RELAXED);
        sight.versions |= __atomic_load_n(&worker->has, __ATOMIC_RELAXED) & 1;
    }
    return sight;
}
