/* A configuration is loaded from its file, with all its problems at once. */
#ifndef PORTICO_CONFIG_LOAD_H
#define PORTICO_CONFIG_LOAD_H

#include "config/config.h"
#include "config/config_print.h"

#define CONFIG_DEFAULT_PATH "config.toml" /* in the current directory */
#define CONFIG_SIZE_MAX     (10u * 1024u * 1024u)

/* Loads and checks `path` ("-": standard input), with the environment. `format` NULL: the one
 * that the name of the file ends in. NULL with at least one error among the problems; else a
 * configuration with one reference, and perhaps warnings. Release the problems in both cases. */
struct config *config_load(const char *path, const struct format *format,
                           struct config_problems *problems);

/* The same, of a text in memory that goes by the name of `path`, which tells the format. */
struct config *config_load_text(const char *path, struct span text,
                                struct config_problems *problems);

/* What can be made out of `path`, however wrong it is: for a command that wants to know where
 * the process is that serves it (run_dir and cert_dir). Nothing else may be used of it. NULL only
 * when out of memory. */
struct config *config_peek(const char *path, const struct format *format);

#endif
