/* The command line: one table of subcommands, each with one table of options. */
#ifndef MF_DRIVER_CLI_H
#define MF_DRIVER_CLI_H

#include <stdint.h>

#include "base/error.h"

struct mf_option {
    const char *name;  /* "repeat": given as --repeat N or --repeat=N */
    const char *value; /* how its value is called in the help; NULL: it takes none */
    const char *text;
};

struct mf_command {
    const char *name;
    const char *arguments;           /* "SCENARIO [OPTION]..." */
    const char *summary;             /* one line */
    const struct mf_option *options; /* ended by a row without a name; NULL: none */
    /* argv[0] is the subcommand. 0 with the exit status in *status, or -1 with *err. */
    int (*run)(const struct mf_command *command, int argc, char **argv, enum mf_status *status, struct mf_error *err);
};

extern const struct mf_command mf_command_run, mf_command_compare, mf_command_check, mf_command_judge,
    mf_command_export, mf_command_list, mf_command_init, mf_command_doctor, mf_command_help;
/* All of them, NULL-terminated, in the order of the help. */
extern const struct mf_command *const mf_commands[];

/* By name. NULL with USAGE, and the nearest name suggested. */
const struct mf_command *mf_command_find(const char *name, struct mf_error *err);

/* Walks the words behind the subcommand. Options and arguments may be mixed; behind "--" all are arguments. */
struct mf_words {
    const struct mf_command *command;
    int argc, at;
    char **argv;
    int only_arguments;
};
struct mf_word {
    const struct mf_option *option; /* NULL: an argument */
    const char *value;              /* the option's value, or the argument */
};
/* 1: the next word is in *word; 0: no more; -1: *err (unknown option, value missing or not wanted). */
int mf_words_next(struct mf_words *words, struct mf_word *word, struct mf_error *err);
/* A whole number. -1 with USAGE, naming the option. */
int mf_word_number(const struct mf_word *word, uint64_t min, uint64_t max, uint64_t *number, struct mf_error *err);

/* Flushes stdout. -1 with INTERNAL where something could not be written: a table that was cut off must not look whole.
 */
int mf_stdout_flush(struct mf_error *err);

/* All of `midflight`: returns the exit status. */
int mf_cli_main(int argc, char **argv);

#endif
