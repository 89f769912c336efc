/* midflight help, --help, --version */
#include <stdio.h>
#include <string.h>

#include "driver/cli.h"

static void overview_print(void)
{
    puts("midflight: what does a code upgrade do to the messages in flight?\n");
    for (size_t i = 0; mf_commands[i]; i++)
        printf("  midflight %-8s %-24s %s\n", mf_commands[i]->name, mf_commands[i]->arguments, mf_commands[i]->summary);
    puts("  midflight --version\n\nExit status:");
#define MF_STATUS(id, value, text) printf("  %3d  %s\n", value, text);
#include "base/status.def"
#undef MF_STATUS
}

static void command_print(const struct mf_command *command)
{
    printf("midflight %s %s\n    %s\n", command->name, command->arguments, command->summary);
    for (const struct mf_option *o = command->options; o && o->name; o++) {
        char head[48];
        snprintf(head, sizeof head, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
        printf("  %-22s %s\n", head, o->text);
    }
}

static int help_run(const struct mf_command *command, int argc, char **argv, enum mf_status *status,
                    struct mf_error *err)
{
    (void)command;
    *status = MF_STATUS_PASS;
    if (strcmp(argv[0], "--version") == 0) {
        puts("midflight " MIDFLIGHT_VERSION " (" MIDFLIGHT_BUILD_TYPE ")");
        return 0;
    }
    if (argc < 2) {
        overview_print();
        return 0;
    }
    /* "midflight help run", and "midflight run --help", which is handed on as the words "midflight run" */
    const struct mf_command *about = mf_command_find(argv[1], err);
    if (!about)
        return -1;
    command_print(about);
    return 0;
}

const struct mf_command mf_command_help = {
    .name = "help", .arguments = "[SUBCOMMAND]", .summary = "this, or all about one subcommand", .run = help_run};
