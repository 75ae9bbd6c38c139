/* The options of a command, wherever they stand among its arguments. */
#ifndef PORTICO_CLI_OPTIONS_H
#define PORTICO_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define OPTION_VALUES_MAX 64u /* of one that may be given several times */

/* Exactly one of the three says where it goes. The table ends with a name that is NULL. */
struct cli_option {
    const char *name;    /* "--json" */
    bool *flag;          /* set to `truth` */
    const char **value;  /* "--to X" or "--to=X"; given twice, the last one counts */
    const char **values; /* each time one more, NULL-terminated: of OPTION_VALUES_MAX + 1 */
    bool truth;
};

/* Takes the options out of a NULL-terminated list of arguments; what is left moves
 * up, and is for cli_source_parse. 0, or -1 when one has no value, or too many, which was said. */
int cli_options_take(char **arguments, const struct cli_option *options);

/* Says on standard error what is wrong with the command line. Returns CLI_BAD_USAGE. */
int cli_usage(const char *what, const char *word);

#endif
