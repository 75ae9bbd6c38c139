/* The commands of `portico`, one file each. Every function returns the process's exit status. */
#ifndef PORTICO_CLI_CLI_H
#define PORTICO_CLI_CLI_H

#include <stdbool.h>

enum cli_status {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_BAD_CONFIG = 2, /* the configuration has problems; also for a wrong command line */
    CLI_BAD_USAGE = 2,
};

struct notation;

/* The configuration that a command is about. All borrowed. */
struct cli_source {
    const char *path;                /* "-": standard input */
    const struct notation *notation; /* NULL: as the path's name says */
};

/* An option of a command's own that takes no value. */
struct cli_flag {
    const char *name; /* "--strict"; NULL ends a list of them */
    bool *is_given;
};

/* Reads `[--format toml|json|yaml] [FILE]` and the command's `flags` (NULL: none) from its
 * NULL-terminated arguments, in any order; the file is by default CONFIG_PATH, or "config.toml".
 * 0, or -1 when they were wrong, which was said. */
int cli_source_parse(char **arguments, const struct cli_flag *flags, struct cli_source *source);

int cli_run(const struct cli_source *source); /* serve until SIGTERM or SIGINT */
int cli_check(char **arguments);              /* load and report */
int cli_version(void);

/* `topic` is a key, a section, a variable of the environment, a problem's code, "--reference" or
 * "--schema"; NULL: the commands. */
int cli_help(const char *topic);

#endif
