#include "targets/watch.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "targets/dial.h"
#include "targets/group.h"

#define DEAR_NS (10 * MF_NS_PER_MS) /* from one look at files and /proc to the next */
#define RUN_NS  (20 * MF_NS_PER_MS) /* from a program's end to its next run */

__attribute__((format(printf, 2, 3))) static bool missing(struct mf_watch *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(w->missing, sizeof w->missing, format, args);
    va_end(args);
    return false;
}

/* --- the beginning ------------------------------------------------------------------------------------------------ */

static int old_keep(struct mf_watch *w, const struct mf_kin *kin)
{
    struct mf_kin *more = realloc(w->old, (w->old_count + 1) * sizeof *more);
    if (!more)
        return -1;
    w->old = more;
    w->old[w->old_count++] = *kin;
    return 0;
}

/* Who must go: as it is now, at the request. */
static int old_list(struct mf_watch *w, struct mf_error *err)
{
    const struct mf_scene *scene = w->scene;
    int bad = 0;
    bool is_all = strcmp(w->condition->gone, "all") == 0;
    if (!is_all && strcmp(w->condition->gone, "old") != 0) {
        char *path = mf_fill_path(&scene->fill, w->condition->gone, err);
        struct mf_kin kin = {.pid = path ? mf_pid_file_read(path) : 0};
        struct mf_proc_stat stat;
        free(path);
        if (!path)
            return -1;
        if (!kin.pid || mf_proc_stat_read(kin.pid, &stat) != 0)
            return mf_error_set(err, MF_STATUS_TARGET, NULL, "gone: %s names no process that lives",
                                w->condition->gone);
        kin.born = stat.born;
        bad = old_keep(w, &kin);
    } else {
        for (uint32_t i = 0; i < scene->before_count && !bad; i++)
            if (is_all || scene->before[i].pid != scene->fill.pid)
                bad = old_keep(w, &scene->before[i]);
    }
    return bad ? mf_error_set(err, MF_STATUS_INTERNAL, NULL, "no memory for the processes of a target") : 0;
}

static off_t bytes_of(const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    off_t bytes = fseeko(file, 0, SEEK_END) == 0 ? ftello(file) : 0;
    fclose(file);
    return bytes;
}

int mf_watch_begin(struct mf_watch *w, struct mf_scene *scene, const struct mf_condition *condition, uint32_t k,
                   struct mf_error *err)
{
    *w = (struct mf_watch){.condition = condition, .scene = scene, .k = k, .began_ns = mf_clock_now_ns()};
    const char *file = condition->file ? condition->file : condition->log;
    int bad = 0;
    if (file && condition->log && strcmp(condition->log, "output") == 0)
        bad = (w->path = strdup(scene->output.path)) ? 0 : -1;
    else if (file)
        bad = (w->path = mf_fill_path(&scene->fill, file, err)) ? 0 : -1;
    if (!bad && condition->text)
        bad = (w->text = mf_fill_text(&scene->fill, condition->text, err)) ? 0 : -1;
    if (!bad && condition->log)
        w->search.from = w->search.at = bytes_of(w->path);
    if (!bad && condition->gone)
        bad = old_list(w, err);
    snprintf(w->missing, sizeof w->missing, "it was never looked at");
    if (bad)
        mf_watch_end(w);
    return bad ? -1 : 0;
}

void mf_watch_end(struct mf_watch *w)
{
    if (w->program && w->program->is_living)
        mf_group_signal(w->program->process.pid, SIGKILL);
    mf_program_forget(w->program);
    free(w->text);
    free(w->path);
    free(w->old);
    *w = (struct mf_watch){0};
}

/* --- the looks ---------------------------------------------------------------------------------------------------- */

