/* The commands of `portico`, one file each. Every function returns the process's exit status. */
#ifndef PORTICO_CLI_CLI_H
#define PORTICO_CLI_CLI_H

enum cli_status {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_BAD_CONFIG = 2, /* the configuration has problems; also for a wrong command line */
    CLI_BAD_USAGE = 2,
};

struct format;

/* The configuration that a command is about. All borrowed. */
struct cli_source {
    const char *path;            /* "-": standard input */
    const struct format *format; /* NULL: as the path's name says */
};

/* Reads `[--format toml|json|yaml] [FILE]` from a command's NULL-terminated arguments; the file
 * is by default CONFIG_PATH, or "config.toml". 0, or -1 when they were wrong, which was said. */
int cli_source_parse(char **arguments, struct cli_source *source);

int cli_run(const struct cli_source *source);    /* serve until SIGTERM or SIGINT */
int cli_reload(const struct cli_source *source); /* ask the process that serves it */
int cli_version(void);

/* These read their own arguments, NULL-terminated, and move them. */
int cli_check(char **arguments);   /* load, look around and report */
int cli_config(char **arguments);  /* the configuration in force, in any format */
int cli_explain(char **arguments); /* what would become of a request */

/* `topic` is a key, a section, a variable of the environment, a problem's code, "--reference" or
 * "--schema"; NULL: the commands. */
int cli_help(const char *topic);

#endif
