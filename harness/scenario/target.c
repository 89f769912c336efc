/* The system under test: our node or a command, written down in the scenario or in a file of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenario/command_parts.h"
#include "strategies/flags.h"

static const char *const strategy_names[] = {
#define MF_STRATEGY(id, name, flags, text) name,
#include "strategies/strategies.def"
#undef MF_STRATEGY
};
static const unsigned strategy_flags[] = {
#define MF_STRATEGY(id, name, flags, text) flags,
#include "strategies/strategies.def"
#undef MF_STRATEGY
};
#define STRATEGIES (sizeof strategy_names / sizeof *strategy_names)

static const char *const retire_words[] = {
#define MF_RETIRE(id, key, text) key,
#include "strategies/retire.def"
#undef MF_RETIRE
};
static const char *const purge_words[] = {
#define MF_PURGE(id, key, text) key,
#include "strategies/purge.def"
#undef MF_PURGE
};
static const char *const supervision_words[] = {
#define MF_SUPERVISION(id, key, text) key,
#include "strategies/supervision.def"
#undef MF_SUPERVISION
};
#define WORDS(array) .words = array, .words_count = sizeof array / sizeof *array

struct node_read {
    struct mf_node_target node;
    uint32_t strategy, purge, supervision, retire;
};

static const struct mf_field target_rows[] = {
    {"name", MF_FIELD_NAME,
     .text = "what to call this target in cells and reports; one from a file is named after its file"},
    {"description", MF_FIELD_TEXT, .text = "free text"},
    {"comment", MF_FIELD_TEXT, .text = "free text"},
    {"here", MF_FIELD_TEXT,
     .text = "the folder that {here} means and files are copied from; that of the target's file"},
    {"load", MF_FIELD_PART, .text = "an object: keys of the scenario's load, for where that does not have them itself"},
    {"node", MF_FIELD_PART, .text = "an object: midflight's own node"},
    {"command", MF_FIELD_PART, .text = "an object: any other program"},
};
static const struct mf_field node_rows[] = {
    {"strategy", MF_FIELD_WORD, true, MF_MEMBER(node_read, strategy), .words = strategy_names,
     .words_count = STRATEGIES, .text = "the way in which the node's code is exchanged"},
    {"processes", MF_FIELD_INTEGER, false, MF_MEMBER(node_read, node.processes), 1, 1000000, "64",
     .text = "lightweight processes in the node"},
    {"schedulers", MF_FIELD_INTEGER, false, MF_MEMBER(node_read, node.schedulers), 1, 64, "1",
     .text = "threads that run processes"},
    {"purge", MF_FIELD_WORD, false, MF_MEMBER(node_read, purge), .fallback = "\"soft\"", WORDS(purge_words),
     .text = "two-version: what becomes of processes that do not leave the old version"},
    {"lingerers", MF_FIELD_INTEGER, false, MF_MEMBER(node_read, node.lingerers), 0, 1000000, "0",
     .text = "two-version: the first so many processes make local calls only, and never leave a version by themselves"},
    {"control_group", MF_FIELD_INTEGER, false, MF_MEMBER(node_read, node.control_group), 0, 1000000, "0",
     .text = "the last so many processes stay out of every upgrade, and their latency is told apart"},
    {"supervision", MF_FIELD_WORD, false, MF_MEMBER(node_read, supervision), .fallback = "\"one-for-one\"",
     WORDS(supervision_words), .text = "what a supervisor does when one of its group has died"},
    {"group", MF_FIELD_INTEGER, false, MF_MEMBER(node_read, node.group), 1, 1000000, "1",
     .text = "processes under one supervisor, neighbours on one scheduler"},
    {"links", MF_FIELD_FLAG, false, MF_MEMBER(node_read, node.links), .fallback = "false",
     .text = "the neighbours in a group are linked: each dies with the other"},
    {"modules", MF_FIELD_PART, .required = true,
     .text = "an array of 1 to 64 modules, each \"pingpong/v1\" or a path that ends in .so"},
    {"retire", MF_FIELD_WORD, false, MF_MEMBER(node_read, retire), .fallback = "\"finish\"", WORDS(retire_words),
     .text = "strategy reuseport: how the old copy ends"},
    {"accept_delay_us", MF_FIELD_INTEGER, false, MF_MEMBER(node_read, node.accept_delay_us), 0, 1000000, "0",
     .text = "between two accepted connections, so that the accept queue fills; 0: as they come"},
    {"tcp_migrate_req", MF_FIELD_INTEGER, false, MF_MEMBER(node_read, node.tcp_migrate_req), 0, 1,
     .text = "transport tcp: node and load run in a network namespace of their own (which needs root) where "
             "net.ipv4.tcp_migrate_req has this value; default: in the machine's own, as it is"},
    {"ready_ms", MF_FIELD_NUMBER, false, MF_MEMBER(node_read, node.ready_ms), 1, 600000, "5000",
     .text = "deadline of a start"},
    {"upgrade_ms", MF_FIELD_NUMBER, false, MF_MEMBER(node_read, node.upgrade_ms), 1, 600000, "5000",
     .text = "deadline of an upgrade"},
    {"stop_ms", MF_FIELD_NUMBER, false, MF_MEMBER(node_read, node.stop_ms), 1, 600000, "5000",
     .text = "deadline of a stop"},
};
const struct mf_field_table mf_target_fields = {target_rows, sizeof target_rows / sizeof *target_rows};
const struct mf_field_table mf_node_fields = {node_rows, sizeof node_rows / sizeof *node_rows};

/* "targets/erlang.json" beside "scenarios/a.json" is "scenarios/targets/erlang.json". NULL: no memory. */
static char *path_beside(const char *scenario, const char *file)
{
    const char *slash = strrchr(scenario, '/');
    int folder = file[0] == '/' || !slash ? 0 : (int)(slash - scenario) + 1;
    char *path;
    return asprintf(&path, "%.*s%s", folder, scenario, file) < 0 ? NULL : path;
}

