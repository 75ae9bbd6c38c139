/* This is the table of Portico's commands, and what they have in common. A command is a row here
 * and a file of its own; its options are rows in options.c. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

static int cli_version(const struct cli_call *call)
{
    (void)call;
    printf("portico %s\n", PORTICO_VERSION);
    return CLI_OK;
}

const struct cli_command cli_commands[] = {
    {"run", NULL, true, cli_run, "serve; the default command"},
    {"check", NULL, true, cli_check, "check the configuration and report every problem"},
    {"config", NULL, true, cli_config, "print the configuration in force"},
    {"explain", "URL", true, cli_explain, "say what would become of such a request"},
    {"reload", NULL, true, cli_reload, "have the process that serves it read it again"},
    {"version", NULL, false, cli_version, "print the version"},
    {"help", "[TOPIC]", false, cli_help,
     "print this; or explain a key, section, variable or problem"},
    {.name = NULL},
};

/* By its name, or as "--help", "-h" or "--version", as people try. */
static const struct cli_command *find(const char *name)
{
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    else if (strcmp(name, "--version") == 0)
        name = "version";
    const struct cli_command *command = cli_commands;
    while (command->name && strcmp(command->name, name) != 0)
        command++;
    return command->name ? command : NULL;
}

int cli_main(char **arguments)
{
    struct cli_call call;
    const char *name = *arguments ? *arguments++ : "run";
    const struct cli_command *command = find(name);
    if (command == NULL)
        cli_usage("unknown command", name);
    if (command == NULL || cli_options_read(command, arguments, &call) < 0)
        return CLI_BAD_USAGE;
    int status = command->run(&call);
    /* A command whose output nobody got has not done what it was asked to. */
    if (command->run == cli_run || fclose(stdout) == 0)
        return status;
    perror("portico: standard output");
    return status == CLI_OK ? CLI_FAILED : status;
}

struct config *cli_load(const struct cli_call *call)
{
    struct config_problems problems = {0};
    struct config *config = config_load(call->file, call->format, &problems);
    if (config == NULL)
        config_problems_print(&problems, stderr);
    config_problems_release(&problems);
    return config;
}

int cli_failed(const char *why)
{
    fprintf(stderr, "portico: %s\n", why);
    return CLI_FAILED;
}

int cli_usage(const char *what, const char *word)
{
    fprintf(stderr, "portico: %s: %s\nTry `portico help`.\n", what, word);
    return -1;
}
