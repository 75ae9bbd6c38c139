/* The commands of `portico`, one file each. Every function returns the process's exit status. */
#ifndef PORTICO_CLI_CLI_H
#define PORTICO_CLI_CLI_H

enum cli_status {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_BAD_CONFIG = 2, /* the configuration has problems; also for a wrong command line */
    CLI_BAD_USAGE = 2,
};

/* The configuration file to use: `argument`, or CONFIG_PATH, or "config.toml". */
const char *cli_config_path(const char *argument);

int cli_run(const char *path);   /* serve until SIGTERM or SIGINT */
int cli_check(const char *path); /* load and report */
int cli_version(void);

/* `topic` is a key, a section, a variable of the environment, "--reference" or "--schema"; NULL:
 * the commands. */
int cli_help(const char *topic);

#endif
