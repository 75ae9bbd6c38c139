/* This is the table of the commands' options. The same rows serve for reading a command line and
 * for `portico help`. Values point into the arguments. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(struct cli_call, member)
#define FORMATS    "toml|json|yaml"
#define NOBODY     "192.0.2.1" /* an address that belongs to nobody (RFC 5737) */

const struct cli_option cli_options[] = {
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

/* The option of the command that `argument` is, with or without "=value"; or NULL. */
static const struct cli_option *find(const struct cli_command *command, const char *argument)
{
    for (const struct cli_option *option = cli_options; option->name; option++) {
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
static int keep(const struct cli_option *option, const char *value, struct cli_call *call)
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
static int read_option(const struct cli_command *command, char ***arguments, struct cli_call *call)
{
    const char *argument = *(*arguments)++, *value = NULL;
    const struct cli_option *option = find(command, argument);
    if (option == NULL)
        return cli_usage("unknown option", argument);
    if (option->value && argument[strlen(option->name)] == '=')
        value = argument + strlen(option->name) + 1;
    else if (option->value && (value = *(*arguments)++) == NULL)
        return cli_usage("this option needs a value", argument);
    return keep(option, value, call);
}

int cli_options_read(const struct cli_command *command, char **arguments, struct cli_call *call)
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
