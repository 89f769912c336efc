/* midflight check: what would be run */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/cli.h"
#include "driver/planhash.h"
#include "driver/shape.h"
#include "scenario/scenario.h"

static void row_print(const struct mf_upgrade_plan *u)
{
    const char *held = u->hold ? ", the message held until the upgrade has ended" : "";
    switch (u->kind) {
    case MF_POINT_TIME:
        printf("at %g ms after the warm-up", u->time_ms);
        break;
    case MF_POINT_EVERY:
        printf("every %g ms from %g ms after the warm-up on", u->every_ms, u->from_ms);
        if (u->jitter_ms > 0)
            printf(", give or take %g ms", u->jitter_ms);
        break;
    case MF_POINT_MESSAGE:
        printf("after ping number %" PRIu64 " was sent", u->message);
        break;
    case MF_POINT_VALUE:
        printf("on the ping that carries %" PRIu64 "%s", u->value, held);
        break;
    case MF_POINT_IN_FLIGHT:
        printf("when %" PRIu64 " pings are in flight", u->in_flight);
        break;
    case MF_POINT_QUEUE_DEPTH:
        printf("when %" PRIu64 " messages are in a mailbox", u->queue_depth);
        break;
    default:
        printf("when message number %" PRIu64 " is %s%s", u->message, mf_point_stage_keys[u->stage], held);
        break;
    }
    if (u->kind != MF_POINT_EVERY && u->count > 1)
        printf(u->kind == MF_POINT_IN_FLIGHT || u->kind == MF_POINT_QUEUE_DEPTH ? ", again after %" PRIu64 " more"
                                                                                : ", then every %" PRIu64,
               u->every);
    printf(u->count > 1 ? ": %" PRIu32 " times\n" : "\n", u->count);
}

static void fault_print(const struct mf_fault_plan *f)
{
    printf("    fault %s%s", mf_fault_names[f->id], f->noop ? " (no-op)" : "");
    if (f->kind == MF_FAULT_KIND_PROCESS)
        printf(" to %s", mf_whom_names[f->whom]);
    switch (f->at) {
    case MF_FAULT_AT_UPGRADE:
        printf(" in upgrade %" PRIu32, f->upgrade);
        break;
    case MF_FAULT_AT_PHASE:
        printf(" when upgrade %" PRIu32 " is %s", f->upgrade, mf_phase_keys[f->phase]);
        break;
    case MF_FAULT_AT_MESSAGE:
        printf(" after ping number %" PRIu64 " was sent", f->message);
        break;
    case MF_FAULT_AT_TIME:
        printf(" at %g ms after the warm-up", f->time_ms);
        break;
    default:
        printf(" every %g ms from %g ms after the warm-up on", f->every_ms, f->from_ms);
        break;
    }
    if (f->count > 1 && f->every > 0)
        printf(", then every %" PRIu64, f->every);
    if (f->duration_ms > 0)
        printf(", for %g ms", f->duration_ms);
    printf(f->count > 1 ? ": %" PRIu32 " times\n" : "\n", f->count);
}

static void expect_print(const struct mf_expect *e)
{
    printf("    expect %s", e->key);
    if (e->word[0])
        printf(" = %s", e->word);
    if (e->has_equal)
        printf(" = %g", e->equal);
    if (e->has_min)
        printf(" >= %g", e->min);
    if (e->has_max)
        printf(" <= %g", e->max);
    putchar('\n');
}

static void node_print(const struct mf_node_target *node)
{
    printf("    target node, strategy %s, %" PRIu32 " processes on %" PRIu32 " schedulers, modules", node->strategy,
           node->processes, node->schedulers);
    for (uint32_t i = 0; i < node->modules_count; i++)
        printf(" %s", node->modules[i]);
    putchar('\n');
}

static void words_print(const struct mf_argv *argv)
{
    for (uint32_t i = 0; i < argv->count; i++)
        printf(" %.*s%s", (int)strcspn(argv->word[i], "\n"), argv->word[i], strchr(argv->word[i], '\n') ? "..." : "");
}