static bool witness_holds(struct mf_watch *w, uint64_t now_ns)
{
    const struct mf_condition *c = w->condition;
    if ((!c->witness && c->old_silent_ms <= 0) || w->k == MF_NO_UPGRADE)
        return true;
    struct mf_sight sight = mf_sight_of(w->scene->rec, w->k);
    uint64_t silent_ns = (uint64_t)(c->old_silent_ms * (double)MF_NS_PER_MS),
             since_ns = sight.last_old_ns > w->began_ns ? sight.last_old_ns : w->began_ns;
    if (c->witness && !sight.first_new_ns)
        return missing(w, "no answer of version %" PRIu32 " has come%s", w->scene->fill.n,
                       sight.versions ? "" : " (the answers carry no version)");
    if (silent_ns && (since_ns > now_ns || now_ns - since_ns < silent_ns))
        return missing(w, "another version than %" PRIu32 " answered in the last %.0f ms", w->scene->fill.n,
                       c->old_silent_ms);
    return true;
}

static bool connect_holds(struct mf_watch *w)
{
    struct mf_error err = {0};
    if (!w->condition->connect)
        return true;
    char *endpoint = w->condition->connect_to ? mf_fill_text(&w->scene->fill, w->condition->connect_to, &err)
                                              : strdup(w->scene->endpoint);
    int fd = endpoint ? mf_dial(endpoint, &err) : -1;
    free(endpoint);
    if (fd < 0)
        return missing(w, "%.100s: %.120s", err.place, err.text);
    close(fd);
    return true;
}

static bool gone_holds(struct mf_watch *w)
{
    for (uint32_t i = 0; i < w->old_count; i++)
        if (mf_kin_lives(&w->old[i]))
            return missing(w, "process %d still lives", (int)w->old[i].pid);
    return true;
}

static bool file_holds(struct mf_watch *w)
{
    if (!w->path)
        return true;
    if (w->condition->file)
        w->search = (struct mf_search){0}; /* it may be replaced or written anew: looked at whole each time */
    if (mf_search_on(&w->search, w->path, w->text))
        return true;
    return missing(w, "\"%.80s\" does not stand in %.120s", w->text,
                   w->condition->file ? w->condition->file : w->condition->log);
}

/* Run again and again, one after the other. */
static bool run_holds(struct mf_watch *w)
{
    struct mf_error err = {0};
    char how[64], said[128];
    if (!w->condition->run.count)
        return true;
    if (!w->program) {
        w->printed_from = mf_output_bytes(&w->scene->steps);
        w->program = mf_program_start(w->scene, &w->condition->run, &w->scene->steps, &err);
        return missing(w, "%s%s%.160s", w->condition->run.word[0], w->program ? " has not ended" : ": ", err.text);
    }
    if (w->program->is_living)
        return missing(w, "%s has not ended", w->condition->run.word[0]);
    bool good = w->program->status == 0 && !w->program->signal;
    bool text = !w->text || w->path;
    if (good && !text) {
        struct mf_search search = {.from = w->printed_from, .at = w->printed_from};
        text = mf_search_on(&search, w->scene->steps.path, w->text);
    }
    mf_program_how(w->program, how, sizeof how);
    mf_program_forget(w->program);
    w->program = NULL;
    w->next_ns = mf_clock_now_ns() + RUN_NS;
    if (good && text)
        return true;
    return missing(w, "%s: %s%s; it said: %s", w->condition->run.word[0], how, good ? ", without the text" : "",
                   mf_output_tail(w->scene->steps.path, w->printed_from, said, sizeof said));
}

/* All must hold at once; what is cheap is asked first, and what is dear not too often. */
bool mf_watch_holds(struct mf_watch *w)
{
    uint64_t now_ns = mf_clock_now_ns();
    if (!witness_holds(w, now_ns) || now_ns < w->next_ns)
        return false;
    const struct mf_condition *c = w->condition;
    if (c->connect || c->gone || w->path)
        w->next_ns = now_ns + DEAR_NS;
    return gone_holds(w) && connect_holds(w) && file_holds(w) && run_holds(w);
}
