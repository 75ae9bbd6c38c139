/* This file has the table of Portico's commands and that of their options. They are what a command
 * line is read by, and what `portico help` prints. A command is a row here and, if there is much to
 * it, a file of its own. All values point into the arguments. */
#include "cli/cli.h"
#include "config/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct command {
    const char *name;
    const char *word; /* what stands before FILE, for people; NULL: nothing */
    bool has_file;
    int (*run)(const struct cli_call *call); /* returns the exit status */
    const char *help;
};

enum option_kind { OPTION_FLAG, OPTION_NO_FLAG, OPTION_TEXT, OPTION_TEXTS, OPTION_FORMAT };

struct option {
    const char *name;      /* "--json" */
    const char *value;     /* what follows it, for people; NULL: nothing */
    const char *command;   /* whose it is; NULL: of every command that has a FILE */
    enum option_kind kind; /* OPTION_TEXTS come several times; of the others the last one counts */
    size_t offset;         /* in struct cli_call */
    const char *help;
};

static int cli_version(const struct cli_call *call)
{
    (void)call;
    printf("portico %s\n", PORTICO_VERSION);
    return CLI_OK;
}

/* What the environment alone says (ports, CERT_DIR) is no part of what is printed. */
static int cli_config(const struct cli_call *call)
{
    struct config *config = cli_load(call);
    if (config == NULL)
        return CLI_BAD_CONFIG;
    config_write(config, call->to ? call->to : config->format, !call->without_defaults, stdout);
    config_unref(config);
    return CLI_OK;
}

