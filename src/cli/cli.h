/* The commands of `portico` are a table; here is what they share. */
#ifndef PORTICO_CLI_CLI_H
#define PORTICO_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

enum cli_status {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_BAD_CONFIG = 2, /* the configuration has problems; also for a wrong command line */
    CLI_BAD_USAGE = 2,
};

#define CLI_FIELDS_MAX 64u /* of --header */

/* What a command was called with. All borrowed; what was not said is NULL, false, or a default. */
struct cli_call {
    const char *word; /* the argument that the command has besides FILE */
    const char *file; /* the configuration; "-": standard input */
    const struct format *format, *to;
    bool strict, json, offline, without_defaults, reference, schema;
    const char *method, *from, *fields[CLI_FIELDS_MAX + 1];
};

/* Finds the command that the arguments of the process (without its own name) begin with, and runs
 * it. The exit status. */
int cli_main(char **arguments);

/* The commands with their options, for people. */
void cli_print_commands(void);

/* Loads the configuration; NULL when it has problems, which are then printed. */
struct config *cli_load(const struct cli_call *call);

/* Says on standard error what went wrong. Returns CLI_FAILED. */
int cli_failed(const char *why);

/* Says on standard error what is wrong with the command line. Returns -1. */
int cli_usage(const char *what, const char *word);

/* The commands: see the table in cli.c. Each returns the exit status. */
int cli_run(const struct cli_call *call);
int cli_check(const struct cli_call *call);
int cli_explain(const struct cli_call *call);
int cli_reload(const struct cli_call *call);
int cli_help(const struct cli_call *call);

#endif
