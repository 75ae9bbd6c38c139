/* The commands of `portico` and their options, as tables, and what all of them use. */
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

struct cli_command {
    const char *name;
    const char *word; /* what stands before FILE, for people; NULL: nothing */
    bool has_file;
    int (*run)(const struct cli_call *call); /* returns the exit status */
    const char *help;
};

extern const struct cli_command cli_commands[]; /* to a name that is NULL */

enum cli_option_kind { OPTION_FLAG, OPTION_NO_FLAG, OPTION_TEXT, OPTION_TEXTS, OPTION_FORMAT };

struct cli_option {
    const char *name;    /* "--json" */
    const char *value;   /* what follows it, for people; NULL: nothing */
    const char *command; /* whose it is; NULL: of every command that has a FILE */
    enum cli_option_kind
        kind;      /* OPTION_TEXTS may be given several times; else the last one counts */
    size_t offset; /* in struct cli_call */
    const char *help;
};

extern const struct cli_option cli_options[]; /* to a name that is NULL */

/* Reads the arguments of a command, NULL-terminated; options stand anywhere among them, as
 * "--to json" or "--to=json". 0, or -1 when they are wrong, which was said. */
int cli_options_read(const struct cli_command *command, char **arguments, struct cli_call *call);

/* Finds the command that the arguments of the process (without its own name) begin with, and runs
 * it. The exit status. */
int cli_main(char **arguments);

/* Loads the configuration; NULL when it has problems, which are then printed. */
struct config *cli_load(const struct cli_call *call);

/* Says on standard error what went wrong. Returns CLI_FAILED. */
int cli_failed(const char *why);

/* Says on standard error what is wrong with the command line. Returns -1. */
int cli_usage(const char *what, const char *word);

int cli_run(const struct cli_call *call);
int cli_check(const struct cli_call *call);
int cli_config(const struct cli_call *call);
int cli_explain(const struct cli_call *call);
int cli_reload(const struct cli_call *call);
int cli_help(const struct cli_call *call);

#endif