/* The absolute folder of `file`, which is named relative to the scenario, or (NULL) of the scenario itself. In the
 * arena; NULL with the reader's *err. */
static const char *folder_of(const struct mf_reader *r, const char *path, const char *file)
{
    char *beside = file ? path_beside(r->file, file) : strdup(r->file);
    char *slash = beside ? strrchr(beside, '/') : NULL;
    if (!beside) {
        mf_reader_no_memory(r);
        return NULL;
    }
    if (slash)
        slash[slash == beside] = 0;
    char *absolute = realpath(slash ? beside : ".", NULL);
    const char *folder = absolute ? mf_arena_text(r->arena, absolute) : NULL;
    free(absolute);
    free(beside);
    if (!folder)
        mf_reader_fail(r, path, "the folder of its file cannot be found");
    return folder;
}

/* A command's files are beside it: where that was is kept, since the target may be written down elsewhere later. */
static int here_set(const struct mf_reader *r, const char *path, json_t *target, const char *file)
{
    const char *here;
    if (!json_object_get(target, "command") || json_object_get(target, "here"))
        return 0;
    if (!(here = folder_of(r, path, file)))
        return -1;
    return json_object_set_new(target, "here", json_string(here)) == 0 ? 0 : mf_reader_no_memory(r);
}

/* The object in that file, named. */
static json_t *target_from_file(const struct mf_reader *r, const char *path, const char *file)
{
    if (!file[0]) {
        mf_reader_fail(r, path, "is \"\"; allowed: an object, or the path of a file that holds one");
        return NULL;
    }
    char *beside = path_beside(r->file, file), label[65];
    json_t *target = NULL;
    if (!beside)
        mf_reader_no_memory(r);
    else
        target = mf_file_read(beside, r->err);
    free(beside);
    if (target && here_set(r, path, target, file) != 0) {
        json_decref(target);
        return NULL;
    }
    if (!target || json_object_get(target, "name"))
        return target;
    json_t *name = json_string(file);
    mf_value_label(label, sizeof label, name);
    json_decref(name);
    if (mf_name_is_good(label) && json_object_set_new(target, "name", json_string(label)) != 0) {
        json_decref(target);
        mf_reader_no_memory(r);
        return NULL;
    }
    return target;
}

