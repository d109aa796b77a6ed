/* The command line's words: one table of commands, one of options; --help, parsing and suggestions read them. */
#ifndef VAETOP_CLI_OPTIONS_H
#define VAETOP_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vaetop/base/err.h"

#define SET_MAX 64
#define ARG_MAX_WORDS 16

/* Texts point into argv. */
struct options {
    const char *dir, *name, *device, *color, *theme, *trial, *output, *trials, *slots, *seed;
    const char *source, *count, *samples, *from, *steps, *labels, *networks, *rounds, *warm_start, *begun, *top, *seeds;
    const char *set[SET_MAX];
    size_t n_set;
    bool once, plain, json_lines, demo, no_tui, detach, dry_run, json, csv, optuna, quiet, slow, ascii, self_test, test;
    bool repair, clblast, tune, whole, help;
    const char *arg[ARG_MAX_WORDS]; /* words that are no options */
    int n_args;
};

/* One row an option. letter: also its short form when it is lower case; upper case letters are only names here. arg:
 * what its value is, NULL when it takes none. */
struct option_row {
    char letter;
    const char *word, *arg, *meaning;
};
const struct option_row *option_of(char letter);

struct cli_command {
    const char *word, *usage, *summary;
    const char *examples;  /* "command  what it does" lines */
    const char *takes;     /* option letters of options.c's table, in the order of --help */
    int least_args, most_args;
    enum err_code (*run)(const struct options *o, struct err *e);
};
extern const struct cli_command commands[];
extern const size_t n_commands;

const struct cli_command *command_find(const char *word);
/* Errors: USAGE (unknown option with the nearest, missing argument, wrong number of words). */
WUR enum err_code options_parse(struct options *out, const struct cli_command *c, int argc, char **argv, struct err *e);
void command_help(const struct cli_command *c);
void program_help(void);

#endif
