/* The command line of a worker. */
#include "node/args_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A vector under construction. The first round (memory NULL) only counts. */
struct argv_writer {
    char **vector, *text;
    size_t words, bytes;
};

static void argv_put(struct argv_writer *w, const char *word)
{
    size_t n = strlen(word) + 1;
    if (w->vector) {
        w->vector[w->words] = w->text + w->bytes;
        memcpy(w->text + w->bytes, word, n);
    }
    w->words++;
    w->bytes += n;
}

static void argv_put_text(struct argv_writer *w, int id, const char *value)
{
    char name[64];
    snprintf(name, sizeof name, "--%s", mf_node_option_names[id]);
    argv_put(w, name);
    argv_put(w, value);
}

static void argv_put_u64(struct argv_writer *w, int id, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    argv_put_text(w, id, text);
}

static void argv_put_fd(struct argv_writer *w, int id, int fd)
{
    if (fd >= 0)
        argv_put_u64(w, id, (uint64_t)fd);
}

static void argv_put_point(struct argv_writer *w, const struct mf_node_point *p)
{
    char text[MF_NODE_POINT_BYTES];
    mf_node_point_write(text, p);
    argv_put_text(w, OPTION_POINT, text);
}

static void argv_put_all(struct argv_writer *w, const struct mf_node_args *args, const char *program)
{
    argv_put(w, program);
    argv_put(w, "--worker");
    argv_put_u64(w, OPTION_RECORDER_FD, (uint64_t)args->recorder_fd);
    argv_put_u64(w, OPTION_CONTROL_FD, (uint64_t)args->control_fd);
    argv_put_text(w, OPTION_STRATEGY, args->strategy);
    argv_put_u64(w, OPTION_PROCESSES, args->processes);
    argv_put_u64(w, OPTION_SCHEDULERS, args->schedulers);
    argv_put_text(w, OPTION_PURGE, mf_purge_keys[args->purge]);
    argv_put_u64(w, OPTION_LINGERERS, args->lingerers);
    argv_put_u64(w, OPTION_CONTROL_GROUP, args->control_group);
    argv_put_text(w, OPTION_SUPERVISION, mf_supervision_keys[args->supervision]);
    argv_put_u64(w, OPTION_GROUP, args->group);
    if (args->links)
        argv_put(w, "--links");
    for (uint32_t i = 0; i < args->modules_count; i++)
        argv_put_text(w, OPTION_MODULE, args->modules[i]);
    argv_put_text(w, OPTION_TRANSPORT, args->transport);
    if (args->listen)
        argv_put_text(w, OPTION_LISTEN, args->listen);
    argv_put_text(w, OPTION_CODEC, args->codec);
    argv_put_text(w, OPTION_DIR, args->dir);
    argv_put_u64(w, OPTION_SEED, args->seed);
    argv_put_u64(w, OPTION_PATIENCE_MS, args->patience_ms);
    for (uint32_t i = 0; i < args->points_count; i++)
        argv_put_point(w, &args->points[i]);
    argv_put_u64(w, OPTION_MODULE_INDEX, args->module_index);
    argv_put_u64(w, OPTION_ACCEPT_DELAY, args->accept_delay_us);
    argv_put_text(w, OPTION_RETIRE, mf_retire_keys[args->retire]);
    argv_put_fd(w, OPTION_LISTEN_FD, args->listen_fd);
    argv_put_fd(w, OPTION_HAND_FD, args->hand_fd);
    argv_put_fd(w, OPTION_TAKE_FD, args->take_fd);
    argv_put_fd(w, OPTION_CARGO_FD, args->cargo_fd);
    if (args->cargo_k != UINT32_MAX)
        argv_put_u64(w, OPTION_CARGO_SLOT, args->cargo_k);
}

char **mf_node_args_argv(const struct mf_node_args *args, const char *program)
{
    struct argv_writer w = {0};
    argv_put_all(&w, args, program);
    size_t vector_bytes = (w.words + 1) * sizeof(char *);
    char **vector = malloc(vector_bytes + w.bytes);
    if (!vector)
        return NULL;
    w = (struct argv_writer){.vector = vector, .text = (char *)vector + vector_bytes};
    argv_put_all(&w, args, program);
    vector[w.words] = NULL;
    return vector;
}