static void steps_print(const char *name, const struct mf_steps *steps)
{
    for (uint32_t i = 0; i < steps->count; i++) {
        const struct mf_step *step = &steps->step[i];
        printf("      %s %" PRIu32 ". %s", name, i + 1, mf_step_keys[step->verb]);
        if (step->what)
            printf(" %.*s", (int)strcspn(step->what, "\n"), step->what);
        if (step->pid_file)
            printf(" to %s", step->pid_file);
        words_print(&step->argv);
        putchar('\n');
    }
}

static void command_print(const struct mf_command_target *c)
{
    printf("    target command %s, at %s, %" PRIu32 " processes:", c->name ? c->name : "without a name", c->endpoint,
           c->processes);
    words_print(&c->start);
    putchar('\n');
    steps_print("prepare", &c->prepare);
    steps_print("upgrade", &c->upgrade);
    steps_print("stop", &c->stop);
}

static void cell_print(const struct mf_cell *cell)
{
    char load[64];
    const struct mf_load *l = &cell->load;
    mf_shape_load_text(l, load, sizeof load);
    printf("  cell %s\n", cell->name);
    if (cell->command)
        command_print(cell->command);
    else
        node_print(&cell->node);
    printf("    load %s, %s, codec %s, %" PRIu32 " workers, %" PRIu32 " connections, %" PRIu32
           " streams each, %g ms after %g ms\n",
           load, mf_transport_keys[l->transport], l->codec, l->workers, l->connections, l->streams_per_connection,
           l->duration_ms, l->warmup_ms);
    for (uint32_t i = 0; i < cell->upgrades_count; i++) {
        printf("    %" PRIu32 ". upgrade ", i + 1);
        row_print(&cell->upgrades[i]);
    }
    for (uint32_t i = 0; i < cell->faults_count; i++)
        fault_print(&cell->faults[i]);
    for (uint32_t i = 0; i < cell->expect_count; i++)
        expect_print(&cell->expect[i]);
}

static double plan_seconds(const struct mf_scenario *s)
{
    double ms = 0;
    for (uint32_t i = 0; i < s->cells_count; i++)
        ms += s->cells[i].load.warmup_ms + s->cells[i].load.duration_ms;
    return ms * s->repeat / 1e3;
}

static int scenario_check(const char *path, struct mf_error *err)
{
    struct mf_scenario *s = mf_scenario_load(path, NULL, err);
    if (!s)
        return -1;
    int bad = 0;
    uint64_t hash = 0;
    for (uint32_t i = 0; !bad && i < s->cells_count; i++)
        bad = mf_shape_check(&s->cells[i], err);
    if (!bad && mf_plan_hash(s, &hash, err) != 0) {
        bad = -1;
    } else if (bad) {
        snprintf(err->place, sizeof err->place, "%s", path);
    } else {
        printf("%s: %s, %" PRIu32 " cells, %" PRIu32 " runs of each, %.0f s of pinging, seed %" PRIu64
               ", plan %016" PRIx64 "\n",
               path, s->name, s->cells_count, s->repeat, plan_seconds(s), s->seed, hash);
        for (uint32_t i = 0; i < s->cells_count; i++)
            cell_print(&s->cells[i]);
    }
    mf_scenario_free(s);
    return bad;
}

static int check_run(const struct mf_command *command, int argc, char **argv, enum mf_status *status,
                     struct mf_error *err)
{
    struct mf_words words = {.command = command, .argc = argc, .at = 1, .argv = argv};
    struct mf_word word;
    int more, seen = 0, failed = 0;
    *status = MF_STATUS_PASS;
    while ((more = mf_words_next(&words, &word, err)) > 0) {
        struct mf_error bad = {0};
        seen++;
        if (scenario_check(word.value, &bad) == 0)
            continue;
        /* Each scenario has its say, and the last wrong one is told by main. */
        if (failed++)
            mf_error_print("midflight", err);
        *err = bad;
    }
    if (more < 0 || failed)
        return -1;
    return seen ? 0
                : mf_error_set(err, MF_STATUS_USAGE, NULL, "check: a scenario is missing: midflight check SCENARIO...");
}

const struct mf_command mf_command_check = {.name = "check",
                                            .arguments = "SCENARIO...",
                                            .summary = "validate, print cells and plan, run nothing",
                                            .run = check_run};
