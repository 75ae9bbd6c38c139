/* The options of all commands, and how they are read. */
#ifndef PORTICO_CLI_OPTIONS_H
#define PORTICO_CLI_OPTIONS_H

#include "cli/cli.h"

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

#endif
