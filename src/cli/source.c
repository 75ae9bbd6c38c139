/* Which configuration a command is about: its file, and the format that it is written in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "config/config.h"

static int usage(const char *what, const char *word)
{
    fprintf(stderr, "portico: %s: %s\nTry `portico help`.\n", what, word);
    return -1;
}

/* The value of --format, in `arguments` as "--format=toml" or in two parts. NULL: it is none. */
static const char *format_option(char ***arguments)
{
    const char *argument = **arguments;
    if (strncmp(argument, "--format=", 9) == 0)
        return argument + 9;
    if (strcmp(argument, "--format") != 0)
        return NULL;
    const char *value = (*arguments)[1];
    if (value)
        ++*arguments;
    return value ? value : "";
}

int cli_source_parse(char **arguments, struct cli_source *source)
{
    const char *path = getenv("CONFIG_PATH");
    *source = (struct cli_source){.path = NULL};
    for (; *arguments; arguments++) {
        const char *format = format_option(&arguments);
        if (format) {
            source->format = format_named(format);
            if (source->format == NULL)
                return usage("--format is not toml, json or yaml", format);
        } else if (**arguments == '-' && (*arguments)[1] != '\0') {
            return usage("unknown option", *arguments);
        } else if (source->path) {
            return usage("too many arguments", *arguments);
        } else {
            source->path = *arguments;
        }
    }
    if (source->path == NULL)
        source->path = path && *path ? path : CONFIG_DEFAULT_PATH;
    return 0;
}
