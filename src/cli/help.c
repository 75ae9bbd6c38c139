/* `portico help`: the commands, and the environment from the schema. */
#include <stdio.h>

#include "cli/cli.h"
#include "config/config.h"
#include "config/schema.h"

int cli_help(void)
{
    printf("Portico: one process in front of every service, one file that says what goes where.\n"
           "\n"
           "  portico run [FILE]     serve; the default command\n"
           "  portico check [FILE]   check the configuration and report every problem\n"
           "  portico version        print the version\n"
           "  portico help           print this\n"
           "\n"
           "FILE is the configuration; by default $CONFIG_PATH, or %s in the current\n"
           "directory; - is standard input. It is written in TOML, JSON or YAML, as its name\n"
           "(.toml, .json, .yaml, .yml) or --format toml|json|yaml before FILE says.\n"
           "\n"
           "Environment (an empty variable counts as not set):\n",
           CONFIG_DEFAULT_PATH);
    for (size_t i = 0; i < schema_variable_count; i++)
        printf("  %-18s %s (default %s)\n", schema_variables[i].name, schema_variables[i].help,
               schema_variables[i].fallback);
    printf("\n"
           "Exit status: 0 done, 1 trouble while running, 2 a problem in the configuration.\n");
    return CLI_OK;
}