int mf_target_inline(const struct mf_reader *r, const char *path, json_t *holder, const char *key)
{
    const char *file = json_string_value(json_object_get(holder, key));
    if (!file)
        return here_set(r, path, json_object_get(holder, key), NULL);
    json_t *target = target_from_file(r, path, file);
    if (!target)
        return -1;
    return json_object_set_new(holder, key, target) == 0 ? 0 : mf_reader_no_memory(r);
}

int mf_target_inline_at(const struct mf_reader *r, const char *path, json_t *array, size_t i)
{
    const char *file = json_string_value(json_array_get(array, i));
    if (!file)
        return here_set(r, path, json_array_get(array, i), NULL);
    json_t *target = target_from_file(r, path, file);
    if (!target)
        return -1;
    return json_array_set_new(array, i, target) == 0 ? 0 : mf_reader_no_memory(r);
}

static bool module_is_good(const char *module)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-/";
    size_t bytes = strlen(module);
    if (bytes == 0 || bytes > MF_MODULE_BYTES_MAX)
        return false;
    if (bytes > 3 && strcmp(module + bytes - 3, ".so") == 0)
        return true;
    return strspn(module, allowed) == bytes && module[0] != '/' && module[bytes - 1] != '/' && !strstr(module, "..");
}

static int modules_read(const struct mf_reader *r, const json_t *modules, struct mf_node_target *node)
{
    char shown[80], place[MF_KEY_PATH_BYTES];
    size_t n = json_array_size(modules);
    if (!json_is_array(modules) || n < 1 || n > MF_MODULES_MAX)
        return mf_reader_fail(r, "target.node.modules", "is %s; allowed: an array of 1 to %d modules",
                              mf_json_show(shown, sizeof shown, modules), MF_MODULES_MAX);
    node->modules = mf_arena_alloc(r->arena, n, sizeof *node->modules);
    if (!node->modules)
        return mf_reader_no_memory(r);
    for (size_t i = 0; i < n; i++) {
        const json_t *module = json_array_get(modules, i);
        if (!json_is_string(module) || !module_is_good(json_string_value(module))) {
            snprintf(place, sizeof place, "target.node.modules[%zu]", i);
            return mf_reader_fail(r, place, "is %s; allowed: a name like \"pingpong/v1\", or a path that ends in .so",
                                  mf_json_show(shown, sizeof shown, module));
        }
        if (!(node->modules[i] = mf_arena_text(r->arena, json_string_value(module))))
            return mf_reader_no_memory(r);
    }
    node->modules_count = (uint32_t)n;
    return 0;
}

/* A strategy with what belongs to it: its keys become the node's own, and take the place of those that stand there. */
static int strategy_spread(const struct mf_reader *r, json_t *node)
{
    char shown[80];
    const char *key;
    json_t *value, *variant = json_object_get(node, "strategy");
    if (!json_is_object(variant))
        return 0;
    const char *name = json_string_value(json_object_get(variant, "name"));
    if (!name || !mf_name_is_good(name) || !json_is_string(json_object_get(variant, "strategy")))
        return mf_reader_fail(r, "target.node.strategy",
                              "is %s; allowed: a strategy's name, or an object with `name` (" MF_NAME_RULE
                              "), `strategy` and other keys of target.node",
                              mf_json_show(shown, sizeof shown, variant));
    json_incref(variant);
    int bad = 0;
    json_object_foreach(variant, key, value)
    {
        if (strcmp(key, "name") != 0 && !bad && json_object_set(node, key, value) != 0)
            bad = mf_reader_no_memory(r);
    }
    json_decref(variant);
    return bad;
}

