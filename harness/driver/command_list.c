/* midflight list: the names that a scenario or a report may hold, out of the lists that the code itself is made from */
#include <stdio.h>
#include <string.h>

#include "checker/result.h"
#include "driver/cli.h"
#include "scenario/scenario.h"
#include "strategies/flags.h"
#include "wire/codec.h"

static void row_print(const char *name, const char *text)
{
    printf("%-26s %s\n", name, text);
}

static void strategies_print(void)
{
    static const struct {
        unsigned flag;
        const char *text;
    } promises[] = {{EXCHANGES, "exchanges code"},
                    {KEEPS_MESSAGES, "loses no message"},
                    {KEEPS_STATE, "keeps state"},
                    {KEEPS_PROCESSES, "keeps processes"},
                    {KEEPS_OS_PROCESS, "keeps the OS process"},
                    {ANSWERS_TRIGGER, "answers the trigger"},
                    {ROLLS_BACK, "rolls back"}};
    static const struct {
        const char *name, *text;
        unsigned flags;
    } rows[] = {
#define MF_STRATEGY(id, name, flags, text) {name, text, flags},
#include "strategies/strategies.def"
#undef MF_STRATEGY
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        row_print(rows[i].name, rows[i].text);
        const char *before = "promises: ";
        printf("%-26s ", "");
        for (size_t j = 0; j < sizeof promises / sizeof promises[0]; j++)
            if (rows[i].flags & promises[j].flag) {
                printf("%s%s", before, promises[j].text);
                before = ", ";
            }
        putchar('\n');
    }
}

static void points_print(void)
{
#define MF_POINT(id, key, text) row_print(key, text);
#include "scenario/points.def"
#undef MF_POINT
}

static void faults_print(void)
{
#define MF_FAULT(id, name, kind, keys, text) row_print(name, text);
#include "faults/faults.def"
#undef MF_FAULT
}

static void codecs_print(void)
{
    const struct mf_codec *codec;
    for (size_t i = 0; (codec = mf_codec_at(i)); i++)
        row_print(codec->name, codec->summary);
}

static void outcomes_print(void)
{
#define MF_OUTCOME(id, key, text) row_print(key, text);
#include "recorder/outcomes.def"
#undef MF_OUTCOME
    puts("\nbeside the outcomes:");
#define MF_EXTRA(id, key, text) row_print(key, text);
#include "recorder/extras.def"
#undef MF_EXTRA
}

static void metrics_print(void)
{
    const char *key, *text;
    bool is_word;
    for (uint32_t i = 0; (key = mf_metric_at(i, &text, &is_word)); i++)
        row_print(key, text);
}

static void causes_print(void)
{
#define MF_CAUSE(id, key, text) row_print(key, text);
#include "recorder/causes.def"
#undef MF_CAUSE
}

static void halves_print(void)
{
    puts("\nin the middle of a frame, for points only:");
#define MF_HALF(id, key, text) row_print(key, text);
#include "recorder/halves.def"
#undef MF_HALF
}

static void stages_print(void)
{
#define MF_STAGE(id, key, text) row_print(key, text);
#include "recorder/stages.def"
#undef MF_STAGE
    halves_print();
}

static void wire_states_print(void)
{
#define MF_WIRE_STATE(id, key, text) row_print(key, text);
#include "recorder/wire_states.def"
#undef MF_WIRE_STATE
}

static void phases_print(void)
{
#define MF_PHASE(id, key, text) row_print(key, text);
#include "recorder/phases.def"
#undef MF_PHASE
}

static void questions_print(void)
{
#define MF_QUESTION(id, key, text) row_print(key, text);
#include "checker/questions.def"
#undef MF_QUESTION
}

static void transports_print(void)
{
#define MF_TRANSPORT(id, key, text) row_print(key, text);
#include "scenario/transports.def"
#undef MF_TRANSPORT
}

static const struct {
    const char *name;
    void (*print)(void);
} lists[] = {{"strategies", strategies_print}, {"points", points_print},         {"faults", faults_print},
             {"codecs", codecs_print},         {"outcomes", outcomes_print},     {"metrics", metrics_print},
             {"causes", causes_print},         {"stages", stages_print},         {"phases", phases_print},
             {"questions", questions_print},   {"transports", transports_print}, {"wire-states", wire_states_print}};
#define LISTS (sizeof lists / sizeof lists[0])

static int list_unknown(const char *name, struct mf_error *err)
{
    const char *names[LISTS];
    char all[256] = "";
    for (size_t i = 0; i < LISTS; i++) {
        size_t used = strlen(all);
        names[i] = lists[i].name;
        snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", names[i]);
    }
    const char *near = name ? mf_nearest(name, names, LISTS) : NULL;
    if (!name)
        return mf_error_set(err, MF_STATUS_USAGE, NULL, "list: of what is missing; there are: %s", all);
    return mf_error_set(err, MF_STATUS_USAGE, NULL, "list %s: no such list%s%s%s; there are: %s", name,
                        near ? "; did you mean " : "", near ? near : "", near ? "?" : "", all);
}

static int list_run(const struct mf_command *command, int argc, char **argv, enum mf_status *status,
                    struct mf_error *err)
{
    struct mf_words words = {.command = command, .argc = argc, .at = 1, .argv = argv};
    struct mf_word word;
    int more, seen = 0;
    *status = MF_STATUS_PASS;
    while ((more = mf_words_next(&words, &word, err)) > 0) {
        size_t i = 0;
        while (i < LISTS && strcmp(lists[i].name, word.value) != 0)
            i++;
        if (i == LISTS)
            return list_unknown(word.value, err);
        if (seen++)
            putchar('\n');
        lists[i].print();
    }
    if (more < 0)
        return -1;
    return seen ? 0 : list_unknown(NULL, err);
}

const struct mf_command mf_command_list = {.name = "list",
                                           .arguments = "WHAT...",
                                           .summary =
                                               "names of strategies, points, faults, codecs, outcomes, metrics, ...",
                                           .run = list_run};
