/* The commands of portico(1). Each takes the configuration file's path, or NULL for the usual
 * one (CONFIG_PATH, or config.toml in the current directory), and returns the exit status: 0,
 * 1 for trouble at run time, 2 for a faulty configuration. */
#ifndef PORTICO_CLI_CLI_H
#define PORTICO_CLI_CLI_H

/* Serves until it is told to end. */
int cli_run(const char *path);

/* Loads the configuration and says whether it is sound: "FILE: ok, N routes" on standard
 * output, or all problems on standard error. */
int cli_check(const char *path);

int cli_version(void);
int cli_help(void);

#endif
