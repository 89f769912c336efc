#include "targets/node_argv.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "targets/modules.h"

/* The words, one behind the other, each ended by a NUL; cut into a vector at the end. */
struct words {
    FILE *out;
    size_t n;
};

__attribute__((format(printf, 2, 3))) static void word(struct words *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(w->out, format, args);
    va_end(args);
    fputc(0, w->out);
    w->n++;
}

static void word_option(struct words *w, const char *option, const char *value)
{
    word(w, "%s", option);
    word(w, "%s", value);
}

static void word_number(struct words *w, const char *option, uint64_t value)
{
    word(w, "%s", option);
    word(w, "%" PRIu64, value);
}

/* What the processes are besides many; mf_node_target says what it means. */
static void processes_put(struct words *w, const struct mf_node_target *node)
{
    word_option(w, "--purge", node->purge);
    word_number(w, "--lingerers", node->lingerers);
    word_number(w, "--control-group", node->control_group);
    word_option(w, "--supervision", node->supervision);
    word_number(w, "--group", node->group);
    if (node->links)
        word(w, "--links");
}

static void point_put(struct words *w, uint32_t row, const struct mf_upgrade_plan *u)
{
    const char *kind;
    uint32_t stage;
    uint64_t first;
    switch (u->kind) {
    case MF_POINT_STAGE:
        kind = "stage";
        stage = u->stage;
        first = u->message;
        break;
    case MF_POINT_VALUE:
        kind = "value";
        stage = MF_STAGE_DEQUEUED;
        first = u->value;
        break;
    case MF_POINT_QUEUE_DEPTH:
        kind = "depth";
        stage = MF_STAGE_ENQUEUED;
        first = u->queue_depth;
        break;
    default:
        return; /* not the node's */
    }
    word(w, "--point");
    word(w, "%s:%" PRIu32 ":%s:%" PRIu64 ":%" PRIu64 ":%" PRIu32 ":%d:%.0f", kind, row, mf_point_stage_keys[stage],
         first, u->kind == MF_POINT_VALUE ? 0 : u->every, u->count, u->hold, u->hold_ms);
}

static void points_put(struct words *w, const struct mf_cell *cell)
{
    for (uint32_t i = 0; i < cell->upgrades_count; i++)
        point_put(w, i, &cell->upgrades[i]);
}

static int modules_put(struct words *w, const struct mf_node_options *o, const char *dir, struct mf_error *err)
{
    for (uint32_t i = 0; i < o->cell->node.modules_count; i++) {
        char path[PATH_MAX];
        if (o->own_modules) {
            word(w, "--module");
            word(w, "%s/modules/%" PRIu32 ".so", dir, i);
            continue;
        }
        if (mf_module_path(o->modules_dir, o->cell->node.modules[i], path, sizeof path) != 0)
            return mf_error_set(err, MF_STATUS_TARGET, o->cell->node.modules[i], "its path is too long");
        word_option(w, "--module", path);
    }
    return 0;
}

static int words_put(struct words *w, const struct mf_node_options *o, const char *listen, const char *dir,
                     struct mf_error *err)
{
    const struct mf_cell *cell = o->cell;
    word(w, "%s", o->program);
    word_number(w, "--recorder-fd", 3);
    word_number(w, "--control-fd", 4);
    word_option(w, "--strategy", cell->node.strategy);
    processes_put(w, &cell->node);
    word_number(w, "--processes", cell->node.processes);
    word_number(w, "--schedulers", cell->node.schedulers);
    if (modules_put(w, o, dir, err) != 0)
        return -1;
    word_option(w, "--transport", mf_transport_keys[cell->load.transport]);
    if (listen)
        word_option(w, "--listen", listen);
    word_option(w, "--codec", cell->load.codec);
    word_option(w, "--dir", dir);
    word_number(w, "--seed", o->seed);
    /* half, so that the node says what took too long before we have to */
    word_number(w, "--patience-ms", cell->node.upgrade_ms < 2 ? 1 : (uint64_t)(cell->node.upgrade_ms / 2));
    word_number(w, "--accept-delay-us", cell->node.accept_delay_us);
    word_option(w, "--retire", cell->node.retire);
    points_put(w, cell);
    return 0;
}

/* One block: the vector, and behind it the words. */
static const char **words_cut(const struct words *w, const char *text, size_t bytes)
{
    size_t vector_bytes = (w->n + 1) * sizeof(char *);
    const char **vector = malloc(vector_bytes + bytes);
    if (!vector)
        return NULL;
    char *copy = (char *)vector + vector_bytes;
    memcpy(copy, text, bytes);
    for (size_t i = 0; i < w->n; i++) {
        vector[i] = copy;
        copy += strlen(copy) + 1;
    }
    vector[w->n] = NULL;
    return vector;
}

const char **mf_node_argv(const struct mf_node_options *options, const char *listen, const char *dir,
                          struct mf_error *err)
{
    char *text = NULL;
    size_t bytes = 0;
    struct words w = {.out = open_memstream(&text, &bytes)};
    const char **vector = NULL;
    int bad = w.out ? words_put(&w, options, listen, dir, err) : 0;
    bool whole = w.out && fclose(w.out) == 0;
    if (!bad && whole)
        vector = words_cut(&w, text, bytes);
    if (!bad && !vector)
        mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the node's command line");
    free(text);
    return vector;
}