static int processes_check(const struct mf_reader *r, const struct mf_node_target *node)
{
    if (strcmp(node->strategy, "two-version") != 0 && node->lingerers > 0)
        return mf_reader_fail(r, "target.node.lingerers",
                              "is %u, but strategy %s has no two versions side by side; allowed: 0", node->lingerers,
                              node->strategy);
    if (strcmp(node->strategy, "two-version") != 0 && strcmp(node->purge, purge_words[0]) != 0)
        return mf_reader_fail(r, "target.node.purge",
                              "is \"%s\", but strategy %s has no two versions side by side; allowed: %s", node->purge,
                              node->strategy, purge_words[0]);
    if (node->control_group > 0 && !(node->flags & KEEPS_OS_PROCESS))
        return mf_reader_fail(r, "target.node.control_group",
                              "is %u, but strategy %s replaces the OS process and everybody in it; allowed: 0",
                              node->control_group, node->strategy);
    if (node->lingerers >= node->processes || node->control_group >= node->processes - node->lingerers)
        return mf_reader_fail(r, "target.node.processes",
                              "is %u, with %u lingerers and a control group of %u; allowed: more than both together",
                              node->processes, node->lingerers, node->control_group);
    if (node->group < 2 && (node->links || strcmp(node->supervision, supervision_words[0]) != 0))
        return mf_reader_fail(r, "target.node.group", "is %u: nobody could die with anybody; allowed: at least 2",
                              node->group);
    return 0;
}

static int node_read(const struct mf_reader *r, json_t *node, struct mf_node_target *out)
{
    struct node_read read = {.node.tcp_migrate_req = MF_OWN_NETWORK};
    if (json_is_object(node) && strategy_spread(r, node) != 0)
        return -1;
    if (mf_fields_read(r, "target.node", node, node_rows, mf_node_fields.n, &read) != 0 ||
        modules_read(r, json_object_get(node, "modules"), &read.node) != 0)
        return -1;
    read.node.strategy = strategy_names[read.strategy];
    read.node.flags = strategy_flags[read.strategy];
    read.node.purge = purge_words[read.purge];
    read.node.supervision = supervision_words[read.supervision];
    read.node.retire = retire_words[read.retire];
    *out = read.node;
    return processes_check(r, out);
}

static int command_read(const struct mf_reader *r, json_t *target, struct mf_cell *cell)
{
    struct mf_command_target *command = mf_arena_alloc(r->arena, 1, sizeof *command);
    const char *name = json_string_value(json_object_get(target, "name")), *here;
    if (!command)
        return mf_reader_no_memory(r);
    if (here_set(r, "target", target, NULL) != 0)
        return -1;
    if (!(here = mf_arena_text(r->arena, json_string_value(json_object_get(target, "here")))) ||
        (name && !(command->name = mf_arena_text(r->arena, name))))
        return mf_reader_no_memory(r);
    if (here[0] != '/')
        return mf_reader_fail(r, "target.here", "is \"%s\"; allowed: an absolute path", here);
    if (mf_command_read(r, json_object_get(target, "command"), here, command) != 0)
        return -1;
    cell->command = command;
    cell->node = (struct mf_node_target){
        .processes = command->processes, .schedulers = 1, .group = 1, .tcp_migrate_req = MF_OWN_NETWORK};
    return 0;
}

int mf_target_read(const struct mf_reader *r, json_t *target, struct mf_cell *cell)
{
    struct node_read unused = {0};
    if (mf_fields_read(r, "target", target, target_rows, mf_target_fields.n, &unused) != 0)
        return -1;
    json_t *node = json_object_get(target, "node"), *command = json_object_get(target, "command");
    if (!node == !command)
        return mf_reader_fail(r, "target", "has %s; allowed: one of node and command",
                              node ? "both node and command" : "neither node nor command");
    return node ? node_read(r, node, &cell->node) : command_read(r, target, cell);
}