static const struct command commands[] = {
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

#define AT(member) offsetof(struct cli_call, member)
#define FORMATS    "toml|json|yaml"
#define NOBODY     "192.0.2.1" /* an address that belongs to nobody (RFC 5737) */

static const struct option options[] = {
    {"--format", FORMATS, NULL, OPTION_FORMAT, AT(format),
     "what FILE is written in, where its name does not say"},
    {"--strict", NULL, "check", OPTION_FLAG, AT(strict), "warnings are errors"},
    {"--offline", NULL, "check", OPTION_FLAG, AT(offline), "look no names up"},
    {"--json", NULL, "check", OPTION_FLAG, AT(json), "print JSON, for scripts"},
    {"--to", FORMATS, "config", OPTION_FORMAT, AT(to), "in another format"},
    {"--no-defaults", NULL, "config", OPTION_FLAG, AT(without_defaults),
     "without what would be so anyway"},
    {"--defaults", NULL, "config", OPTION_NO_FLAG, AT(without_defaults), "with it, as usual"},
    {"--method", "METHOD", "explain", OPTION_TEXT, AT(method), "another method than GET"},
    {"--from", "ADDRESS", "explain", OPTION_TEXT, AT(from), "the client's address"},
    {"--header", "'Name: value'", "explain", OPTION_TEXTS, AT(fields),
     "a field that it sends, as often as needed"},
    {"--json", NULL, "explain", OPTION_FLAG, AT(json), "print JSON, for scripts"},
    {"--reference", NULL, "help", OPTION_FLAG, AT(reference), "explain all topics, in Markdown"},
    {"--schema", NULL, "help", OPTION_FLAG, AT(schema), "the JSON Schema, for editors"},
    {.name = NULL},
};

/* ---- Help ---- */

#define COLUMN 30 /* where the explanations begin */

/* The options of a command; or, for NULL, those of every command that has a FILE. */
static void print_options(const char *command)
{
    for (const struct option *option = options; option->name; option++) {
        const char *whose = option->command;
        if (command == NULL ? whose != NULL : whose == NULL || strcmp(whose, command) != 0)
            continue;
        int at = printf("    %s %s", option->name, option->value ? option->value : "");
        printf("%*s%s\n", COLUMN - at, "", option->help);
    }
}

void cli_print_commands(void)
{
    for (const struct command *command = commands; command->name; command++) {
        int at = printf("  portico %s%s%s%s", command->name, command->word ? " " : "",
                        command->word ? command->word : "", command->has_file ? " [FILE]" : "");
        printf("%*s%s\n", COLUMN - at, "", command->help);
        print_options(command->name);
    }
    printf("  Every command with a FILE\n");
    print_options(NULL);
}

/* ---- Reading a command line ---- */

/* The option of the command that `argument` is, with or without "=value"; or NULL. */
static const struct option *find_option(const struct command *command, const char *argument)
{
    for (const struct option *option = options; option->name; option++) {
        size_t len = strlen(option->name);
        bool is_its =
            option->command ? strcmp(option->command, command->name) == 0 : command->has_file;
        if (is_its && strncmp(argument, option->name, len) == 0 &&
            (argument[len] == '\0' || (option->value && argument[len] == '=')))
            return option;
    }
    return NULL;
}

/* `value` is NULL for a flag. */
static int keep(const struct option *option, const char *value, struct cli_call *call)
{
    void *place = (char *)call + option->offset;
    const char **texts = place;
    size_t count = 0;
    char what[64];
    switch (option->kind) {
    case OPTION_FLAG:
    case OPTION_NO_FLAG:
        *(bool *)place = option->kind == OPTION_FLAG;
        return 0;
    case OPTION_FORMAT:
        *(const struct format **)place = format_named(value);
        snprintf(what, sizeof what, "%s takes toml, json or yaml", option->name);
        return format_named(value) ? 0 : cli_usage(what, value);
    case OPTION_TEXTS:
        while (texts[count])
            count++;
        if (count == CLI_FIELDS_MAX)
            return cli_usage("this option was given too often", option->name);
        break;
    case OPTION_TEXT:
        break;
    }
    texts[count] = value;
    return 0;
}

/* The option at *arguments, which moves behind its value. */
static int read_option(const struct command *command, char ***arguments, struct cli_call *call)
{
    const char *argument = *(*arguments)++, *value = NULL;
    const struct option *option = find_option(command, argument);
    if (option == NULL)
        return cli_usage("unknown option", argument);
    if (option->value && argument[strlen(option->name)] == '=')
        value = argument + strlen(option->name) + 1;
    else if (option->value && (value = *(*arguments)++) == NULL)
        return cli_usage("this option needs a value", argument);
    return keep(option, value, call);
}

/* What a command was called with. Options stand anywhere among the arguments, as "--to json" or
 * "--to=json". 0, or -1 when something is wrong, which was said. */
static int read_call(const struct command *command, char **arguments, struct cli_call *call)
{
    const char *path = getenv("CONFIG_PATH");
    *call = (struct cli_call){.method = "GET", .from = NOBODY};
    while (*arguments) {
        bool is_dash = strcmp(*arguments, "-") == 0;
        if (**arguments == '-' && !is_dash) {
            if (read_option(command, &arguments, call) < 0)
                return -1;
            continue;
        }
        if (command->word && call->word == NULL && !is_dash)
            call->word = *arguments++;
        else if (command->has_file && call->file == NULL)
            call->file = *arguments++;
        else
            return cli_usage("too many arguments", *arguments);
    }
    if (call->file == NULL)
        call->file = path && *path ? path : CONFIG_DEFAULT_PATH;
    return 0;
}

/* By its name, or as "--help", "-h" or "--version", as people try. */
static const struct command *find_command(const char *name)
{
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    else if (strcmp(name, "--version") == 0)
        name = "version";
    const struct command *command = commands;
    while (command->name && strcmp(command->name, name) != 0)
        command++;
    return command->name ? command : NULL;
}

int cli_main(char **arguments)
{
    struct cli_call call;
    const char *name = *arguments ? *arguments++ : "run";
    const struct command *command = find_command(name);
    if (command == NULL)
        cli_usage("unknown command", name);
    if (command == NULL || read_call(command, arguments, &call) < 0)
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
