/* Portico's command line: finds the command and hands over. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static int usage(const char *what, const char *word)
{
    fprintf(stderr, "portico: %s: %s\nTry `portico help`.\n", what, word);
    return CLI_BAD_USAGE;
}

/* A command whose output nobody got has not done what it was asked to. */
static int printed(int status)
{
    if (fclose(stdout) == 0)
        return status;
    perror("portico: standard output");
    return status == CLI_OK ? CLI_FAILED : status;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "run";
    bool is_run = strcmp(command, "run") == 0;

    if (is_run || strcmp(command, "reload") == 0) {
        struct cli_source source;
        if (cli_source_parse(argv + (argc > 1 ? 2 : 1), &source) < 0)
            return CLI_BAD_USAGE;
        return is_run ? cli_run(&source) : printed(cli_reload(&source));
    }
    if (strcmp(command, "check") == 0)
        return printed(cli_check(argv + 2));
    if (strcmp(command, "config") == 0)
        return printed(cli_config(argv + 2));
    if (strcmp(command, "explain") == 0)
        return printed(cli_explain(argv + 2));
    if (argc > 3)
        return usage("too many arguments", argv[3]);
    if (strcmp(command, "help") == 0 || strcmp(command, "--help") == 0 ||
        strcmp(command, "-h") == 0)
        return printed(cli_help(argc > 2 ? argv[2] : NULL));
    if (argc > 2)
        return usage("too many arguments", argv[2]);
    if (strcmp(command, "version") == 0 || strcmp(command, "--version") == 0)
        return printed(cli_version());
    return usage("unknown command", command);
}
